"""Exercises of lesson 13, second part: which settings are worth having, and when a score is no longer to be trusted."""

from ..checks import Case, Exercise


def not_beaten(settings: dict[str, tuple[float, float]]) -> list[str]:
    """Return the settings (gold score, text loss) that no other beats: no worse in both, and better in one."""

    def beats(other, one):
        return other != one and other[0] >= one[0] and other[1] <= one[1]

    return [name for name, one in settings.items() if not any(beats(other, one) for other in settings.values())]


def overoptimised(gold: list[float], score: list[float], drop: float) -> bool:
    """Return True if gold fell by at least `drop` from its peak to the end and the score ended above its value at that peak."""
    peak = gold.index(max(gold))
    return gold[-1] <= gold[peak] - drop and score[-1] > score[peak]


EXERCISES = (
    Exercise(
        solution=not_beaten,
        cases=(
            Case(
                arguments=({"a": (0.7, 2.0), "b": (0.7, 1.0), "c": (0.5, 0.9), "d": (0.4, 1.5)},),
                expected=["b", "c"],  # b beats a (equal gold, less loss) and d; nothing beats b or c
                hint="keep a setting unless some other one has gold at least as high and loss at most as high",
                mistakes=(
                    (["a"], "loss counts too, and less of it is better"),
                    (["a", "b", "c"], "b beats a: as good in gold and less loss; better in one thing is enough"),
                    (["a", "d"], "these are the beaten ones: keep the others"),
                ),
            ),
            Case(
                arguments=({"a": (0.9, 3.0), "b": (0.7, 1.0)},), expected=["a", "b"],
                hint="each is better in one thing, so neither beats the other",
                mistakes=((["a"], "a has more gold but also more loss: it does not beat b"),),
            ),
            Case(
                arguments=({"x": (0.5, 1.0), "y": (0.5, 1.0)},), expected=["x", "y"],
                hint="two equal settings do not beat each other",
                mistakes=(([], "equal in both is not better in one: two equal settings do not beat each other"),),
            ),
        ),
    ),
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
        ),
    ),
)  # fmt: skip
