"""Exercises of lesson 12 on runs that went wrong: name the fault, and find some before they train."""

from math import log

from ..checks import Case, Exercise, HiddenName
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
    "KL off": "the KL would begin at 0 and end a little above the grey range, and hardly another curve would leave it: at 0.05 a "
    "nat, against a score that rises by three points, the penalty weighs little here",
    "reward on padding": "hardly a score would arrive at the answers: the value model would foresee what never comes, its "
    "explained variance fall far below 0, and the judge see little progress",
    "mask off by one": "tokens that nobody sampled would count, so that the KL, a sum over the wrong tokens, would fall far "
    "below 0",
    "wrong temperature": "answers would be drawn from another distribution than the one that scores them: the score would be "
    "off already in iteration 1, where nothing is learnt yet",
    "no whitening": "hardly a curve would leave the grey range, since Adam evens out the size of steps; only the gradient "
    "norm would be two or three times as long",
    "reference trained too": "the KL would be exactly 0 in every iteration, however far the policy has gone",
    "ptx too strong": "the gradient norm would be some forty times as long from iteration 1 on, and the score would rise "
    "half as far: nearly every step would be one for the pretraining text",
    "reward model of manners": "the score would be on another scale and end below 1, while the explained variance begins far "
    "below 0 and ends above that of the sound runs",
}
"""What a reader who guesses a fault should then see in the run."""


def _case_of(letter: str) -> Case:
    right = RUNS[letter]
    mistakes = [
        (name, f"if run {letter} had {name}, {SIGNS[name]}. Look at run {letter} again") for name in FAULTS if name != right
    ]
    return Case(
        arguments=(letter,), expected=HiddenName(right), mistakes=mistakes,
        hint=f"return one of these names, letter by letter: {', '.join(FAULTS)}",
    )  # fmt: skip


def surprise_minus_entropy(distributions: list[list[float]], drawn: list[int]) -> float:
    """Return the mean surprise at the tokens drawn, minus the mean entropy of the distributions that score them."""
    surprise = -sum(log(p[token]) for p, token in zip(distributions, drawn)) / len(drawn)
    entropy = -sum(q * log(q) for p in distributions for q in p if q > 0) / len(drawn)
    return surprise - entropy


EXERCISES = (
    Exercise(
        solution=diagnose,
        cases=tuple(map(_case_of, RUNS)),
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
                    (-0.5, "take the natural logarithm, log of math: all is measured in nats here"),
                ),
            ),
            Case(
                # surprises 3 and 1 log 2, mean 2; entropies 1.75 and 1 log 2, mean 1.375
                arguments=([[0.25, 0.5, 0.125, 0.125], [0.5, 0.5, 0.0, 0.0]], [2, 1]), expected=0.625 * log(2),
                hint="two places, each with its own distribution: surprises log 8 and log 2, entropies 1.75 log 2 and log 2",
                mistakes=(
                    (0.125 * log(2), "the surprise is that of the token drawn, p[token], not of the first one"),
                    (-0.375 * log(2), "the surprise is that of the token drawn, p[token], not of the likeliest one"),
                    (0.25 * log(2), "each place has its own entropy: take the mean of all, not the first one's"),
                    (ValueError, "log(0) does not exist; what has probability 0 adds nothing to the entropy"),
                ),
            ),
            Case(arguments=([[0.5, 0.5]], [1]), expected=0.0, hint="surprise and entropy are log 2, both"),
            Case(
                arguments=([[1.0, 0.0]], [0]), expected=0.0, hint="who is sure and right has surprise 0 and entropy 0",
                mistakes=((ValueError, "log(0) does not exist; what has probability 0 adds nothing to the entropy"),),
            ),
        ),
    ),
)  # fmt: skip
