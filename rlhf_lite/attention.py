"""Attention with many heads, and by hand for one look."""

import torch
from einops import rearrange
from torch import Tensor, nn

from .kernels.fused_attention import fused_attention


class MultiHeadAttention(nn.Module):
    """Let several heads attend in parallel, each in its own slice of the width.

    Shapes: x (B, T, C), memory (B, S, C) or None to attend to x itself -> (B, T, C).

    Source: Vaswani 2017, section 3.2.2; differs from it in having biases, as GPT-2 has.
    """

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model {d_model} cannot be split over {n_heads} heads: choose a divisor of {d_model}")
        self.n_heads, self.dropout = n_heads, dropout
        self.query = nn.Linear(d_model, d_model)
        self.key_value = nn.Linear(d_model, 2 * d_model)
        self.output = nn.Linear(d_model, d_model)

    def heads(self, x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return each head's queries (B, H, T, D), keys and values (B, H, S, D), with D = C / H."""
        query = rearrange(self.query(x), "b t (h d) -> b h t d", h=self.n_heads)
        source = self.key_value(x if memory is None else memory)
        key, value = rearrange(source, "b s (two h d) -> two b h s d", two=2, h=self.n_heads)
        return query, key, value

    def forward(
        self, x: Tensor, memory: Tensor | None = None, *, mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        """Attend from x; `mask` (broadcast to (B, H, T, S), True = may attend) or `is_causal`, not both."""
        query, key, value = self.heads(x, memory)
        dropout = self.dropout if self.training else 0.0
        # scaled_dot_product_attention below, without ever holding all the weights
        mixed = fused_attention(query, key, value, mask=mask, is_causal=is_causal, dropout=dropout)  # (B, H, T, D)
        return self.output(rearrange(mixed, "b h t d -> b t (h d)"))

    def weights(self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Return the attention weights (B, H, T, S), to be looked at."""
        return scaled_dot_product_attention(*self.heads(x, memory), mask)[1]


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mix the values, each weighted by how well its key answers the query.

    Shapes: query (..., T, D), key (..., S, D), value (..., S, D), mask (..., T, S) with True = may attend
        -> output (..., T, D), weights (..., T, S) whose rows sum to 1.

    Source: Vaswani 2017, equation 1.
    """
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def causal_mask(n_queries: int, n_keys: int | None = None, device: torch.device | str | None = None) -> Tensor:
    """Mark the keys that each query may attend to: itself and everything before it. True = may attend.

    With more keys than queries the queries are the last positions, as when sampling with a cache.

    Example: causal_mask(2, 3) = [[True, True, False], [True, True, True]].
    """
    n_keys = n_queries if n_keys is None else n_keys
    if n_keys < n_queries:
        raise ValueError(f"{n_queries} queries but only {n_keys} keys: a query must at least attend to itself")
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)
