"""Exercises of lesson 08 on people who judge: agreement of all with all, Cohen's kappa, what agreement leaves to a model."""

from math import sqrt

import torch
from torch import Tensor

from ..checks import Case, Exercise


def agreement_matrix(votes: Tensor) -> Tensor:
    """Return for every two rows of +1 and -1 the share of columns in which they are equal."""
    return (1 + votes @ votes.T / votes.shape[1]) / 2


def cohens_kappa(first: list[bool], second: list[bool]) -> float:
    """Return (agreement - agreement by chance) / (1 - agreement by chance)."""
    n = len(first)
    agree = sum(a == b for a, b in zip(first, second)) / n
    yes_first, yes_second = sum(first) / n, sum(second) / n
    chance = yes_first * yes_second + (1 - yes_first) * (1 - yes_second)
    return (agree - chance) / (1 - chance)


def best_accuracy(agreement: float) -> float:
    """Return p of agreement = p * p + (1 - p) * (1 - p), the larger of the two."""
    return (1 + sqrt(2 * agreement - 1)) / 2


YES, NO = True, False

EXERCISES = (
    Exercise(
        solution=agreement_matrix,
        cases=(
            Case(
                # products: rows 0 and 1: 1 + 1 - 1 + 1 + 1 = 3 of 5, so 4 alike; 0 and 2: -1; 1 and 2: -3
                arguments=(torch.tensor([[1.0, 1, -1, 1, -1], [1, 1, 1, 1, -1], [-1, 1, -1, -1, -1]]),),
                expected=torch.tensor([[1, 0.8, 0.6], [0.8, 1, 0.4], [0.6, 0.4, 1]]),
                hint="a product of two votes is +1 where they are equal and -1 where not; n alike and m unlike sum to n - m",
                mistakes=(
                    (torch.tensor([[1, 0.6, 0.2], [0.6, 1, -0.2], [0.2, -0.2, 1]]),
                     "that is alike minus unlike, from -1 to 1: add 1, then halve it"),
                    (torch.tensor([[5.0, 3, 1], [3, 5, -1], [1, -1, 5]]), "divide by the number of pairs that were judged"),
                    (torch.tensor([[4 / 3, 1, 2 / 3], [1, 4 / 3, 1 / 3], [2 / 3, 1 / 3, 4 / 3]]),
                     "divide by the number of columns, which are the pairs, not of rows, which are the labelers"),
                    (torch.tensor([[0, 0.2, 0.4], [0.2, 0, 0.6], [0.4, 0.6, 0]]), "that is the share on which they differ"),
                ),
            ),
            Case(
                arguments=(torch.tensor([[1.0, -1], [-1.0, 1]]),), expected=torch.tensor([[1.0, 0], [0, 1.0]]),
                hint="these two never agree, and each agrees with itself",
            ),
        ),
    ),
    Exercise(
        solution=cohens_kappa,
        cases=(
            Case(
                # agree in 8 of 10; yes 0.2 and 0.2; chance 0.04 + 0.64 = 0.68; kappa 0.12 / 0.32
                arguments=([YES, YES, NO, NO, NO, NO, NO, NO, NO, NO], [YES, NO, YES, NO, NO, NO, NO, NO, NO, NO]),
                expected=0.375, hint="they agree on 8 of 10; each says yes twice: by chance 0.2 * 0.2 + 0.8 * 0.8 = 0.68",
                mistakes=(
                    (0.8, "that is the agreement: take off what chance gives"),
                    (0.12, "divide by 1 - chance, so that full agreement gives 1"),
                    (0.6, "by chance they do not agree on one half: who says no eight times in ten agrees more often"),
                    (0.76 / 0.96, "two people also agree by chance where both say no: add that product"),
                    (0.12 / 0.68, "divide by what chance leaves over, 1 - chance, not by chance"),
                ),
            ),
            Case(
                # agree in 2 of 4; yes 0.5 and 1.0; chance 0.5
                arguments=([YES, YES, NO, NO], [YES, YES, YES, YES]), expected=0.0,
                hint="who always says yes agrees by chance only: kappa 0",
                mistakes=((-1 / 3, "each has shares of their own: 0.5 and 1.0 here, not twice the mean of both"),
                          (0.5, "that is the agreement: take off what chance gives")),
            ),
            Case(
                # agree in 1 of 4; yes 0.75 and 0.5; chance 0.375 + 0.125 = 0.5
                arguments=([YES, YES, YES, NO], [NO, NO, YES, YES]), expected=-0.5,
                hint="less agreement than by chance: kappa is below 0",
            ),
        ),
    ),
    Exercise(
        solution=best_accuracy,
        cases=(
            Case(
                arguments=(0.82,), expected=0.9,  # 0.81 + 0.01
                hint="0.82 = 0.9 * 0.9 + 0.1 * 0.1; solve 2 p * p - 2 p + 1 = agreement for p",
                mistakes=(
                    (0.82, "two who are each right in 90 % agree on 82 % only: p is larger than the agreement"),
                    (sqrt(0.82), "they also agree where both are wrong: add (1 - p) * (1 - p)"),
                    (0.1, "the equation has two solutions: give the larger one"),
                    (0.8, "halve at the end: (1 + sqrt(2 a - 1)) / 2"),
                    (0.91, "halfway between agreement and 1 is near, but not it: solve the equation"),
                ),
            ),
            Case(
                arguments=(0.5,), expected=0.5, hint="who agree no more than coins do know nothing",
                mistakes=((0.75, "halfway between agreement and 1 is not it: solve the equation"),
                          (0.0, "halve at the end: (1 + sqrt(2 a - 1)) / 2")),
            ),
            Case(arguments=(1.0,), expected=1.0, hint="who always agree leave nothing to chance"),
        ),
    ),
)  # fmt: skip
