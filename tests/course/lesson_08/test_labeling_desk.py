"""The labeling desk: cases are decided one after the other, and the outcome is shown only after the last.

Proves: buttons, Back and their ends; the outcome counts each group's votes and the reader's agreement with them, by hand; text
of prompts and answers does nothing; the static fallback is the same for everybody; figures say in words what they show.
"""

from dataclasses import replace

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_08 import figures
from rlhf_lite.course.lesson_08.labeling_desk import Desk, DeskCase, cases_of, outcome_html, show_desk
from rlhf_lite.course.lesson_08.panel import make_panel, vote
from rlhf_lite.course.lesson_08.writing import WISHES, few_shot, few_shot_prompt, simple_prompts, user_based_prompts
from rlhf_lite.tinyworld.prompts import draw_requests

WARM = torch.tensor([False, False, True, True])


@pytest.fixture
def cases():
    requests = draw_requests("desk", 2)
    votes = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, 1]])
    return [
        DeskCase(request, (request.good, "You are a fool. <b>"), row, WARM) for request, row in zip(requests, votes, strict=True)
    ]


def test_the_outcome_comes_after_the_last_case(cases):
    desk = Desk(cases)
    a, b, back = desk.children[1].children
    assert "Case 1 of 2" in desk.page.value and "group: a" not in desk.page.value and back.disabled
    a.click()
    assert "Case 2 of 2" in desk.page.value and "group: a" not in desk.page.value
    back.click()
    b.click()
    a.click()
    assert desk.chosen == ["b", "a"] and a.disabled and b.disabled
    # plain: 0 of 2 chose b first, then 1 of 2 a; warm: 2 of 2, then 2 of 2
    assert "25% of the plain group" in desk.page.value and "100% of the warm group" in desk.page.value
    a.click()
    assert desk.chosen == ["b", "a"]
    back.click()
    assert "Case 2 of 2" in desk.page.value and not a.disabled


def test_votes_are_counted_by_group(cases):
    assert [case.counts() for case in cases] == [(2, 0), (1, 2)]
    page = outcome_html(cases, ())
    assert page.count("2 of 2") == 2 and page.count("0 of 2") == 1 and "you" not in page.split("</tr>")[0]
    assert cases[0].judged() == "a" and replace(cases[0], answers=(cases[0].answers[0],) * 2).judged() == "equal"


def test_text_does_nothing(cases):
    for page in (Desk(cases).page.value, outcome_html(cases, ["a", "b"])):
        assert "<b>" not in page.replace("<b>a</b>", "").replace("<b>b</b>", "") and "&lt;b&gt;" in page


def test_cases_of_a_panel_are_its_pairs():
    panel = make_panel("desk", count=4)
    votes = vote(panel, 0)
    texts = [answer for sheet in panel.sheets for answer in sheet.answers]
    for place, case in zip((0, 5), cases_of(panel, votes, (0, 5)), strict=True):
        assert case.answers == tuple(texts[i] for i in panel.pairs[place]) and torch.equal(case.votes, votes[:, place])


def test_the_static_fallback_is_what_everybody_reads(cases, monkeypatch):
    shown = []
    for name in ("display", "keep_keys"):
        monkeypatch.setattr(static_fallback, name, lambda *data, **more: shown.append(data))
    show_desk(cases)
    ((data,),) = [each for each in shown if each]
    assert outcome_html(cases, ()) in data["text/html"] and "Which of the two" in data["text/plain"]


def test_three_kinds_of_prompts():
    assert few_shot("Good or bad?", [("I love it.", "Good.")], "I hate it.") == "Good or bad?\nI love it. Good.\nI hate it."
    assert len(few_shot_prompt(1).splitlines()) == 5 and not few_shot_prompt(1).endswith(("Good.", "Bad."))
    assert len(simple_prompts(1, 7)) == 7
    assert all(WISHES[wish] == request.use_case for wish, request in user_based_prompts(1))


def test_figures_say_what_they_show():
    assert "SFT: 9 by labelers, 1 by customers" in figures.draw_writers({"SFT": (9, 1)})[1]
    assert "recall: 0.50 at 1, 0.75 at 3" in figures.draw_lines({"recall": ([1, 3], [0.5, 0.75])}, "x", "share", log_x=True)[1]
    assert "raw 0.50 (0.40 to 0.60)" in figures.draw_intervals({"raw": (0.5, 0.4, 0.6)}, "score")[1]
    alt = figures.draw_users([3, 9], 5, {"received": {"chat": 60.0, "other": 40.0}})[1]
    assert "from the busiest: 9, 3" in alt and "chat 60.0" in alt
    votes = torch.tensor([[1.0, 1], [1, 1], [-1, 1], [-1, -1]])
    alt = figures.draw_votes(votes, WARM, {"apart": [0], "other": [1]})[1]
    assert (
        "apart: on average 100% of the plain and 0% of the warm group" in alt
        and "other: on average 100% of the plain and 50%" in alt
    )
