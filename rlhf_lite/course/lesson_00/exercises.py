"""Exercise of lesson 00: which share of the prompts does a model win?"""

from ..checks import Case, Exercise


def win_share(ours: list[float], theirs: list[float], tie: float) -> float:
    """Return wins / (wins + losses)."""
    wins = sum(a - b >= tie for a, b in zip(ours, theirs))
    losses = sum(b - a >= tie for a, b in zip(ours, theirs))
    return wins / (wins + losses) if wins + losses else 0.5


EXERCISES = (
    Exercise(
        solution=win_share,
        cases=(
            Case(
                arguments=([0.9, 0.2, 0.5, 0.8], [0.1, 0.6, 0.5, 0.3], 0.05),
                expected=2 / 3,  # won, lost, tie, won
                hint="count wins and losses, one prompt after the other; zip(ours, theirs) gives the pairs",
                mistakes=(
                    (2 / 4, "the tie decided nothing: divide by wins + losses, not by all prompts"),
                    (2.5 / 4, "a tie is not half a win here: leave it out of both counts"),
                    (1 / 3, "this is the share of the other model: a win is a higher score of ours"),
                    (2, "this is the number of wins; the share is that number divided by wins + losses"),
                ),
            ),
            Case(
                arguments=([0.53, 0.50, 0.9], [0.50, 0.52, 0.1], 0.05),
                expected=1.0,  # two ties, one win
                hint="only differences of at least `tie` decide",
                mistakes=((2 / 3, "0.53 against 0.50 is a tie: the difference must be at least `tie`"),),
            ),
            Case(
                arguments=([0.5], [0.5], 0.05),
                expected=0.5,
                hint="where nothing was decided, wins + losses is 0: return 0.5",
                mistakes=((0, "where nothing was decided neither model is better: return 0.5"),),
            ),
        ),
    ),
)
