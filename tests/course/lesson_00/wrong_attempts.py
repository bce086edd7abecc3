"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from rlhf_lite.course.lesson_00.exercises import win_share


def _of_all_prompts(ours, theirs, tie):
    return sum(a - b >= tie for a, b in zip(ours, theirs)) / len(ours)


def _half_for_a_tie(ours, theirs, tie):
    return sum(1 if a - b >= tie else 0 if b - a >= tie else 0.5 for a, b in zip(ours, theirs)) / len(ours)


def _other_side(ours, theirs, tie):
    return win_share(theirs, ours, tie)


def _number_of_wins(ours, theirs, tie):
    return sum(a - b >= tie for a, b in zip(ours, theirs))


def _every_difference_counts(ours, theirs, tie):
    return win_share(ours, theirs, 1e-9)


def _zero_without_a_decision(ours, theirs, tie):
    return win_share(ours, theirs, tie) if any(abs(a - b) >= tie for a, b in zip(ours, theirs)) else 0


WRONG = {
    "win_share": (
            _of_all_prompts,
            _half_for_a_tie,
            _other_side,
            _number_of_wins,
            _every_difference_counts,
            _zero_without_a_decision,
        ),
}
