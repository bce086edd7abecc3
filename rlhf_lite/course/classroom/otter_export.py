"""Write lessons as master notebooks of otter-grader (tried with 7.0.0): FOLDER/lesson_10/10_reward_model.ipynb.

`otter assign` makes of each a student's version, without solutions and hidden tests, and a zip file that grades. Students need
no otter: what they see is the course's own check, in a cell that otter leaves out when it grades.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..rerun import KERNEL
from .exercise_cells import fill_in
from .sheets import IGNORED_BY_OTTER, ExerciseSheet, make_sheet

CONFIG = """\
# ASSIGNMENT CONFIG
name: lesson_{lesson}
init_cell: false
export_cell: false
generate: true
tests:
  ok_format: false"""
STEPS = """in {folder}, with otter-grader installed beside the course:
  otter assign {name}/{file} dist_{name}   # dist_{name}/student/ is for students, together with the course
  mkdir -p OUT; otter run -a dist_{name}/autograder/*.zip -o OUT STUDENT.ipynb   # one submission; OUT/results.json"""


def otter_notebook(sheet: ExerciseSheet) -> NotebookNode:
    """Return a sheet in the format of `otter assign`: one question with one hidden test per exercise, one point each."""
    v4, token = nbformat.v4, f"_states_{secrets.token_hex(8)}"
    cells = [v4.new_raw_cell(CONFIG.format(lesson=sheet.lesson)), v4.new_markdown_cell(sheet.title)]
    cells.append(v4.new_code_cell(sheet.setup))
    for each in sheet.exercises:
        solved = fill_in(each.stub, each.name, each.solution, around=("# BEGIN SOLUTION", "# END SOLUTION"))
        test = "# HIDDEN\n" + sheet.test(each.name, token)
        cells += [
            v4.new_raw_cell(f"# BEGIN QUESTION\nname: {each.name}\npoints: 1"), v4.new_markdown_cell(each.task),
            v4.new_raw_cell("# BEGIN SOLUTION"), v4.new_code_cell(solved), v4.new_raw_cell("# END SOLUTION"),
            v4.new_raw_cell("# BEGIN TESTS"), v4.new_code_cell(test), v4.new_raw_cell("# END TESTS"),
            v4.new_raw_cell("# END QUESTION"),
            v4.new_code_cell(sheet.check(each.name), metadata={"tags": [IGNORED_BY_OTTER]}),
        ]  # fmt: skip
    return v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def export_otter(folder: Path, lessons: Sequence[str]) -> str:
    """Write one master notebook per lesson; return what to do next. What is there is not overwritten.

    Raises: FileExistsError, ValueError, FileNotFoundError.
    """
    sheets = [make_sheet(number) for number in lessons]
    paths = [folder / f"lesson_{sheet.lesson}" / sheet.file_name for sheet in sheets]
    if there := [str(path) for path in paths if path.exists()]:
        raise FileExistsError(f"{', '.join(there)} exists: remove it or name another folder")
    for sheet, path in zip(sheets, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(otter_notebook(sheet), path)
    return STEPS.format(folder=folder, name=f"lesson_{lessons[0]}", file=sheets[0].file_name)
