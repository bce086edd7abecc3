"""Exercises of lesson 14 on a judge's faults, and on what optimizing against a score gives and takes."""

from math import comb, log

import torch
from torch import Tensor

from ..checks import Case, Exercise


def asked_twice(ours_first: list[str], ours_second: list[str]) -> tuple[float, float]:
    """Return the share of prompts whose winner changes with the order, and our win rate over both orders."""
    a = [place == "first" for place in ours_first]
    b = [place == "second" for place in ours_second]
    changed = sum(x != y for x, y in zip(a, b)) / len(a)
    return changed, (sum(a) + sum(b)) / (2 * len(a))


def logistic_step(weights: Tensor, features: Tensor, preferred: Tensor, rate: float) -> Tensor:
    """Return the weights after one step of gradient descent on the mean cross-entropy."""
    errors = (features @ weights).sigmoid() - preferred
    return weights - rate * features.T @ errors / len(preferred)


def best_of_n_gold(scores: list[float], gold: list[float], n: int) -> float:
    """Return the expected gold of the answer that scores highest among n drawn."""
    by_score = [value for _, value in sorted(zip(scores, gold))]
    return sum(comb(i, n - 1) * value for i, value in enumerate(by_score)) / comb(len(gold), n)


def kl_of_best(n: int) -> float:
    """Return the KL divergence of the best of n from the model, nats per answer."""
    return log(n) - (n - 1) / n


def fit_curve(d: Tensor, gain: Tensor) -> Tensor:
    """Return alpha and beta of gain = d (alpha - beta ln d) by least squares."""
    features = torch.stack([d, -d * d.log()], dim=1)
    return torch.linalg.lstsq(features, gain[:, None]).solution[:, 0]


_X = torch.tensor([[1.0, 2.0], [1.0, -1.0], [1.0, 0.0]])
_D = torch.tensor([0.5, 1.0, 2.0, 4.0])
_GAIN = _D * (0.6 - 0.2 * _D.log())

EXERCISES = (
    Exercise(
        solution=asked_twice,
        cases=(
            Case(
                # ours wins in prompts 1, 2, 4, 5, then, shown second, in 2, 4, 5
                arguments=(["first", "first", "second", "first", "first"], ["first", "second", "first", "second", "second"]),
                expected=(0.2, 0.7), hint="ours is preferred in prompts 1, 2, 4 and 5, then, shown second, in 2, 4 and 5",
                mistakes=(
                    ((0.8, 0.7), "“first” is a place, not an answer: shown second, ours wins where “second” is said"),
                    ((0.8, 0.6), "“first” is a place, not an answer, also in the win rate: turn the second list round"),
                    ((0.2, 0.8), "count both orders in the win rate, not the first alone"),
                    ((0.2, 0.6), "a prompt whose winner changes counts half, not as a loss"),
                    ((1.0, 0.7), "a share: divide by the number of prompts"),
                ),
            ),
            Case(
                arguments=(["first", "first"], ["first", "first"]), expected=(1.0, 0.5),
                hint="this judge takes whatever comes first: every winner changes",
                mistakes=(((0.0, 1.0), "shown second, ours lost twice: “first” was the other answer then"),),
            ),
            Case(arguments=(["second", "second", "first"], ["first", "first", "second"]), expected=(0.0, 1 / 3),
                 hint="ours loses, loses, wins, whatever the order"),
        ),
    ),
    Exercise(
        solution=logistic_step,
        cases=(
            Case(
                # sigmoids .5 .5 .5; errors -.5 .5 -.5; mean gradient (-.5, -1.5) / 3
                arguments=(torch.zeros(2), _X, torch.tensor([1.0, 0.0, 1.0]), 0.6), expected=torch.tensor([0.1, 0.3]),
                hint="all sigmoids are 0.5; the errors are −0.5, 0.5 and −0.5",
                mistakes=(
                    (torch.tensor([-0.1, -0.3]), "go down: weights minus rate times gradient; error: sigmoid minus preferred"),
                    (torch.tensor([0.3, 0.9]), "the mean over prompts: divide by how many there are"),
                    (torch.tensor([1 / 6, 0.5]), "the step is `rate` times the gradient"),
                    (RuntimeError, "features (N, 2), weights (2,): `features @ weights`, and back `features.T @ errors`"),
                ),
            ),
            Case(
                arguments=(torch.tensor([1.0, -0.5]), torch.tensor([[1.0, 2.0], [1.0, 0.0]]), torch.tensor([0.5, 1.0]), 2.0),
                expected=torch.tensor([1.268941, -0.5]),  # sigmoids .5 and .731059; errors 0 and -.268941
                hint="the products are 0 and 1, their sigmoids 0.5 and 0.731",
                mistakes=((torch.tensor([0.0, -1.0]), "take the sigmoid of `features @ weights` before subtracting"),),
            ),
            Case(arguments=(torch.zeros(2), torch.tensor([[1.0, 2.0]]), torch.tensor([1.0]), 1.0),
                 expected=torch.tensor([0.5, 1.0]), hint="the sigmoid is 0.5 and the error −0.5"),
        ),
    ),
    Exercise(
        solution=best_of_n_gold,
        cases=(
            Case(
                # by score: gold 1, 0.5, 0; sets of 2: {.1 .5} -> .5, {.1 .9} -> 0, {.5 .9} -> 0
                arguments=([0.1, 0.9, 0.5], [1.0, 0.0, 0.5], 2), expected=1 / 6,
                hint="three sets of two; their best score 0.5, 0.9 and 0.9: gold 0.5, 0 and 0",
                mistakes=(
                    (5 / 6, "order the answers by score, not by gold: the picker does not see gold"),
                    (0.5, "that is the mean of all answers: n = 1"),
                    (0.0, "that is the best of all three; of two, the middle one is sometimes the best"),
                    (5 / 18, "drawn without putting back: comb(i, n − 1) of comb(N, n) sets, with i from 0"),
                    (2 / 3, "the one at place i, from 0, has i answers below it: comb(i, n − 1)"),
                ),
            ),
            Case(arguments=([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 0.4], 1), expected=0.35, hint="the best of one is the mean",
                 mistakes=((0.4, "of one drawn answer every one is the best: comb(i, 0) is 1"),)),
            Case(arguments=([4.0, 2.0, 3.0, 1.0], [0.4, 1.0, 0.0, 0.2], 4), expected=0.4, hint="all four are drawn"),
            Case(
                arguments=([0.5, 0.1, 0.3, 0.2, 0.4], [0.0, 0.0, 1.0, 0.0, 0.0], 3), expected=0.1,
                hint="the middle one is the best in one of ten sets of three",
            ),
        ),
    ),
    Exercise(
        solution=kl_of_best,
        cases=(
            Case(arguments=(16,), expected=1.835089, hint="ln 16 is 2.773, 15/16 is 0.9375",
                 mistakes=(
                     (0.266620, "the natural logarithm, not the one to base 10"),
                     (3.0625, "the natural logarithm, not the one to base 2"),
                     (3.710089, "minus (n − 1) / n"), (2.710089, "(n − 1) / n, not 1 / n"), (2.772589, "take (n − 1) / n off"),
                 )),
            Case(arguments=(1,), expected=0.0, hint="the best of one is what the model says: no divergence"),
            Case(arguments=(4,), expected=0.636294, hint="ln 4 is 1.386, 3/4 is 0.75"),
        ),
    ),
    Exercise(
        solution=fit_curve,
        cases=(
            Case(
                arguments=(_D, _GAIN), expected=torch.tensor([0.6, 0.2]),
                hint="two columns: d, and minus d times ln d; then torch.linalg.lstsq(features, gain[:, None]).solution",
                mistakes=(
                    (torch.tensor([0.6, -0.2]), "beta stands behind a minus: the second column is −d ln d"),
                    (torch.tensor([0.2, 0.6]), "alpha first, then beta"),
                    (torch.tensor([[0.6], [0.2]]), "two numbers, shape (2,): drop the last dimension"),
                    (torch.linalg.lstsq(torch.stack([_D, -_D * _D], 1), _GAIN[:, None]).solution[:, 0],
                     "that is the curve of the best of n, d (alpha − beta d): here it is ln d"),
                    (torch.linalg.lstsq(torch.stack([torch.ones(4), -_D.log()], 1), _GAIN[:, None]).solution[:, 0],
                     "both terms are multiplied by d: the columns are d and −d ln d"),
                ),
            ),
            Case(
                arguments=(torch.tensor([1.0, 3.0]), torch.tensor([0.3, 0.9])), expected=torch.tensor([0.3, 0.0]),
                hint="a straight line: beta is 0",
            ),
            Case(
                arguments=(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 0.0, 1.0])),
                expected=torch.linalg.lstsq(
                    torch.tensor([[1.0, 0.0], [2.0, -2 * log(2)], [4.0, -4 * log(4)]]), torch.tensor([[1.0], [0.0], [1.0]])
                ).solution[:, 0],
                hint="all points count, each with its error in gain, not in gain / d",
            ),
        ),
    ),
)  # fmt: skip
