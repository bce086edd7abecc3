"""Write lessons as assignments of nbgrader (tried with 0.9.6): FOLDER/source/lesson_10/10_reward_model.ipynb, and its settings.

A student's version is made by `nbgrader generate_assignment lesson_10`; solutions and hidden tests are cut out by nbgrader. In
grading, nbgrader puts all locked cells back as they were here.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..rerun import KERNEL
from .exercise_cells import fill_in
from .sheets import ExerciseSheet, make_sheet

CONFIG = '''\
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "how_chatgpt_was_made"
# The first test of a notebook judges all its exercises in a process of its own: half a minute, 20 seconds more for each that
# hangs, and minutes on a busy machine.
c.Execute.timeout = 600
# An untouched exercise is then told from a wrong one, and the notebook runs from top to bottom.
c.ClearSolutions.code_stub = {"python": "..."}
'''
STEPS = """in {folder}, with nbgrader installed beside the course:
  nbgrader generate_assignment {name}   # release/{name}/ is for students, together with the course
  nbgrader autograde {name}             # grades submitted/STUDENT/{name}/{file}
  nbgrader export                             # grades.csv"""


def _cell(source: str, grade_id: str, *, markdown=False, solution=False, points: int | None = None) -> NotebookNode:
    tags = {"schema_version": 3, "grade_id": grade_id, "solution": solution, "locked": not solution, "task": False,
            "grade": points is not None}  # fmt: skip
    if points is not None:
        tags["points"] = points
    make = nbformat.v4.new_markdown_cell if markdown else nbformat.v4.new_code_cell
    return make(source.strip(), metadata={"nbgrader": tags})


def nbgrader_notebook(sheet: ExerciseSheet) -> NotebookNode:
    """Return a sheet with the cell metadata of nbgrader: an instructor's source notebook, one point per exercise."""
    token = f"_states_{secrets.token_hex(8)}"
    cells = [_cell(sheet.title, "title", markdown=True), _cell(sheet.setup, "setup")]
    for each in sheet.exercises:
        solved = fill_in(each.stub, each.name, each.solution, around=("### BEGIN SOLUTION", "### END SOLUTION"))
        test = f"### BEGIN HIDDEN TESTS\n{sheet.test(each.name, token)}\n\ntest_{each.name}(globals())\n### END HIDDEN TESTS"
        cells += [
            _cell(each.task, f"{each.name}_task", markdown=True), _cell(solved, each.name, solution=True),
            _cell(sheet.check(each.name), f"{each.name}_check"), _cell(test, f"{each.name}_test", points=1),
        ]  # fmt: skip
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def export_nbgrader(folder: Path, lessons: Sequence[str]) -> str:
    """Write lessons into a course folder of nbgrader; return what to do next. What is there is not overwritten.

    Raises: FileExistsError, ValueError, FileNotFoundError.
    """
    sheets = [make_sheet(number) for number in lessons]
    paths = [folder / "source" / f"lesson_{sheet.lesson}" / sheet.file_name for sheet in sheets]
    if there := [str(path) for path in paths if path.exists()]:
        raise FileExistsError(f"{', '.join(there)} exists: remove it or name another folder")
    for sheet, path in zip(sheets, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbgrader_notebook(sheet), path)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
    return STEPS.format(folder=folder, name=f"lesson_{lessons[0]}", file=sheets[0].file_name)
