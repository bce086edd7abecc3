"""The fast attention is attention by hand, and one pass gives the same bits whether gradients are kept or not.

The second is what the ratio of PPO stands on: log-probs of a rollout are computed without gradients, those of its update with.
"""

import pytest
import torch

from rlhf_lite.attention import causal_mask, scaled_dot_product_attention
from rlhf_lite.kernels.fused_attention import fused_attention

CASES = {"causal": {"is_causal": True}, "all": {}, "masked": {"mask": torch.eye(7).bool() | (torch.arange(7) < 3)}}


@pytest.mark.parametrize("how", CASES.values(), ids=CASES)
def test_it_is_attention_by_hand_and_so_are_its_gradients(how):
    inputs, found = [torch.randn(2, 3, 7, 4, dtype=torch.float64) for _ in range(3)], []
    mask = causal_mask(7) if how.get("is_causal") else how.get("mask")
    for attend in (lambda *qkv: fused_attention(*(x.float() for x in qkv), **how),
                   lambda *qkv: scaled_dot_product_attention(*qkv, mask)[0].float()):  # fmt: skip
        leaves = [x.clone().requires_grad_() for x in inputs]
        out = attend(*leaves)
        found.append([out, *torch.autograd.grad((out**2).sum(), leaves)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 33])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_gradients_choose_no_other_kernel(length, dtype, autocast):
    inputs = [torch.randn(2, 3, length, 16).to(dtype) for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        with torch.no_grad():
            without = fused_attention(*inputs, is_causal=True)
        kept = fused_attention(*(x.clone().requires_grad_() for x in inputs), is_causal=True)
    assert kept.requires_grad and without.dtype == kept.dtype
    assert torch.equal(kept, without)


def test_bfloat16_is_as_exact_as_float32_but_for_the_last_rounding():
    half = [torch.randn(2, 3, 33, 4).bfloat16() for _ in range(3)]
    exact = fused_attention(*(x.float() for x in half), is_causal=True)
    assert torch.equal(fused_attention(*half, is_causal=True), exact.bfloat16())


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("length", [1, 31, 37])
def test_one_query_attends_to_a_cache(masked, length):
    query, buffer = torch.randn(3, 2, 1, 4), torch.randn(2, 3, 2, 64, 4)
    key, value = buffer[:, :, :, :length]
    mask = torch.rand(3, 1, 1, length) > 0.4 if masked else None
    if masked:
        mask[..., -1] = True  # each attends to itself
    by_hand = scaled_dot_product_attention(query, key, value, mask)[0]
    torch.testing.assert_close(fused_attention(query, key, value, mask=mask), by_hand)


def test_dropout_drops():
    inputs = [torch.randn(2, 3, 7, 4) for _ in range(3)]
    assert not torch.equal(fused_attention(*inputs, dropout=0.5), fused_attention(*inputs, dropout=0.5))
