"""The rows of a batch that are still being sampled: each token is read once, and finished rows leave.

Prompts are padded on the left, so that all rows end at the same position; positions count from a row's first real token.
Keys and values of all tokens so far are kept in a cache per block. `generate.generate` is proven equal to a loop without any
of this.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..attention import MultiHeadAttention, causal_mask
from ..data import pad_left
from ..gpt import GPT
from .packed_weights import packed_weights

GROWTH = 32
"""Positions by which a cache grows at a time (ours)."""
ANY_SHAPE = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Attention kernels of GPUs that are not prepared anew for every shape, as cuDNN's is."""


class KeyValueCache:
    """Keys and values of one block, (B, H, S, D) each, in buffers that grow by GROWTH positions at a time."""

    def __init__(self) -> None:
        self.length = 0
        self.buffers: list[Tensor] = []

    def append(self, *new: Tensor) -> list[Tensor]:
        """Add keys and values of new positions at the end, and return all of them."""
        start, self.length = self.length, self.length + new[0].shape[2]
        if not self.buffers or self.buffers[0].shape[2] < self.length:
            room = self.length + -self.length % GROWTH
            grown = [each.new_zeros(*each.shape[:2], room, each.shape[3]) for each in new]
            for buffer, old in zip(grown, self.buffers, strict=False):
                buffer[:, :, :start] = old[:, :, :start]
            self.buffers = grown
        for buffer, each in zip(self.buffers, new, strict=True):
            buffer[:, :, start : self.length] = each
        return [buffer[:, :, : self.length] for buffer in self.buffers]

    def keep(self, n: int, gaps: Tensor, fillers: Tensor) -> None:
        """Keep n rows: the first ones, but that rows `gaps` (N,) are overwritten by rows `fillers` (N,), which stand below n."""
        for buffer in self.buffers:
            buffer[gaps, :, : self.length] = buffer[fillers, :, : self.length]
        self.buffers = [buffer[:n] for buffer in self.buffers]

    @contextmanager
    def watching(self, attention: MultiHeadAttention) -> Iterator[None]:
        """Let an attention layer attend to the cached positions too."""
        plain = attention.heads

        def heads(x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
            query, key, value = plain(x, memory)
            return query, *self.append(key, value)

        attention.heads = heads
        try:
            yield
        finally:
            del attention.heads


class ActiveRows:
    """Prompts with what has been sampled after them, without the rows that are finished."""

    def __init__(self, model: GPT, prompts: list[list[int]], pad_id: int, max_new_tokens: int):
        device = next(model.parameters()).device
        self.model, self.caches = model, [KeyValueCache() for _ in model.blocks]
        self.new, real = (each.to(device) for each in pad_left(prompts, pad_id))
        self.index = torch.arange(len(prompts), device=device)
        """(B,) which prompt each row belongs to."""
        self._is_padded = not real.all()
        self._real = F.pad(real, (0, max_new_tokens), value=True)  # (B, S): what is sampled is never padding

    def __len__(self) -> int:
        return len(self.index)

    def next_logits(self) -> Tensor:
        """Return the logits (B, V) of each row's next token."""
        past, n_all = self.caches[0].length, self.caches[0].length + self.new.shape[1]
        real = self._real[:, :n_all]
        positions = (real.cumsum(1) - 1).clamp(min=0)[:, past:]
        x = self.model.embed(self.new, positions)  # (B, T, C)
        if self._is_padded:
            x = x.masked_fill(~real[:, past:, None], 0.0)  # attention gives padding weight 0, but 0 * NaN is NaN
        mask = _visible(real, past) if self._is_padded else None
        for block, cache in zip(self.model.blocks, self.caches, strict=True):
            with cache.watching(block.attention):
                x = block(x, mask=mask, is_causal=mask is None and past == 0)
        return self.model.head(self.model.final_norm(x[:, -1]))

    def append(self, drawn: Tensor, is_last: Tensor) -> None:
        """Add a token to each row, drawn (B,); rows with `is_last` (B,) leave the batch."""
        if is_last.any():
            kept, gaps, fillers = _compact(~is_last)
            self.index, drawn, self._real = self.index[kept], drawn[kept], self._real[kept]
            for cache in self.caches:
                cache.keep(len(kept), gaps, fillers)
        self.new = drawn[:, None]


@contextmanager
def sampling(model: GPT, n_rows: int) -> Iterator[None]:
    """Prepare a model to be sampled from: no gradients, packed weights where they pay, no kernel made for one shape only."""
    device = next(model.parameters()).device
    kernels = sdpa_kernel(ANY_SHAPE) if device.type == "cuda" else nullcontext()
    with torch.no_grad(), kernels, packed_weights(model, n_rows):
        yield


def _visible(real: Tensor, past: int) -> Tensor:
    """Mask (B, 1, T, S) of what the last T positions may attend to: no padding; a padded one attends to itself, so no NaN."""
    n_all = real.shape[1]
    own = torch.eye(n_all, dtype=torch.bool, device=real.device)[past:]
    return ((causal_mask(n_all - past, n_all, real.device) & real[:, None, :]) | own)[:, None]


def _compact(goes_on: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Move unfinished rows from the end of the batch into the places of finished ones.

    Shapes: goes_on (B,) bool -> kept (n,), the row that comes to each place; gaps (N,), places; fillers (N,), rows.
    """
    n = int(goes_on.sum())
    gaps, fillers = (~goes_on[:n]).nonzero().squeeze(1), goes_on[n:].nonzero().squeeze(1) + n
    kept = torch.arange(n, device=goes_on.device)
    kept[gaps] = fillers
    return kept, gaps, fillers
