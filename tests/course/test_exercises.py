"""Every check is checked: right is told from wrong for each exercise of each lesson, and no attempt makes a check fail.

Proves, exercise by exercise: the solution passes and is the one that the lesson shows; the lesson's stub is not tried yet;
at least three plausible wrong attempts are refused, each with a hint of its own.
"""

import ast
import importlib
import re
from pathlib import Path

import nbformat
import pytest
import torch

from rlhf_lite.course.checks import NOT_TRIED, RIGHT, Case, Exercise, feedback, is_untouched, show_value
from rlhf_lite.course.lessons import LESSONS

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ALL = [(lesson, exercise) for lesson in LESSONS.values() for exercise in lesson.exercises]
NAMES = [f"{lesson.number}.{exercise.name}" for lesson, exercise in ALL]
WRONG = {
    f"{path.parent.name.removeprefix('lesson_')}.{name}": attempts
    for path in sorted(Path(__file__).parent.glob("lesson_*/wrong_attempts*.py"))
    for name, attempts in importlib.import_module(f"course.{path.parent.name}.{path.stem}").WRONG.items()
}
RIGHT_TOO = {
    f"{path.parent.name.removeprefix('lesson_')}.{name}": attempts
    for path in sorted(Path(__file__).parent.glob("lesson_*/wrong_attempts*.py"))
    for name, attempts in getattr(
        importlib.import_module(f"course.{path.parent.name}.{path.stem}"), "RIGHT", {}
    ).items()
}


def cells_of(lesson):
    """Code and text of a lesson."""
    (path,) = NOTEBOOKS.glob(f"{lesson.number}_*.ipynb")
    return nbformat.read(path, as_version=4).cells


def function_in(source, name):
    """The part of a piece of Python that defines a function, without its docstring, or None."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
            return ast.unparse(node)
    return None


def only(found):
    (one,) = [each for each in found if each is not None]
    return one


@pytest.mark.parametrize("lesson, exercise", ALL, ids=NAMES)
def test_check_of_every_exercise(lesson, exercise):
    assert feedback(exercise.solution, exercise) == RIGHT
    messages = [feedback(wrong, exercise) for wrong in WRONG[f"{lesson.number}.{exercise.name}"]]
    assert len(messages) >= 3
    assert all(text.startswith("Not yet: ") for text in messages)
    assert len({text.rpartition("Hint: ")[2] for text in messages}) == len(messages), "two wrong attempts get the same hint"


def test_wrong_attempts_belong_to_exercises():
    assert set(WRONG) == set(NAMES)
    assert set(RIGHT_TOO) <= set(NAMES)


@pytest.mark.parametrize("lesson, exercise", ALL, ids=NAMES)
def test_right_attempts_may_be_written_differently(lesson, exercise):
    for attempt in RIGHT_TOO.get(f"{lesson.number}.{exercise.name}", ()):
        assert feedback(attempt, exercise) == RIGHT


@pytest.mark.parametrize("lesson, exercise", ALL, ids=NAMES)
def test_every_exercise_stands_in_its_lesson(lesson, exercise):
    cells, name = cells_of(lesson), exercise.name
    stub = only(function_in(cell.source, name) for cell in cells if cell.cell_type == "code" and f"check({name})" in cell.source)
    space = {}
    exec("from __future__ import annotations\n" + stub, space)
    assert feedback(space[name], exercise) == NOT_TRIED
    shown = [block for cell in cells if cell.cell_type == "markdown" and "<summary>Solution</summary>" in cell.source
             for block in re.findall(r"```python\n(.*?)```", cell.source, flags=re.DOTALL)]  # fmt: skip
    source = Path(exercise.solution.__code__.co_filename).read_text(encoding="utf-8")
    assert only(function_in(block, name) for block in shown) == function_in(source, name)


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_each_quiz_has_five_questions_that_say_why(lesson):
    assert len(lesson.questions) == 5
    for question in lesson.questions:
        assert 0 <= question.right < len(question.choices)
        assert len(question.choices) >= 3 and all(text and why for text, why in question.choices)
    assert len({question.right for question in lesson.questions}) > 1, "the right answer is always in the same place"


def exercise_of(*cases, solution=lambda *arguments: None):
    return Exercise(cases=[Case(**{"hint": "think"} | case) for case in cases], solution=solution)


def test_a_stub_is_known_from_an_attempt_that_forgets_to_return():
    def stub(x: int) -> int:
        """Say what it does."""
        ...

    def silent(x):
        y = x + 1  # noqa: F841

    assert is_untouched(stub) and not is_untouched(silent)
    assert "returned nothing. Hint: the function must end with `return`" in feedback(
        silent, exercise_of({"arguments": (1,), "expected": 2})
    )


class Strange:
    """Something that can be neither shown nor compared."""

    def __repr__(self):
        raise RuntimeError("no")

    __eq__ = __repr__
    __hash__ = None


def raising(x):
    raise KeyError("cat")


RESULTS = {
    "a number": (2.0, 2.0 + 1e-9, True), "not the number": (2.0, 2.1, False), "nan": (1.0, float("nan"), False),
    "a string for a number": (2.0, "2", False), "True for 1": (1.0, True, False),
    "a tensor of one number": (2.0, torch.tensor(2.0), True), "infinity": (float("inf"), float("inf"), True),
    "a tuple for a list": ([1, 2], (1.0, 2.0), True), "too short": ([1, 2], [1], False), "order": ([1, 2], [2, 1], False),
    "nested": ([[1], [2, 3]], [[1], [2, 4]], False), "a tensor": (torch.ones(2, 2), torch.ones(2, 2), True),
    "wrong shape": (torch.ones(2, 2), torch.ones(4), False), "a list for a tensor": (torch.ones(2), [1.0, 1.0], True),
    "a tensor for a list": ([1.0, 1.0], torch.ones(2), True),
    "a nested list for a tensor": (torch.ones(2, 1), [[1.0], [1.0]], True),
    "a flat list for a tensor": (torch.ones(2, 1), [1.0, 1.0], False),
    "a dictionary": ({"a": {"b": 1}}, {"a": {"b": 1}}, True),
    "other keys": ({"a": 1}, {"b": 1}, False), "a string": ("cat", "cat", True), "another string": ("cat", "dog", False),
    "True": (True, True, True), "1 for True": (True, 1, False), "strange": (1.0, Strange(), False),
    "a list of strange": ([1.0], [Strange()], False),
}  # fmt: skip


@pytest.mark.parametrize("expected, found, right", RESULTS.values(), ids=RESULTS)
def test_results_of_all_kinds_are_compared_and_never_raise(expected, found, right):
    told = feedback(lambda x: found, exercise_of({"arguments": (1,), "expected": expected}))
    assert (told == RIGHT) == right
    assert right or (told.startswith("Not yet: ") and "Hint: " in told)


def test_only_a_wrong_type_is_said_to_be_the_type():
    told = feedback(lambda x: torch.tensor([1, 0]), exercise_of({"arguments": (1,), "expected": [True, False]}))
    assert told.endswith("gave [1, 0]: the values are right, their type is not. Hint: return True and False instead of 1 and 0")
    told = feedback(lambda x: True, exercise_of({"arguments": (1,), "expected": 1}))
    assert told.endswith("Hint: return numbers instead of True and False")


def test_errors_of_an_attempt_are_told_with_the_hint_for_their_kind():
    case = {"arguments": (1,), "expected": 1.0, "mistakes": [(KeyError, "use get")]}
    assert feedback(raising, exercise_of(case)) == "Not yet: raising(1) stopped with KeyError: 'cat'. Hint: use get"
    assert feedback(lambda x: 1 / 0, exercise_of(case)).endswith("ZeroDivisionError: division by zero. Hint: think")


def test_an_attempt_that_changes_its_arguments_spoils_nothing():
    exercise = exercise_of({"arguments": ([3, 1],), "expected": 1})
    assert [feedback(lambda x: x.sort() or x.pop(0), exercise) for _ in range(2)] == [RIGHT, RIGHT]


def test_values_are_shown_short_and_with_more_digits_where_four_are_not_enough():
    assert show_value([1 / 3, "a", {"b": (2.0,)}]) == "[0.3333, 'a', {'b': [2]}]"
    assert len(show_value(list(range(1000)))) == 160
    assert "gave 1.0002, expected 1.00015" in feedback(lambda x: 1.0002, exercise_of({"arguments": (1,), "expected": 1.00015}))


def test_a_lesson_finds_the_exercise_by_the_function_s_name(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_PROGRESS", str(tmp_path / "done.json"))
    lesson = LESSONS["00"]
    for attempt in (lesson.exercises[0].solution, 0.5, lambda x: x):
        lesson.check(attempt)
    right, number, nameless = capsys.readouterr().out.splitlines()
    assert right == RIGHT
    advice = "Nothing to check: give the function itself, without brackets, under its name (given_back, win_share)."
    assert number == nameless == advice
