"""Exercise of lesson 13 on measuring: when is a score no longer to be trusted?"""

from ..checks import Case, Exercise


def overoptimised(gold: list[float], score: list[float], drop: float) -> bool:
    """Return True if gold fell by at least `drop` from its peak to the end and the score ended above its value at that peak."""
    peak = gold.index(max(gold))
    return gold[-1] <= gold[peak] - drop and score[-1] > score[peak]


EXERCISES = (
    Exercise(
        solution=overoptimised,
        cases=(
            Case(
                arguments=([0.4, 0.7, 0.5], [0.0, 0.6, 0.9], 0.1), expected=True,  # peak 0.7; 0.9 above 0.6
                hint="gold's peak is 0.7 and its end 0.5; the score was 0.6 at that peak and is 0.9 at the end",
                mistakes=((False, "compare the end with gold's peak, 0.7, not with its beginning"),),
            ),
            Case(
                arguments=([0.4, 0.7, 0.5], [0.5, 0.9, 0.3], 0.1), expected=False,
                hint="both fell: the run broke, but the score did not mislead",
                mistakes=((True, "the score fell too, so it told the truth: the run is broken, not over-optimised"),),
            ),
            Case(
                arguments=([0.4, 0.7, 0.5], [0.0, 0.9, 0.8], 0.1), expected=False,
                hint="from gold's peak on, the score fell from 0.9 to 0.8",
                mistakes=((True, "compare the score's end with the score at gold's peak, not with its beginning"),),
            ),
            Case(
                arguments=([0.4, 0.70, 0.68], [0.0, 0.6, 0.9], 0.1), expected=False,
                hint="a fall of 0.02 is less than `drop`",
                mistakes=((True, "0.70 to 0.68 may be chance: the fall must be at least `drop`"),),
            ),
            Case(
                arguments=([0.5, 0.75, 0.5], [0.0, 0.5, 0.75], 0.25), expected=True,
                hint="a fall of exactly `drop` counts",
                mistakes=((False, "the fall is 0.25, exactly `drop`: at least means >= and not >"),),
            ),
            Case(
                arguments=([0.25, 0.75, 0.5, 0.25], [0.0, 0.5, 0.75, 0.5], 0.25), expected=False,
                hint="the score ended where it was at gold's peak, not above",
                mistakes=((True, "0.5 is not above 0.5: the score has to be higher at the end than at gold's peak"),),
            ),
            Case(
                arguments=([0.4, 0.7, 0.3, 0.69], [0.0, 0.6, 0.8, 0.9], 0.1), expected=False,
                hint="gold came back to 0.69: compare the peak with the end",
                mistakes=((True, "compare the peak with the end, not with the lowest point after it"),),
            ),
        ),
    ),
)  # fmt: skip
