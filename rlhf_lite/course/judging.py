"""Judge one submitted notebook: run its exercises in a fresh process, and compare what they return with this course's checks.

It imports the exercises of one lesson and not the lessons themselves, since graders start it once per submission.
"""

import json
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

from .checks import Exercise, same
from .graded_process import exercises_of, from_wire

START_SECONDS = 300.0
"""For Python, PyTorch and the reader's imports, on a machine that is busy (ours)."""
RIGHT, WRONG = "right", "wrong"
TOO_SLOW, STOPPED = "too slow", "ended Python"


def grade_notebook(notebook: Path, lesson: str, *, seconds: float) -> dict[str, str]:
    """Return the state of each exercise of a lesson's notebook; `seconds` are for all the cases of one exercise."""
    exercises = exercises_of(lesson)
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
                row = json.loads(text)
                if "begin" in row:
                    current, seen = row["begin"], {}
                    limit = seconds if current else START_SECONDS  # before the first exercise come the reader's imports
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
