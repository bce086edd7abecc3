"""Exercises of lesson 10: from rankings to pairs, from pairs to a loss, and where a score is read."""

from math import exp, log

from ..checks import Case, Exercise


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
                ),
            ),
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
        ),
    ),
)  # fmt: skip
