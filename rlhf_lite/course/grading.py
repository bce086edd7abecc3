"""Grade a folder of submitted lessons: which exercises does each student's notebook solve?

`python -m rlhf_lite.course grade FOLDER` runs the exercises of every notebook in a fresh process, compares what they return
with the checks of *this* course, and writes a table, a row per student and a column per exercise. What a cell printed, a tick
among it, counts for nothing. A submission that hangs, exits or crashes costs its own exercise and no other. It is a guard
against accidents and easy tricks, not a prison: grade strangers' code on a machine that holds nothing you need.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .judging import RIGHT, grade_notebook
from .lessons import LESSONS

NUMBER = re.compile(r"(?:^|[^0-9])([0-9]{2})_")


@dataclass
class Graded:
    """One notebook: whose it is, and the state of each exercise."""

    student: str
    lesson: str
    notebook: Path
    states: dict[str, str] = field(default_factory=dict)


def find_submissions(folder: Path) -> list[Graded]:
    """Find all notebooks of lessons below a folder: FOLDER/STUDENT/.../01_name.ipynb, or FOLDER/STUDENT_01_name.ipynb.

    Raises:
        FileNotFoundError: where there is none.
        ValueError: where one student has two notebooks of one lesson.
    """
    found: dict[tuple[str, str], Graded] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        number = NUMBER.search(path.name)
        if ".ipynb_checkpoints" in path.parts or number is None or number[1] not in LESSONS:
            continue
        inside = path.relative_to(folder).parts
        student = inside[0] if len(inside) > 1 else path.name[: number.start(1)].strip("_- ") or path.stem
        if other := found.get((student, number[1])):
            raise ValueError(f"two notebooks of lesson {number[1]} by {student}, {other.notebook} and {path}: remove one")
        found[student, number[1]] = Graded(student, number[1], path)
    if not found:
        raise FileNotFoundError(
            f"no lessons in {folder}: expected {folder}/STUDENT/01_next_token_prediction.ipynb, or STUDENT_01_....ipynb there"
        )
    return list(found.values())


def grade_folder(folder: Path, *, seconds: float) -> list[Graded]:
    """Grade every notebook below a folder, one after the other, and print a line for each."""
    graded = find_submissions(folder)
    for each in graded:
        each.states = grade_notebook(each.notebook, each.lesson, seconds=seconds)
        right = sum(state == RIGHT for state in each.states.values())
        print(f"{each.student}, lesson {each.lesson}: {right} of {len(each.states)} right", flush=True)
    return graded


def table(graded: Sequence[Graded]) -> list[list[str]]:
    """Return a row of titles, then one per student: the state of each exercise, and how many are right."""
    lessons = sorted({each.lesson for each in graded})
    titles = [f"{lesson}.{exercise.name}" for lesson in lessons for exercise in LESSONS[lesson].exercises]
    rows = []
    for student in sorted({each.student for each in graded}):
        of_student = [each for each in graded if each.student == student]
        states = {f"{each.lesson}.{name}": state for each in of_student for name, state in each.states.items()}
        cells = [states.get(title, "no notebook") for title in titles]
        rows.append([student, *cells, str(cells.count(RIGHT))])
    return [["student", *titles, "right"], *rows]


def write_table(rows: Sequence[Sequence[str]], path: Path) -> None:
    """Write the table as CSV; a cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    safe = [[f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in row] for row in rows]
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(safe)
