"""Attention computes what PyTorch's does, sees only what it may, and gives the same with and without a cache.

Proves: one row worked out by hand; equal to F.scaled_dot_product_attention and, with copied weights, to
nn.MultiheadAttention, each with and without masks; a change at position t leaves everything before t alone; a cache fed
in any pieces gives what one pass gives.
"""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rlhf_lite.attention import (
    ROOM,
    KeyValueCache,
    MultiHeadAttention,
    attention_by_products,
    causal_mask,
    fused_attention,
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


def trained(attention, inputs, change):
    """What attention gives, and its gradients, one after the other."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    found = attention(*inputs)
    return [found, *torch.autograd.grad(found, inputs, change.to(found.dtype))]


@pytest.mark.parametrize("autocast", [False, True])
def test_long_texts_in_bfloat16_are_trained_on_cpus_with_the_precision_of_float32(autocast):
    half, change = [torch.randn(2, 3, 33, 4).bfloat16() for _ in range(3)], torch.randn(2, 3, 33, 4).bfloat16()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        ours = trained(partial(fused_attention, is_causal=True), half, change)
    theirs = trained(partial(F.scaled_dot_product_attention, is_causal=True), [x.float() for x in half], change)
    assert all(x.dtype == torch.bfloat16 and torch.equal(x, y.bfloat16()) for x, y in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("how", [{"dropout_p": 0.5}, {"is_causal": False}, {"attn_mask": torch.eye(7).bool()}], ids=str)
def test_short_ones_too_where_not_every_position_looks_at_all_before_it(how):
    half, change = [torch.randn(2, 3, 7, 4).bfloat16() for _ in range(3)], torch.randn(2, 3, 7, 4).bfloat16()
    how = {"is_causal": "attn_mask" not in how} | how
    torch.manual_seed(0)
    ours = trained(partial(fused_attention, **how), half, change)
    torch.manual_seed(0)
    theirs = trained(partial(F.scaled_dot_product_attention, **how), [x.float() for x in half], change)
    assert all(torch.equal(x, y.bfloat16()) for x, y in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 32, 4), (5, 1, 8), (2, 3, 17, 16)], ids=str)
def test_short_texts_in_bfloat16_are_as_near_to_the_truth_as_pytorchs_bfloat16(shape, autocast):
    half, change = [torch.randn(shape).bfloat16() for _ in range(3)], torch.randn(shape).bfloat16()
    causal = partial(F.scaled_dot_product_attention, is_causal=True)
    truth = trained(causal, [x.double() for x in half], change)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        ours = trained(partial(fused_attention, is_causal=True), half, change)
    for exact, x, y in zip(truth, ours, trained(causal, half, change), strict=True):
        assert x.dtype == torch.bfloat16 and (x - exact).norm() <= 2 * (y - exact).norm() + 1e-3 * exact.norm()


def test_two_plain_products_are_causal_attention():
    inputs, change = [torch.randn(2, 3, 9, 4, dtype=torch.float64) for _ in range(3)], torch.randn(2, 3, 9, 4)
    by_hand = trained(lambda q, k, v: scaled_dot_product_attention(q, k, v, causal_mask(9))[0], inputs, change)
    torch.testing.assert_close(trained(attention_by_products, inputs, change), by_hand)


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


@pytest.mark.parametrize("cuts", [[1] * 6, [4, 1, 1], [2, 3, 1]])
def test_cache_gives_what_one_pass_gives(cuts):
    attention, x = MultiHeadAttention(8, 2), torch.randn(2, 6, 8)
    whole, cache, parts = attention(x, is_causal=True), KeyValueCache(), []
    for piece in x.split(cuts, dim=1):
        mask = causal_mask(piece.shape[1], cache.length + piece.shape[1])
        parts.append(attention(piece, mask=mask, cache=cache))
    assert cache.length == 6
    torch.testing.assert_close(torch.cat(parts, 1), whole, **CLOSE)


@pytest.mark.parametrize(
    ("gaps", "fillers", "rows"),
    [([], [], [0, 1, 2, 3]), ([], [], [0, 1]), ([1], [3], [0, 3, 2]), ([0, 1], [3, 2], [3, 2]), ([0], [3], [3])],
)
def test_cache_goes_on_with_the_rows_that_are_kept(gaps, fillers, rows):
    attention, x, cache = MultiHeadAttention(8, 2), torch.randn(4, 5, 8), KeyValueCache()
    gaps, fillers = (torch.tensor(each, dtype=torch.long) for each in (gaps, fillers))
    with torch.no_grad():
        attention(x[:, :4], is_causal=True, cache=cache)
        cache.keep_rows(len(rows), gaps, fillers)
        last = attention(x[rows, 4:], cache=cache)
        torch.testing.assert_close(last, attention(x, is_causal=True)[rows, 4:], **CLOSE)


def test_cache_with_room_writes_in_place_and_finds_more_room():
    cache, k = KeyValueCache(), torch.randn(1, 2, ROOM + 2, 4)
    with torch.no_grad():
        cache.append(k[:, :, :2], k[:, :, :2])
        buffer = cache.keys
        cache.append(k[:, :, 2:ROOM], k[:, :, 2:ROOM])
        assert cache.keys is buffer  # nothing was copied
        keys, values = cache.append(k[:, :, ROOM:], k[:, :, ROOM:])
    assert torch.equal(keys, k) and torch.equal(values, k) and cache.length == ROOM + 2
    assert cache.keys.shape[2] == 2 * ROOM


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("length", [1, ROOM - 1, ROOM, ROOM + 5])
def test_looking_back_is_attention_to_what_is_taken(masked, length):
    cache, (k, v), query = KeyValueCache(), torch.randn(2, 3, 2, length, 4), torch.randn(3, 2, 1, 4)
    cache.append(k, v)
    mask = torch.rand(3, 1, 1, length) > 0.4 if masked else None
    if masked:
        mask[..., -1] = True  # each sees itself
    torch.testing.assert_close(cache.look_back(query, mask), F.scaled_dot_product_attention(query, k, v, attn_mask=mask))


def test_dropout_acts_in_training_only():
    attention, x = MultiHeadAttention(8, 2, dropout=0.5), torch.randn(1, 4, 8)
    assert not torch.equal(attention(x), attention(x))
    attention.eval()
    assert torch.equal(attention(x), attention(x))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="d_model 10 cannot be split over 4 heads"):
        MultiHeadAttention(10, 4)
