"""Exercises of lesson 05 on the model: one text, many predictions; from tokens to logits; nothing looks ahead.

Models in the cases are toys of a few numbers, so that every result can be worked out on paper.
"""

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

from ..checks import Case, Exercise
from .exercises_training import EXERCISES as TRAINING


def next_token_pairs(tokens: list[int]) -> list[tuple[list[int], int]]:
    """Return every beginning of a text with the token that comes after it."""
    return [(tokens[:end], tokens[end]) for end in range(1, len(tokens))]


def gpt_logits(tokens: list[int], embedding: Tensor, positions: Tensor, blocks: list, norm: Callable) -> Tensor:
    """Return the logits (T, V): embed, add positions, pass through the blocks, normalise, compare with the embedding."""
    x = embedding[tokens] + positions[: len(tokens)]  # (T, C)
    for block in blocks:
        x = block(x)
    return norm(x) @ embedding.T


def shifted_loss(probabilities: list[list[float]], tokens: list[int]) -> float:
    """Return the mean surprise at the tokens that came; row t of the probabilities speaks of token t + 1."""
    surprises = [-log(row[following]) for row, following in zip(probabilities, tokens[1:])]
    return sum(surprises) / len(surprises)


def looks_ahead(outputs: Callable, tokens: list[int]) -> bool:
    """Return True if changing a token changes an output before it; `outputs` gives one number per token."""
    before = outputs(tokens)
    for t in range(len(tokens)):
        changed = [*tokens[:t], tokens[t] + 1, *tokens[t + 1 :]]
        if outputs(changed)[:t] != before[:t]:
            return True
    return False


class _Add:
    """A block that adds a number everywhere."""

    def __init__(self, number: float):
        self.number = number

    def __call__(self, x: Tensor) -> Tensor:
        return x + self.number

    def __repr__(self) -> str:
        return f"<adds {self.number:g}>"


class _Times:
    """A block or a norm that multiplies by a number."""

    def __init__(self, number: float):
        self.number = number

    def __call__(self, x: Tensor) -> Tensor:
        return x * self.number

    def __repr__(self) -> str:
        return f"<times {self.number:g}>"


class _Outputs:
    """A toy model with a name for messages."""

    def __init__(self, name: str, function: Callable[[list[int]], list[float]]):
        self.name, self.function = name, function

    def __call__(self, tokens: list[int]) -> list[float]:
        return self.function(list(tokens))

    def __repr__(self) -> str:
        return f"<{self.name}>"


_SUMS = _Outputs("sum of all so far", lambda tokens: [sum(tokens[: t + 1]) for t in range(len(tokens))])
_MEAN = _Outputs("mean of the whole text", lambda tokens: [sum(tokens) / len(tokens)] * len(tokens))
_NEXT = _Outputs("the next token", lambda tokens: [*tokens[1:], 0])
_LAST_AT_FIRST = _Outputs("output 0 sees the last token", lambda tokens: [tokens[-1], *tokens[1:]])
_SECOND_SEES_THIRD = _Outputs("output 1 sees token 2", lambda tokens: [tokens[0], tokens[min(2, len(tokens) - 1)], *tokens[2:]])

_E = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # (V = 3, C = 2)
_P = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])  # (T = 3, C = 2)

EXERCISES = (
    Exercise(
        solution=next_token_pairs,
        cases=(
            Case(
                arguments=([5, 6, 7],), expected=[([5], 6), ([5, 6], 7)],
                hint="for each place from 1 on: what stands before it, tokens[:end], and what stands there, tokens[end]",
                mistakes=(
                    ([([5, 6], 7)], "this is one prediction; a text of 3 tokens has 2: every beginning has a next token"),
                    ([([5], 6), ([6], 7)], "this is a bigram: a GPT sees all tokens before, not one only"),
                    ([([5], 5), ([5, 6], 6)], "the token to predict comes after the beginning; here it is its last token"),
                    (
                        [([], 5), ([5], 6), ([5, 6], 7)],
                        "begin with one token: before the first there is nothing from which it could be predicted",
                    ),
                ),
            ),
            Case(arguments=([4, 4, 9, 4],), expected=[([4], 4), ([4, 4], 9), ([4, 4, 9], 4)],
                 hint="go by place, not by value: a token may come more than once"),
        ),
    ),
    Exercise(
        solution=gpt_logits,
        cases=(
            Case(  # x = [1 1] + [0 0], [1 0] + [10 0]; add 1, times 2: [4 4], [24 2]; norm times 0.5: [2 2], [12 1]
                arguments=([2, 0], _E, _P, [_Add(1.0), _Times(2.0)], _Times(0.5)),
                expected=torch.tensor([[2.0, 2.0, 4.0], [12.0, 1.0, 13.0]]),
                hint="x = embedding[tokens] + positions[: len(tokens)]; then block by block; then norm(x) @ embedding.T",
                mistakes=(
                    (torch.tensor([[2.0, 2.0, 4.0], [2.0, 1.0, 3.0]]),
                     "the positions are missing: without them the model cannot know where a token stands"),
                    (torch.tensor([[2.0, 12.0, 14.0], [2.0, 1.0, 3.0]]),
                     "positions are chosen by the place in the text, 0, 1, 2, not by the token's number"),
                    (torch.tensor([[4.0, 4.0, 8.0], [24.0, 2.0, 26.0]]),
                     "the final norm is missing: apply it after the last block"),
                    (torch.tensor([[3.0, 3.0, 6.0], [13.0, 2.0, 15.0]]),
                     "the norm comes once, after the blocks, not before them"),
                    (torch.tensor([[2.0, 2.0, 4.0], [17.0, 0.5, 17.5]]),
                     "each block reads what the block before it wrote: x = block(x)"),
                ),
            ),
            Case(
                arguments=([1], _E, _P, [], _Times(1.0)), expected=torch.tensor([[0.0, 1.0, 1.0]]),
                hint="without blocks the logits are the products of the token's own embedding with all embeddings",
            ),
        ),
    ),
    Exercise(
        solution=shifted_loss,
        cases=(
            Case(  # row 0 gives 0.5 to token 1, row 1 gives 0.125 to token 2: mean of log 2 and log 8 is log 4
                arguments=([[0.1, 0.5, 0.4], [0.375, 0.5, 0.125], [0.7, 0.1, 0.2]], [0, 1, 2]),
                expected=log(4),
                hint="pair row 0 with token 1, row 1 with token 2; the last row speaks of a token that has not come yet",
                mistakes=(
                    ((-log(0.1) - log(0.5) - log(0.2)) / 3,
                     "row t speaks of the token after t: zip(probabilities, tokens[1:]) pairs them"),
                    ((-log(0.375) - log(0.1)) / 2, "this shifts the other way: row 0 must be compared with token 1"),
                    (2 * log(4), "take the mean: divide by the number of predictions"),
                    (2 / 3 * log(4), "3 tokens give 2 predictions: divide by 2"),
                    (-log(4), "a surprise is minus the logarithm"),
                ),
            ),
            Case(arguments=([[0.0, 1.0], [0.5, 0.5]], [0, 1]), expected=0.0,
                 hint="who was sure and right is not surprised at all"),
        ),
    ),
    Exercise(
        solution=looks_ahead,
        cases=(
            Case(arguments=(_SUMS, [3, 1, 2]), expected=False,
                 hint="sums so far look back only. Compare just the outputs before the changed token: [:t]"),
            Case(arguments=(_MEAN, [3, 1, 2]), expected=True,
                 hint="the mean of the whole text changes everywhere, also before the changed token: answer True where one does"),
            Case(arguments=(_LAST_AT_FIRST, [3, 1, 2, 5]), expected=True,
                 hint="only the last token leaks here, into output 0: change every token in turn, up to the last"),
            Case(arguments=(_SECOND_SEES_THIRD, [3, 1, 2, 5]), expected=True,
                 hint="token 2 leaks into output 1: changing the last token alone does not show it, change each in turn"),
            Case(arguments=(_NEXT, [0, 0]), expected=True,
                 hint="change a token to another one than it was, for instance tokens[t] + 1, or nothing can be seen. (Cutting "
                      "the text off, as above, is not enough: this model says 0 where the next token is missing, as it is here)"),
        ),
    ),
    *TRAINING,
)  # fmt: skip
