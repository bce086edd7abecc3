"""Exercises of lesson 03, second part: additive attention by hand, and whether it looks where it should."""

from math import log, tanh

import torch
from torch import Tensor

from ..checks import Case, Exercise


def additive_scores(state: Tensor, notes: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    """Return for each note how well it answers the state: v . tanh(W state + U note)."""
    return torch.tanh(W @ state + notes @ U.T) @ v


def attend(scores: Tensor, mask: Tensor, notes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights, softmax of the scores without padding, and the notes mixed by them."""
    weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
    return weights, weights @ notes


def alignment_hits(weights: list[list[float]], links: list[tuple[int, int]]) -> float:
    """Return the share of linked Chinese words whose largest weight is at an English word that they translate."""
    partners = {}
    for i, j in links:
        partners.setdefault(i, set()).add(j)
    hits = [max(range(len(weights[i])), key=lambda j: weights[i][j]) in right for i, right in partners.items()]
    return sum(hits) / len(hits)


_STATE, _NOTES = torch.tensor([1.0]), torch.tensor([[0.0], [1.0], [-1.0]])
_W, _U, _V = torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 0.5])
_MASK, _PADDED = torch.tensor([True, True, False]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
_SCORES = torch.tensor([0.0, log(3), log(4)])  # e to their power: 1, 3, 4
_LOOKS = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]]

EXERCISES = (
    Exercise(
        solution=additive_scores,
        cases=(
            Case(
                # W state = [1, 0]; U note = [0, 0], [1, 2], [-1, -2]; sums [1, 0], [2, 2], [0, -2]
                arguments=(_STATE, _NOTES, _W, _U, _V),
                expected=torch.tensor([tanh(1), 1.5 * tanh(2), -0.5 * tanh(2)]),
                hint="W @ state is one row for all notes, notes @ U.T is one row per note; add them, take tanh, then @ v",
                mistakes=(
                    (RuntimeError, "the sizes do not fit: W @ state has shape (A,), and notes @ U.T has shape (S, A); add those"),
                    (torch.tensor([1.0, 3.0, -1.0]), "take tanh of the sum before v adds its parts up"),
                    (torch.tensor([tanh(1), tanh(3), -tanh(1)]), "tanh comes before v, not after: v . tanh(...)"),
                    (
                        torch.tensor([0.0, tanh(1) + 0.5 * tanh(2), -tanh(1) - 0.5 * tanh(2)]),
                        "the state has no say yet: add W @ state to each row of notes @ U.T",
                    ),
                    (torch.tensor([tanh(1), 2 * tanh(2), -tanh(2)]), "v weighs the parts: finish with @ v, not with a plain sum"),
                    (
                        torch.tensor([tanh(1), 2 * tanh(1) + 0.5 * tanh(2), -0.5 * tanh(2)]),
                        "add first, then one tanh of the sum: only so can a state and a note act on each other",
                    ),
                ),
            ),
            Case(
                # W state = 3, U notes = 1 and 5: v . tanh = 2 tanh(4) and 2 tanh(8)
                arguments=(torch.tensor([1.0, 1.0]), torch.tensor([[1.0], [5.0]]), torch.tensor([[1.0, 2.0]]),
                           torch.tensor([[1.0]]), torch.tensor([2.0])),
                expected=torch.tensor([2 * tanh(4), 2 * tanh(8)]),
                hint="it must work for any sizes: a state of 2 numbers here, notes of 1",
            ),
        ),
    ),
    Exercise(
        solution=attend,
        cases=(
            Case(
                arguments=(_SCORES, _MASK, _PADDED), expected=([0.25, 0.75, 0.0], [0.25, 0.75]),
                hint="fill the scores where mask is False with float('-inf'), then softmax(-1), then weights @ notes",
                mistakes=(
                    (([0.125, 0.375, 0.5], [4.625, 4.875]), "half of the attention is on padding: use the mask before softmax"),
                    (
                        ([0.125, 0.375, 0.0], [0.125, 0.375]),
                        "the weights sum to 0.5 only: mask the scores before softmax, then it makes the rest sum to 1",
                    ),
                    (
                        ([0.2, 0.6, 0.2], [2.0, 2.4]),
                        "a score of 0 is not 'no attention', e to its power is 1; use float('-inf')",
                    ),
                    (([0.0, 1.0, 0.0], [0.0, 1.0]), "do not pick the best note, mix all of them: weights @ notes"),
                    (([0.25, 0.75], [0.25, 0.75, 0.0]), "both are right; return the weights first, then the context"),
                ),
            ),
            Case(
                arguments=(torch.tensor([2.0, 2.0]), torch.tensor([True, True]), torch.tensor([[2.0], [4.0]])),
                expected=([0.5, 0.5], [3.0]),
                hint="equal scores give equal weights, and the context is then the mean of the notes",
            ),
            Case(
                arguments=(torch.tensor([-1000.0, 0.0]), torch.tensor([True, False]), torch.tensor([[2.0], [4.0]])),
                expected=([1.0, 0.0], [2.0]),
                hint="padding gets exactly 0, however low the scores of the words are",
                mistakes=((([0.0, 1.0], [4.0]), "a low score for padding is not low enough: fill with float('-inf')"),),
            ),
        ),
    ),
    Exercise(
        solution=alignment_hits,
        cases=(
            Case(
                arguments=([[0.9, 0.1], [0.8, 0.2]], [(0, 0), (1, 1)]), expected=0.5,
                hint="row 0 is largest at 0, its partner; row 1 is largest at 0 too, and its partner is 1",
                mistakes=(
                    (1.0, "take the largest along the row of each Chinese word, not along the columns"),
                    (0.55, "do not add the weights up; ask only where the largest of each row is"),
                ),
            ),
            Case(
                arguments=([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], [(0, 2), (1, 0)]), expected=1.0,
                hint="row 0 is largest at 2, and (0, 2) is a link; row 1 is largest at 0, and (1, 0) is a link",
                mistakes=(
                    (IndexError, "a link is (Chinese word, English word): the first number chooses the row"),
                    (0.65, "do not add the weights up; ask only where the largest of each row is"),
                ),
            ),
            Case(
                arguments=([[0.1, 0.9]], [(0, 0), (0, 1)]), expected=1.0, hint="word 0 has two partners and looks at the second",
                mistakes=(
                    (0.0, "keep all partners of a word, not only its first link"),
                    (0.5, "count words, not links: word 0 has two partners, and looking at either is right"),
                ),
            ),
            Case(
                arguments=([[0.8, 0.2]], [(0, 0), (0, 1)]), expected=1.0, hint="word 0 has two partners and looks at the first",
                mistakes=((0.0, "keep all partners of a word: dict(links) keeps only the last link"),),
            ),
            Case(
                arguments=([[0.4, 0.35, 0.25]], [(0, 0)]), expected=1.0, hint="0.4 is the largest of its row",
                mistakes=((0.0, "the largest weight of a row need not be above 0.5"),),
            ),
            Case(
                arguments=(_LOOKS, [(0, 0), (1, 1), (2, 1), (2, 2)]), expected=2 / 3,
                hint="words 0 and 2 look at a partner most, word 1 does not",
                mistakes=((0.5, "count words, not links: word 2 has two partners, and looking at either is right"),),
            ),
            Case(
                arguments=(_LOOKS, [(0, 0), (2, 1)]), expected=1.0,
                hint="word 1 translates nothing here",
                mistakes=((2 / 3, "leave words without a link out: where should they look?"),),
            ),
        ),
    ),
)  # fmt: skip
