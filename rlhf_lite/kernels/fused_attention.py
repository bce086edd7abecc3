"""Attention by the fastest kernel that there is; which one depends on device, number type and shape alone.

It never depends on whether gradients are kept: the log-probs of a rollout and those of its update must come from one kernel.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, is_causal: bool = False, dropout: float = 0.0
) -> Tensor:
    """Return what `attention.scaled_dot_product_attention` returns, its weights never held at once.

    Shapes: query (..., T, D), key (..., S, D), value (..., S, D), mask (..., T, S) with True = may attend -> (..., T, D).
    """
    how = {"attn_mask": mask, "is_causal": is_causal, "dropout_p": dropout}
    if query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value, **how)
    if query.shape[-2] == 1 and not dropout:
        return _one_query(query, key, value, mask)
    with torch.autocast("cpu", enabled=False):  # bfloat16's backward pass takes 2 to 4 times as long as float32's on CPUs
        return F.scaled_dot_product_attention(query.float(), key.float(), value.float(), **how).to(query.dtype)


def _one_query(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    # sampling: the keys lie in a cache with free room behind them, where PyTorch's kernel takes about twice as long
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)  # (..., 1, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ value
