"""Averages over the real entries of a padded tensor. Every later loss uses them."""

import torch
from torch import Tensor


def check_mask(name: str, mask: Tensor, beside: Tensor, what: str) -> None:
    """Check that a mask is boolean and has the shape of the tensor beside it, called `what`. Raises: ValueError, TypeError."""
    if mask.shape != beside.shape:
        raise ValueError(f"{name} has shape {tuple(mask.shape)}, expected that of {what}, {tuple(beside.shape)}")
    if mask.dtype != torch.bool:
        raise TypeError(f"{name} has dtype {mask.dtype}, expected torch.bool with True = keep: use mask.bool()")


def _check(values: Tensor, mask: Tensor) -> None:
    if values.shape != mask.shape:
        raise ValueError(f"values have shape {tuple(values.shape)} but mask has {tuple(mask.shape)}: give one entry per value")
    check_mask("mask", mask, values, "values")


def masked_sum(values: Tensor, mask: Tensor, dim: int | None = None) -> Tensor:
    """Sum the kept entries; what stands in the others, NaN included, does not matter.

    Example: masked_sum([1., nan, 3.], [True, False, True]) = 4.
    """
    _check(values, mask)
    kept = values.masked_fill(~mask, 0.0)  # not values * mask: NaN * 0 is NaN
    return kept.sum() if dim is None else kept.sum(dim)


def masked_mean(values: Tensor, mask: Tensor, dim: int | None = None, count: int | None = None) -> Tensor:
    """Average the kept entries.

    Example: masked_mean([1., 9., 3.], [True, False, True]) = 2.

    A micro-batch gives `count`, the kept entries of its whole batch: then the micro-batches' means add up to the
    batch's, whatever their lengths.

    Raises:
        ValueError: where nothing is kept, since the mean of nothing is not 0.
    """
    if count is not None:
        return masked_sum(values, mask, dim) / count
    kept = mask.sum() if dim is None else mask.sum(dim)
    if (kept == 0).any():
        raise ValueError("masked_mean of a mask that keeps nothing: drop the empty rows before the loss")
    return masked_sum(values, mask, dim) / kept


def masked_whiten(values: Tensor, mask: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Shift and scale the kept entries to mean 0 and standard deviation 1; the others become 0.

    Shapes: values (B, T), mask (B, T) -> (B, T).

    Source: lineage (Ziegler 2019's code whitens advantages over the whole rollout; the papers do not say it).
    """
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask)
    return ((values - mean) * torch.rsqrt(variance + epsilon)).masked_fill(~mask, 0.0)


def last_kept(mask: Tensor) -> Tensor:
    """Count the entries of each row up to the last one kept: (B, T) -> (B,).

    Example: last_kept([[True, False, True, False], [False, False, False, False]]) = [3, 0].
    """
    counts = mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)
    return counts.amax(1) if mask.shape[1] else counts.sum(1)  # a text of one token has no entry
