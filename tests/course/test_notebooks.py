"""Every lesson is fit to be read and compared: it was run once, cleanly, from top to bottom, and keeps the course's rules.

nbval compares nothing in a cell without execution count, so a lesson saved without counts would pass it whatever it prints.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest

import rlhf_lite
from rlhf_lite.course.lessons import LESSONS
from rlhf_lite.course.rerun import normalise
from rlhf_lite.course.static_fallback import WIDGET_VIEW

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PACKAGE = Path(rlhf_lite.__file__).parent
ALLOWED_TAGS = {"nbval-ignore-output"}  # raises-exception stops JupyterLab's Run All: catch the error and print it
LONGEST_CELL = 25
LARGEST_FILE = 400_000  # bytes
OUTSIDE = re.compile(r"https?://")
FETCHED = re.compile(r"!\[[^]]*\]\(\s*(?:https?:)?//|src=[\"'](?:https?:)?//")
NO_ALT = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"])")
MINUTES = re.compile(
    r"\*\*Time:\*\* (?P<read>\d+) minutes to read · (?P<run>less than a minute|\d+ minutes?) to run"
    r" · (?P<exercises>\d+) minutes for exercises? and quiz"
)
EXERCISE_MINUTES = re.compile(r"^\*(?:Easy|Medium|Hard), (\d+) minutes\.\*", re.MULTILINE)
WORDS_A_MINUTE = 100  # with tables, code and thinking
QUIZ_MINUTES = 5
CLOCKS = {"process_time", "perf_counter", "monotonic", "thread_time"}
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


LIBRARY = {
    name
    for path in PACKAGE.rglob("*.py")
    if not path.match("course/lesson_*/exercises*.py")  # functions that readers write themselves
    for name in defined_in(path.read_text(encoding="utf-8"))
}


def faults(notebook):
    """List what is wrong with a lesson, in words."""
    found = []
    cells, code = notebook.cells, [cell for cell in notebook.cells if cell.cell_type == "code"]
    found += [f"the first cell has no {part}" for part in missing_parts(cells[0])] + list(wrong_minutes(notebook))
    found += [
        f"cell {cell.id}: a picture without alt text"
        for cell in cells
        if cell.cell_type == "markdown" and NO_ALT.search(cell.source)
    ]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        found.append(f"execution counts are {counts}: run it once from top to bottom")
    for cell, following in zip(code, [*code[1:], None], strict=True):
        found += [f"cell {cell.id}: {fault}" for fault in cell_faults(cell, following)]
    found += [f"cell {where} prints {name}, a measured time, and is compared" for where, name in compared_times(code)]
    found += [
        f"cell {cell.id} fetches from a web address"
        for cell in cells
        if FETCHED.search(cell.source) and cell.cell_type == "markdown"
    ]
    found += [f"cell {cell.id} names a place on somebody's machine" for cell in cells if MACHINE_PATH.search(cell.source)]
    return found


def missing_parts(first):
    """Name what a reader must find in a lesson's first cell and does not."""
    text = first.source if first.cell_type == "markdown" else ""
    parts = {
        "title": r"\A# \d\d · \S", "three abilities": r"able to\n\n1\. .+\n2\. .+\n3\. .+\n\n", "minutes": MINUTES.pattern,
        "needs": r"\*\*You need:\*\* \S", "modules": r"\*\*Modules used:\*\* `",
    }  # fmt: skip
    return [name for name, pattern in parts.items() if not re.search(pattern, text)]


def wrong_minutes(notebook):
    """Compare the stated minutes with the measured run, the number of words and the exercises' own minutes."""
    stated = MINUTES.search(notebook.cells[0].source)
    if not stated:
        return
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    reading = len(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()) / WORDS_A_MINUTE
    exercises = sum(int(minutes) for minutes in EXERCISE_MINUTES.findall(text)) + QUIZ_MINUTES
    run, measured_run = stated["run"], notebook.metadata.get("run_seconds", 0) / 60
    if not 0 < measured_run <= (1 if run == "less than a minute" else 2 * int(run.split()[0])):
        yield f"{run} to run are stated, {measured_run:.1f} were measured"
    if run != "less than a minute" and measured_run < int(run.split()[0]) / 2:
        yield f"{run} to run are stated, {measured_run:.1f} were measured"
    for what, said, counted in (("to read", stated["read"], reading), ("for exercises", stated["exercises"], exercises)):
        if not int(said) / 2 <= counted <= 2 * int(said):
            yield f"{said} minutes {what} are stated, {counted:.0f} were counted"


def names_in(node):
    """All names and attributes that a piece of syntax reads or writes."""
    return {getattr(part, "id", getattr(part, "attr", None)) for part in ast.walk(node)} - {None}


def assignments(node):
    """Pairs of a target and what it is made of: of `a, b = x, y` two, and of a function its name and body."""
    if isinstance(node, ast.FunctionDef):
        yield {node.name}, node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            both_tuples = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            for to, value in zip(target.elts, node.value.elts, strict=True) if both_tuples else [(target, node.value)]:
                yield names_in(to), value


def compared_times(code):
    """Find what goes back to a clock and is printed where outputs are compared: a busy machine would fail there."""
    timed = set(CLOCKS)
    for cell in code:
        try:
            nodes = list(ast.walk(ast.parse(cell.source)))
        except SyntaxError:
            continue
        for targets, value in (pair for node in nodes for pair in assignments(node)):
            timed |= targets if names_in(value) & timed else set()
        printed = {name for node in nodes if isinstance(node, ast.Call) and names_in(node.func) == {"print"}
                   for part in node.args for name in names_in(part)}  # fmt: skip
        if "nbval-ignore-output" not in cell.metadata.get("tags", []):
            yield from ((cell.id, name) for name in sorted(printed & timed))


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
        if output.output_type == "error":
            yield f"stopped with {output.ename}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"wrote to stderr: {output.text[:80]!r}"
        if NO_ALT.search(output.get("data", {}).get("text/html", "")):
            yield "a picture without alt text"
        if OUTSIDE.search(output.get("data", {}).get("text/html", "")):
            yield "its output fetches from a web address"
        if WIDGET_VIEW in output.get("data", {}):
            yield "a widget is stored, which is an error message without its kernel: use `make lessons`"
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


def test_every_notebook_is_a_registered_lesson():
    assert [path.name[:2] for path in NOTEBOOKS] == list(LESSONS)


FIRST = """# 01 · Title

When you have worked through this lesson you will be able to

1. read,
2. run
3. and write.

**Time:** 1 minutes to read · less than a minute to run · 5 minutes for exercises and quiz.
**You need:** nothing.
**Modules used:** `gpt`.
"""


def lesson(*sources, title=FIRST, seconds=7, more="", **changes):
    """A small lesson that keeps all rules, but for `changes` to its last cell."""
    v4 = nbformat.v4
    cells = [v4.new_code_cell(source, execution_count=i, id=f"c{i}") for i, source in enumerate(sources, start=1)]
    cells[-1].update(changes)
    words = v4.new_markdown_cell("word " * 70 + more, id="words")
    return v4.new_notebook(cells=[v4.new_markdown_cell(title, id="title"), words, *cells], metadata={"run_seconds": seconds})


def test_a_good_lesson_has_no_faults():
    assert faults(lesson("x = 1", "def own_thing():\n    ...", "\n".join(["x = 1"] * LONGEST_CELL))) == []
    assert faults(lesson("def softmax():\n    ...", more='<img src="x.svg" alt="a curve"> ![a curve](x.svg)')) == []
    assert faults(lesson("x = 1", title=FIRST.replace("less than a minute", "2 minutes"), seconds=100)) == []


def output(**data):
    return nbformat.v4.new_output("display_data", data={"text/plain": "a line"} | data)


failure = nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="")
picture = output(**{"image/png": ""})
ignored = nbformat.from_dict({"tags": ["nbval-ignore-output"]})
BAD = {
    "no title": (lesson("x = 1", title=FIRST.replace("# 01", "01")), "no title"),
    "two abilities": (lesson("x = 1", title=FIRST.replace("3. and write.\n", "")), "no three abilities"),
    "no minutes": (lesson("x = 1", title=FIRST.replace("Time", "Duration")), "no minutes"),
    "no needs": (lesson("x = 1", title=FIRST.replace("You need", "Bring")), "no needs"),
    "no modules": (lesson("x = 1", title=FIRST.replace("`gpt`", "none")), "no modules"),
    "never timed": (lesson("x = 1", seconds=0), "0.0 were measured"),
    "slow": (lesson("x = 1", seconds=70), "1.2 were measured"),
    "fast": (lesson("x = 1", title=FIRST.replace("less than a minute", "2 minutes"), seconds=50), "0.8 were measured"),
    "very slow": (lesson("x = 1", title=FIRST.replace("less than a minute", "2 minutes"), seconds=250), "4.2 were measured"),
    "much to read": (lesson("x = 1", more="word " * 200), "3 were counted"),
    "much to do": (lesson("x = 1", more="\n\n*Hard, 15 minutes.* Prove it."), "20 were counted"),
    "never run": (lesson("x = 1", execution_count=None), "execution counts"),
    "run twice": (lesson("x = 1", "y = 1", execution_count=7), "execution counts"),
    "strange tag": (lesson("x = 1", metadata=nbformat.from_dict({"tags": ["nbval-skip"]})), "nbval-skip"),
    "long": (lesson("\n".join(["x = 1"] * (LONGEST_CELL + 1))), "26 lines"),
    "web": (lesson("open_page('https://example.org')"), "web address"),
    "web shown": (lesson("x", outputs=[output(**{"text/html": "<script src='https://example.org/x.js'>"})]), "web address"),
    "web picture": (lesson("x = 1", more="![a cat](https://example.org/cat.png)"), "web address"),
    "defined again": (lesson("def pairwise_loss(scores):\n    return 0"), "pairwise_loss"),
    "class again": (lesson("class GPT:\n    pass"), "GPT"),
    "nothing compared": (lesson("x = 1", "print(x)", metadata=ignored), "not compared"),
    "time compared": (lesson("start = time.monotonic()\nn, took = 3, time.monotonic() - start\nprint(n, took < 2)"), "took"),
    "time by a function": (lesson("def clock(work):\n    return perf_counter()", "fast = clock(f)\nprint(fast < 2)"), "fast"),
    "error": (lesson("1 / 0", outputs=[failure]), "ZeroDivisionError"),
    "stderr": (lesson("warn()", outputs=[nbformat.v4.new_output("stream", name="stderr", text="careful")]), "stderr"),
    "no alt": (lesson("draw()", outputs=[picture]), "alt text"),
    "no alt in a page": (lesson("draw()", outputs=[output(**{"text/html": "<img src='x'>"})]), "alt text"),
    "no alt in the text": (lesson("x = 1", more="![](x.svg)"), "alt text"),
    "widget": (lesson("slide()", outputs=[output(**{WIDGET_VIEW: {}})]), "a widget is stored"),
    "path": (lesson("load('/home/me/data')"), "machine"),
    "path shown": (lesson("x", outputs=[nbformat.v4.new_output("stream", name="stdout", text="in /tmp/x")]), "machine"),
}


@pytest.mark.parametrize("notebook, named", BAD.values(), ids=BAD)
def test_each_fault_is_found_and_named(notebook, named):
    (fault,) = faults(notebook)
    assert named in fault


def test_normalising_removes_what_differs_between_runs_and_keeps_the_rest():
    notebook = lesson("slide()", "x", metadata=ignored)
    notebook.cells[2].outputs = [output(**{WIDGET_VIEW: {"model_id": "1"}, "text/html": "fallback"})]
    notebook.cells[2].metadata["execution"] = {"iopub.status.busy": "2020-01-01"}
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.9"}
    normalise(notebook, 12.4)
    assert notebook.cells[2].outputs[0].data == {"text/plain": "a line", "text/html": "fallback"}
    assert notebook.cells[2].metadata == {}
    assert notebook.cells[3].metadata == ignored
    assert notebook.metadata["run_seconds"] == 12 and "version" not in notebook.metadata["language_info"]
