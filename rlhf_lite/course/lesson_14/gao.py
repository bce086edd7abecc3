"""Gao's two curves: gold gained against d, the root of the KL divergence from where optimizing began.

best of n: gain = d (alpha - beta d); reinforcement learning: gain = d (alpha - beta ln d). Source: Gao 2022 (arXiv 2210.10760).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...studies.stored import read_measured


def best_of_n_features(d: Tensor) -> Tensor:
    """Return d and -d squared, the columns that alpha and beta multiply: (N,) -> (N, 2)."""
    return torch.stack([d, -d * d], dim=1)


def rl_features(d: Tensor) -> Tensor:
    """Return d and -d ln d, both 0 at 0: (N,) -> (N, 2)."""
    return torch.stack([d, -d * d.clamp(min=1e-9).log()], dim=1)


def straight_features(d: Tensor) -> Tensor:
    """Return d and zeros: a straight line, to compare with: (N,) -> (N, 2)."""
    return torch.stack([d, torch.zeros_like(d)], dim=1)


@dataclass(frozen=True)
class Fitted:
    """A curve fitted on the points of smaller KL, and what it says of the rest."""

    alpha: float
    beta: float
    seen_error: float
    """Root of the mean squared error on the points that were fitted, in points of gold."""
    unseen_error: float
    """The same on the rest."""
    known: int
    """Number of points fitted."""
    curve: Callable[[Tensor], Tensor]
    """From d to the gold gained."""


def fit(kl: Sequence[float], gain: Sequence[float], features: Callable[[Tensor], Tensor], known: int) -> Fitted:
    """Fit alpha and beta by least squares on the first `known` points, and compare with all others."""
    d, y = torch.tensor(kl, dtype=torch.float64).clamp(min=0).sqrt(), torch.tensor(gain, dtype=torch.float64)
    weights = torch.linalg.lstsq(features(d[:known]), y[:known, None], driver="gelsd").solution[:, 0]
    errors = (features(d) @ weights - y) ** 2
    alpha, beta = weights.tolist()
    return Fitted(alpha, beta, errors[:known].mean().sqrt().item(), errors[known:].mean().sqrt().item(), known,
                  lambda at: features(at) @ weights)  # fmt: skip


def gains(rows: Sequence[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """Return KL and gold gained over the first row, row by row."""
    return [row["kl"] for row in rows], [row["gold"] - rows[0]["gold"] for row in rows]


def first_models(folder: str | Path) -> list[list[dict[str, float]]]:
    """Read how PPO without a KL penalty went in whole runs of the course's first models (`data/study`), one list per seed.

    Their first row is SFT itself: its gold was measured on other prompts, its score was not measured (NaN).
    """
    runs = read_measured(folder, "it comes with the course; see its README.md")
    keys, ways = ("kl", "gold", "score"), []
    for run in (run for run in runs if "goodhart" in run):
        start = {"kl": 0.0, "gold": run["summary"]["models"]["sft"]["gold"], "score": float("nan")}
        ways.append([start, *({key: row[key] for key in keys} for row in run["goodhart"])])
    return ways


def mean_way(ways: Sequence[Sequence[dict[str, Any]]], keys: Sequence[str] = ("kl", "gold", "score")) -> list[dict[str, float]]:
    """Average several seeds' rows, place by place. Raises: ValueError where they are not equally long."""
    if len({len(way) for way in ways}) != 1:
        raise ValueError(f"ways of {[len(way) for way in ways]} rows: expected equally many")
    return [{key: sum(row[key] for row in rows) / len(rows) for key in keys} for rows in zip(*ways, strict=True)]
