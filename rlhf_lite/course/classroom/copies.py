"""Write two copies of the course: one for students without solutions, one for their teacher with solutions filled in.

The students' copy is a whole course folder, ready for `make course`. Its package holds no readable solution either: what no
lesson runs is replaced by three dots; what lessons do run, to go on after an exercise, is packed, so that it cannot be read by
accident. The answers that checks and quizzes compare stay in the package; they need them.
"""

import ast
import re
import shutil
from base64 import b85encode
from collections.abc import Callable, Iterable
from pathlib import Path
from zlib import compress

import nbformat
from nbformat import NotebookNode

from ...files import course_folder
from ..checks import NOT_TRIED, feedback
from ..lessons import LESSONS
from ..rerun import rerun
from .exercise_cells import ExerciseCell, exercise_cells, fill_in, without_solutions
from .lesson_files import CHECKOUT
from .teacher_notes import block_notes, exercise_notes

COPIED = ("notebooks", "rlhf_lite", "data", "requirements.txt", "pyproject.toml", "Makefile", "LICENSE", "CITATION.cff")
CACHES = ("__pycache__", ".ipynb_checkpoints")
RUN_SHEETS = ("classroom",)
ANSWERS = re.compile(r"<details><summary>Answer</summary>.*?</details>", re.DOTALL)
PACKED = "exec(__import__('zlib').decompress(__import__('base64').b85decode({data!r})))  # {name}: lessons run it, to go on"
README = """# How ChatGPT was made: the students' copy

Exercises stand in the notebooks; their checks say whether an answer is right. Solutions are with your teacher.

You need Python 3.11 or later. With `make`, one command in this folder sets up once and opens lesson 00:

    make course

Windows, or without make:

    py -3.11 -m venv .venv
    .venv\\Scripts\\python -m pip install -r requirements.txt
    .venv\\Scripts\\python -m pip install --no-deps -e .
    .venv\\Scripts\\python -m jupyterlab notebooks\\00_start_here.ipynb
"""


def write_copies(folder: Path, *, run: Iterable[str] = ()) -> str:
    """Write FOLDER/students and FOLDER/instructor; `run` names lessons to run in the instructor's copy. Return what was made.

    Raises:
        FileExistsError: where one of the two folders is there already; nothing is overwritten.
        FileNotFoundError: outside a checkout.
        RuntimeError: where a check of a lesson that was run does not tick its solution.
    """
    course, run = course_folder(), list(run)
    if not (course / "notebooks").is_dir():
        raise FileNotFoundError(f"there are no notebooks in {course}: {CHECKOUT}")
    if unknown := [number for number in run if number not in LESSONS]:
        raise ValueError(f"there is no lesson {', '.join(unknown)}: name some of {', '.join(LESSONS)}")
    students, instructor = folder / "students", folder / "instructor"
    if there := [str(path) for path in (students, instructor) if path.exists()]:
        raise FileExistsError(f"{' and '.join(there)} exists: remove it or name another folder")
    for target in (students, instructor):
        _copy_course(course, target)
    used = _used_by_lessons(course)
    hidden = [name for path in sorted((students / "rlhf_lite" / "course").glob("lesson_*/exercises*.py"))
              for name in hide_solutions(path, used)]  # fmt: skip
    (students / "README.md").write_text(README, encoding="utf-8")
    for path in _lessons_in(students):
        _rewrite(path, for_students)
    for path in _lessons_in(instructor):
        _rewrite(path, for_instructor)
    for number in run:
        _run_strictly(next((instructor / "notebooks").glob(f"{number}_*.ipynb")), number)
    return (f"{students}: {len(hidden)} solutions taken out; give students this whole folder, notebooks, data and package\n"
            f"{instructor}: solutions filled in, with notes; runs as it is")  # fmt: skip


def _copy_course(course: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for name in COPIED:
        source = course / name
        if source.is_dir():
            # below notebooks, `classroom` holds the run sheets; below the package, commands for teachers
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(*CACHES, *RUN_SHEETS * (name == "notebooks")))
        elif source.exists():
            shutil.copy2(source, target / name)
    shutil.copy2(course / "README.md", target / "README.md")


def _lessons_in(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "notebooks").rglob("[0-9][0-9]_*.ipynb")) if path.name[:2] in LESSONS]


def _rewrite(path: Path, change: Callable[[NotebookNode, str], None]) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook, path.name[:2])
    nbformat.write(notebook, path)


def for_students(notebook: NotebookNode, number: str) -> None:
    """Take solutions out of a lesson's text, and the answers of its quiz out of what is stored; the quiz itself has them."""
    names = [exercise.name for exercise in LESSONS[number].exercises]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = without_solutions(cell.source, names).strip()
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = ANSWERS.sub("", output.data["text/html"])
    notebook.cells = [cell for cell in notebook.cells if cell.source or cell.cell_type == "code"]


def for_instructor(notebook: NotebookNode, number: str) -> None:
    """Fill solutions in, store what their checks say, and add the run sheet's block and what often goes wrong."""
    cells, names = notebook.cells, [exercise.name for exercise in LESSONS[number].exercises]
    found = {each.place: each for each in exercise_cells(notebook, number)}
    written = []
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            cell.source = without_solutions(cell.source, names).strip()
        if cell.source or cell.cell_type == "code":
            written.append(cell)
        if place in found:
            _solve(cell, found[place])
            written.append(nbformat.v4.new_markdown_cell(exercise_notes(found[place]), id=f"{place}-teacher"))
    if notes := block_notes(number):
        written.insert(1, nbformat.v4.new_markdown_cell(f"## For the teacher\n\n{notes}", id="run-sheet"))
    notebook.cells = written


def _solve(cell: NotebookNode, found: ExerciseCell) -> None:
    cell.source = fill_in(cell.source, found.name, found.solution)
    says = feedback(found.exercise.solution, found.exercise)
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = output.text.replace(NOT_TRIED, says)


def _run_strictly(path: Path, number: str) -> None:
    """Run a lesson; an error in a cell stops, and so does a check that gives no tick."""
    rerun(path)
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and ".check(" in cell.source]
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in code]
    if missing := [text.strip() for text in said if "\u2713" not in text]:
        raise RuntimeError(f"lesson {number}: a check does not tick its solution: {missing[0]}")


def _used_by_lessons(course: Path) -> set[str]:
    """Name the solutions that lessons or the package run: those that are imported, or all of a module that is."""
    sources = [path.read_text(encoding="utf-8") for path in (course / "rlhf_lite").rglob("*.py") if path.name != "lessons.py"]
    for path in _lessons_in(course):
        sources += [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    used = set()
    for source in sources:
        for line in re.findall(r"^\s*from ([\w.]+) import (.+)$", source, flags=re.MULTILINE):
            names = {part.split()[0] for part in line[1].split("#")[0].strip("() ").split(",") if part.split()}
            if "exercises" in line[0]:
                used |= names
            used |= {f"{line[0].rpartition('.')[2]}.{name}" for name in names if name.startswith("exercises")}
    return used


def hide_solutions(path: Path, used: set[str]) -> list[str]:
    """Rewrite a module of exercises without its solutions; return their names.

    What `used` names, as "overlaps" or with the whole module as "lesson_08.exercises_cleaning", is packed, and so is what the
    module itself calls.
    """
    text = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    solutions = {word.value.id for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords
                 if word.arg == "solution" and isinstance(word.value, ast.Name)}  # fmt: skip
    named = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    whole = f"{path.parent.name}.{path.stem}" in used
    for node in reversed([node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in solutions]):
        first = node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]
        if whole or node.name in used or named.count(node.name) > 1:
            source = "\n".join(lines[node.lineno - 1 : node.end_lineno]).encode()
            lines[node.lineno - 1 : node.end_lineno] = [PACKED.format(data=b85encode(compress(source)).decode(), name=node.name)]
        else:
            lines[first.lineno - 1 : node.end_lineno] = ["    ..."]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sorted(solutions)
