"""Grade a folder of submitted lessons: which exercises does each student's notebook solve?

`python -m rlhf_lite.course grade FOLDER` runs the exercises of every notebook in a fresh process, compares what they return
with the checks of *this* course, and writes a table, a row per student and a column per exercise. What a cell printed, a tick
among it, counts for nothing. A submission that hangs, exits or crashes costs its own exercise and no other. It is a guard
against accidents and easy tricks, not a prison: grade strangers' code on a machine that holds nothing you need.
"""

import csv
import json
import queue
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .checks import Exercise, same
from .graded_process import from_wire
from .lessons import LESSONS

START_SECONDS = 120.0
"""For Python, PyTorch and the reader's imports (ours)."""
NUMBER = re.compile(r"(?:^|[^0-9])([0-9]{2})_")
RIGHT, WRONG, NOT_TRIED, MISSING = "right", "wrong", "not tried", "missing"
TOO_SLOW, STOPPED = "too slow", "ended Python"


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


def grade_notebook(notebook: Path, lesson: str, *, seconds: float) -> dict[str, str]:
    """Return the state of each exercise of a lesson's notebook; `seconds` are for all the cases of one exercise."""
    exercises = {each.name: each for each in LESSONS[lesson].exercises}
    states: dict[str, str] = {}
    while missing := [name for name in exercises if name not in states]:
        found, last = _run(notebook, lesson, missing, exercises, seconds)
        states |= found
        if last is not None:  # the process ended in the middle of an exercise; "" is before the first
            states |= {last[0]: last[1]} if last[0] else dict.fromkeys(missing, last[1])
    return {name: states[name] for name in exercises}


def _run(
    notebook: Path, lesson: str, names: list[str], exercises: dict[str, Exercise], seconds: float
) -> tuple[dict[str, str], tuple[str, str] | None]:
    """Run exercises in one process; return states, and in which exercise it ended and how, where it did not come to its end."""
    token, states, current, seen = secrets.token_hex(8), {}, "", {}
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-B", "-m", "rlhf_lite.course.graded_process", str(notebook.resolve()), lesson, *names]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   cwd=scratch)  # fmt: skip
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        try:
            process.stdin.write(token + "\n")
            process.stdin.close()
            limit = START_SECONDS
            while (line := lines.get(timeout=limit)) is not None:
                mark, _, text = line.partition(" ")
                if mark != token:
                    continue
                row, limit = json.loads(text), seconds
                if "begin" in row:
                    current, seen = row["begin"], {}
                elif "state" in row:
                    states[current] = row["state"]
                elif "case" in row:
                    seen[row["case"]] = row
                elif "end" in row and current not in states:
                    states[current] = _state(seen, exercises[current])
            return states, None if len(states) == len(names) else (current, STOPPED)
        except queue.Empty:
            return states, (current, TOO_SLOW)
        except OSError:  # it ended before it could be told anything
            return states, (current, STOPPED)
        finally:
            process.kill()
            process.wait()


def _read(stream: IO[str], lines: queue.Queue) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _state(seen: dict, exercise: Exercise) -> str:
    """Judge what the cases of one exercise gave."""
    answers = [seen.get(number, {}) for number in range(len(exercise.cases))]
    right = ("found" in row and same(from_wire(row["found"]), case.expected)
             for row, case in zip(answers, exercise.cases, strict=True))  # fmt: skip
    return RIGHT if all(right) else WRONG


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
