"""Every lesson is fit to be read and compared: it was run once, cleanly, from top to bottom, and keeps the course's rules.

nbval compares nothing in a cell without execution count, so a lesson saved without counts would pass it whatever it prints.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest

import rlhf_lite

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PACKAGE = Path(rlhf_lite.__file__).parent
ALLOWED_TAGS = {"nbval-ignore-output", "raises-exception"}
LONGEST_CELL = 25
LARGEST_FILE = 400_000  # bytes
OUTSIDE = re.compile(r"https?://")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users)/")


def defined_in(source):
    """Names of the functions and classes that a piece of Python defines at its top level, private ones left out.

    A reader's cell may hold `...`, magics or nothing: what does not parse defines nothing.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return set()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in body if isinstance(node, kinds) and not node.name.startswith("_")}


LIBRARY = {name for path in PACKAGE.rglob("*.py") for name in defined_in(path.read_text(encoding="utf-8"))}


def faults(notebook):
    """List what is wrong with a lesson, in words."""
    found = []
    cells, code = notebook.cells, [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        found.append("the first cell has no title")
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        found.append(f"execution counts are {counts}: run it once from top to bottom")
    for cell, following in zip(code, [*code[1:], None], strict=True):
        found += [f"cell {cell.id}: {fault}" for fault in cell_faults(cell, following)]
    found += [f"cell {cell.id} names a place on somebody's machine" for cell in cells if MACHINE_PATH.search(cell.source)]
    return found


def cell_faults(cell, following):
    """List what is wrong with a code cell; `following` is the next code cell, or None."""
    tags = set(cell.metadata.get("tags", []))
    if strange := tags - ALLOWED_TAGS:
        yield f"tags {sorted(strange)} are not among {sorted(ALLOWED_TAGS)}"
    if (lines := len(cell.source.splitlines())) > LONGEST_CELL:
        yield f"{lines} lines, at most {LONGEST_CELL}"
    if OUTSIDE.search(cell.source):
        yield "a web address: lessons work without a network"
    if again := defined_in(cell.source) & LIBRARY:
        yield f"defines {sorted(again)} again, which the library has"
    if "nbval-ignore-output" in tags and (following is None or "nbval-ignore-output" in following.metadata.get("tags", [])):
        yield "its output is not compared, and no compared cell comes after it"
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags:
            yield f"stopped with {output.ename}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"wrote to stderr: {output.text[:80]!r}"
        if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
            yield "a picture without alt text"
        if MACHINE_PATH.search(str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))):
            yield "its output names a place on somebody's machine"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_keeps_the_rules(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < LARGEST_FILE
    assert faults(notebook) == []


def test_lessons_are_numbered_without_a_gap():
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{i:02}_" for i in range(len(NOTEBOOKS))]
    assert NOTEBOOKS


def lesson(*sources, title="# Title", **changes):
    """A small lesson that keeps all rules, but for `changes` to its last cell."""
    v4 = nbformat.v4
    cells = [v4.new_code_cell(source, execution_count=i, id=f"c{i}") for i, source in enumerate(sources, start=1)]
    cells[-1].update(changes)
    return v4.new_notebook(cells=[v4.new_markdown_cell(title, id="title"), *cells])


def test_a_good_lesson_has_no_faults():
    assert faults(lesson("x = 1", "def own_thing():\n    ...", "\n".join(["x = 1"] * LONGEST_CELL))) == []


failure = nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="")
picture = nbformat.v4.new_output("display_data", data={"image/png": "", "text/plain": "a line"})
ignored = nbformat.from_dict({"tags": ["nbval-ignore-output"]})
BAD = {
    "no title": (lesson("x = 1", title="Title"), "no title"),
    "never run": (lesson("x = 1", execution_count=None), "execution counts"),
    "run twice": (lesson("x = 1", "y = 1", execution_count=7), "execution counts"),
    "strange tag": (lesson("x = 1", metadata=nbformat.from_dict({"tags": ["nbval-skip"]})), "nbval-skip"),
    "long": (lesson("\n".join(["x = 1"] * (LONGEST_CELL + 1))), "26 lines"),
    "web": (lesson("open_page('https://example.org')"), "web address"),
    "defined again": (lesson("def pairwise_loss(scores):\n    return 0"), "pairwise_loss"),
    "class again": (lesson("class GPT:\n    pass"), "GPT"),
    "nothing compared": (lesson("x = 1", "print(x)", metadata=ignored), "not compared"),
    "error": (lesson("1 / 0", outputs=[failure]), "ZeroDivisionError"),
    "stderr": (lesson("warn()", outputs=[nbformat.v4.new_output("stream", name="stderr", text="careful")]), "stderr"),
    "no alt": (lesson("draw()", outputs=[picture]), "alt text"),
    "path": (lesson("load('/home/me/data')"), "machine"),
    "path shown": (lesson("x", outputs=[nbformat.v4.new_output("stream", name="stdout", text="in /tmp/x")]), "machine"),
}


@pytest.mark.parametrize("notebook, named", BAD.values(), ids=BAD)
def test_each_fault_is_found_and_named(notebook, named):
    (fault,) = faults(notebook)
    assert named in fault
