"""The merge stepper acts in a browser: merges by slider re-cut the text, guesses are judged, typed text stays text.

Pairs and their counts are worked out by hand from five words and how often each occurs.
"""

import pytest

CELL = """
from rlhf_lite.bpe import BytePairEncoder
from rlhf_lite.course.lesson_02.merge_stepper import merge_stepper

texts = ["hug"] * 10 + ["pug"] * 5 + ["pun"] * 12 + ["bun"] * 4 + ["hugs"] * 5
merge_stepper(BytePairEncoder.train(texts, 256 + 6), texts, "hugs bun")
"""


@pytest.fixture
def stepper(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("glued next")
    return notebook


def boxes(stepper):
    """Tokens in the strip."""
    return stepper.html("bytes per token").locator("span[style*='border']").all_inner_texts()


def test_merges_by_keyboard_re_cut_the_text(stepper):
    stepper.expect(lambda: boxes(stepper), list("hugs·bun"))
    stepper.focus_and_press(stepper.handle(0), *["ArrowRight"] * 3)  # u + g, u + n, h + ug
    stepper.expect(lambda: boxes(stepper), ["hug", "s", "·", "b", "un"])
    stepper.wait_for_text("8 characters, 8 bytes, 5 tokens: 1.60 bytes per token")
    stepper.page.keyboard.press("End")
    stepper.expect(lambda: boxes(stepper), ["hugs", "·", "b", "un"])
    stepper.wait_for_text("All merges are done.")
    assert not stepper.page.locator("button[title='Guess this pair']:visible").count()
    stepper.page.keyboard.press("Home")
    stepper.expect(lambda: boxes(stepper), list("hugs·bun"))


def test_guesses_by_mouse_and_by_keyboard(stepper):
    stepper.expect(
        lambda: stepper.page.locator("button[title='Guess this pair']:visible").all_inner_texts(),
        ["h + u", "p + u", "u + g", "u + n"],
    )
    stepper.button("p + u").click()
    verdict = stepper.html("was glued")
    stepper.expect(lambda: stepper.rows(verdict), ["→ u + g 20", "p + u 17", "u + n 16", "h + u 15"])
    assert "✗ Not p + u: u + g was glued." in verdict.inner_text() and "0 of 1 guesses right" in verdict.inner_text()
    stepper.expect(stepper.readouts, ["1"])
    stepper.expect(lambda: boxes(stepper), ["h", "ug", "s", "·", "b", "u", "n"])
    stepper.focus_and_press(stepper.button("u + n"), "Space")
    stepper.wait_for_text("✓ Right: u + n was glued.")
    assert stepper.rows(verdict)[:2] == ["→ u + n 16", "h + ug 15"] and "1 of 2 guesses right" in verdict.inner_text()
    stepper.expect(stepper.readouts, ["2"])


def test_typed_text_and_bytes(stepper):
    text = stepper.page.get_by_label("your text")
    text.fill("汤")
    stepper.wait_for_text("1 characters, 3 bytes, 3 tokens: 1.00 bytes per token")
    stepper.page.get_by_role("checkbox").click()
    stepper.expect(lambda: [box[-2:] for box in boxes(stepper)], ["e6", "b1", "a4"])  # its UTF-8
    text.click()
    stepper.page.keyboard.press("Control+a")
    stepper.page.keyboard.type("<u>x")
    stepper.wait_for_text("4 characters, 4 bytes, 4 tokens")
    assert stepper.page.locator(".widget-html u").count() == 0, "the reader's text became HTML"
