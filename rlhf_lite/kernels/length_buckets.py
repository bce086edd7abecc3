"""Length bucketing: rows of like length are read together, so that little padding is computed."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..masked import last_kept


def n_length_buckets(n_items: int) -> int:
    """Number of buckets: at most 4, each of at least 8 items (ours)."""
    return max(1, min(4, n_items // 8))


def read_by_length(read: Callable[[Tensor, Tensor], Tensor], tokens: Tensor, mask: Tensor) -> Tensor:
    """Apply `read(tokens, mask)` bucket by bucket, each cut to its longest row.

    Shapes: tokens (B, T), mask (B, T - 1) as `read` takes and gives them -> (B, T - 1), float32, 0 where nothing was read.
    """
    result = torch.zeros(mask.shape, device=tokens.device)
    lengths = last_kept(mask)
    for rows in lengths.argsort().chunk(n_length_buckets(len(lengths))):
        longest = int(lengths[rows].max())
        result[rows, :longest] = read(tokens[rows, : longest + 1], mask[rows, :longest]).float()
    return result
