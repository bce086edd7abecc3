"""Attempts at the exercises in `exercises`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: B905

import numpy as np
import torch

from rlhf_lite.course.lesson_00.exercises import given_back, win_share


def _of_all_prompts(ours, theirs, tie):
    return sum(a - b >= tie for a, b in zip(ours, theirs)) / len(ours)


def _half_for_a_tie(ours, theirs, tie):
    return sum(1 if a - b >= tie else 0 if b - a >= tie else 0.5 for a, b in zip(ours, theirs)) / len(ours)


def _other_side(ours, theirs, tie):
    return win_share(theirs, ours, tie)


def _number_of_wins(ours, theirs, tie):
    return sum(a - b >= tie for a, b in zip(ours, theirs))


def _every_difference_counts(ours, theirs, tie):
    return win_share(ours, theirs, 1e-9)


def _zero_without_a_decision(ours, theirs, tie):
    return win_share(ours, theirs, tie) if any(abs(a - b) >= tie for a, b in zip(ours, theirs)) else 0


def _strict(ours, theirs, tie):
    won, lost = sum(a - b > tie for a, b in zip(ours, theirs)), sum(b - a > tie for a, b in zip(ours, theirs))
    return won / (won + lost) if won + lost else 0.5


def _own_tie(ours, theirs, tie):
    return win_share(ours, theirs, 0.05)


def _as_array(ours, theirs, tie):
    gap = np.array(ours) - np.array(theirs)
    decided = gap[abs(gap) >= tie]
    return (decided > 0).mean() if len(decided) else np.float64(0.5)


def _one_loop(ours, theirs, tie):
    decided = [a > b for a, b in zip(ours, theirs) if abs(a - b) >= tie]
    return sum(decided) / len(decided) if decided else 1 / 2


def _stayed_lost(before, ppo, ppo_ptx):
    return (before - ppo_ptx) / (before - ppo)


def _difference(before, ppo, ppo_ptx):
    return ppo_ptx - ppo


def _of_the_score(before, ppo, ppo_ptx):
    return ppo_ptx / before


def _at_most_all(before, ppo, ppo_ptx):
    return min(1, given_back(before, ppo, ppo_ptx))


def _without_sign(before, ppo, ppo_ptx):
    return abs(given_back(before, ppo, ppo_ptx))


def _one_minus(before, ppo, ppo_ptx):
    return 1 - (before - ppo_ptx) / (before - ppo)


def _as_tensor(before, ppo, ppo_ptx):
    return torch.tensor(ppo_ptx - ppo) / torch.tensor(before - ppo)


WRONG = {
    "given_back": (_stayed_lost, _difference, _of_the_score, _at_most_all, _without_sign),
    "win_share": (
            _of_all_prompts,
            _half_for_a_tie,
            _other_side,
            _number_of_wins,
            _every_difference_counts,
            _zero_without_a_decision,
            _strict,
        ),
}
RIGHT = {"given_back": (_one_minus, _as_tensor), "win_share": (_as_array, _one_loop)}
