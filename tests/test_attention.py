"""Attention computes what PyTorch's does, sees only what it may, and gives the same with and without a cache.

Proves: one row worked out by hand; equal to F.scaled_dot_product_attention and, with copied weights, to
nn.MultiheadAttention, each with and without masks; a change at position t leaves everything before t alone; a cache fed
in any pieces gives what one pass gives.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rlhf_lite.attention import (
    MultiHeadAttention,
    causal_mask,
    scaled_dot_product_attention,
)

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def copy_into_torch(ours):
    """Lay our weights out as PyTorch's: query, key and value in one matrix."""
    theirs = nn.MultiheadAttention(ours.query.in_features, ours.n_heads, batch_first=True).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    return theirs


def test_causal_mask_by_hand():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(2, 3).tolist() == [[True, True, False], [True, True, True]]
    assert causal_mask(1, 4).tolist() == [[True] * 4]


def test_causal_mask_refuses_fewer_keys_than_queries():
    with pytest.raises(ValueError, match="3 queries but only 2 keys"):
        causal_mask(3, 2)


def test_attention_by_hand():
    query = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
    key = torch.tensor([[math.log(3), 5.0, 0.0, 0.0], [0.0, 0.0, 7.0, 0.0]])
    value = torch.tensor([[4.0], [8.0]])
    # scores 2 log 3 / sqrt(4) = log 3 and 0; weights 3/4 and 1/4; output 3/4 * 4 + 1/4 * 8 = 5
    output, weights = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.25]]))
    torch.testing.assert_close(output, torch.tensor([[5.0]]))
    output, weights = scaled_dot_product_attention(query, key, value, torch.tensor([[False, True]]))
    assert weights.tolist() == [[0.0, 1.0]]
    assert output.tolist() == [[8.0]]


@pytest.mark.parametrize("kind", ["no mask", "causal", "random"])
def test_attention_equals_torch(kind):
    query, key, value = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 6, 5), torch.randn(2, 3, 6, 5)
    mask = {"no mask": None, "causal": causal_mask(4, 6), "random": torch.rand(2, 1, 4, 6) < 0.6}[kind]
    if kind == "random":
        mask[..., 0] = True  # every query sees something
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    torch.testing.assert_close(output, F.scaled_dot_product_attention(query, key, value, attn_mask=mask), **CLOSE)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 4))
    if mask is not None:
        assert (weights[~mask.expand_as(weights)] == 0).all()


@pytest.mark.parametrize("to_memory", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_many_heads_equal_torch(to_memory, masked):
    ours = MultiHeadAttention(12, 3).eval()
    x, memory = torch.randn(2, 4, 12), torch.randn(2, 6, 12) if to_memory else None
    source = x if memory is None else memory
    real = torch.ones(2, source.shape[1], dtype=torch.bool)
    real[1, -2:] = False
    theirs, their_weights = copy_into_torch(ours)(
        x, source, source, key_padding_mask=~real if masked else None, average_attn_weights=False
    )
    mask = real[:, None, None] if masked else None
    torch.testing.assert_close(ours(x, memory, mask=mask), theirs, **CLOSE)
    torch.testing.assert_close(ours.weights(x, memory, mask), their_weights, **CLOSE)


def test_is_causal_equals_the_causal_mask():
    attention, x = MultiHeadAttention(8, 2), torch.randn(2, 5, 8)
    torch.testing.assert_close(attention(x, is_causal=True), attention(x, mask=causal_mask(5)), **CLOSE)
    theirs, _ = copy_into_torch(attention)(x, x, x, attn_mask=~causal_mask(5))
    torch.testing.assert_close(attention(x, is_causal=True), theirs, **CLOSE)


def test_changing_a_position_never_changes_what_comes_before():
    attention, x = MultiHeadAttention(8, 2), torch.randn(1, 6, 8)
    before = attention(x, is_causal=True)
    for t in range(6):
        changed = x.clone()
        changed[:, t] += 1.0
        after = attention(changed, is_causal=True)
        assert torch.equal(after[:, :t], before[:, :t])
        assert not torch.isclose(after[:, t:], before[:, t:]).all(-1).any()  # and all that come after do look at it


def test_dropout_acts_in_training_only():
    attention, x = MultiHeadAttention(8, 2, dropout=0.5), torch.randn(1, 4, 8)
    assert not torch.equal(attention(x), attention(x))
    attention.eval()
    assert torch.equal(attention(x), attention(x))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="d_model 10 cannot be split over 4 heads"):
        MultiHeadAttention(10, 4)
