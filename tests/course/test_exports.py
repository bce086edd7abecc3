"""Copies of the course with and without solutions, and sheets for other graders.

Proves: every exercise of every lesson is found with its solution; a filled stub passes its check, and a lesson for students holds
no solution in text or outputs; modules of exercises lose their solutions and what lessons run still works; nothing is
overwritten. A sheet's hidden test raises for everything that is not right, also where the submission overwrote what it could
reach. Where nbgrader or otter is installed, scripted submissions, right, wrong, hanging, crashing and cheating, get the same
verdict from it as from `grade`.
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from rlhf_lite.course.__main__ import main
from rlhf_lite.course.checks import NOT_TRIED, RIGHT, feedback
from rlhf_lite.course.classroom import copies
from rlhf_lite.course.classroom.copies import for_instructor, for_students, hide_solutions
from rlhf_lite.course.classroom.exercise_cells import exercise_cells, fill_in, function_node, without_check, without_solutions
from rlhf_lite.course.classroom.lesson_files import lesson_path
from rlhf_lite.course.classroom.nbgrader_export import export_nbgrader, nbgrader_notebook
from rlhf_lite.course.classroom.otter_export import export_otter, otter_notebook
from rlhf_lite.course.classroom.sheet_check import check
from rlhf_lite.course.classroom.sheets import make_sheet
from rlhf_lite.course.lessons import LESSONS

LESSON = "10"
CHEAT = """
import rlhf_lite.course.checks, rlhf_lite.course.judging, subprocess
rlhf_lite.course.checks.same = rlhf_lite.course.judging.same = lambda *_: True
check = test_preference = print
class Done:
    returncode, stdout = 0, '{"preference": "right"}'
subprocess.run = lambda *_, **__: Done
print("\u2713 Right.")
"""
BODIES = {  # of the first exercise; all others are solved
    "right": (None, "", ""), "wrong": ("    return 0.5", "", ""), "hanging": ("    while True:\n        pass", "", ""),
    "crashing": ("    raise RuntimeError('no')", "", "1 / 0"), "leaving": ("    raise SystemExit(0)", "", "raise SystemExit(0)"),
    "cheating": ("    print('\u2713 Right.')\n    return 7", CHEAT, ""),
}  # fmt: skip


def lesson_notebook(number=LESSON):
    return nbformat.read(lesson_path(number), as_version=4)


def body_of(each):
    """The lines of a solution's function."""
    node = function_node(each.solution, each.name)
    return "\n".join(each.solution.splitlines()[node.body[0].lineno - 1 : node.end_lineno])


def submission(student_version, name):
    """Fill a student's version of the sheet as one of BODIES says."""
    body, before, after = BODIES[name]
    for cell in student_version.cells:
        for each in exercise_cells(lesson_notebook(), LESSON):
            if cell.cell_type == "code" and f"def {each.name}(" in cell.source and f"test_{each.name}" not in cell.source:
                wrong = body is not None and each.name == "preference"
                solution = f"def preference(score_a, score_b):\n{body}" if wrong else each.solution
                cell.source = fill_in(cell.source, each.name, solution)
                if each.name == "preference":
                    cell.source = "\n".join([before, cell.source, after])
    return student_version


@pytest.mark.parametrize("number", LESSONS)
def test_every_exercise_is_found_with_its_task_and_solution(number):
    found = exercise_cells(lesson_notebook(number), number)
    assert {each.name for each in found} == {each.name for each in LESSONS[number].exercises}
    for each in found:
        assert "..." in each.stub and ".check(" not in each.stub and "<details>" not in each.task
        assert function_node(fill_in(each.stub, each.name, each.solution), each.name)


def test_a_filled_stub_keeps_signature_and_docstring_and_marks_what_is_hidden():
    stub = 'import re\n\n\ndef f(x: int) -> int:\n    """Say."""\n    ...\n\n\nlesson.check(f)'
    solution = "from math import exp\n\n\ndef f(x):\n    # why\n    return exp(x)"
    filled = fill_in(without_check(stub), "f", solution, around=("# A", "# B"))
    assert filled == ('import re\n\n\n# A\nfrom math import exp\n# B\n\ndef f(x: int) -> int:\n    """Say."""\n    # A\n'
                      "    # why\n    return exp(x)\n    # B")  # fmt: skip


def test_only_folded_blocks_that_solve_are_taken_out():
    kept = "Before.\n\n<details><summary>More</summary>\n\nWhy.\n\n</details>\n\n"
    text = kept + "<details><summary>解答</summary>\n\n```python\ndef f(x):\n    return x\n```\n\n</details>\n\nAfter."
    assert without_solutions(text, ["f"]) == kept + "After."
    assert without_solutions(text, ["g"]) == text


def test_a_lesson_for_students_holds_no_solution_and_the_other_only_ticks():
    whole, found = lesson_notebook(), exercise_cells(lesson_notebook(), LESSON)
    students, instructor = lesson_notebook(), lesson_notebook()
    for_students(students, LESSON)
    for_instructor(instructor, LESSON)
    text = json.dumps(students)
    assert "<summary>Answer</summary>" in json.dumps(whole) and "<summary>Answer</summary>" not in text
    assert "<summary>Solution</summary>" not in text
    for each in found:
        body = json.dumps(body_of(each))[1:-1]
        assert body not in text and body in json.dumps(instructor)
    assert NOT_TRIED in text and NOT_TRIED not in json.dumps(instructor)
    assert "this is the probability that b is preferred" in json.dumps(instructor)
    nbformat.validate(students)


MODULE = '''
def kept(x):
    """Return twice x."""
    return 2 * x


def removed(x):
    """Return x."""
    y = x
    return y


EXERCISES = (Exercise(solution=kept, cases=()), Exercise(solution=removed, cases=()))
'''


def test_a_module_loses_its_solutions_and_keeps_what_lessons_run(tmp_path):
    path = tmp_path / "lesson_99" / "exercises.py"
    path.parent.mkdir()
    path.write_text(MODULE, encoding="utf-8")
    assert hide_solutions(path, {"kept"}) == ["kept", "removed"]
    text = path.read_text(encoding="utf-8")
    assert "2 * x" not in text and "y = x" not in text
    space = {"Exercise": lambda **_: None}
    exec(text, space)
    assert space["kept"](4) == 8 and space["removed"](4) is None


def small_course(folder):
    (folder / "data" / "checkpoints").mkdir(parents=True)
    (folder / "notebooks" / "classroom").mkdir(parents=True)
    run_sheet = "## Block 4: x\n\n[10](../10_reward_model.ipynb) ask\n\n## After\n"
    (folder / "notebooks" / "classroom" / "one_day.md").write_text(run_sheet)
    shutil.copy(lesson_path(LESSON), folder / "notebooks")
    room = folder / "rlhf_lite" / "course" / "lesson_10"
    room.mkdir(parents=True)
    shutil.copy(Path(copies.__file__).parents[1] / "lesson_10" / "exercises.py", room)
    for name in ("README.md", "Makefile"):
        (folder / name).write_text("old")


def test_both_copies_are_written_and_nothing_is_overwritten(tmp_path, monkeypatch, capsys):
    small_course(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    assert main(["copies", str(tmp_path / "kit")]) == 0
    assert "5 solutions taken out" in capsys.readouterr().out
    students, instructor = tmp_path / "kit" / "students", tmp_path / "kit" / "instructor"
    assert not (students / "notebooks" / "classroom").exists() and (students / "Makefile").exists()
    assert "make course" in (students / "README.md").read_text() and (instructor / "README.md").read_text() == "old"
    assert "row[length - 1]" not in (students / "rlhf_lite/course/lesson_10/exercises.py").read_text()
    teacher = nbformat.read(instructor / "notebooks" / "10_reward_model.ipynb", as_version=4).cells[1].source
    assert teacher.startswith("## For the teacher\n\n### Block 4: x\n\n[10](10_reward_model.ipynb) ask")
    (students / "mine.txt").write_text("mine")
    assert main(["copies", str(tmp_path / "kit")]) == 1
    assert "remove it or name another folder" in capsys.readouterr().err and (students / "mine.txt").exists()
    assert main(["copies", str(tmp_path / "other"), "--run", "99"]) == 1 and "there is no lesson 99" in capsys.readouterr().err


def without_regions(source, *marks):
    for begin, end in marks:
        while begin in source:
            source = source[: source.index(begin)] + source[source.index(end) + len(end) :]
    return source


def test_what_nbgrader_and_otter_leave_to_students_holds_no_solution():
    sheet = make_sheet(LESSON)
    for notebook, marks in (
        (nbgrader_notebook(sheet), [("### BEGIN SOLUTION", "### END SOLUTION"), ("### BEGIN HIDDEN", "### END HIDDEN TESTS")]),
        (otter_notebook(sheet), [("# BEGIN SOLUTION", "# END SOLUTION")]),
    ):
        nbformat.validate(notebook)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and not cell.source.startswith("# HIDDEN")]
        left = "\n".join(without_regions(source, *marks) for source in code)
        assert "notebook_states" not in left and not any(body_of(each) in left for each in sheet.exercises)
        assert all(body_of(each) in "\n".join(code) for each in sheet.exercises)
        assert all(f"def {each.name}(" in left and f'check("10", {each.name})' in left for each in sheet.exercises)


def test_cells_that_students_must_not_change_are_locked():
    cells = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in nbgrader_notebook(make_sheet(LESSON)).cells}
    for each in LESSONS[LESSON].exercises:
        assert cells[each.name].solution and not cells[each.name].locked
        assert cells[f"{each.name}_test"].locked and cells[f"{each.name}_test"].points == 1
    assert cells["setup"].locked and sum(cell.get("points", 0) for cell in cells.values()) == len(LESSONS[LESSON].exercises)


@pytest.mark.parametrize("states, raises", [
    ({"preference": "right"}, False), ({"preference": "wrong"}, True), ({"preference": "not tried"}, True), ({}, True),
])  # fmt: skip
def test_a_hidden_test_raises_for_all_that_is_not_right(states, raises):
    space = {}
    exec(make_sheet(LESSON).test("preference", "_states"), space)
    if raises:
        with pytest.raises(AssertionError, match="preference: "):
            space["test_preference"]({"_states": states})
    else:
        space["test_preference"]({"_states": states})


def test_the_check_of_a_sheet_is_silent_while_nbgrader_grades(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    check(LESSON, lambda *_: 1 / 0)
    assert capsys.readouterr().out == ""
    monkeypatch.delenv("NBGRADER_EXECUTION")
    check(LESSON, lambda *_: 1 / 0)
    assert "Nothing to check" in capsys.readouterr().out


@pytest.mark.parametrize("export", [export_nbgrader, export_otter])
def test_an_export_overwrites_nothing_and_says_what_to_do_next(export, tmp_path):
    assert "lesson_10" in export(tmp_path, [LESSON])
    with pytest.raises(FileExistsError, match="remove it or name another folder"):
        export(tmp_path, [LESSON])
    with pytest.raises(FileNotFoundError, match="there is no lesson '99'"):
        export(tmp_path / "new", ["99"])
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["right", "wrong", "cheating"])
def test_a_sheet_judges_the_file_in_a_process_of_its_own(name, tmp_path, monkeypatch):
    sheet = make_sheet(LESSON)
    notebook = nbgrader_notebook(sheet)
    for cell in notebook.cells:
        dots = "..." * ("BEGIN SOLUTION" in cell.source)
        cell.source = without_regions(cell.source, ("### BEGIN SOLUTION", "### END SOLUTION")) + dots
    nbformat.write(submission(notebook, name), tmp_path / sheet.file_name)
    monkeypatch.chdir(tmp_path)
    space = {}
    exec(sheet.test("preference", "_states") + sheet.test("better_pairs", "_states"), space)
    if name == "cheating":
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, '{"preference": "right"}'))
    if name == "right":
        space["test_preference"](space)
    else:
        with pytest.raises(AssertionError, match="preference: wrong"):
            space["test_preference"](space)
    space["test_better_pairs"](space)


def command_of(tool):
    path = shutil.which(tool) or shutil.which(tool, path=str(Path(sys.executable).parent))
    return path or pytest.skip(f"{tool} is not installed: pip install {'nbgrader' if tool == 'nbgrader' else 'otter-grader'}")


@pytest.mark.slow
def test_nbgrader_gives_the_same_verdicts(tmp_path):
    nbgrader = command_of("nbgrader")
    export_nbgrader(tmp_path, [LESSON])
    subprocess.run([nbgrader, "generate_assignment", "lesson_10"], cwd=tmp_path, check=True)
    release = tmp_path / "release" / "lesson_10" / "10_reward_model.ipynb"
    assert "exp(score_b" not in release.read_text() and "notebook_states" not in release.read_text()
    for name in BODIES:
        path = tmp_path / "submitted" / name / "lesson_10" / release.name
        path.parent.mkdir(parents=True)
        nbformat.write(submission(nbformat.read(release, as_version=4), name), path)
    subprocess.run([nbgrader, "autograde", "lesson_10"], cwd=tmp_path, check=True)
    subprocess.run([nbgrader, "export"], cwd=tmp_path, check=True)
    with open(tmp_path / "grades.csv", newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {name: len(LESSONS[LESSON].exercises) - (name != "right") for name in BODIES}


@pytest.mark.slow
def test_otter_gives_the_same_verdicts(tmp_path):
    otter = command_of("otter")
    export_otter(tmp_path, [LESSON])
    subprocess.run([otter, "assign", "--no-run-tests", "lesson_10/10_reward_model.ipynb", "dist"], cwd=tmp_path, check=True)
    student = tmp_path / "dist" / "student" / "10_reward_model.ipynb"
    assert "exp(score_b" not in student.read_text() and "notebook_states" not in student.read_text()
    (zipped,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    for name in BODIES:
        path = tmp_path / name / student.name
        path.parent.mkdir()
        nbformat.write(submission(nbformat.read(student, as_version=4), name), path)
        subprocess.run([otter, "run", "-a", zipped, "-o", path.parent, path], cwd=tmp_path, check=True)
        tests = json.loads((path.parent / "results.json").read_text())["tests"]
        wrong = [test["name"].split()[0] for test in tests if test.get("score", 1) == 0 and test.get("max_score", 1)]
        assert wrong == ([] if name == "right" else ["preference"])


def test_instructors_solutions_pass_their_checks():
    space = {}
    for each in exercise_cells(lesson_notebook(), LESSON):
        exec("from __future__ import annotations\nfrom math import exp, log\nfrom torch.nn import functional as F\n"
             + fill_in(each.stub, each.name, each.solution), space)  # fmt: skip
        assert feedback(space[each.name], each.exercise) == RIGHT
