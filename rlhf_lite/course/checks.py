"""Check a reader's attempt at an exercise: a tick, or what is wrong and a hint; never an error.

An attempt is called with small inputs whose results were worked out by hand. Mistakes that many people make are known
by the wrong number that they give, and each has its own hint.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NOT_TRIED = "Not tried yet: replace the three dots, then run this cell again."
RIGHT = "✓ Right."


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call of the reader's function."""

    arguments: tuple
    expected: float
    hint: str
    """Said to a wrong answer that is none of the mistakes below, and where the attempt stops with an error."""
    mistakes: Mapping[float, str] = field(default_factory=dict)
    """Wrong result -> the hint for whoever gets it."""


def feedback(attempt: Callable[..., Any], cases: Sequence[Case]) -> str:
    """Return what to tell the reader about an attempt."""
    for case in cases:
        call = f"{attempt.__name__}({', '.join(map(repr, case.arguments))})"
        try:
            found = attempt(*case.arguments)
        except Exception as error:  # whatever the reader wrote
            return f"Not yet: {call} stopped with {type(error).__name__}: {error}. Hint: {case.hint}"
        if found is None or found is ...:
            return NOT_TRIED
        if not isinstance(found, int | float):
            return f"Not yet: {call} gave {found!r:.80}, expected a number. Hint: {case.hint}"
        if not math.isclose(found, case.expected, abs_tol=1e-6):
            hint = next((hint for wrong, hint in case.mistakes.items() if math.isclose(found, wrong, abs_tol=1e-6)), case.hint)
            return f"Not yet: {call} gave {found:.3g}, expected {case.expected:.3g}. Hint: {hint}"
    return RIGHT


WIN_SHARE = (
    Case(
        arguments=([0.9, 0.2, 0.5, 0.8], [0.1, 0.6, 0.5, 0.3], 0.05),
        expected=2 / 3,  # won, lost, tie, won
        hint="count wins and losses, one prompt after the other; zip(ours, theirs) gives the pairs",
        mistakes={
            2 / 4: "the tie decided nothing: divide by wins + losses, not by all prompts",
            2.5 / 4: "a tie is not half a win here: leave it out of both counts",
            1 / 3: "this is the share of the other model: a win is a higher score of ours",
            2: "this is the number of wins; the share is that number divided by wins + losses",
        },
    ),
    Case(
        arguments=([0.53, 0.50, 0.9], [0.50, 0.52, 0.1], 0.05),
        expected=1.0,  # two ties, one win
        hint="only differences of at least `tie` decide",
        mistakes={2 / 3: "0.53 against 0.50 is a tie: the difference must be at least `tie`"},
    ),
    Case(
        arguments=([0.5], [0.5], 0.05),
        expected=0.5,
        hint="where nothing was decided, wins + losses is 0: return 0.5",
        mistakes={0: "where nothing was decided neither model is better: return 0.5"},
    ),
)


def check_win_share(attempt: Callable[[list[float], list[float], float], float]) -> None:
    """Check lesson 00's exercise and print the feedback."""
    print(feedback(attempt, WIN_SHARE))
