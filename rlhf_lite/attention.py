"""Attention: by hand for one look, and with many heads for the models."""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

AT_ONCE = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Kernels of attention that take tensors of any shape at once."""
ROOM = 32
"""Positions by which a cache grows."""
WIDTHS = 8
"""How many times its head's width a text may be long for `attention_by_products`: then its weights take about as much memory
as query, key and value in float32 (ours)."""


def causal_mask(n_queries: int, n_keys: int | None = None, device: torch.device | str | None = None) -> Tensor:
    """Say which keys each query may look at: itself and everything before it. True = may look.

    With more keys than queries the queries are the last positions, as when sampling with a cache.

    Example: causal_mask(2, 3) = [[True, True, False], [True, True, True]].
    """
    n_keys = n_queries if n_keys is None else n_keys
    if n_keys < n_queries:
        raise ValueError(f"{n_queries} queries but only {n_keys} keys: a query must at least see itself")
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mix the values, each weighted by how well its key answers the query.

    Shapes: query (..., T, D), key (..., S, D), value (..., S, D), mask (..., T, S) with True = may look
        -> output (..., T, D), weights (..., T, S) whose rows sum to 1.

    Source: Vaswani 2017, equation 1.
    """
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def fused_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
) -> Tensor:
    """Do the same by PyTorch's own kernel, which never holds all the weights at once.

    Shapes: query (..., T, D), key (..., S, D), value (..., S, D), attn_mask (..., T, S) with True = may look -> (..., T, D).
    """
    how = {"attn_mask": attn_mask, "dropout_p": dropout_p, "is_causal": is_causal}
    if query.device.type == "cpu" and query.dtype == torch.bfloat16 and query.requires_grad:
        # PyTorch 2.13 takes 2 to 4 times as long for bfloat16's backward pass on CPUs as for float32's
        looks_at_itself = is_causal and query.shape == key.shape == value.shape
        with torch.autocast("cpu", enabled=False):
            if looks_at_itself and not dropout_p and query.shape[-2] <= WIDTHS * query.shape[-1]:
                return attention_by_products(query, key, value)
            return F.scaled_dot_product_attention(query.float(), key.float(), value.float(), **how).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, **how)


def attention_by_products(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Let each position look at itself and those before it, by two plain products: where products are fast, as bfloat16's are.

    Shapes: query, key and value (..., T, D) -> (..., T, D).
    """
    n = query.shape[-2]
    hidden = query.new_zeros(n, n).masked_fill(~causal_mask(n, device=query.device), float("-inf"))
    q, k, v = (each.flatten(0, -3) for each in (query, key, value))  # (N, T, D)
    scores = torch.baddbmm(hidden, q, k.transpose(1, 2), alpha=query.shape[-1] ** -0.5)  # (N, T, T)
    return (scores.softmax(-1) @ v).view_as(query)


def for_changing_shapes(device: torch.device) -> AbstractContextManager:
    """Return a context for attention to ever other numbers of rows and keys, as when sampling.

    On a GPU PyTorch may choose cuDNN's kernel, which is the fastest but is prepared anew for every shape.
    """
    return sdpa_kernel(AT_ONCE) if device.type == "cuda" else nullcontext()


class KeyValueCache:
    """Keep the keys and values of one layer, so that sampling reads each token once.

    Shapes: keys, values (B, H, room, D), of which the first `length` positions are taken. A new position is written where it
    belongs and nothing that is there already is copied, but for every ROOM positions.
    """

    def __init__(self):
        self.length = 0
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions at the end and return all of them."""
        start, self.length = self.length, self.length + keys.shape[2]
        self.keys, self.values = self._store(self.keys, keys, start), self._store(self.values, values, start)
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def _store(self, buffer: Tensor | None, new: Tensor, start: int) -> Tensor:
        if buffer is None or buffer.shape[2] < self.length:
            larger = new.new_zeros(*new.shape[:2], self.length + -self.length % ROOM, new.shape[3])
            if buffer is not None:
                larger[:, :, :start] = buffer[:, :, :start]
            buffer = larger
        buffer[:, :, start : self.length] = new
        return buffer

    def look_back(self, query: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let one query a sequence, the last position, attend to all: (B, H, 1, D), mask (B, 1, 1, length) -> (B, H, 1, D)."""
        if query.is_cuda:
            return fused_attention(query, self.keys[:, :, : self.length], self.values[:, :, : self.length], attn_mask=mask)
        # on CPUs PyTorch's kernel takes about twice as long where free room follows each head's keys; by hand, over all the
        # room, nothing is in the way
        scores = (query * query.shape[-1] ** -0.5) @ self.keys.transpose(-2, -1)  # (B, H, 1, room)
        scores[..., self.length :] = float("-inf")
        if mask is not None:
            scores[..., : self.length].masked_fill_(~mask, float("-inf"))
        return scores.softmax(-1) @ self.values

    def keep_rows(self, n: int, gaps: Tensor, fillers: Tensor) -> None:
        """Keep n rows of the batch: the first, but rows `gaps` (N,) make way for `fillers` (N,), which come from further down."""
        for buffer in (self.keys, self.values):
            buffer[gaps, :, : self.length] = buffer[fillers, :, : self.length]
        self.keys, self.values = self.keys[:n], self.values[:n]


class MultiHeadAttention(nn.Module):
    """Let several heads look in parallel, each in its own slice of the width.

    Shapes: x (B, T, C), memory (B, S, C) or None to look at x itself -> (B, T, C).

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

    def _split(self, x: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        query = rearrange(self.query(x), "b t (h d) -> b h t d", h=self.n_heads)
        source = self.key_value(x if memory is None else memory)
        key, value = rearrange(source, "b s (two h d) -> two b h s d", two=2, h=self.n_heads)
        return query, key, value

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        is_causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """Attend from x; `mask` (broadcast to (B, H, T, S), True = may look) or `is_causal`, not both."""
        query, key, value = self._split(x, memory)  # (B, H, T, D), (B, H, S, D) twice
        if cache is not None:
            key, value = cache.append(key, value)
        dropout = self.dropout if self.training else 0.0
        if cache is not None and x.shape[1] == 1:
            mixed = cache.look_back(query, mask)
        else:
            mixed = fused_attention(query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=is_causal)
        return self.output(rearrange(mixed, "b h t d -> b t (h d)"))

    def weights(self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Return the attention weights (B, H, T, S), to be looked at."""
        return scaled_dot_product_attention(*self._split(x, memory), mask)[1]
