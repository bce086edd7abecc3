"""A game of three shots: small enough to list every episode, long enough that what comes later counts.

A player shoots three times, each time from near or from far. A far shot brings two points more, and it tires: every later
shot brings half a point less. What the player sees, the state, is which shot it is and how many far shots came before.
Nothing is random but the player, so that expectations are exact sums over eight episodes.
"""

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

POINTS = torch.tensor([[1.0, 3.0], [0.5, 2.5], [0.0, 2.0]], dtype=torch.float64)
"""Reward: row = number of far shots before, column = action, 0 near or 1 far."""
EPISODES = torch.tensor(list(product((0, 1), repeat=3)))
"""(8, 3) every episode there is, as actions."""
BEST_POINTS = 7.5
"""What the best policy gets: far, far, far."""
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(log_probs (B, 3), rewards (B, 3), values (3,)) -> a number, to be minimised."""


def tiredness(actions: Tensor) -> Tensor:
    """Count the far shots before each shot: (..., 3) -> (..., 3). Example: [1, 0, 1] -> [0, 1, 1]."""
    return actions.cumsum(-1) - actions


def rewards_of(actions: Tensor) -> Tensor:
    """Return the points of each shot: (..., 3) -> (..., 3). Example: [1, 0, 1] -> [3.0, 0.5, 2.5]."""
    return POINTS[tiredness(actions), actions]


def log_probs_of(logits: Tensor, actions: Tensor) -> Tensor:
    """Return each action's log-probability: logits (..., 3, 3, 2) by shot, far shots before and action, actions (B, 3).

    Shapes: -> (..., B, 3).
    """
    return logits.log_softmax(-1)[..., torch.arange(3), tiredness(actions), actions]


def episode_probabilities(logits: Tensor) -> Tensor:
    """Return how likely each of the eight episodes is: (..., 3, 3, 2) -> (..., 8)."""
    return log_probs_of(logits, EPISODES).sum(-1).exp()


def expected_points(logits: Tensor) -> Tensor:
    """Return the points of an episode, averaged over all eight, each weighted by its probability: (..., 3, 3, 2) -> (...)."""
    return episode_probabilities(logits) @ rewards_of(EPISODES).sum(1)


def returns_of(rewards: Tensor) -> Tensor:
    """Return the return of each step, the sum of its reward and all later ones. Example: [3.0, 0.5, 2.5] -> [6.0, 3.0, 2.5]."""
    return rewards.flip(-1).cumsum(-1).flip(-1)


def expected_returns(logits: Tensor) -> Tensor:
    """Return the return expected at each shot, whatever the state, a baseline for each shot: (..., 3, 3, 2) -> (..., 3)."""
    return episode_probabilities(logits) @ returns_of(rewards_of(EPISODES))


def finite_differences(function: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-4) -> Tensor:
    """Return how fast a number changes with each entry of `at`, by changing it a little both ways. No autograd."""
    slopes = torch.zeros_like(at)
    for place in range(at.numel()):
        change = torch.zeros_like(at)
        change.view(-1)[place] = step
        slopes.view(-1)[place] = (function(at + change) - function(at - change)) / (2 * step)
    return slopes


def pushes_of(loss: Loss, logits: Tensor) -> Tensor:
    """Return the push of each of the eight episodes, drawn alone: minus the gradient of the loss, (8, 3, 3, 2)."""
    values, found = expected_returns(logits), []
    for episode in EPISODES.split(1):
        leaf = logits.clone().requires_grad_()
        number = loss(log_probs_of(leaf, episode), rewards_of(episode), values)
        found.append(-torch.autograd.grad(number, leaf)[0])
    return torch.stack(found)


def mean_and_noise(loss: Loss, logits: Tensor) -> tuple[Tensor, float]:
    """Return the mean push over all episodes, (3, 3, 2), and the noise of one: its variance, summed over the logits."""
    pushes, probabilities = pushes_of(loss, logits).flatten(1), episode_probabilities(logits)
    mean = probabilities @ pushes
    return mean.view_as(logits), (probabilities @ pushes**2 - mean**2).sum().item()


def learn_shots(loss: Loss, *, runs: int = 40, episodes: int = 300, rate: float = 0.2, seed: int = 0) -> Tensor:
    """Let many players learn, each from its own draws, one episode at a time; all begin undecided.

    `values` begin as what an undecided player may expect, and follow the returns of the player's earlier episodes.

    Returns: the points expected before each episode, (episodes, runs).
    """
    generator, players = torch.Generator().manual_seed(seed), torch.arange(runs)[:, None]
    logits = torch.zeros(runs, 3, 3, 2, dtype=torch.float64)
    values = expected_returns(logits)  # (runs, 3)
    expected = []
    for _ in range(episodes):
        expected.append(expected_points(logits))
        probabilities = episode_probabilities(logits).nan_to_num(1.0)  # a player whose logits are not numbers plays on
        actions = EPISODES[torch.multinomial(probabilities, 1, generator=generator).squeeze(1)]  # (runs, 3)
        leaf, rewards = logits.requires_grad_(), rewards_of(actions)
        log_probs = leaf.log_softmax(-1)[players, torch.arange(3), tiredness(actions), actions]
        losses = torch.func.vmap(loss)(log_probs[:, None], rewards[:, None], values)
        logits = (leaf - rate * torch.autograd.grad(losses.sum(), leaf)[0]).detach()
        values = values + 0.1 * (returns_of(rewards) - values)
    return torch.stack(expected)
