"""The labeling desk acts in a browser: cases are decided by mouse or keyboard, and the outcome counts what was chosen.

Four labelers vote on two cases: the first answer is chosen by 2 of 2 of the plain group and by 0 of 2 of the warm one in the
first case, by 1 of 2 and 2 of 2 in the second.
"""

import pytest

CELL = """
import torch
from rlhf_lite.course.lesson_08.labeling_desk import DeskCase, show_desk
from rlhf_lite.tinyworld.prompts import draw_requests

votes = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, 1]])
warm = torch.tensor([False, False, True, True])
requests = draw_requests("browser", 2, use_cases=["chat"])
show_desk([DeskCase(request, (request.good, "You are a fool. <u>"), row, warm) for request, row in zip(requests, votes)])
"""


@pytest.fixture
def desk(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("Case 1 of 2.")
    return notebook


def outcome(desk):
    """Return the last columns of the outcome's rows: chosen, votes of both groups, the judge."""
    rows = desk.page.locator(".widget-html tr")
    return [[" ".join(cell.split()) for cell in row.locator("td").all_inner_texts()[3:]] for row in rows.all()[1:]]


def test_by_mouse_with_a_case_decided_again(desk):
    assert desk.button("Back").is_disabled() and desk.page.locator(".widget-html tr").count() == 0
    desk.button("a is better").click()
    desk.wait_for_text("Case 2 of 2.")
    desk.button("Back").click()
    desk.wait_for_text("Case 1 of 2.")
    desk.button("b is better").click()
    desk.wait_for_text("Case 2 of 2.")
    assert desk.page.locator(".widget-html tr").count() == 0, "others' votes are shown too early"
    desk.button("a is better").click()
    desk.expect(lambda: outcome(desk), [["b", "2 of 2", "0 of 2", "a"], ["a", "1 of 2", "2 of 2", "a"]])
    desk.wait_for_text("You agree with 25% of the plain group's votes, and with 100% of the warm group's.")
    assert desk.button("a is better").is_disabled() and desk.button("b is better").is_disabled()
    assert desk.html("You are a fool. <u>").is_visible() and desk.page.locator(".widget-html u").count() == 0


def test_by_keyboard(desk):
    desk.focus_and_press(desk.button("a is better"), "Tab", "Space")
    desk.wait_for_text("Case 2 of 2.")
    desk.page.keyboard.press("Space")  # the focus stayed on b
    desk.expect(lambda: outcome(desk), [["b", "2 of 2", "0 of 2", "a"], ["b", "1 of 2", "2 of 2", "a"]])
    desk.wait_for_text("You agree with 25% of the plain group's votes, and with 50% of the warm group's.")
    desk.focus_and_press(desk.button("Back"), "Space")
    desk.wait_for_text("Case 2 of 2.")
    desk.focus_and_press(desk.button("a is better"), "Enter")
    desk.expect(lambda: [row[0] for row in outcome(desk)], ["b", "a"])
    desk.focus_and_press(desk.button("Back"), "Space")
    desk.wait_for_text("Case 2 of 2.")
    desk.button("b is better").click()
    desk.expect(lambda: [row[0] for row in outcome(desk)], ["b", "b"])  # the last choice went, not the first
