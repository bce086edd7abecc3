"""What a student sees below an exercise of a sheet; it imports the lessons only when asked, since graders start it often."""

import os
from collections.abc import Callable
from typing import Any


def check(lesson: str, attempt: Callable[..., Any]) -> None:
    """Print what a lesson's check says to an attempt; while nbgrader grades, do nothing, since the attempt might never end."""
    if os.environ.get("NBGRADER_EXECUTION") != "autograde":
        from ..lessons import LESSONS

        LESSONS[lesson].check(attempt)
