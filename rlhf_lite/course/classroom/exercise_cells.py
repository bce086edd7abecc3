"""Find the exercises of a lesson's notebook: the task, the stub, the solution; and put a solution in, or take all out."""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from ..checks import Exercise
from ..lessons import LESSONS

FOLDED = re.compile(r"<details>.*?</details>\n*", re.DOTALL)
PYTHON_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class ExerciseCell:
    """One exercise as it stands in a notebook."""

    exercise: Exercise
    place: int
    """Which cell holds the stub, from 0."""
    task: str
    """Markdown: what is asked."""
    stub: str
    """The cell's source without its check."""
    solution: str
    """Python, as the lesson shows it."""

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.exercise.name


def function_node(source: str, name: str) -> ast.FunctionDef | None:
    """Return the definition of a function at the top level of a piece of Python, or None; what is no Python defines nothing."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    return next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def is_check(node: ast.stmt) -> bool:
    """Return True for a statement like `lesson.check(preference)`."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "check"


def without_check(source: str) -> str:
    """Return a cell's source without the lines that check an exercise."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if is_check(node):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip() + "\n"


def exercise_cells(notebook: NotebookNode, number: str) -> list[ExerciseCell]:
    """List a lesson's exercises in the notebook's order.

    Raises: ValueError where a stub or a solution is missing, named by exercise.
    """
    cells, found = notebook.cells, []
    shown = [block for cell in cells if cell.cell_type == "markdown" for part in FOLDED.findall(cell.source)
             for block in PYTHON_BLOCK.findall(part)]  # fmt: skip
    imported = imported_names(cell.source for cell in cells if cell.cell_type == "code")
    for exercise in LESSONS[number].exercises:
        stubs = [n for n, cell in enumerate(cells)
                 if cell.cell_type == "code" and _is_stub(function_node(cell.source, exercise.name))]  # fmt: skip
        solutions = [block for block in shown if function_node(block, exercise.name)]
        if len(stubs) != 1 or len(solutions) != 1:
            raise ValueError(f"lesson {number}, exercise {exercise.name}: expected one stub that ends with three dots and one "
                             f"folded solution, found {len(stubs)} and {len(solutions)}")  # fmt: skip
        place = stubs[0]
        above = next((cell.source for cell in reversed(cells[:place]) if cell.cell_type == "markdown"), "")
        task = above[above.rfind("\n### ") + 1 :] if "\n### " in above else above
        found.append(ExerciseCell(exercise=exercise, place=place, task=without_solutions(task, [exercise.name]).strip(),
                                  stub=without_check(cells[place].source),
                                  solution=_with_imports(solutions[0], exercise, imported)))  # fmt: skip
    return sorted(found, key=lambda each: each.place)


def _with_imports(solution: str, exercise: Exercise, imported: set[str]) -> str:
    """Put before a solution what it uses and no cell of the lesson imports, as the module with the exercise imports it."""
    module = ast.parse(Path(exercise.solution.__code__.co_filename).read_text(encoding="utf-8"))
    wanted = {node.id for node in ast.walk(ast.parse(solution)) if isinstance(node, ast.Name)} - imported
    lines = [ast.unparse(type(node)(**{**vars(node), "names": [alias]})) for node in module.body
             if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0)
             for alias in node.names if (alias.asname or alias.name) in wanted]  # fmt: skip
    return "\n".join([*lines, solution])


def imported_names(sources: Iterable[str]) -> set[str]:
    """Return the names that pieces of Python import; what is no Python imports nothing."""
    found = set()
    for source in sources:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except SyntaxError:
            continue
        found |= {alias.asname or alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
                  for alias in node.names}  # fmt: skip
    return found


def _is_stub(node: ast.FunctionDef | None) -> bool:
    return node is not None and isinstance(node.body[-1], ast.Expr) and getattr(node.body[-1].value, "value", None) is ...


def fill_in(source: str, name: str, solution: str, *, around: Sequence[str] = ()) -> str:
    """Put the body of a solution in the place of a stub's three dots; the stub keeps its signature and docstring.

    What the solution defines beside the function comes before it. `around` gives two lines, written before and after the
    body: nbgrader and otter find by them what students must not see.
    """
    stub, full = function_node(source, name), function_node(solution, name)
    lines, dots = source.splitlines(), stub.body[-1]
    before, after = ([f"    {line}"] for line in around) if around else ([], [])
    written = solution.splitlines()
    first = full.body[1] if ast.get_docstring(full) is not None else full.body[0]
    begin = first.lineno - 1
    while written[begin - 1].lstrip().startswith("#"):  # a comment belongs to what follows
        begin -= 1
    body = written[begin : full.end_lineno]
    beside = [node for node in ast.parse(solution).body if getattr(node, "name", None) != name]
    helpers = [line for node in beside for line in written[node.lineno - 1 : node.end_lineno]]
    helpers = [*around[:1], *helpers, *around[1:], ""] if helpers else []
    return "\n".join([*lines[: stub.lineno - 1], *helpers, *lines[stub.lineno - 1 : dots.lineno - 1], *before, *body, *after,
                      *lines[dots.end_lineno :]])  # fmt: skip


def without_solutions(text: str, names: Iterable[str]) -> str:
    """Remove from a piece of Markdown all folded blocks that are titled as a solution, or define one of these functions."""
    names = list(names)

    def kept(found: re.Match) -> str:
        is_solution = "<summary>Solution</summary>" in found[0] or any(f"def {name}(" in found[0] for name in names)
        return "" if is_solution else found[0]

    return FOLDED.sub(kept, text)
