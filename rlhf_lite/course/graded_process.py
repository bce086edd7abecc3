"""Run one reader's exercises in a process of their own, and tell what they return; `judging` starts it and judges.

`python -B -m rlhf_lite.course.graded_process NOTEBOOK LESSON EXERCISE ...`, with a token as the first line of standard input.
Of the notebook only imports, functions, classes, and what is assigned beside an exercise are executed: nothing trains, and
cells that print, plot or check do nothing. From then on the process may write no file, start no program and open no connection.
"""

import __future__

import ast
import importlib
import io
import json
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat

from .checks import Exercise, is_untouched, plain

ALWAYS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
BESIDE_EXERCISES = (*ALWAYS, ast.Assign, ast.AnnAssign)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REFUSED = ("os.", "shutil.", "subprocess.", "socket.", "ctypes.dlopen", "pty.")
"""Beginnings of the audit events that are refused; reading files is not among them."""
HARMLESS = ("os.listdir", "os.scandir", "os.fspath", "os.getxattr", "os.listxattr", "socket.__new__", "os.walk")


def exercises_of(lesson: str) -> dict[str, Exercise]:
    """Return a lesson's exercises by name, from its modules `exercises...`; nothing else of the lesson is imported."""
    room = importlib.import_module(f"{__package__}.lesson_{lesson}")
    names = [each.name for each in pkgutil.iter_modules(room.__path__) if each.name.startswith("exercises")]
    modules = [importlib.import_module(f"{room.__name__}.{name}") for name in names]
    lists = [value for module in modules for value in vars(module).values() if isinstance(value, tuple | list)]
    return {each.name: each for group in lists for each in group if isinstance(each, Exercise)}


def statements(notebook: Path, names: Sequence[str]) -> Iterator[ast.stmt]:
    """Yield what is executed of a notebook, in its order; a cell that is no Python, or of a broken file, gives nothing."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        lines = cell.source.splitlines() if cell.cell_type == "code" else []
        try:
            body = ast.parse("\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)).body
        except (SyntaxError, ValueError):
            continue
        has_exercise = any(isinstance(node, ast.FunctionDef) and node.name in names for node in body)
        yield from (node for node in body if isinstance(node, BESIDE_EXERCISES if has_exercise else ALWAYS))


def functions_of(notebook: Path, names: Sequence[str]) -> dict[str, Callable]:
    """Execute these statements one by one; return the exercises that are functions then. What fails is left out."""
    space: dict[str, Any] = {"__name__": "__graded__"}
    for node in statements(notebook, names):
        try:
            # as under `from __future__ import annotations`: a type whose import failed stops nothing
            exec(compile(ast.Module([node], []), "<notebook>", "exec", __future__.annotations.compiler_flag), space)
        except BaseException:  # an exit, too, must not end the other exercises
            continue
    return {name: space[name] for name in names if callable(space.get(name))}


def to_wire(value: Any) -> Any:
    """Turn a result into what JSON can hold; a dictionary becomes its pairs, and what is no data its type's name."""
    value = plain(value)
    if isinstance(value, Mapping):
        return {"pairs": [[to_wire(key), to_wire(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return {"list": [to_wire(item) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    return {"object": type(value).__name__}


def from_wire(found: Mapping[str, Any]) -> Any:
    """Turn it back; what was no data becomes None, which equals no expected result."""
    if "pairs" in found:
        return {from_wire(key): from_wire(item) for key, item in found["pairs"]}
    return [from_wire(item) for item in found["list"]] if "list" in found else found.get("value")


def results(attempt: Callable, exercise: Exercise) -> Iterator[dict[str, Any]]:
    """Call an attempt with each case's arguments, and yield what it returned or how it stopped."""
    for number, case in enumerate(exercise.cases):
        try:
            yield {"case": number, "found": to_wire(attempt(*deepcopy(case.arguments)))}
        except BaseException as error:
            yield {"case": number, "error": f"{type(error).__name__}: {error}"[:200]}


def refuse_to_write(event: str, arguments: tuple) -> None:
    """Refuse, as an audit hook, what would leave a trace outside this process. Raises: PermissionError."""
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        refused = any(letter in (mode or "") for letter in "wax+") or (isinstance(flags, int) and flags & WRITING)
    else:
        refused = event.startswith(REFUSED) and event not in HARMLESS
    if refused:
        raise PermissionError(f"graded code may not do this: {event}")


def main() -> None:
    """Tell, line by line, what the named exercises of a notebook return."""
    notebook, lesson, *names = sys.argv[1:]
    token, tell = sys.stdin.readline().strip(), os.fdopen(os.dup(1), "w", buffering=1)
    sys.stdout = sys.stderr = io.StringIO()  # what readers print belongs to nobody

    def say(**row: Any) -> None:
        tell.write(f"{token} {json.dumps(row)}\n")

    exercises = exercises_of(lesson)
    sys.addaudithook(refuse_to_write)
    say(begin="")
    found = functions_of(Path(notebook), names)
    for name in names:
        say(begin=name)
        if name not in found:
            say(exercise=name, state="missing")
        elif is_untouched(found[name]):
            say(exercise=name, state="not tried")
        else:
            for row in results(found[name], exercises[name]):
                say(exercise=name, **row)
        say(end=name)
    tell.flush()
    os._exit(0)  # threads that a reader started do not keep it


if __name__ == "__main__":
    main()
