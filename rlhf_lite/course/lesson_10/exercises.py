"""Exercises of lesson 10: from rankings to pairs, from pairs to a loss, where a score is read, and training on pairs."""

from math import exp, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..checks import Case, Exercise, PlainSGD


def preference(score_a: float, score_b: float) -> float:
    """Return the probability that answer a is preferred to answer b."""
    return 1 / (1 + exp(score_b - score_a))


def better_pairs(ranking: list[int]) -> list[tuple[int, int]]:
    """Return (i, j) for every two answers of which i was ranked better; ties make no pair."""
    places = range(len(ranking))
    return [(i, j) for i in places for j in places if ranking[i] < ranking[j]]


def prompt_loss(scores: list[float], ranking: list[int]) -> float:
    """Return the mean of -log(preference) over the pairs of one prompt."""
    pairs = [(i, j) for i, a in enumerate(ranking) for j, b in enumerate(ranking) if a < b]
    return sum(log(1 + exp(scores[j] - scores[i])) for i, j in pairs) / len(pairs)


def read_scores(numbers: list[list[float]], lengths: list[int]) -> list[float]:
    """Return each row's number at its last real token."""
    return [row[length - 1] for row, length in zip(numbers, lengths)]


def train_on_pairs(model: nn.Module, optimizer: Optimizer, better: Tensor, worse: Tensor, steps: int) -> list[float]:
    """Take some optimizer steps on the same pairs of token ids (B, T); return the loss before each step."""
    losses = []
    for _ in range(steps):
        loss = -F.logsigmoid(model(better)[:, -1] - model(worse)[:, -1]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class NumberPerToken(nn.Module):
    """The smallest model that gives a number per token: each token id has one, at first log(3) / 3 times the id."""

    def __init__(self, vocab_size: int = 8):
        super().__init__()
        self.numbers = nn.Embedding.from_pretrained(torch.arange(vocab_size)[:, None] * log(3) / 3, freeze=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> (B, T)."""
        return self.numbers(tokens).squeeze(-1)

    def __repr__(self) -> str:
        return "model"


def _pairs_case(better: list[list[int]], worse: list[list[int]], steps: int, rate: float) -> tuple:
    model = NumberPerToken()
    return model, PlainSGD(model.parameters(), lr=rate), torch.tensor(better), torch.tensor(worse), steps


def _losses(difference: float, steps: int, pull: float, *, kept: bool = False, scale: float = 1.0) -> list[float]:
    """Losses of `steps` steps where all pairs differ alike: each moves their difference by `pull` times sigmoid(-difference).

    With `kept`, gradients of earlier steps are not zeroed.
    """
    gradient, found = 0.0, []
    for _ in range(steps):
        found.append(scale * log(1 + exp(-difference)))
        gradient = pull / (1 + exp(difference)) + (gradient if kept else 0.0)
        difference += gradient
    return found


EXERCISES = (
    Exercise(
        solution=preference,
        cases=(
            Case(
                arguments=(log(3), 0.0), expected=0.75, hint="1 / (1 + exp(-difference)), the difference being a's minus b's",
                mistakes=(
                    (0.25, "this is the probability that b is preferred: the difference is a's score minus b's"),
                    (1.0, "people are not certain: a small difference must give a probability near one half"),
                    (3.0, "this is the odds, exp(difference); the probability is odds / (1 + odds)"),
                ),
            ),
            Case(arguments=(2.0, 2.0), expected=0.5, hint="equal scores: one half"),
            Case(arguments=(-1.0, 2.0), expected=1 / (1 + exp(3.0)), hint="1 / (1 + exp(-difference)), the difference being -3"),
        ),
    ),
    Exercise(
        solution=better_pairs,
        cases=(
            Case(
                arguments=([1, 0, 2, 1],), expected=[(0, 2), (1, 0), (1, 2), (1, 3), (3, 2)],
                hint="try all i, and for each all j; keep (i, j) where ranking[i] < ranking[j]",
                mistakes=(
                    ([(0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (3, 0), (3, 2)], "a tie makes no pair: < and not <="),
                    ([(2, 0), (0, 1), (2, 1), (3, 1), (2, 3)], "0 is the best rank, and the better answer comes first in a pair"),
                    ([(0, 2), (1, 0), (1, 3), (3, 2)], "every two answers make a pair, not neighbours in rank alone"),
                    ([(0, 2), (1, 0), (3, 2), (1, 2), (1, 3)], "these are the right pairs: sort them"),
                ),
            ),
            Case(arguments=([1, 0, 1],), expected=[(1, 0), (1, 2)], hint="the second answer is the best, the others are tied"),
        ),
    ),
    Exercise(
        solution=prompt_loss,
        cases=(
            Case(
                arguments=([log(3), 0.0, 0.0], [0, 1, 1]), expected=log(4 / 3),  # two pairs, each with preference 3/4
                hint="for each pair -log(1 / (1 + exp(-difference))), then the mean over the pairs",
                mistakes=(
                    (2 * log(4 / 3), "take the mean over the pairs, not the sum"),
                    (log(4), "the difference is the better answer's score minus the worse one's"),
                    (-log(4 / 3), "a loss is minus the logarithm: it is never below 0"),
                ),
            ),
            Case(
                # best is the second answer, of score 0; pairs, better first: ba, bc, ac
                arguments=([log(2), 0.0, log(4)], [1, 0, 2]), expected=(log(3) + log(5) + log(3)) / 3,
                hint="three pairs, each with its own difference: the second answer against both others, and the first against "
                "the third",
                mistakes=(
                    ((log(3) + log(5)) / 2, "the best answer against each other one is not all: every two answers make a pair"),
                    (log(3), "neighbours in rank are not all: the best and the last make a pair as well"),
                    (log(5), "the best against the last is not all: every two answers make a pair"),
                    (log(3) + log(1.5) + log(1.25), "the answers are not listed best first: ask the ranking which one is better"),
                    (-log((1 / 3 + 1 / 5 + 1 / 3) / 3), "first the logarithm of each probability, then the mean"),
                ),
            ),
            Case(arguments=([0.0, 0.0], [0, 1]), expected=log(2), hint="one pair, and nobody can tell"),
        ),
    ),
    Exercise(
        solution=read_scores,
        cases=(
            Case(
                arguments=([[1.0, 2.0, 4.0, 8.0], [5.0, 7.0, 9.0, 11.0]], [3, 2]), expected=[4.0, 7.0],
                hint="positions count from 0, so the last of `length` tokens stands at length - 1",
                mistakes=(
                    ([8.0, 11.0], "these rows are padded: the last column holds no real token"),
                    ([8.0, 9.0], "this is the first padded position: the last real token stands at length - 1"),
                    ([7 / 3, 6.0], "a score is read at one token, not averaged"),
                ),
            ),
            Case(
                arguments=([[1.0, 2.0, 3.0, 4.0]], [2]), expected=[2.0], hint="of two tokens the last stands at position 1",
                mistakes=(([3.0], "this is the first padded position: positions count from 0"),),
            ),
            Case(
                arguments=([[6.0, 2.0, 1.0], [0.0, -3.0, 9.0]], [3, 2]), expected=[1.0, -3.0],
                hint="the number at the last real token, however large or small",
                mistakes=(([6.0, 0.0], "not the largest number of the row: the one at the last real token"),),
            ),
        ),
    ),
    Exercise(
        solution=train_on_pairs,
        cases=(
            Case(
                # the mean halves each gradient, and both scores of a pair move: 2 * 1.0 / 2 = 1 times sigmoid(-difference)
                arguments=_pairs_case([[3, 1], [3, 2]], [[3, 4], [3, 5]], 3, 1.0), expected=_losses(-log(3), 3, 1.0),
                hint="per step: scores at the last token of both, the loss, zero_grad, backward, step; keep loss.item()",
                mistakes=(
                    (_losses(-log(3), 3, 1.0, kept=True), "gradients of earlier steps are left: zero_grad() in each step"),
                    ([log(4)] * 3, "the loss stays where it was: is the score read at the last token, and is there a step?"),
                    (_losses(-log(3), 3, 2.0, scale=2.0), "take the mean over the pairs, not the sum"),
                    (_losses(log(3), 3, 1.0), "this makes worse answers score higher: the difference is better minus worse"),
                    (_losses(-log(3), 4, 1.0)[1:], "give the loss before each step, not after it"),
                ),
            ),
            Case(
                arguments=_pairs_case([[6, 7, 2]], [[6, 7, 1]], 2, 0.5), expected=_losses(log(3) / 3, 2, 1.0),
                hint="one pair of three tokens, two steps: read the score at the last token, [:, -1]",
            ),
        ),
    ),
)  # fmt: skip
