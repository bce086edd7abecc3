"""Exercises of lesson 10, second half: the cost of pairs, agreement, a baseline by length, calibration."""

from ..checks import Case, Exercise


def answers_computed(k: int) -> tuple[int, int]:
    """Return how many answers go through the model for one prompt: all together, and split into pairs."""
    return k, k * (k - 1)


def share_alike(first: list[int], second: list[int]) -> float:
    """Return the share of pairs that two rankings order alike, among the pairs that neither of them ties."""
    alike = decided = 0
    for i in range(len(first)):
        for j in range(i):
            a, b = first[i] - first[j], second[i] - second[j]
            if a != 0 and b != 0:
                decided += 1
                alike += (a > 0) == (b > 0)
    return alike / decided


def length_accuracy(answers: list[str], ranking: list[int]) -> float:
    """Return the share of ranked pairs in which the better answer has more words; equal lengths count half."""
    lengths = [len(answer.split()) for answer in answers]
    pairs = [(i, j) for i, a in enumerate(ranking) for j, b in enumerate(ranking) if a < b]
    right = sum((lengths[i] > lengths[j]) + 0.5 * (lengths[i] == lengths[j]) for i, j in pairs)
    return right / len(pairs)


def calibrate(probabilities: list[float], came_true: list[bool], bins: int) -> list[tuple[float, float]]:
    """Return for each equal piece of 0 to 1 that is not empty: the mean probability in it, and the share that came true."""
    rows = []
    for piece in range(bins):
        inside = [i for i, p in enumerate(probabilities) if min(int(p * bins), bins - 1) == piece]
        if inside:
            predicted = sum(probabilities[i] for i in inside) / len(inside)
            rows.append((predicted, sum(came_true[i] for i in inside) / len(inside)))
    return rows


_LISTS = ["Yes.", "Paris is nice.", "In France it is.", "It is"]  # 1, 3, 4 and 2 words; 4, 14, 16 and 5 characters

EXERCISES = (
    Exercise(
        solution=answers_computed,
        cases=(
            Case(
                arguments=(4,), expected=(4, 12),
                hint="together every answer is computed once; 4 answers make 6 pairs, and each pair holds two answers",
                mistakes=(
                    ([4, 6], "6 is the number of pairs; each of them puts two answers through the model"),
                    ([4, 16], "no answer is paired with itself: each meets K - 1 others"),
                    ([4, 8], "each answer stands in K - 1 pairs, not in two"),
                ),
            ),
            Case(arguments=(9,), expected=(9, 72), hint="36 pairs of two answers each"),
        ),
    ),
    Exercise(
        solution=share_alike,
        cases=(
            Case(
                # pairs ab ac ad bc bd cd; first ties bc, second ties ab: four are decided, ac ad bd alike, cd not
                arguments=([0, 1, 1, 2], [0, 0, 2, 1]), expected=3 / 4,
                hint="go through all pairs; leave out those that one of the two ties; how many of the rest are ordered alike?",
                mistakes=(
                    (3 / 6, "a pair that one of them ties says nothing: leave it out of the count below the line as well"),
                    (5 / 6, "a tie is no agreement: leave the pair out"),
                    (1 / 4, "compare pairs of answers, not the ranks of single answers: ranks 1 and 2 may mean the same order"),
                ),
            ),
            Case(arguments=([0, 1, 2], [2, 1, 0]), expected=0.0, hint="the two orders are opposite"),
            Case(
                arguments=([0, 1, 2], [0, 2, 1]), expected=2 / 3, hint="two of three pairs are ordered alike",
                mistakes=((200 / 3, "give a share between 0 and 1, not per cent"),),
            ),
        ),
    ),
    Exercise(
        solution=length_accuracy,
        cases=(
            Case(
                # pairs, better first: ba bc bd, ca cd, da; longer: ba yes, bc no, bd yes, ca yes, cd yes, da yes
                arguments=(_LISTS, [3, 0, 1, 2]), expected=5 / 6,
                hint="for each pair: does the better answer have more words? len(answer.split()) counts words",
                mistakes=((1 / 6, "the baseline says that the *longer* answer is better"),),
            ),
            Case(
                arguments=(["No.", "Yes it is", "Unbelievable indeed really"], [2, 1, 0]), expected=2.5 / 3,
                hint="the last two have three words each: that pair counts half",
                mistakes=(
                    (1.0, "count words, not characters: len(answer.split())"),
                    (2 / 3, "where both are equally long the baseline guesses: count one half"),
                ),
            ),
            Case(
                # a and b are tied: pairs, better first: ac (1 word against 2: no), bc (3 against 2: yes)
                arguments=(["Yes.", "It is so", "Not now"], [0, 0, 1]), expected=1 / 2,
                hint="a tie of the ranking makes no pair",
                mistakes=((1 / 3, "two answers that the ranking ties make no pair: leave them out"),),
            ),
        ),
    ),
    Exercise(
        solution=calibrate,
        cases=(
            Case(
                arguments=([0.1, 0.3, 0.6, 0.8, 0.7], [False, True, True, True, False], 2), expected=[(0.2, 0.5), (0.7, 2 / 3)],
                hint="two pieces: 0.1 and 0.3 lie below 0.5, the other three above; the piece of p is int(p * bins)",
                mistakes=(
                    ([(0.25, 0.5), (0.75, 2 / 3)], "give the mean of the probabilities in a piece, not the middle of the piece"),
                    ([(0.2, 1), (0.7, 2)], "give the share that came true, not the number"),
                    ([(0.5, 0.2), (2 / 3, 0.7)], "first what was predicted, then what came true"),
                    ([(0.5, 0.6)], "this is one piece for all; cut the line from 0 to 1 into `bins` pieces"),
                ),
            ),
            Case(
                arguments=([1.0, 0.9], [True, False], 10), expected=[(0.95, 0.5)],
                hint="a probability of exactly 1 belongs to the last piece; pieces without any are left out",
            ),
            Case(
                arguments=([0.9, 0.2, 0.6, 0.4], [True, False, False, True], 4),
                expected=[(0.2, 0.0), (0.4, 1.0), (0.6, 0.0), (0.9, 1.0)],
                hint="four pieces, each with one prediction, the lowest piece first",
                mistakes=(
                    ([(0.9, 1.0), (0.2, 0.0), (0.6, 0.0), (0.4, 1.0)], "go through the pieces from the lowest to the highest"),
                ),
            ),
        ),
    ),
)  # fmt: skip
