"""Exercises of lesson 01 on tensors: count pairs without a loop, and one step of gradient descent."""

from math import log

import torch

from ..checks import Case, Exercise


def pair_table(tokens: torch.Tensor, n_words: int) -> torch.Tensor:
    """Return how often each word followed each other: (T,) -> (n_words, n_words)."""
    pairs = tokens[:-1] * n_words + tokens[1:]
    return torch.bincount(pairs, minlength=n_words * n_words).view(n_words, n_words)


def downhill_step(logits: torch.Tensor, following: torch.Tensor, rate: float) -> torch.Tensor:
    """Return a row of logits (V,) after one step down the mean surprise at the tokens that followed (N,)."""
    shares = torch.bincount(following, minlength=len(logits)) / len(following)
    return logits - rate * (logits.softmax(0) - shares)


EXERCISES = (
    Exercise(
        solution=pair_table,
        cases=(
            Case(
                arguments=(torch.tensor([0, 1, 0, 1, 2]), 3),
                expected=[[0, 2, 0], [1, 0, 1], [0, 0, 0]],  # pairs 0 1, 1 0, 0 1, 1 2
                hint="tokens[:-1] * n_words + tokens[1:] numbers the pairs; count them, then view them as a square table",
                mistakes=(
                    ([[0, 1, 0], [2, 0, 0], [0, 1, 0]], "rows and columns are exchanged: the row is the earlier word"),
                    ([[0, 1, 0], [1, 0, 1], [0, 0, 0]], "0 1 came twice: table[a, b] += 1 with tensors of places counts each "
                                                        "place once; use bincount"),
                    ([0, 2, 0, 1, 0, 1, 0, 0, 0], "these are the right counts in one row: view them as (n_words, n_words)"),
                    ([0, 2, 0, 1, 0, 1], "bincount stops at the largest number that came: give it minlength=n_words * n_words"),
                    ([[2, 0, 0], [0, 2, 0], [0, 0, 1]], "this counts words; count pairs of neighbours"),
                    (RuntimeError, "there must be n_words * n_words counts before `view`: give bincount that minlength"),
                ),
            ),
            Case(
                arguments=(torch.tensor([1, 1, 3, 1, 1]), 4),
                expected=[[0] * 4, [0, 2, 0, 1], [0] * 4, [0, 1, 0, 0]],
                hint="the table has a row and a column for every word, also for those that never came",
            ),
        ),
    ),
    Exercise(
        solution=downhill_step,
        cases=(
            Case(
                arguments=(torch.zeros(3), torch.tensor([0, 0, 1, 0]), 2.0),
                expected=[5 / 6, -1 / 6, -2 / 3],  # 2 * (shares 3/4, 1/4, 0 minus 1/3 each)
                hint="gradient: logits.softmax(0) minus the share of each token in `following`; then logits - rate * gradient",
                mistakes=(
                    ([-5 / 6, 1 / 6, 2 / 3], "this goes uphill: the loss rises along the gradient, so subtract it"),
                    ([-5 / 12, 1 / 12, 1 / 3], "this is the gradient; return the logits after the step"),
                    ([5 / 12, -1 / 12, -1 / 3], "multiply the gradient by the rate"),
                    ([10 / 3, -2 / 3, -8 / 3], "the loss is the *mean* over the tokens that followed: divide by their number"),
                    ([3 / 2, 1 / 2, 0], "subtract what the model gives already: where it gives the shares, nothing changes"),
                ),
            ),
            Case(
                arguments=(torch.tensor([0.0, 0.0]), torch.tensor([1]), 1.0),
                expected=[-0.5, 0.5],
                hint="token 1 came and had 0.5: its logit rises by 0.5, the other falls by as much",
            ),
            Case(
                arguments=(torch.tensor([0.0, log(3)]), torch.tensor([0]), 0.5),
                expected=[0.375, log(3) - 0.375],  # probabilities 1/4 and 3/4
                hint="start from the logits as they are, and take their softmax for the gradient",
                mistakes=(
                    ([0.375, -0.375], "this is the change alone: add it to the logits that were given"),
                    ([0.25, log(3) - 0.25], "take the softmax of the logits given, not equal probabilities"),
                    ([0.5, log(3) - log(3) / 2], "the gradient needs probabilities: take the softmax of the logits first"),
                ),
            ),
            Case(
                arguments=(torch.tensor([0.0, log(3)]), torch.tensor([1, 0, 1, 1]), 5.0),
                expected=[0.0, log(3)],
                hint="the model gives 1/4 and 3/4, and just these shares came: nothing is left to learn",
            ),
        ),
    ),
)
