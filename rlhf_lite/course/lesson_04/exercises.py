"""Exercises of lesson 04: attention, its slopes, masks, many heads, and where a head looks; layers are in a part of their own."""

from math import log, sqrt

import torch
from torch import Tensor

from ..checks import Case, Exercise
from .exercises_layers import LAYERS


def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return the mix of the values, each weighted by how well its key answers the query."""
    scores = keys @ query / query.shape[0] ** 0.5
    return scores.softmax(0) @ values


def softmax_slopes(weights: Tensor) -> Tensor:
    """Return in row i, column j how fast weight i grows when score j grows."""
    return torch.diag(weights) - weights[:, None] * weights[None, :]


def hide(scores: Tensor, mask: Tensor) -> Tensor:
    """Return weights, one row per query; where the mask is False the weight is 0."""
    return scores.masked_fill(~mask, float("-inf")).softmax(-1)


def attend_with_heads(query: Tensor, key: Tensor, value: Tensor, n_heads: int) -> Tensor:
    """Return what n_heads heads find, each in its own slice of the width, joined again."""
    found = []
    for q, k, v in zip(query.chunk(n_heads, -1), key.chunk(n_heads, -1), value.chunk(n_heads, -1)):
        scores = q @ k.T / q.shape[-1] ** 0.5
        found.append(scores.softmax(-1) @ v)
    return torch.cat(found, -1)


def points_right(weights: Tensor, links: list[tuple[int, int]]) -> float:
    """Return the share of linked rows whose largest weight stands in a column that they are linked with."""
    partners = {}
    for row, column in links:
        partners.setdefault(row, set()).add(column)
    looks = weights.argmax(-1).tolist()
    return sum(looks[row] in columns for row, columns in partners.items()) / len(partners)


_ATTEND = (  # scores 2 log 3 / sqrt(4) = log 3, and 0; weights 3/4 and 1/4
    torch.tensor([2.0, 0.0, 0.0, 0.0]),
    torch.tensor([[log(3), 5.0, 0.0, 0.0], [0.0, 0.0, 7.0, 0.0]]),
    torch.tensor([[4.0, 0.0, 1.0], [8.0, 4.0, 1.0]]),
)
_HIDE = (
    torch.tensor([[log(3), 0.0, log(4)], [0.0, 0.0, 0.0]]),
    torch.tensor([[True, True, False], [True, False, True]]),
)
_HEADS = (  # head 1: weights 3/4, 1/4 and 1/2, 1/2; head 2: 1/2, 1/2 and 1/4, 3/4
    torch.tensor([[sqrt(2) * log(3), 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, sqrt(2) * log(3)]]),
    torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]),
    torch.tensor([[4.0, 0.0, 8.0, 0.0], [0.0, 4.0, 0.0, 8.0]]),
    2,
)
_THREE_HEADS = (  # weights 3/4, 1/4; 1/2, 1/2; 1/4, 3/4
    torch.tensor([[2 * log(3)] + [0.0] * 10 + [2 * log(3)]]),
    torch.tensor([[1.0] + [0.0] * 11, [0.0] * 11 + [1.0]]),
    torch.tensor([[4.0] * 4 + [0.0] * 8, [0.0] * 4 + [2.0] * 4 + [8.0] * 4]),
    3,
)


def _three_heads(odds: float) -> Tensor:
    """What three heads find where the better of two keys is so many times as likely."""
    share = odds / (odds + 1)
    return torch.tensor([[4 * share] * 4 + [1.0] * 4 + [8 * share] * 4])


_LOOKS = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.8, 0.1, 0.1]])
_LINKS = [(0, 0), (1, 0), (1, 2), (2, 0), (2, 2)]  # row 3 has none

EXERCISES = (
    Exercise(
        solution=attend,
        cases=(
            Case(
                arguments=_ATTEND, expected=torch.tensor([5.0, 1.0, 1.0]),
                hint="scores: keys @ query, divided by the square root of the query's width; softmax; weights @ values",
                mistakes=(
                    (torch.tensor([4.4, 0.4, 1.0]), "divide the scores by the square root of the query's width, here 2"),
                    (torch.tensor([5.464102, 1.464102, 1.0]), "divide by the square root of the width, not by the width itself"),
                    (torch.tensor([0.7500001, 0.25]), "these are the weights; multiply them with the values: weights @ values"),
                    (torch.tensor([4.394449, 0.0, 1.098612]), "scores do not sum to 1: softmax turns them into weights"),
                ),
            ),
            Case(
                arguments=(torch.tensor([1.0]), torch.tensor([[1000.0], [1000.0]]), torch.tensor([[2.0], [4.0]])),
                expected=torch.tensor([3.0]),
                hint="two equal scores give weights 1/2 and 1/2. Where the result is nan, e ** 1000 was too large a number: "
                     "torch's softmax subtracts the largest score first",
            ),
            Case(  # score 3 log 3 / sqrt(9) = log 3
                arguments=(
                    torch.tensor([3.0] + [0.0] * 8), torch.tensor([[log(3)] + [0.0] * 8, [0.0] * 9]),
                    torch.tensor([[4.0], [8.0]]),
                ),
                expected=torch.tensor([5.0]),
                hint="the width is that of the query, here 9: query.shape[0]",
                mistakes=((torch.tensor([(4 * 3**1.5 + 8) / (3**1.5 + 1)]), "here the query has 9 numbers, not 4: divide by the "
                                                                             "square root of query.shape[0]"),),
            ),
        ),
    ),
    Exercise(
        solution=softmax_slopes,
        cases=(
            Case(
                arguments=(torch.tensor([0.5, 0.25, 0.25]),),
                expected=torch.tensor([[0.25, -0.125, -0.125], [-0.125, 0.1875, -0.0625], [-0.125, -0.0625, 0.1875]]),
                hint="on the diagonal p_i * (1 - p_i), elsewhere -p_i * p_j",
                mistakes=(
                    (
                        torch.tensor([[0.25, 0.0, 0.0], [0.0, 0.1875, 0.0], [0.0, 0.0, 0.1875]]),
                        "when one score grows, the other weights fall: what stands off the diagonal is -p_i * p_j",
                    ),
                    (
                        torch.tensor([[-0.25, -0.125, -0.125], [-0.125, -0.0625, -0.0625], [-0.125, -0.0625, -0.0625]]),
                        "the diagonal lacks its first part, p_i: a weight grows with its own score",
                    ),
                    (
                        torch.tensor([[-0.25, 0.125, 0.125], [0.125, -0.1875, 0.0625], [0.125, 0.0625, -0.1875]]),
                        "the sign is turned round: a weight grows with its own score and falls with the others'",
                    ),
                    (
                        torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.25]]),
                        "subtract p_i * p_j everywhere, on the diagonal too",
                    ),
                ),
            ),
            Case(
                arguments=(torch.tensor([1.0, 0.0]),), expected=torch.zeros(2, 2),
                hint="a weight of exactly 1 cannot grow, and one of 0 cannot fall: every slope is 0",
            ),
            Case(
                arguments=(torch.tensor([0.5, 0.5]),), expected=torch.tensor([[0.25, -0.25], [-0.25, 0.25]]),
                hint="0.5 * (1 - 0.5) on the diagonal, -0.5 * 0.5 off it",
            ),
        ),
    ),
    Exercise(
        solution=hide,
        cases=(
            Case(
                arguments=_HIDE, expected=torch.tensor([[0.75, 0.25, 0.0], [0.5, 0.0, 0.5]]),
                hint="set hidden scores to minus infinity, then take the softmax: e to the power of it is 0",
                mistakes=(
                    (
                        torch.tensor([[0.375, 0.125, 0.0], [0.3333333, 0.0, 0.3333333]]),
                        "the rest must sum to 1 again: hide before the softmax, not after it",
                    ),
                    (
                        torch.tensor([[0.6000001, 0.2, 0.2], [0.3333333, 0.3333333, 0.3333333]]),
                        "a score of 0 is a score like others, e ** 0 = 1; hide with minus infinity",
                    ),
                    (
                        torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
                        "True means keep, in this whole course: fill where the mask is False, ~mask",
                    ),
                    (
                        torch.tensor([[0.7500001, 1.0, 0.0], [0.25, 0.0, 1.0]]),
                        "each row is one query and sums to 1: softmax along the last dimension",
                    ),
                ),
            ),
            Case(
                arguments=(torch.tensor([[0.0, 0.0], [0.0, log(3)]]), torch.tensor([[True, False], [True, True]])),
                expected=torch.tensor([[1.0, 0.0], [0.25, 0.75]]),
                hint="the first query may look at one word only, so that word gets all the weight",
            ),
            Case(
                arguments=(torch.tensor([[1.0, 1.0, 9.0]]), torch.tensor([[True, True, False]])),
                expected=torch.tensor([[0.5, 0.5, 0.0]]), hint="two equal scores may be seen, the 9 may not",
            ),
            Case(
                arguments=(torch.tensor([[-1000.0, 0.0]]), torch.tensor([[True, False]])), expected=torch.tensor([[1.0, 0.0]]),
                hint="hidden places get exactly 0, however low the other scores are",
                mistakes=((torch.tensor([[0.0, 1.0]]), "a low score is not low enough: hide with float('-inf')"),),
            ),
        ),
    ),
    Exercise(
        solution=attend_with_heads,
        cases=(
            Case(
                arguments=_HEADS, expected=torch.tensor([[3.0, 1.0, 4.0, 4.0], [2.0, 2.0, 2.0, 6.0]]),
                hint="query.chunk(n_heads, -1) cuts the width; attend in each slice; torch.cat(found, -1) joins",
                mistakes=(
                    (
                        torch.tensor([[2.739991, 1.260008, 5.479982, 2.520017], [1.260008, 2.739991, 2.520017, 5.479982]]),
                        "this is one head over the whole width: cut query, key and value first",
                    ),
                    (
                        torch.tensor([[2.739991, 1.260008, 4.0, 4.0], [2.0, 2.0, 2.520017, 5.479982]]),
                        "a head divides by the square root of its own width, here 2, not 4",
                    ),
                    (
                        torch.tensor([[5.0, 0.0, 6.0, 0.0], [0.0, 6.0, 0.0, 7.0]]),
                        "reshape cut the rows, not the width, so that words got mixed: cut along the last dimension",
                    ),
                    (
                        torch.tensor([[3.0, 1.0, 2.0, 2.0], [4.0, 4.0, 2.0, 6.0]]),
                        "the heads are right; join them side by side, along the last dimension",
                    ),
                    (torch.tensor([[7.0, 5.0], [4.0, 8.0]]), "the heads' results stand beside each other, they are not added"),
                ),
            ),
            Case(
                arguments=(torch.zeros(1, 2), torch.ones(3, 2), torch.tensor([[0.0, 3.0], [3.0, 3.0], [6.0, 3.0]]), 2),
                expected=torch.tensor([[3.0, 3.0]]),
                hint="there may be more keys than queries; a query of zeros finds all keys equally good",
            ),
            Case(
                arguments=_THREE_HEADS, expected=torch.tensor([[3.0] * 4 + [1.0] * 4 + [6.0] * 4]),
                hint="here are 3 heads, each 4 wide: cut into n_heads parts, and divide by the square root of *their* width",
                mistakes=(
                    (_three_heads(3 ** (2 / sqrt(3))), "divide by the square root of a head's width, here 4, not of the number "
                                                       "of heads"),
                    (_three_heads(3 ** sqrt(2)), "a head's width depends on n_heads: here it is 12 / 3 = 4, so divide by 2"),
                ),
            ),
        ),
    ),
    *LAYERS,
    Exercise(
        solution=points_right,
        cases=(
            Case(
                arguments=(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), [(0, 0), (1, 1)]), expected=0.5,
                hint="both rows look at 0; only row 0 is linked with it",
                mistakes=((1.0, "look along each row, for a row is a word to write: argmax(-1)"),),
            ),
            Case(
                arguments=(torch.tensor([[0.1, 0.9]]), [(0, 0), (0, 1)]), expected=1.0, hint="row 0 has two links, looks at one",
                mistakes=(
                    (0.0, "keep all links of a row, not only its first"),
                    (0.5, "count rows, not links: a row with two links is right if it looks at either"),
                                    ),
            ),
            Case(
                arguments=(torch.tensor([[0.8, 0.2]]), [(0, 0), (0, 1)]), expected=1.0, hint="row 0 has two links, looks at one",
                mistakes=((0.0, "keep all links of a row: dict(links) keeps only the last"),),
            ),
            Case(
                arguments=(torch.tensor([[0.4, 0.35, 0.25]]), [(0, 0)]), expected=1.0, hint="0.4 is the largest of its row",
                mistakes=((0.0, "the largest weight of a row need not be above 0.5"),),
            ),
            Case(
                arguments=(_LOOKS, _LINKS), expected=2 / 3,
                hint="rows 0 and 1 look at a word that they are linked with, row 2 does not, row 3 has no link",
                mistakes=(
                    (0.5, "a row without any link cannot be right or wrong: leave it out"),
                    (0.4, "count rows, not links: a row with two links is right if it looks at either"),
                    (0.6333333, "ask only where the largest weight of a row stands, not how large it is"),
                    (0.3333333, "a row belongs to a word to write: take the largest along the row, "
                                                          "argmax(-1)"),
                ),
            ),
        ),
    ),
)  # fmt: skip
