"""Exercises of lesson 14 on comparing two models: ties, intervals, pairs, seeds, and how many prompts it takes."""

from math import ceil

import torch
from torch import Tensor

from ..checks import Case, Exercise


def both_win_rates(ours: list[float], theirs: list[float], tie: float) -> tuple[float, float]:
    """Return the win rate among decided prompts, and the one in which a tie counts half."""
    differences = [a - b for a, b in zip(ours, theirs)]
    wins, losses = sum(d >= tie for d in differences), sum(d <= -tie for d in differences)
    decided = wins / (wins + losses) if wins + losses else 0.5
    return decided, (wins + (len(differences) - wins - losses) / 2) / len(differences)


def wilson(wins: int, decided: int) -> tuple[float, float]:
    """Return both ends of the 95 % interval of a share."""
    z, p, n = 1.96, wins / decided, decided
    middle = p + z**2 / (2 * n)
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def standard_errors(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
    """Return the standard error of the mean difference, paired and unpaired."""
    n = len(ours)
    paired = (ours - theirs).std() / n**0.5
    unpaired = (ours.var() / n + theirs.var() / n) ** 0.5
    return paired.item(), unpaired.item()


def resampled_means(differences: Tensor, seeds: Tensor, prompts: Tensor) -> Tensor:
    """Return the mean difference of every resample."""
    return torch.stack([differences[s][:, p].mean() for s, p in zip(seeds, prompts)])


def prompts_needed(effect: float, deviation: float) -> int:
    """Return the least number of prompts with which the effect is found in four of five studies."""
    return ceil((2.8 * deviation / effect) ** 2)


_OURS, _THEIRS = [1.0, 0.9, 0.5, 0.5, 0.3], [0.2, 0.4, 0.52, 0.9, 0.3]
_A, _B = torch.tensor([1.0, 0.0, 1.0, 0.5]), torch.tensor([0.5, 0.0, 0.5, 0.2])
_DIFFERENCES = torch.tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 2.0]])
_SEEDS, _PROMPTS = torch.tensor([[0, 0], [0, 1], [1, 1]]), torch.tensor([[0, 0, 2], [1, 1, 1], [2, 0, 1]])

EXERCISES = (
    Exercise(
        solution=both_win_rates,
        cases=(
            Case(
                arguments=(_OURS, _THEIRS, 0.05), expected=(2 / 3, 0.6),  # 2 wins, 1 loss, 2 ties of 5
                hint="count first: 2 wins, 1 loss, 2 ties",
                mistakes=(
                    ((0.6, 2 / 3), "first the rate among decided prompts, then the one with ties"),
                    ((0.5, 0.5), "0.50 against 0.52 differ by less than `tie`: that decides nothing"),
                    ((2 / 3, 0.4), "a tie is half a win, not a loss"),
                    ((2 / 3, 0.8), "a tie is half a win, not a whole one"),
                    ((0.4, 0.6), "the first rate leaves ties out, also of the number that it is divided by"),
                ),
            ),
            Case(
                arguments=([0.5, 0.4, 0.9], [0.5, 0.4, 0.8], 0.2), expected=(0.5, 0.5),
                hint="three ties: nothing is decided, and a rate of nothing is 0.5",
                mistakes=((ZeroDivisionError, "where nothing is decided, return 0.5 as the first rate"),),
            ),
            Case(
                arguments=([0.1, 0.2], [0.9, 0.2], 0.1), expected=(0.0, 0.25),  # 1 loss, 1 tie
                hint="one loss and one tie: 0 of 1 decided, and half a win of 2",
            ),
            Case(
                arguments=([0.75, 0.75, 0.25], [0.5, 0.5, 0.5], 0.25), expected=(2 / 3, 2 / 3),
                hint="a difference of exactly `tie` decides",
            ),
        ),
    ),
    Exercise(
        solution=wilson,
        cases=(
            Case(
                # p = .8: middle .8 + 3.8416 / 20 = .99208; half 1.96 * sqrt(.016 + .009604) = .31362; both over 1.38416
                arguments=(8, 10), expected=(0.490156, 0.943316), hint="p + z² / (2 n) is 0.992; everything is divided by 1.384",
                mistakes=(
                    ((0.552077, 1.047923), "p ± z · √(p (1 − p) / n) leaves 0 to 1: use the formula above"),
                    ((0.552077, 1.0), "cutting at 1 does not make it right: use the formula above"),
                    ((0.678460, 1.305700), "divide by 1 + z² / n"),
                    ((0.351386, 0.804546), "the middle is p + z² / (2 n), not p alone"),
                    ((0.537609, 0.895863), "under the root stands a second term, z² / (4 n²)"),
                ),
            ),
            Case(arguments=(0, 4), expected=(0.0, 0.489900), hint="p is 0; both terms of the middle and of the root stay",
                 mistakes=(((0.0, 0.0), "0 of 4 does not prove that it is never: use the formula above"),)),
            Case(arguments=(53, 100), expected=(0.432887, 0.624893), hint="z is 1.96"),
        ),
    ),
    Exercise(
        solution=standard_errors,
        cases=(
            Case(
                # differences .5 0 .5 .3: deviation .235702; variances .229167 and .06
                arguments=(_A, _B), expected=(0.118145, 0.268871), hint="the differences are 0.5, 0, 0.5 and 0.3",
                mistakes=(
                    ((0.268871, 0.118145), "first the paired one, then the unpaired one"),
                    ((0.236291, 0.537742), "a standard error is a deviation divided by the root of n"),
                    ((0.102317, 0.232849), "`std` and `var` of a sample divide by n − 1, as torch does by default"),
                    ((0.118145, 0.072292), "the root is missing: √(variance / n + variance / n)"),
                    ((0.059073, 0.134435), "divide by the root of n, not by n"),
                ),
            ),
            Case(
                arguments=(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([2.0, 0.0, 1.0])), expected=(0.0, 0.816497),
                hint="every difference is 1, so the paired error is 0",
            ),
            Case(
                # differences 1, -1, 0: deviation 1; each side's deviation 0.5
                arguments=(torch.tensor([1.0, 0.0, 0.5]), torch.tensor([0.0, 1.0, 0.5])),
                expected=(1 / 3**0.5, (2 * 0.25 / 3) ** 0.5), hint="the differences are 1, -1 and 0: keep their signs",
            ),
        ),
    ),
    Exercise(
        solution=resampled_means,
        cases=(
            Case(
                # seeds 0 0, prompts 0 0 2: (1 + 1 + 2) / 3; seeds 0 1, prompt 1 thrice: (0 + 1) / 2; seed 1: (2 + 3 + 1) / 3
                arguments=(_DIFFERENCES, _SEEDS, _PROMPTS), expected=torch.tensor([4 / 3, 0.5, 2.0]),
                hint="the first resample is seed 0 twice, with prompts 0, 0 and 2: 1, 1 and 2",
                mistakes=(
                    (torch.full((3,), 1.5), "every resample takes its own rows and columns"),
                    (torch.tensor([2.0, 0.5, 1.5]), "the seeds must be drawn too: rows by `seeds`, columns by `prompts`"),
                    (torch.tensor([1.0, 1.5, 2.0]), "the prompts must be drawn too: columns by `prompts`"),
                    (IndexError, "rows first, `differences[s]`, and of these the columns, `[:, p]`"),
                    (RuntimeError, "rows first, `differences[s]`, and of these the columns, `[:, p]`"),
                ),
            ),
            Case(
                arguments=(torch.tensor([[2.0, 4.0]]), torch.tensor([[0]]), torch.tensor([[1, 1]])), expected=torch.tensor([4.0]),
                hint="one seed, and prompt 1 drawn twice",
            ),
            Case(
                arguments=(torch.tensor([[0.0], [3.0], [6.0]]), torch.tensor([[0, 0, 1]]), torch.tensor([[0]])),
                expected=torch.tensor([1.0]), hint="seed 0 was drawn twice: it counts twice",
            ),
        ),
    ),
    Exercise(
        solution=prompts_needed,
        cases=(
            Case(
                arguments=(0.03, 0.5), expected=2178, hint="2.8 · 0.5 / 0.03 is 46.67; square it, and round up",
                mistakes=(
                    (2177, "round up: with one prompt less it is not enough"),
                    (2177.7777, "half a prompt cannot be asked: round up"),
                    (47, "the error falls with the *root* of n: square"),
                    (4356, "2.8 · deviation / effect, squared: the deviation is squared with the rest"),
                    (1068, "1.96 alone finds the effect in one of two studies: add 0.84"),
                    (2181, "right with 2.8 not rounded; take 2.8 here"),
                ),
            ),
            Case(arguments=(0.06, 0.5), expected=545, hint="twice the effect needs a quarter of the prompts",
                 mistakes=((1089, "twice the effect needs a quarter of the prompts, not half"),)),
            Case(arguments=(0.03, 0.2), expected=349, hint="the deviation counts squared as well"),
        ),
    ),
)  # fmt: skip
