"""Find a lesson's notebook by its number."""

from pathlib import Path

from ...files import course_folder

CHECKOUT = "the command needs a checkout, which holds `data/` and `notebooks/`"


def lesson_path(number: str) -> Path:
    """Return the path of a lesson's notebook. Example: "10" -> .../notebooks/10_reward_model.ipynb.

    Raises: FileNotFoundError where no lesson has this number, or the course's notebooks are not there.
    """
    folder = course_folder() / "notebooks"
    lessons = {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"), reverse=True)}
    if number not in lessons:
        there = f"there are {', '.join(sorted(lessons))}" if lessons else CHECKOUT
        raise FileNotFoundError(f"there is no lesson {number!r} in {folder}: {there}")
    return lessons[number]
