"""Exercises of lesson 15 on what stands behind the model: a filter's measures, its threshold, thumbs."""

from math import ceil

from ..checks import Case, Exercise


def precision_and_recall(flagged: list[bool], harmful: list[bool]) -> list[float]:
    """Return the share of the flagged that is harmful, and the share of the harmful that is flagged."""
    hits = sum(f and h for f, h in zip(flagged, harmful))
    return [hits / sum(flagged), hits / sum(harmful)]


def threshold_for_recall(scores: list[float], harmful: list[bool], wanted: float) -> float:
    """Return the highest threshold at which at least the share `wanted` of the harmful has that score or more."""
    bad = sorted((s for s, h in zip(scores, harmful) if h), reverse=True)
    return bad[ceil(wanted * len(bad)) - 1]


def ranks_from_thumbs(thumbs: list[int]) -> list[int]:
    """Return ranks, 0 = best and without gaps, of answers with thumbs 1 (up), 0 (none) or -1 (down)."""
    order = sorted(set(thumbs), reverse=True)
    return [order.index(thumb) for thumb in thumbs]


F, T = False, True
EXERCISES = (
    Exercise(
        solution=precision_and_recall,
        cases=(
            Case(
                arguments=([T, T, F, F, T], [T, F, T, T, T]), expected=[2 / 3, 0.5],
                hint="two of the three flagged are harmful; two of the four harmful are flagged",
                mistakes=(
                    ([0.5, 2 / 3], "turned round: precision first. It asks of what was flagged how much is harmful"),
                    ([0.4, 0.4], "do not divide by all texts: precision by the flagged, recall by the harmful"),
                    ([2, 2], "shares, not counts: divide by the flagged, and by the harmful"),
                    ([2 / 3, 2 / 3], "recall divides by the number of harmful texts, flagged or not"),
                    ([0.5, 0.5], "precision divides by the number of flagged texts, harmful or not"),
                ),
            ),
            Case(arguments=([T, T, T, T], [F, F, F, T]), expected=[0.25, 1.0], hint="flag everything: recall 1, precision low"),
            Case(arguments=([T, F], [F, T]), expected=[0.0, 0.0], hint="nothing harmful was flagged"),
            Case(arguments=([T, F, F, F], [T, T, F, F]), expected=[1.0, 0.5], hint="harmless and not flagged is no hit"),
        ),
    ),
    Exercise(
        solution=threshold_for_recall,
        cases=(
            Case(
                # harmful: 0.9, 0.6, 0.3; 0.6 of three is 1.8, so two are needed
                arguments=([0.9, 0.8, 0.3, 0.6], [T, F, T, T], 0.6), expected=0.6,
                hint="sort the harmful scores, highest first; 0.6 of three is 1.8, so the second one is needed",
                mistakes=(
                    (0.9, "one of three is a recall of 0.33: round the number needed up"),
                    (0.8, "harmless texts do not count for recall: look at the harmful ones only"),
                    (0.3, "that catches all three: a higher threshold is enough, and gives fewer false alarms"),
                ),
            ),
            Case(
                arguments=([0.2, 0.7, 0.5, 0.1, 0.4], [T, T, T, F, T], 1.0), expected=0.2,
                hint="all harmful texts: the lowest of their scores",
                mistakes=((0.1, "the lowest score of all belongs to a harmless text"), (0.7, "sort with the highest first")),
            ),
            Case(arguments=([0.2, 0.7, 0.5, 0.4], [T, T, T, T], 0.5), expected=0.5, hint="half of four: the second highest"),
            Case(
                arguments=([0.905, 0.615, 0.31], [T, T, T], 0.4), expected=0.615, hint="0.4 of three is 1.2: two are needed",
                mistakes=((0.905, "round up, not to the nearest"),),
            ),
        ),
    ),
    Exercise(
        solution=ranks_from_thumbs,
        cases=(
            Case(
                arguments=([-1, 1, 0],), expected=[2, 0, 1], hint="the liked answer has rank 0, the disliked one the last",
                mistakes=(
                    ([0, 2, 1], "turned round: rank 0 is the best"),
                    ([3, 1, 2], "count from 0"),
                    ([1, 2, 0], "one rank per answer, in the order of the answers; this is the order of the places"),
                ),
            ),
            Case(
                arguments=([1, -1],), expected=[0, 1], hint="two answers, two ranks: 0 and 1",
                mistakes=(([0, 2], "no gaps: nobody has rank 1 here"),),
            ),
            Case(
                arguments=([0, 0, 1, 0],), expected=[1, 1, 0, 1], hint="equal thumbs are a tie: the same rank",
                mistakes=(([1, 2, 0, 3], "equal thumbs are a tie: do not invent an order"),),
            ),
            Case(
                arguments=([1, 1, 0],), expected=[0, 0, 1], hint="no gaps after a tie",
                mistakes=(([0, 0, 2], "no gaps: after a tie comes the next rank"),),
            ),
        ),
    ),
)  # fmt: skip
