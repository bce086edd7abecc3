"""GPT computes what GPT-2 computes, never looks ahead, and gives the same numbers with padding and dropout off.

Proves: logits equal those of `transformers` on the same random weights; n_parameters counts every parameter; a change at
position t leaves everything before t alone; padding on either side changes nothing, NaN in left padding included.
"""

import pytest
import torch
from torch import nn
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

from rlhf_lite.data import pad_right
from rlhf_lite.gpt import GPT, GPT2, NANO, SMALL, TINY, GPTConfig, ScalarModel, copy_gpt, copy_scalar, eval_mode

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
CONFIGS = [*(GPTConfig(context_length=24, **shape) for shape in SHAPES), NANO, TINY, SMALL, GPT2]


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


def test_dropout_acts_in_training_only(make_gpt):
    model, plain = make_gpt(dropout=0.5), make_gpt()
    tokens = torch.randint(11, (2, 8))
    assert torch.equal(model(tokens), plain(tokens))
    model.train()
    assert not torch.allclose(model(tokens), model(tokens))


def test_evaluation_mode_ends_with_the_block_even_after_an_error(make_gpt):
    model, other = make_gpt(dropout=0.5).train(), make_gpt()
    with pytest.raises(KeyError), eval_mode(model, other):
        assert not model.training
        raise KeyError
    assert model.training and not other.training


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


def test_a_value_model_starts_as_its_reward_model_bias_included(make_scalar_model):
    model = make_scalar_model().train()
    with torch.no_grad():
        model.scalar_head.bias.fill_(0.7)
    copy, tokens = copy_scalar(model), torch.randint(11, (2, 5))
    assert copy.scalar_head.bias.item() == pytest.approx(0.7) and copy.training
    assert torch.equal(copy.eval()(tokens), model.eval()(tokens))


def test_with_lengths_padding_counts_for_nothing(make_scalar_model):
    model, tokens = make_scalar_model(), torch.randint(11, (2, 5))
    values, masked = model(tokens), model(tokens, torch.tensor([5, 2]))
    assert torch.equal(masked[0], values[0]) and torch.equal(masked[1, :2], values[1, :2]) and not masked[1, 2:].any()
