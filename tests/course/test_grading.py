"""A folder of submissions is graded by this course's checks, whatever the submissions do.

Proves, for lesson 00 and by scripted submissions: a right, a wrong, an untouched and a missing exercise are told apart; one
that hangs, ends Python, crashes the process, forges a tick or overwrites the check costs itself alone; nothing is written,
started or connected; results survive the way between processes; two notebooks of one lesson by one student are refused.
"""

import csv
import io

import nbformat
import pytest

from rlhf_lite.course.__main__ import main
from rlhf_lite.course.graded_process import exercises_of, from_wire, functions_of, refuse_to_write, to_wire
from rlhf_lite.course.grading import RIGHT, find_submissions, grade_notebook, table, write_table
from rlhf_lite.course.lessons import LESSONS

LESSON = "10"
SOLVED = """
from math import exp

def preference(score_a, score_b):
    return 1 / (1 + exp(score_b - score_a))
"""
PAIRS = """
def better_pairs(ranking):
    places = range(len(ranking))
    return [(i, j) for i in places for j in places if ranking[i] < ranking[j]]
"""
SUBMISSIONS = {
    "right": [SOLVED, PAIRS],
    "wrong": ["def preference(score_a, score_b):\n    return 0.5", PAIRS],
    "untouched": ['def preference(score_a, score_b):\n    """Say."""\n    ...', PAIRS],
    "missing": [PAIRS],
    "broken": ["def preference(:", PAIRS],
    "hanging": ["def preference(score_a, score_b):\n    while True:\n        pass", PAIRS],
    "exiting": ["import os\ndef preference(score_a, score_b):\n    os._exit(0)", PAIRS],
    "leaving": ["import sys\ndef preference(score_a, score_b):\n    sys.exit(0)", PAIRS],
    "cheating": [
        "import rlhf_lite.course.checks as checks\nlesson.check = print\nchecks.same = lambda *_: True\nprint('\u2713 Right.')",
        "import rlhf_lite.course.checks\nrlhf_lite.course.checks.same = lambda *_: True\n"
        "def preference(score_a, score_b):\n    rlhf_lite.course.checks.same = lambda *_: True\n"
        "    print('\u2713 Right.')\n    return 7",
        PAIRS,
    ],
    "writing": ["def preference(score_a, score_b):\n    open('PLACE', 'w').write('x')\n    return 0.5", PAIRS],
    "starting": ["import subprocess\ndef preference(score_a, score_b):\n    subprocess.run(['true'])\n    return 0.5", PAIRS],
}
EXPECTED = {
    "right": RIGHT, "wrong": "wrong", "untouched": "not tried", "missing": "missing", "broken": "missing", "hanging": "too slow",
    "exiting": "ended Python", "leaving": "wrong", "cheating": "wrong", "writing": "wrong", "starting": "wrong",
}  # fmt: skip


def notebook(cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


@pytest.fixture
def submitted(tmp_path):
    """Write a submission; return its path."""
    def write(name, cells):
        path = tmp_path / "in" / name / f"{LESSON}_reward_model.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook([cell.replace("PLACE", str(tmp_path / "written")) for cell in cells]), path)
        return path

    return write


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_each_submission_costs_its_own_exercise_alone(name, submitted, tmp_path):
    states = grade_notebook(submitted(name, SUBMISSIONS[name]), LESSON, seconds=8)
    assert states["preference"] == EXPECTED[name]
    assert states["better_pairs"] == RIGHT
    assert set(states) == {each.name for each in LESSONS[LESSON].exercises}
    assert not (tmp_path / "written").exists()


@pytest.mark.slow
def test_the_command_writes_a_table_of_all_students(submitted, tmp_path, capsys):
    for name in ("right", "wrong"):
        submitted(name, SUBMISSIONS[name])
    output = tmp_path / "grades.csv"
    assert main(["grade", str(tmp_path / "in"), "--output", str(output)]) == 0
    rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"))))
    found = [(row["student"], row["10.preference"], row["right"]) for row in rows]
    assert found == [("right", RIGHT, "2"), ("wrong", "wrong", "1")]
    assert "2 students" in capsys.readouterr().out


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_s_exercises_are_found_without_the_lessons(number):
    assert set(exercises_of(number)) == {each.name for each in LESSONS[number].exercises}
    assert all(exercises_of(number)[each.name] is each for each in LESSONS[number].exercises)


def test_only_imports_functions_and_what_stands_beside_an_exercise_are_executed(tmp_path):
    path = tmp_path / "10_x.ipynb"
    cells = ["scale = 1 / 0", "%matplotlib inline\nHELP = 3\ndef preference(a, b):\n    return HELP\nraise KeyError", "HELP = 4"]
    nbformat.write(notebook(cells), path)
    assert functions_of(path, ["preference", "other"])["preference"](0, 0) == 3
    assert list(functions_of(path, ["preference", "other"])) == ["preference"]


@pytest.mark.parametrize("value", [1, 2.5, "a", None, True, [1, [2.0, "b"]], {"a": [1], 2: {"b": None}}, float("inf")])
def test_results_survive_the_way_between_processes(value):
    assert from_wire(to_wire(value)) == value


def test_tuples_become_lists_and_what_is_no_data_equals_nothing():
    assert from_wire(to_wire((1, (2,)))) == [1, [2]]
    assert from_wire(to_wire(object())) is None


@pytest.mark.parametrize("event, arguments", [
    ("open", ("x", "w", 0)), ("open", ("x", None, 0o1)), ("os.remove", ("x",)), ("subprocess.Popen", ()), ("socket.connect", ()),
])  # fmt: skip
def test_what_leaves_a_trace_is_refused(event, arguments):
    with pytest.raises(PermissionError, match="graded code may not do this"):
        refuse_to_write(event, arguments)
    refuse_to_write("open", ("x", "r", 0))
    refuse_to_write("os.listdir", ("x",))
    refuse_to_write("import", ())


def test_submissions_are_found_by_student_and_lesson(tmp_path):
    for name in ("ann/10_reward_model.ipynb", "ben_li_10_reward_model.ipynb", "ann/deep/00_start_here.ipynb", "ann/notes.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook([]), tmp_path / name)
    found = {(each.student, each.lesson) for each in find_submissions(tmp_path)}
    assert found == {("ann", "10"), ("ben_li", "10"), ("ann", "00")}
    nbformat.write(notebook([]), tmp_path / "ann" / "10_again.ipynb")
    with pytest.raises(ValueError, match="two notebooks of lesson 10 by ann"):
        find_submissions(tmp_path)


def test_a_folder_without_lessons_is_said_in_one_line(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 1
    assert "expected" in capsys.readouterr().err
    assert main([]) == 0 and "grade" in capsys.readouterr().out
    assert main(["nothing"]) == 2


def test_a_student_without_a_notebook_has_an_empty_row_and_formulas_are_text(tmp_path):
    from rlhf_lite.course.grading import Graded

    states = {each.name: RIGHT for each in LESSONS["00"].exercises}
    rows = table([Graded("=ann", "00", tmp_path, states), Graded("ben", "10", tmp_path, {"preference": "wrong"})])
    assert rows[0][:2] == ["student", f"00.{next(iter(states))}"]
    assert rows[1][-1] == str(len(states)) and rows[2][1] == "no notebook"
    write_table(rows, tmp_path / "out.csv")
    assert "\n'=ann," in (tmp_path / "out.csv").read_text(encoding="utf-8").replace("\r", "")
