"""BERT looks both ways, hides tokens by the 80/10/10 rule, and learns to fill them in.

Proves: a token changes the logits on both sides of it; padding on either side changes nothing, NaN included; the shares
of chosen, blanked, replaced and kept tokens; the loss by hand, with nothing shifted; blanks filled after over-fitting.
"""

import math

import pytest
import torch

from rlhf_lite.bert import Bert, BertConfig, fill_in, mask_tokens, masked_language_model_loss
from rlhf_lite.data import lengths_to_mask, pad_left, pad_right
from rlhf_lite.optim import OptimConfig, build_optimizer, optimizer_step

PAD, BLANK = 0, 1
ROWS = [[3, 1, 4, 1, 5], [9, 2], [6], [PAD, 7, PAD, 8, 9, 7, 9]]  # one word, and one with the pad id inside
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def make(**changes):
    sizes = {"vocab_size": 12, "context_length": 10, "d_model": 16, "n_layers": 2, "n_heads": 2}
    return Bert(BertConfig(**(sizes | changes))).eval()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_token_changes_the_logits_on_both_sides():
    model, tokens = make(), torch.tensor([[3, 4, 5, 6, 7]])
    logits = model(tokens)
    for t in range(5):
        changed = tokens.clone()
        changed[0, t] = 9
        assert not torch.isclose(model(changed), logits, atol=1e-6).all(-1).any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_nothing(side):
    model, (tokens, real) = make(), pad_left(ROWS, PAD)
    if side == "right":
        tokens, lengths = pad_right(ROWS, PAD)
        real = lengths_to_mask(lengths, 7)
    logits = model(tokens, padding_mask=real)
    for row, ids in enumerate(ROWS):
        torch.testing.assert_close(logits[row][real[row]], model(torch.tensor([ids]))[0], **CLOSE)


def test_nan_in_padding_does_not_leak():
    model = make()
    alone = model.hidden(torch.tensor([[9, 2]]))
    with torch.no_grad():
        model.token_embedding.weight[11] = float("nan")
    hidden = model.hidden(torch.tensor([[9, 2, 11, 11]]), padding_mask=torch.tensor([[True, True, False, False]]))
    torch.testing.assert_close(hidden[:, :2], alone, **CLOSE)


def test_each_row_has_its_share_chosen_and_at_least_one():
    tokens, maskable = torch.full((3, 40), 5), torch.ones(3, 40, dtype=torch.bool)
    maskable[1, 20:], maskable[2, 2:] = False, False
    inputs, loss_mask = mask_tokens(tokens, maskable, BLANK, 12, seeded())
    assert loss_mask.sum(1).tolist() == [6, 3, 1]  # 15 % of 40, of 20, and of 2
    assert not (loss_mask & ~maskable).any()
    assert torch.equal(inputs[~loss_mask], tokens[~loss_mask])
    _, loss_mask = mask_tokens(tokens, maskable, BLANK, 12, seeded(), share=0.5)
    assert loss_mask.sum(1).tolist() == [20, 10, 1]


def test_every_maskable_position_is_chosen_equally_often():
    tokens = torch.full((20_000, 10), 5)
    maskable = torch.arange(10).expand(20_000, 10) >= 2
    _, loss_mask = mask_tokens(tokens, maskable, BLANK, 12, seeded())
    shares = loss_mask.float().mean(0)
    torch.testing.assert_close(shares, torch.tensor([0.0] * 2 + [1 / 8] * 8), atol=0.01, rtol=0)


def test_eighty_ten_ten():
    tokens, vocab_size = torch.full((2000, 100), 5), 12
    inputs, loss_mask = mask_tokens(tokens, torch.ones_like(tokens, dtype=torch.bool), BLANK, vocab_size, seeded())
    chosen = inputs[loss_mask]
    share = torch.bincount(chosen, minlength=vocab_size) / len(chosen)
    expected = torch.full((vocab_size,), 0.1 / vocab_size)  # random tokens, the blank and 5 itself among them
    expected[BLANK] += 0.8
    expected[5] += 0.1
    torch.testing.assert_close(share, expected, atol=0.01, rtol=0)
    torch.testing.assert_close(share[2], torch.tensor(0.1 / vocab_size), atol=0.002, rtol=0)


def test_hiding_follows_its_generator_and_leaves_the_tokens_alone():
    tokens, maskable = torch.randint(2, 12, (4, 30)), torch.ones(4, 30, dtype=torch.bool)
    before = tokens.clone()
    first, again, other = (mask_tokens(tokens, maskable, BLANK, 12, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(tokens, before)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_loss_by_hand():
    # position 0 gives its token 3/4, position 2 gives 1/2; position 1 is not asked: (log 4/3 + log 2) / 2
    logits = torch.tensor([[[math.log(3), 0.0], [float("nan"), 0.0], [0.0, 0.0]]])
    loss = masked_language_model_loss(logits, torch.tensor([[0, 1, 1]]), torch.tensor([[True, False, True]]))
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_blanks_are_filled_after_learning_eight_sentences():
    tokens, config = torch.randint(2, 12, (8, 7), generator=seeded(1)), OptimConfig(learning_rate=5e-3, weight_decay=0.0)
    model, generator, everything = make(d_model=32).train(), seeded(2), torch.ones(8, 7, dtype=torch.bool)
    optimizer = build_optimizer(model, config)
    for step in range(300):
        inputs, loss_mask = mask_tokens(tokens, everything, BLANK, 12, generator, share=0.3)
        loss = masked_language_model_loss(model(inputs), tokens, loss_mask)
        optimizer_step(optimizer, {"loss": loss}, step, 300, config)
    for position in range(7):
        blank_mask = torch.zeros(8, 7, dtype=torch.bool)
        blank_mask[:, position] = True
        filled = fill_in(model, tokens.masked_fill(blank_mask, BLANK), blank_mask)
        assert torch.equal(filled, tokens), f"position {position}"
    assert model.training


def test_fill_in_touches_nothing_but_the_blanks():
    model, tokens = make(), torch.tensor([[3, BLANK, 5, BLANK, 7]])
    blank_mask = torch.tensor([[False, True, False, False, False]])
    filled = fill_in(model, tokens, blank_mask)
    assert filled[0, [0, 2, 3, 4]].tolist() == [3, 5, BLANK, 7]
    assert filled[0, 1] == model(tokens)[0, 1].argmax()


def test_dropout_acts_in_training_only():
    model, tokens = make(dropout=0.5), torch.tensor([[3, 4, 5]])
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.equal(model(tokens), model(tokens))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 15}, "d_model 15 cannot be split over 2 heads"),
        ({"vocab_size": 0}, "vocab_size is 0, expected at least 1"),
        ({"dropout": -0.1}, "dropout is -0.1, expected 0 <= dropout < 1"),
    ],
)
def test_config_messages(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_messages():
    model, tokens = make(), torch.tensor([[3, 4], [5, 6]])
    real = torch.ones(2, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="11 tokens do not fit into context_length 10"):
        model(torch.ones(1, 11, dtype=torch.long))
    with pytest.raises(ValueError, match=r"padding_mask has shape \(2, 1\), expected that of tokens, \(2, 2\)"):
        model(tokens, padding_mask=real[:, :1])
    with pytest.raises(ValueError, match=r"padding_mask keeps nothing in rows \[1\]"):
        model(tokens, padding_mask=torch.tensor([[True, True], [False, False]]))
    with pytest.raises(TypeError, match=r"maskable has dtype torch\.int64"):
        mask_tokens(tokens, tokens, BLANK, 12, seeded())
    with pytest.raises(ValueError, match=r"maskable keeps nothing in rows \[0, 1\]"):
        mask_tokens(tokens, ~real, BLANK, 12, seeded())
    with pytest.raises(ValueError, match="share is 0, expected 0 < share <= 1"):
        mask_tokens(tokens, real, BLANK, 12, seeded(), share=0)
    with pytest.raises(ValueError, match="mask_id is 12, expected one of the 12 ids"):
        mask_tokens(tokens, real, 12, 12, seeded())
    with pytest.raises(ValueError, match=r"logits of shape \(2, 3, 12\) do not belong"):
        masked_language_model_loss(torch.zeros(2, 3, 12), tokens, real)
    with pytest.raises(ValueError, match="mask that keeps nothing"):
        masked_language_model_loss(torch.zeros(2, 2, 12), tokens, ~real)
    with pytest.raises(ValueError, match=r"blank_mask has shape \(2, 1\)"):
        fill_in(model, tokens, real[:, :1])
