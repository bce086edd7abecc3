"""Five losses for REINFORCE, each with one wrong line that published code really had, and the numbers that find it.

All take log_probs (B, T) of the actions taken, rewards (B, T) and values (T,), the return expected at each step, found on
earlier episodes. They are functions, not texts, so that what a reader sees is what is measured.
"""

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .shots import Loss, expected_points, finite_differences, learn_shots, mean_and_noise


def _own_mean(log_probs, rewards, values):
    returns = rewards.flip(1).cumsum(1).flip(1)
    baseline = returns.mean(1, keepdim=True)
    advantages = returns - baseline
    objective = (log_probs * advantages).sum(1).mean()
    return -objective


def _no_minus(log_probs, rewards, values):
    returns = rewards.sum(1, keepdim=True) - rewards.cumsum(1) + rewards
    baseline = values[None]
    advantages = returns - baseline
    objective = (advantages * log_probs).sum(1).mean()
    return objective


def _group_of_one(log_probs, rewards, values):
    returns = torch.stack([rewards[:, t:].sum(1) for t in range(3)], dim=1)
    baseline = values
    advantages = (returns - baseline) / (returns.std(0) + 1e-8)
    objective = (log_probs * advantages).sum() / len(log_probs)
    return -objective


def _mean_log_prob(log_probs, rewards, values):
    returns = rewards.flip(1).cumsum(1).flip(1)
    baseline = values.expand_as(returns)
    advantages = returns - baseline
    objective = (log_probs.mean(1) * advantages.sum(1)).mean()
    return -1 * objective


def _one_return(log_probs, rewards, values):
    returns = rewards.sum(1, keepdim=True).expand_as(rewards)
    baseline = values
    advantages = -(baseline - returns)
    objective = (log_probs * advantages).sum(1).mean()
    return -objective


FAULTS: Mapping[str, Loss] = {
    "A": _own_mean, "B": _no_minus, "C": _group_of_one, "D": _mean_log_prob, "E": _one_return,
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What a loss does to an undecided player, and where it leads."""

    direction: float
    """Cosine between its mean push and the gradient of the expected points by finite differences: 1 = the same direction."""
    away: float
    """Length of their difference, as a share of the gradient's length: 0 = right on average."""
    noise: float
    """Variance of the push of one episode, summed over the logits."""
    points: Tensor
    """(episodes, runs) points expected while players learn with it."""


def measure(loss: Loss) -> Measured:
    """Compare a loss with the truth, and let forty players learn with it."""
    undecided = torch.zeros(3, 3, 2, dtype=torch.float64)
    truth = finite_differences(expected_points, undecided)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="std\\(\\): degrees of freedom is <= 0")
        mean, noise = mean_and_noise(loss, undecided)
        points = learn_shots(loss)
    direction = torch.cosine_similarity(mean.flatten(), truth.flatten(), dim=0).item()
    return Measured(direction, ((mean - truth).norm() / truth.norm()).item(), noise, points)


def listing(letter: str) -> str:
    """Write one of the faulty losses with its lines numbered."""
    lines = inspect.getsource(FAULTS[letter]).replace(FAULTS[letter].__name__, f"loss_{letter}").rstrip().splitlines()
    return "\n".join(f"{number}  {line}" for number, line in enumerate(lines, start=1))
