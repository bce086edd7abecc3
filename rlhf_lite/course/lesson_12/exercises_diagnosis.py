"""Exercises of lesson 12 on runs that went wrong: name the fault, and repair the code."""

from math import log

from ..checks import Case, Exercise
from .injected_faults import FAULTS
from .wrong_runs import RUNS


def diagnose(run: str) -> str:
    """Return the name of the fault of run "A" to "I"."""
    found = {"A": "dropout on", "B": "KL off", "C": "reward on padding", "D": "mask off by one", "E": "wrong temperature",
             "F": "no whitening", "G": "reference trained too", "H": "ptx too strong",
             "I": "reward model of manners"}  # fmt: skip
    return found[run]


SIGNS = {
    "dropout on": "KL would be far from 0 already in iteration 1, where the policy still is its reference, and most ratios would "
    "be clipped",
    "KL off": "nothing would hold the KL back: it would climb far above that of the sound runs",
    "reward on padding": "no score would arrive at the answers: the value model would foresee what never comes, and its "
    "explained variance stay below 0",
    "mask off by one": "tokens that nobody sampled would count, so that the KL, a sum over the wrong tokens, could fall below 0",
    "wrong temperature": "answers would be drawn from another distribution than the one that scores them: the score would be "
    "off already in iteration 1, where nothing is learnt yet",
    "no whitening": "hardly a curve would leave the grey range, since Adam evens out the size of steps; only the gradient "
    "norm would",
    "reference trained too": "the KL would be 0 in every iteration, however far the policy has gone",
    "ptx too strong": "the score would hardly rise, or fall: nearly every step would be one for the pretraining text",
    "reward model of manners": "the score would be on another scale from the first iteration on, and rise, while "
    "the judge's would not follow it",
}
"""What a reader who guesses a fault should then see in the run."""


class Secret(str):
    """A string that a check compares and does not show."""

    def __repr__(self) -> str:
        return "another fault"


def _case_of(letter: str) -> Case:
    right = RUNS[letter]
    mistakes = [
        (name, f"if run {letter} had {name}, {SIGNS[name]}. Look at run {letter} again") for name in FAULTS if name != right
    ]
    return Case(
        arguments=(letter,), expected=Secret(right), mistakes=mistakes,
        hint=f"return one of these names, letter by letter: {', '.join(FAULTS)}",
    )  # fmt: skip


def place_scores(scores: list[float], mask: list[list[bool]]) -> list[list[float]]:
    """Return a row of rewards for each answer: its score at its last sampled token, 0 elsewhere."""
    rows = []
    for score, kept in zip(scores, mask):
        last = max(t for t, keep in enumerate(kept) if keep)
        rows.append([score if t == last else 0.0 for t in range(len(kept))])
    return rows


def surprise_minus_entropy(distributions: list[list[float]], drawn: list[int]) -> float:
    """Return the mean surprise at the tokens drawn, minus the mean entropy of the distributions that score them."""
    surprise = -sum(log(p[token]) for p, token in zip(distributions, drawn)) / len(drawn)
    entropy = -sum(q * log(q) for p in distributions for q in p if q > 0) / len(drawn)
    return surprise - entropy


T, F = True, False
EXERCISES = (
    Exercise(
        solution=diagnose,
        cases=tuple(map(_case_of, RUNS)),
    ),
    Exercise(
        solution=place_scores,
        cases=(
            Case(
                arguments=([0.5, -1.0], [[F, T, T, T, T], [F, F, T, T, F]]),
                expected=[[0.0, 0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, -1.0, 0.0]],
                hint="look for the last True of each row of the mask",
                mistakes=(
                    ([[0.0, 0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0, -1.0]],
                     "the second answer ends before its row does; behind it is padding, where nothing is learnt"),
                    ([[0.0, 0.5, 0.5, 0.5, 0.5], [0.0, 0.0, -1.0, -1.0, 0.0]], "the score is given once, not on every token"),
                    ([[0.0, 0.0, 0.0, 0.5, 0.0], [0.0, -1.0, 0.0, 0.0, 0.0]],
                     "counting the tokens kept is not enough: the prompt stands before them"),
                    ([[0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, -1.0]],
                     "one place too far: the score belongs on the last sampled token, not behind it"),
                ),
            ),
            Case(arguments=([2.0], [[T]]), expected=[[2.0]], hint="an answer of one token gets its score there"),
        ),
    ),
    Exercise(
        solution=surprise_minus_entropy,
        cases=(
            Case(
                # both surprises are log 2; both entropies are 1.5 log 2: log 2, log 4, log 4 with weights 1/2, 1/4, 1/4
                arguments=([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]], [0, 0]), expected=-0.5 * log(2),
                hint="surprise of a token: -log p of it; entropy: the mean surprise of all tokens, each weighted by its p",
                mistakes=(
                    (0.5 * log(2), "the other way round: what was drawn here is likelier than usual, so the result is below 0"),
                    (log(2), "this is the mean surprise; the mean entropy must be taken off it"),
                    (-log(2), "take means over the places, not sums"),
                ),
            ),
            Case(
                arguments=([[1.0, 0.0]], [0]), expected=0.0, hint="who is sure and right has surprise 0 and entropy 0",
                mistakes=((ValueError, "log(0) does not exist; what has probability 0 adds nothing to the entropy"),),
            ),
        ),
    ),
)  # fmt: skip
