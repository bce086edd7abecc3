"""Exercises of lesson 00: what did ptx give back, and which share of the prompts does a model win?"""

from ..checks import Case, Exercise


def given_back(before: float, ppo: float, ppo_ptx: float) -> float:
    """Return the share of what PPO lost that came back with ptx."""
    return (ppo_ptx - ppo) / (before - ppo)


def win_share(ours: list[float], theirs: list[float], tie: float) -> float:
    """Return wins / (wins + losses)."""
    wins = sum(a - b >= tie for a, b in zip(ours, theirs))
    losses = sum(b - a >= tie for a, b in zip(ours, theirs))
    return wins / (wins + losses) if wins + losses else 0.5


EXERCISES = (
    Exercise(
        solution=given_back,
        cases=(
            Case(
                arguments=(60, 40, 55),
                expected=0.75,  # 15 of 20
                hint="PPO lost before - ppo, and ppo_ptx - ppo of it came back",
                mistakes=(
                    (0.25, "this is the share that stayed lost; ask for the share that came back"),
                    (15, "this is how much came back; divide by how much was lost"),
                    (15 / 60, "divide by what was lost, before - ppo, not by the whole score"),
                    (55 / 60, "this is the share of the score that is left; count from ppo upwards"),
                    (-0.75, "the signs differ: take both differences from ppo upwards"),
                    (75, "this is percent; 0.75 is asked"),
                ),
            ),
            Case(
                arguments=(0.8, 0.5, 0.95),
                expected=1.5,  # 0.45 of 0.3
                hint="ptx may end above the score before PPO: then the share is more than 1",
                mistakes=((1, "do not stop at 1: what is above the old score counts too"),),
            ),
            Case(
                arguments=(30.0, 10.0, 5.0),
                expected=-0.25,
                hint="with ptx it may even get worse: then the share is below 0",
                mistakes=((0, "do not stop at 0"), (0.25, "do not drop the sign: here it got worse")),
            ),
        ),
    ),
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
                arguments=([0.9, 0.2], [0.1, 0.6], 0.05),
                expected=0.5,
                hint="one won, one lost",
            ),
            Case(
                arguments=([0.75, 0.25, 1.0], [0.5, 0.5, 0.9], 0.25),
                expected=0.5,  # both differences of 0.25 decide, 0.1 does not
                hint="`tie` is an argument, here 0.25; a difference of exactly `tie` decides",
                mistakes=((2 / 3, "here `tie` is 0.25: take the argument, so that 1.0 against 0.9 is a tie"),),
            ),
            Case(
                arguments=([0.75, 0.5, 0.25], [0.5, 0.75, 0.0], 0.25),
                expected=2 / 3,
                hint="only a difference *smaller* than `tie` decides nothing: one of exactly `tie` does, so use >=",
                mistakes=((0.5, "only a difference *smaller* than `tie` is a tie: compare with >="),),
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
