"""GPT computes what GPT-2 computes, never looks ahead, and gives the same numbers with padding, caches and dropout off.

Proves: logits equal those of `transformers` on the same random weights; n_parameters counts every parameter; a change at
position t leaves everything before t alone; padding on either side changes nothing, NaN in left padding included.
"""

import pytest
import torch
from torch import nn
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

from rlhf_lite.data import pad_left, pad_right
from rlhf_lite.gpt import GPT, GPT2, MODEL_PRESETS, GPTConfig, ScalarModel, copy_gpt

PAD = 0
PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3], [PAD, 7, PAD, 8, 9, 7, 9]]  # one with the pad id inside


def copy_into_transformers(model):
    """Lay our weights out as GPT-2's: its Conv1D stores matrices transposed, and query, key, value in one."""
    config = model.config
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size, n_positions=config.context_length, n_embd=config.d_model, n_layer=config.n_layers,
            n_head=config.n_heads, n_inner=config.d_ff, attn_implementation="eager",
        )
    ).eval()  # fmt: skip
    body = theirs.transformer
    pairs = [(body.wte.weight, model.token_embedding.weight), (body.wpe.weight, model.position_embedding.weight)]
    pairs += [(body.ln_f.weight, model.final_norm.weight), (body.ln_f.bias, model.final_norm.bias)]
    for block, ours in zip(body.h, model.blocks, strict=True):
        look, think = ours.attention, ours.feed_forward
        pairs += [
            (block.ln_1.weight, ours.attention_norm.weight), (block.ln_1.bias, ours.attention_norm.bias),
            (block.ln_2.weight, ours.feed_forward_norm.weight), (block.ln_2.bias, ours.feed_forward_norm.bias),
            (block.attn.c_attn.weight, torch.cat([look.query.weight, look.key_value.weight]).T),
            (block.attn.c_attn.bias, torch.cat([look.query.bias, look.key_value.bias])),
            (block.attn.c_proj.weight, look.output.weight.T), (block.attn.c_proj.bias, look.output.bias),
            (block.mlp.c_fc.weight, think.widen.weight.T), (block.mlp.c_fc.bias, think.widen.bias),
            (block.mlp.c_proj.weight, think.narrow.weight.T), (block.mlp.c_proj.bias, think.narrow.bias),
        ]  # fmt: skip
    with torch.no_grad():
        for target, source in pairs:
            target.copy_(source)
    return theirs


SHAPES = [
    {"vocab_size": 11, "d_model": 16, "n_layers": 2, "n_heads": 2},
    {"vocab_size": 37, "d_model": 24, "n_layers": 3, "n_heads": 4, "d_ff": 40},
]
CONFIGS = [*(GPTConfig(context_length=24, **shape) for shape in SHAPES), *MODEL_PRESETS.values()]


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_equal_those_of_transformers(make_gpt, shape):
    model = make_gpt(**shape)
    tokens = torch.randint(model.config.vocab_size, (3, 13))
    with torch.no_grad():
        ours, theirs = model(tokens), copy_into_transformers(model)(tokens).logits
    assert ours.std() > 0.5
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("config", CONFIGS)
def test_n_parameters_counts_every_parameter(config):
    with torch.device("meta"):
        assert config.n_parameters == sum(p.numel() for p in GPT(config).parameters())


def test_gpt2_has_the_size_it_is_known_for():
    assert GPT2.n_parameters == 124_439_808


@pytest.mark.parametrize("t", [0, 1, 5, 9])
def test_changing_a_token_changes_nothing_before_it(make_gpt, t):
    model = make_gpt()
    tokens = torch.randint(11, (2, 10))
    changed = tokens.clone()
    changed[:, t] = (changed[:, t] + 1) % 11
    before, after = model(tokens), model(changed)
    assert torch.equal(before[:, :t], after[:, :t])
    assert ((before[:, t:] - after[:, t:]).abs().amax(-1) > 1e-4).all()  # and everything from it on does change


def hidden_alone(model, prompt):
    return model.hidden(torch.tensor([prompt]))[0]


@pytest.mark.parametrize("pad_id", [0, 5])
def test_padding_on_the_right_changes_nothing(make_gpt, pad_id):
    model = make_gpt()
    tokens, lengths = pad_right(PROMPTS, pad_id)
    hidden = model.hidden(tokens)
    for row, prompt in enumerate(PROMPTS):
        torch.testing.assert_close(hidden[row, : lengths[row]], hidden_alone(model, prompt), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pad_id", [0, 5])
@pytest.mark.parametrize("extra", [0, 30])  # 30: the row is longer than the context, its real tokens are not
def test_padding_on_the_left_changes_nothing(make_gpt, pad_id, extra):
    model = make_gpt()
    tokens, real = pad_left(PROMPTS, pad_id)
    tokens = torch.cat([torch.full((len(tokens), extra), pad_id), tokens], dim=1)
    real = torch.cat([torch.zeros(len(real), extra, dtype=torch.bool), real], dim=1)
    hidden = model.hidden(tokens, padding_mask=real)
    for row, prompt in enumerate(PROMPTS):
        torch.testing.assert_close(hidden[row, -len(prompt) :], hidden_alone(model, prompt), atol=1e-5, rtol=1e-5)


def test_rows_of_like_length_together_give_the_same_values_and_gradients(make_gpt):
    model, lengths = make_gpt(), torch.randint(1, 21, (37,), generator=torch.Generator().manual_seed(1))
    tokens = torch.randint(0, 11, (37, 20), generator=torch.Generator().manual_seed(2))
    real = torch.arange(20) < lengths[:, None]
    found = []
    for hidden in (model.hidden(tokens), model.hidden_by_length(tokens, lengths)):
        model.zero_grad()
        (hidden[real] ** 3).sum().backward()
        found.append([hidden[real], *(parameter.grad.clone() for parameter in model.parameters())])
    for whole, grouped in zip(*found, strict=True):
        torch.testing.assert_close(grouped, whole, atol=1e-4, rtol=1e-4)


def test_rows_of_like_length_together_compute_little_padding(make_gpt, monkeypatch):
    model, computed = make_gpt(), []
    monkeypatch.setattr(model, "hidden", lambda tokens: computed.append(tokens.numel()) or torch.zeros(*tokens.shape, 16))
    lengths = torch.tensor([20, 5] * 16)
    assert model.hidden_by_length(torch.zeros(32, 20, dtype=torch.long), lengths).shape == (32, 20, 16)
    assert sum(computed) == lengths.sum()  # none at all here: each group holds one length


def test_nan_in_left_padding_does_not_leak(make_gpt):
    model = make_gpt()
    prompts = [[3, 1, 4, 1, 5], [9, 2]]
    alone = [hidden_alone(model, prompt) for prompt in prompts]
    with torch.no_grad():
        model.token_embedding.weight[PAD] = float("nan")
    tokens, real = pad_left(prompts, PAD)
    caches = model.new_caches()
    hidden = model.hidden(tokens, padding_mask=real, caches=caches)
    for row, prompt in enumerate(prompts):
        torch.testing.assert_close(hidden[row, -len(prompt) :], alone[row], atol=1e-5, rtol=1e-5)
    more = model.hidden(torch.tensor([[6], [6]]), padding_mask=torch.cat([real, real.new_ones(2, 1)], 1), caches=caches)
    torch.testing.assert_close(more[1, 0], hidden_alone(model, [9, 2, 6])[-1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cuts", [[1] * 7, [3, 1, 3], [5, 2]])
@pytest.mark.parametrize("padded", [False, True])
def test_caches_give_what_one_pass_gives(make_gpt, cuts, padded):
    model = make_gpt()
    tokens, real = pad_left([PROMPTS[0] + [2, 2], PROMPTS[1] + [2], PROMPTS[3]], PAD)
    whole = model(tokens, padding_mask=real if padded else None)
    caches, parts, end = model.new_caches(), [], 0
    for size in cuts:
        start, end = end, end + size
        parts.append(model(tokens[:, start:end], padding_mask=real[:, :end] if padded else None, caches=caches))
    ours = torch.cat(parts, 1)
    kept = real if padded else torch.ones_like(real)
    torch.testing.assert_close(ours[kept], whole[kept], atol=1e-5, rtol=1e-5)
    assert caches[0].length == 7


def test_dropout_acts_in_training_only(make_gpt):
    model, plain = make_gpt(dropout=0.5), make_gpt()
    tokens = torch.randint(11, (2, 8))
    assert torch.equal(model(tokens), plain(tokens))
    model.train()
    assert not torch.allclose(model(tokens), model(tokens))


def test_copy_is_equal_and_independent(make_gpt):
    model, tokens = make_gpt(dropout=0.5), torch.randint(11, (2, 8))
    twin = copy_gpt(model, dropout=0.0)
    assert twin.config.dropout == 0 and copy_gpt(model).config == model.config
    assert torch.equal(twin(tokens), model(tokens))  # a copy without dropout needs no eval()
    with torch.no_grad():
        twin.token_embedding.weight += 1
    assert not torch.equal(twin(tokens), model(tokens))


def test_scalar_model_starts_small_and_reads_every_position(make_gpt):
    model = ScalarModel(make_gpt(d_model=256, n_heads=4, n_layers=1))
    assert model.scalar_head.weight.std().item() == pytest.approx(257**-0.5, abs=1e-2)
    assert model.scalar_head.bias.item() == 0
    tokens = torch.randint(11, (3, 7))
    expected = model.backbone.hidden(tokens) @ model.scalar_head.weight[0]
    assert model(tokens).shape == (3, 7)
    torch.testing.assert_close(model(tokens), expected, atol=1e-5, rtol=1e-4)


def test_output_layer_is_tied_to_the_embedding(make_gpt):
    model = make_gpt()
    assert not any(isinstance(m, nn.Linear) and m.out_features == 11 for m in model.modules())
    hidden = torch.randn(2, 16)
    torch.testing.assert_close(model.head(hidden), hidden @ model.token_embedding.weight.T)


def test_over_fits_one_sequence():
    model = GPT(GPTConfig(vocab_size=11, context_length=16, d_model=32, n_layers=2, n_heads=2))
    tokens, optimizer = torch.randint(11, (2, 16)), torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3  # ln 11 = 2.4 at the start; the two first tokens differ or the rest is shared


def test_messages(make_gpt):
    for field, value in [("n_layers", 0), ("vocab_size", -1), ("context_length", 0)]:
        with pytest.raises(ValueError, match=f"{field} is {value}, expected at least 1"):
            GPTConfig(**{field: value})
    with pytest.raises(ValueError, match="d_model 100 cannot be split over 8 heads"):
        GPTConfig(d_model=100, n_heads=8)
    with pytest.raises(ValueError, match=r"dropout is 1.0, expected 0 <= dropout < 1"):
        GPTConfig(dropout=1.0)
    model = make_gpt()
    with pytest.raises(ValueError, match="25 tokens do not fit into context_length 24"):
        model(torch.zeros(1, 25, dtype=torch.long))
    with pytest.raises(ValueError, match=r"padding_mask has shape \(1, 3\), expected \(1, 4\)"):
        model(torch.zeros(1, 4, dtype=torch.long), padding_mask=torch.ones(1, 3, dtype=torch.bool))
