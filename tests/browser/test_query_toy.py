"""The query-key-value toy acts in a browser: sliders and switches by mouse and keyboard, numbers as the formula has them."""

import math
import re

import pytest

CELL = """
from rlhf_lite.course.lesson_04.query_toy import query_key_value_toy

query_key_value_toy()
"""
TOM, CHASE, JERRY = (2, 0), (-2, 0), (1, 2)  # the keys at first
VALUES = ((10, 0), (0, 5), (20, 0))


@pytest.fixture
def toy(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("mixed value")
    return notebook


def shown(toy):
    """Return what the toy says: (score, weight) per word, and the mixed value."""
    text = toy.html("mixed value").inner_text()
    words = re.findall(r"(?:Tom|chase|Jerry), score (-?[\d.]+)\s+(-?[\d.]+)", text)
    mixed = re.search(r"mixed value: \[(-?[\d.]+), (-?[\d.]+)\]", text)
    return words, mixed.groups() if mixed else None


def formula(query, *keys, root=2**0.5):
    """Work out the same by hand."""
    scores = [(query[0] * key[0] + query[1] * key[1]) / root for key in keys]
    total = sum(map(math.exp, scores))
    weights = [math.exp(score) / total for score in scores]
    mixed = [sum(weight * value[i] for weight, value in zip(weights, VALUES, strict=True)) for i in (0, 1)]
    rows = [(f"{score:.2f}", f"{weight:.2f}") for score, weight in zip(scores, weights, strict=True)]
    return rows, tuple(f"{number:.1f}" for number in mixed)


def test_a_query_and_the_key_of_a_chosen_word_by_keyboard(toy):
    toy.expect(lambda: shown(toy), formula((1, 2), TOM, CHASE, JERRY))
    toy.focus_and_press(toy.handle(0), "ArrowLeft", "ArrowLeft", "ArrowLeft")
    toy.expect(lambda: shown(toy), formula((-0.5, 2), TOM, CHASE, JERRY))
    toy.focus_and_press(toy.page.get_by_label("key to move"), "ArrowUp")  # from Jerry to chase
    toy.expect(toy.readouts, ["-0.50", "2.00", "-2.00", "0.00"])
    toy.focus_and_press(toy.handle(3), "ArrowRight", "ArrowRight")
    toy.expect(lambda: shown(toy), formula((-0.5, 2), TOM, (-2, 1), JERRY))
    toy.focus_and_press(toy.page.get_by_role("checkbox"), "Space")
    toy.expect(lambda: shown(toy), formula((-0.5, 2), TOM, (-2, 1), JERRY, root=1))


def test_a_query_a_key_and_the_scale_by_mouse(toy):
    toy.expect(lambda: shown(toy), formula((1, 2), TOM, CHASE, JERRY))
    toy.click_slider(1, 0.01)
    toy.expect(toy.readouts, ["1.00", "-4.00", "1.00", "2.00"])
    toy.expect(lambda: shown(toy), formula((1, -4), TOM, CHASE, JERRY))
    toy.page.get_by_role("checkbox").click()
    toy.expect(lambda: shown(toy), formula((1, -4), TOM, CHASE, JERRY, root=1))
    toy.page.get_by_label("key to move").select_option("Tom")
    toy.expect(toy.readouts, ["1.00", "-4.00", "2.00", "0.00"])
    toy.click_slider(3, 0.01)
    toy.expect(lambda: shown(toy), formula((1, -4), (2, -4), CHASE, JERRY, root=1))
