"""The arms act in a browser: pulls by mouse and keyboard bring the scores that belong to them, and the last one ends it."""

import pytest

from rlhf_lite.course.lesson_11.arms import MEANS, PULLS, draw_scores

CELL = """
from rlhf_lite.course.lesson_11.arms import show_arms

show_arms()
"""
SCORES = draw_scores()


@pytest.fixture
def arms(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("Choose an arm. Pull 0 of 30; sum +0.00.")
    return notebook


def rows(arms):
    return arms.rows(arms.page.locator(".widget-html", has=arms.page.locator("table")))


def row(arm, count, end=""):
    mean = f", mean {sum(SCORES[arm][:count]) / count:+.2f}" if count else ""
    return f"arm {'abcd'[arm]} {count} pulls{mean}{end}"


def test_pulls_by_mouse(arms):
    for name in ("arm b", "arm d", "arm b"):
        arms.button(name).click()
    total = SCORES[1][0] + SCORES[3][0] + SCORES[1][1]
    arms.wait_for_text(f"Arm b brought {SCORES[1][1]:+.2f}. Pull 3 of {PULLS}; sum {total:+.2f}.")
    arms.expect(lambda: rows(arms), [row(0, 0), row(1, 2), row(2, 0), row(3, 1)])
    arms.button("Begin again").click()
    arms.wait_for_text("Choose an arm. Pull 0 of 30; sum +0.00.")
    arms.expect(lambda: rows(arms), [row(arm, 0) for arm in range(4)])
    arms.button("arm b").click()
    arms.wait_for_text(f"Arm b brought {SCORES[1][0]:+.2f}. Pull 1 of {PULLS}")  # the same first pull again


def test_all_pulls_by_keyboard_then_begin_again(arms):
    arms.focus_and_press(arms.button("arm a"), "Space", "Tab", "Tab", *["Space"] * (PULLS - 1))
    total = SCORES[0][0] + sum(SCORES[2][: PULLS - 1])
    arms.wait_for_text(f"Pull {PULLS} of {PULLS}; sum {total:+.2f}. That was the last one.")
    counts = (1, 0, PULLS - 1, 0)
    arms.expect(lambda: rows(arms), [row(arm, counts[arm], f", truly {MEANS[arm]:+.1f}") for arm in range(4)])
    assert all(arms.button(f"arm {letter}").is_disabled() for letter in "abcd")
    arms.focus_and_press(arms.button("Begin again"), "Space")
    arms.wait_for_text("Choose an arm. Pull 0 of 30; sum +0.00.")
    arms.expect(lambda: rows(arms), [row(arm, 0) for arm in range(4)])
    assert all(arms.button(f"arm {letter}").is_enabled() for letter in "abcd")
