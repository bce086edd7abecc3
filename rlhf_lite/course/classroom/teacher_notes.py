"""What a teacher reads beside a lesson: its block of the run sheet, and for each exercise what often goes wrong."""

import re

from ...files import course_folder
from .exercise_cells import ExerciseCell

RUN_SHEET = "notebooks/classroom/one_day.md"
BLOCK = re.compile(r"^## Block .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def block_notes(number: str) -> str:
    """Return the sections of the day's run sheet that name a lesson, as Markdown with smaller titles; "" where none does."""
    path = course_folder() / RUN_SHEET
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = [part.strip() for part in BLOCK.findall(text) if f"(../{number}_" in part]
    beside_lessons = "\n\n".join(parts).replace("](../", "](")
    return re.sub(r"^#", "##", beside_lessons, flags=re.MULTILINE)


def exercise_notes(cell: ExerciseCell) -> str:
    """Return as Markdown what a check says to the mistakes that it knows, each once."""
    hints = dict.fromkeys(hint for case in cell.exercise.cases for _, hint in case.mistakes)
    hints = hints or dict.fromkeys(case.hint for case in cell.exercise.cases)
    lines = [f"- {hint}" for hint in hints]
    return "\n".join([f"**For the teacher: what goes wrong in `{cell.name}`, and what its check says.**", "", *lines])
