"""The sampling sliders act in a browser: by keyboard and by mouse, what they say is what the distribution is."""

import re

import pytest

CELL = """
import torch
from rlhf_lite.course.lesson_01.sampling_sliders import sampling_sliders

words = [" cat", " dog", " <b>fox</b>"]
sampling_sliders(lambda text: (words, torch.tensor([2.0, 1.0, 0.0])), "the")
"""


@pytest.fixture
def sliders(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.locator(".noUi-handle").first.wait_for()
    return notebook


def percentages(notebook):
    """Numbers beside the bars, as shown."""
    shown = notebook.page.locator(".widget-html", has_text="can be drawn").inner_text()
    return [float(text) for text in re.findall(r"([\d.]+)%", shown)]


def expect(notebook, condition):
    """Wait until the bars fulfil a condition."""
    for _ in range(100):
        if condition(percentages(notebook)):
            return
        notebook.page.wait_for_timeout(100)
    raise AssertionError(f"the bars stay at {percentages(notebook)}")


def handle(notebook, number):
    return notebook.page.locator(".noUi-handle").nth(number)


def test_temperature_by_keyboard(sliders):
    expect(sliders, lambda shown: shown == [66.5, 24.5, 9.0])  # softmax of 2, 1, 0
    handle(sliders, 0).focus()
    for _ in range(5):
        sliders.page.keyboard.press("ArrowLeft")
    expect(sliders, lambda shown: shown == [86.7, 11.7, 1.6])  # temperature 0.5: softmax of 4, 2, 0
    assert sliders.page.locator("b", has_text="fox").count() == 0, "text of tokens became HTML"


def test_top_k_by_mouse(sliders):
    expect(sliders, lambda shown: len(shown) == 3)
    track = sliders.page.locator(".noUi-target").nth(1)
    box = track.bounding_box()
    sliders.page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)
    expect(sliders, lambda shown: shown == [100.0])  # top-k 1


def test_top_p_by_dragging(sliders):
    grip, track = handle(sliders, 2).bounding_box(), sliders.page.locator(".noUi-target").nth(2).bounding_box()
    sliders.page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    sliders.page.mouse.down()
    sliders.page.mouse.move(track["x"] + 0.75 * track["width"], grip["y"] + grip["height"] / 2, steps=5)
    sliders.page.mouse.up()
    expect(sliders, lambda shown: len(shown) == 2 and shown[0] > 70)  # 66.5 % and 24.5 % of 91 %


def test_a_word_is_drawn_by_mouse_and_by_keyboard(sliders):
    text, button = sliders.page.locator("textarea").first, sliders.page.locator("button", has_text="Draw a token")
    before = text.input_value()
    button.click()
    sliders.page.wait_for_function("([box, text]) => box.value !== text", arg=[text.element_handle(), before])
    after = text.input_value()
    assert after.removeprefix(before) in (" cat", " dog", " <b>fox</b>")
    button.focus()
    sliders.page.keyboard.press("Space")
    sliders.page.wait_for_function("([box, text]) => box.value !== text", arg=[text.element_handle(), after])
