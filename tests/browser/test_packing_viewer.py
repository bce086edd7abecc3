"""The packing viewer acts in a browser: window, position and mask by mouse and keyboard show who looks at what.

A tokenizer without merges makes each letter a token, so that places and counts are known by hand: three documents of 10, 16
and 26 letters, each with its end token, are 55 tokens.
"""

import re

import pytest

CELL = """
from rlhf_lite.course.lesson_06.packing_viewer import packing_viewer
from rlhf_lite.tokenizer import Tokenizer

packing_viewer(["abcdefghij", "klmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"], Tokenizer.train(["a"], 258))
"""


@pytest.fixture
def viewer(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("It looks at")
    return notebook


def told(viewer):
    """Return the position, its token, and the numbers of tokens that it looks at and of foreign ones among them."""
    text = viewer.html("It looks at").inner_text()
    found = re.search(r"Position (\d+) of (\d+), (\S+), is.*It looks at (\d+) tokens, (\d+) of them", text, re.DOTALL)
    return found and found.groups()


def shaded(viewer):
    """Return the boxes that the position may look at: those whose ground is not the last one's."""
    boxes = viewer.html("It looks at").locator("span[style*='border']")
    return boxes.evaluate_all("""boxes => { const ground = box => getComputedStyle(box).backgroundColor;
        return boxes.filter(box => ground(box) !== ground(boxes.at(-1))).map(box => box.innerText).join("") }""")


def test_a_mask_and_a_position_by_mouse(viewer):
    viewer.wait_for_text("55 tokens of 3 documents: 1 windows of 36, 19 left over.")
    viewer.expect(lambda: told(viewer), ("18", "36", "q", "18", "11"))
    assert shaded(viewer) == "abcdefghij<|end|>klmnopq"
    viewer.page.get_by_role("checkbox").click()
    viewer.expect(lambda: told(viewer), ("18", "36", "q", "7", "0"))
    assert shaded(viewer) == "klmnopq"
    viewer.click_slider(2, 0.01)
    viewer.expect(lambda: told(viewer), ("1", "36", "a", "1", "0"))
    assert shaded(viewer) == "a" and "is asked for b." in viewer.html("It looks at").inner_text()


def test_length_window_and_position_by_keyboard(viewer):
    viewer.focus_and_press(viewer.handle(0), "ArrowLeft", "ArrowLeft")
    viewer.wait_for_text("4 windows of 12, 7 left over.")
    viewer.expect(lambda: told(viewer), ("12", "12", "k", "12", "11"))
    viewer.wait_for_text("is asked for nothing here: its next token begins the next window")
    viewer.focus_and_press(viewer.handle(2), "ArrowLeft")
    viewer.expect(lambda: told(viewer), ("11", "12", "<|end|>", "11", "0"))
    viewer.wait_for_text("is asked for k. It must guess how another document begins.")
    viewer.focus_and_press(viewer.handle(1), "ArrowRight", "ArrowRight")
    viewer.expect(lambda: told(viewer), ("11", "12", "G", "11", "4"))  # tokens 25 to 35: xyz, the end, A to G
    viewer.focus_and_press(viewer.page.get_by_role("checkbox"), "Space")
    viewer.expect(lambda: told(viewer), ("11", "12", "G", "7", "0"))
    assert shaded(viewer) == "ABCDEFG"
