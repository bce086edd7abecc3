"""What the reader has done, in a local file that is not under version control: `.progress.json` in the course's folder.

No account, no network. Another place can be named in the environment variable RLHF_LITE_PROGRESS, for instance on a
computer that many readers share. Nothing here stops a lesson: what cannot be stored is said and goes on.
"""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

from ..files import course_folder, write_atomically
from .languages import tr

EMPTY: dict[str, dict] = {"exercises": {}, "quizzes": {}}


def progress_path() -> Path:
    """Return where progress is stored."""
    return Path(os.environ.get("RLHF_LITE_PROGRESS") or course_folder() / ".progress.json")


def load_progress() -> dict[str, dict]:
    """Read what is done: {"exercises": {"01": ["count_pairs"]}, "quizzes": {"01": {"1": 2}}}, empty where nothing is stored.

    A file that cannot be understood is put aside, not overwritten, and that is said.
    """
    path = progress_path()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return deepcopy(EMPTY)
    except OSError as error:
        print(tr("Your progress cannot be read: {error}. The lesson works all the same.", error=error))
        return deepcopy(EMPTY)
    except ValueError:  # no JSON, or no UTF-8
        found = None
    if _is_progress(found):
        return found
    _put_aside(path)
    return deepcopy(EMPTY)


def record_exercise(lesson: str, exercise: str) -> None:
    """Store that an exercise is solved."""
    done = load_progress()
    names = done["exercises"].setdefault(lesson, [])
    if exercise not in names:
        names.append(exercise)
        _store(done)


def record_answer(lesson: str, question: int, choice: int) -> None:
    """Store the latest answer to a question of a lesson's quiz; both are counted from 0."""
    done = load_progress()
    done["quizzes"].setdefault(lesson, {})[str(question)] = choice
    _store(done)


def stored_answers(lesson: str) -> dict[int, int]:
    """Return question -> choice of a lesson's quiz."""
    return {int(question): choice for question, choice in load_progress()["quizzes"].get(lesson, {}).items()}


def _is_progress(found: Any) -> bool:
    if not isinstance(found, dict) or set(found) != set(EMPTY) or not all(isinstance(part, dict) for part in found.values()):
        return False
    lists = all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in found["exercises"].values())
    return lists and all(
        isinstance(answers, dict) and all(question.isdecimal() and type(choice) is int for question, choice in answers.items())
        for answers in found["quizzes"].values()
    )


def keep_aside(path: Path) -> Path:
    """Rename a file that cannot be understood, beside itself, so that nothing is lost; return its new path.

    Example: mine.jsonl becomes mine.unreadable-1.jsonl. Raises: OSError where it cannot be renamed.
    """
    count = 1
    while (aside := path.with_name(f"{path.stem}.unreadable-{count}{path.suffix}")).exists():
        count += 1
    return path.rename(aside)


def _put_aside(path: Path) -> None:
    try:
        aside = keep_aside(path)
    except OSError as error:
        print(tr("Your progress in {name} cannot be understood, nor put aside: {error}.", name=path.name, error=error))
    else:
        told = "Your progress in {name} cannot be understood. It was kept as {aside}; a new file is begun."
        print(tr(told, name=path.name, aside=aside.name))


def _store(done: dict[str, dict]) -> None:
    try:
        write_atomically(progress_path(), json.dumps(done, indent=1))
    except OSError as error:
        print(tr("Your progress cannot be stored: {error}. The lesson works all the same.", error=error))
