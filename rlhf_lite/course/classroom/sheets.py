"""Make of a lesson a sheet: its exercises alone, with what they import, as cells that nbgrader and otter can be given.

A lesson's own checks print and never raise, and a lesson trains; a sheet runs in seconds, and each exercise has a hidden test
that raises. The tests judge the notebook's file in a process of their own (`notebook_states`), so the three ways to grade, ours
and these two, give the same verdict. While a tool grades, nothing in the kernel calls what the student wrote.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass

import nbformat

from ..lessons import LESSONS
from .exercise_cells import ExerciseCell, exercise_cells
from .lesson_files import lesson_path

IGNORED_BY_OTTER = "otter_ignore"
TEST = '''\
def test_{name}(env):
    """Run in a fresh process whatever the notebook's file holds; raise where this exercise is not right."""
    if "{token}" not in env:
        import importlib, json, pathlib, subprocess, sys
        importlib.reload(subprocess)
        (file,) = [path.resolve() for path in pathlib.Path().glob("*.ipynb")]
        command = [sys.executable, "-I", "-m", "rlhf_lite.course.classroom.notebook_states", str(file), "{lesson}"]
        done = subprocess.run(command, capture_output=True, text=True)
        env["{token}"] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {{}}
        assert done.returncode == 0, done.stderr[-2000:]
    state = env["{token}"].get("{name}", "not graded")
    assert state == "right", "{name}: " + state
'''


@dataclass(frozen=True, kw_only=True)
class ExerciseSheet:
    """What a lesson's sheet is made of."""

    lesson: str
    file_name: str
    title: str
    """Markdown: the first cell."""
    setup: str
    """Python: what all exercises need."""
    exercises: list[ExerciseCell]

    def test(self, name: str, token: str) -> str:
        """Return the source of an exercise's hidden test; `token` names the variable that keeps all states after the first."""
        return TEST.format(name=name, lesson=self.lesson, token=token)

    def check(self, name: str) -> str:
        """Return the source of the cell in which students see what the lesson's check says."""
        return f'check("{self.lesson}", {name})'


def make_sheet(number: str) -> ExerciseSheet:
    """Read a lesson and return its sheet. Raises: FileNotFoundError, ValueError, as `lesson_path` and `exercise_cells`."""
    path = lesson_path(number)
    notebook = nbformat.read(path, as_version=4)
    exercises = exercise_cells(notebook, number)
    title = (f"# {number} · {LESSONS[number].title}: exercises\n\nReplace the three dots. What the words mean stands in "
             "the lesson. Under each exercise a cell tells you what the course's check says to your answer.")  # fmt: skip
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return ExerciseSheet(lesson=number, file_name=path.name, title=title, setup=_setup(code, exercises), exercises=exercises)


def _setup(sources: Iterable[str], exercises: list[ExerciseCell]) -> str:
    """Collect a lesson's imports but for its widgets and figures, and the functions and classes that its exercises name."""
    wanted = {name for each in exercises for source in (each.stub, each.solution) for name in _names(source)}
    own = {each.name for each in exercises}
    imports, definitions = [], {}
    for node in (node for source in sources for node in _statements(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports += [line for line in _import_lines(node, wanted) if line not in imports]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in own:
            definitions[node.name] = node
    kept = [node for name, node in definitions.items() if name in wanted and not _is_in_stub(name, exercises)]
    parts = ["from rlhf_lite.course.classroom.sheet_check import check", *imports]
    return "\n".join(parts) + "".join("\n\n\n" + ast.unparse(node) for node in kept)


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:  # a magic, or a cell for the reader's own words
        return []


def _names(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _is_in_stub(name: str, exercises: list[ExerciseCell]) -> bool:
    return any(getattr(node, "name", None) == name for each in exercises for node in ast.parse(each.stub).body)


def _import_lines(node: ast.Import | ast.ImportFrom, wanted: set[str]) -> list[str]:
    """Write an import as lines of one name; of this package, only names that exercises use."""
    lines = []
    for alias in node.names:
        text = ast.unparse(type(node)(**{**vars(node), "names": [alias]}))
        ours = "rlhf_lite" in text.split()[1]
        if not ours or (alias.asname or alias.name) in wanted:
            lines.append(text)
    return lines
