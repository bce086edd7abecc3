"""Answers are ranked in a browser as readers do it, by mouse and by keyboard, and the file holds what they chose.

Proves: ranks, ties, flags, skipping and going back by mouse and by keyboard; labels are on the disk at once, as comparisons
that the library reads; after a restart of the kernel the work goes on where it stopped; keys pressed on a button do nothing
to the notebook; text of models stays text.
"""

import json

import pytest

from rlhf_lite.course.lesson_10.labels import NOT_RANKED, RANKED
from rlhf_lite.real_data.row_files import read_comparisons
from rlhf_lite.records import Comparison

ANSWERS = (*(f"answer {letter}" for letter in "abcdefgh"), "<b>answer i</b>")
PROMPTS = 3
CELL = f"""
import os
os.environ["RLHF_LITE_LABELS"] = "labels"  # in the notebook's folder

from rlhf_lite.course.lesson_10.labels import Label
from rlhf_lite.course.lesson_10.ranking_widget import show_ranking
from rlhf_lite.course.lesson_10.tasks import Task
from rlhf_lite.tinyworld.prompts import draw_requests

answers = {ANSWERS!r}
requests = draw_requests("browser", {PROMPTS}, use_cases=["chat"])
tasks = [Task(request, answers[:count]) for request, count in zip(requests, (4, 9, 5))]
show_ranking(tasks, Label(prompt="p", responses=("x", "y"), ranking=(0, 1), flags=((), ())))
"""


@pytest.fixture
def ranking(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text(f"0 of {PROMPTS} prompts labelled")
    return notebook


def press_rank(notebook, letter, rank):
    notebook.page.get_by_title(f"rank {rank} for {letter}", exact=True).click()


def flag(notebook, answer, name):
    row = notebook.page.locator(".widget-hbox", has_text=ANSWERS[answer]).last
    row.get_by_text(name, exact=True).click()


def button(notebook, name):
    return notebook.page.get_by_role("button", name=name, exact=True)


def line(notebook):
    return notebook.page.get_by_label("type ranks")


def wait_for_line(notebook, text):
    notebook.page.wait_for_function("([box, text]) => box.value === text", arg=[line(notebook).element_handle(), text])


def stored(notebook, name=RANKED):
    """Rows of a file of labels: (answers, ranking, flags)."""
    path = notebook.folder / "labels" / name
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    return [(len(row["responses"]), row["ranking"], row["flags"]) for row in rows]


def test_by_mouse_ranks_with_a_tie_flags_and_a_skip(ranking):
    for letter, rank in zip("abcd", (2, 1, 4, 2), strict=True):
        press_rank(ranking, letter, rank)
    flag(ranking, 2, "untrue")
    flag(ranking, 2, "harmful")
    ranking.wait_for_text("Best first: b; a = d; c.")
    wait_for_line(ranking, "2 1 4uh 2")
    assert stored(ranking) == []
    button(ranking, "Save, next").click()
    ranking.wait_for_text(f"1 of {PROMPTS} prompts labelled")
    assert stored(ranking) == [(4, [1, 0, 2, 1], [[], [], ["untrue", "harmful"], []])]
    (comparison,) = read_comparisons(ranking.folder / "labels" / RANKED).items
    assert isinstance(comparison, Comparison) and comparison.responses == ANSWERS[:4] and comparison.ranks == (1, 0, 2, 1)
    button(ranking, "Skip").click()
    ranking.wait_for_text(f"2 of {PROMPTS} prompts labelled")
    assert stored(ranking, NOT_RANKED) == [(9, None, [[]] * 9)]


def test_by_keyboard_nine_answers_in_one_line_and_correcting_a_label(ranking):
    keyboard = ranking.page.keyboard
    line(ranking).focus()
    keyboard.type("s")
    keyboard.press("Enter")
    ranking.wait_for_text("Skipped.")
    wait_for_line(ranking, "")
    keyboard.type("123456u")
    ranking.wait_for_text("No rank yet: g, h, i.")
    keyboard.press("Enter")
    ranking.wait_for_text("choose a rank for g, h, i")
    assert stored(ranking) == []
    keyboard.type("7h89")  # the line still has the focus and what was typed
    keyboard.press("Enter")
    ranking.wait_for_text("Stored.")
    flags = [[]] * 5 + [["untrue"], ["harmful"], [], []]
    assert stored(ranking) == [(9, list(range(9)), flags)]
    assert ranking.page.locator("b", has_text="answer i").count() == 0, "text of a model became HTML"
    wait_for_line(ranking, "")
    keyboard.type("b")
    keyboard.press("Enter")
    wait_for_line(ranking, "1 2 3 4 5 6u 7h 8 9")
    keyboard.press("Control+a")
    keyboard.type("111111112")
    keyboard.press("Enter")
    ranking.wait_for_text("Stored.")
    assert stored(ranking) == [(9, [0] * 8 + [1], [[]] * 9)]


def test_by_tab_and_space_alone(ranking):
    keyboard = ranking.page.keyboard
    ranking.page.get_by_title("rank 1 for a", exact=True).focus()
    for presses in (0, 6 + 1, 6, 6):  # a row has four ranks and two flags
        for _ in range(presses):
            keyboard.press("Tab")
        keyboard.press("Space")
    ranking.wait_for_text("Best first: a; b = c = d.")
    for _ in range(4):  # to the flag of d
        keyboard.press("Tab")
    keyboard.press("Space")
    wait_for_line(ranking, "1 2 2 2h")
    for _ in range(2):  # over the line to the button
        keyboard.press("Tab")
    keyboard.press("Space")
    ranking.wait_for_text("Stored.")
    assert stored(ranking) == [(4, [0, 1, 1, 1], [[], [], [], ["harmful"]])]


def test_after_a_restart_the_work_goes_on(ranking):
    line(ranking).fill("1234")
    line(ranking).press("Enter")
    ranking.wait_for_text(f"1 of {PROMPTS} prompts labelled")
    ranking.restart()
    ranking.wait_for_text(f"Prompt 2 of {PROMPTS}. 1 of {PROMPTS} prompts labelled")
    button(ranking, "Back").click()
    wait_for_line(ranking, "1 2 3 4")
    for text in ("4321", "s", "s"):
        line(ranking).fill(text)
        line(ranking).press("Enter")
        wait_for_line(ranking, "")
    ranking.wait_for_text("Thank you: that was the last one.")
    assert stored(ranking) == [(4, [3, 2, 1, 0], [[]] * 4)] and len(stored(ranking, NOT_RANKED)) == 2


def test_keys_pressed_on_a_button_do_nothing_to_the_notebook(ranking):
    press_rank(ranking, "a", 3)
    for key in ("1", "m", "b", "x", "d", "d"):  # JupyterLab's: heading, Markdown, insert, cut, delete
        ranking.page.keyboard.press(key)
    ranking.wait_for_text("Best first: a.")
    kinds = ranking.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.type)")
    assert kinds == ["code"] and button(ranking, "Save, next").is_visible()
