"""Lesson 07's editable examples, in a real browser: by keyboard, and with text that would be HTML."""

BOX = """
from rlhf_lite.course.lesson_07.example_box import show_examples
from rlhf_lite.tinyworld.evaluation import load_models
from rlhf_lite.tinyworld.runs import SHIPPED
m = load_models(SHIPPED)
show_examples(m.policies["base"], m.tokenizer)
"""


def test_examples_are_chosen_edited_and_answered_by_keyboard(open_notebook):
    box = open_notebook(BOX)
    page, fields = box.page, box.page.locator(".widget-text input:visible")
    box.wait_for_text("press Run")
    assert fields.count() == 1
    for name in ("school book", "3"):
        page.locator(".widget-toggle-buttons button", has_text=name).focus()
        page.keyboard.press("Space")
    box.wait_for_text("Two times coat:")
    assert fields.count() == 7
    fields.last.fill("Three times chair:")
    fields.last.press("Tab")
    page.locator("button", has_text="Run").last.focus()
    page.keyboard.press("Space")
    box.wait_for_text("chair chair chair.")


def test_html_of_a_reader_stays_text_and_enter_runs(open_notebook):
    box = open_notebook(BOX)
    box.wait_for_text("press Run")
    request = box.page.locator(".widget-text input:visible").last
    request.fill("Two times <u>x</u> hat:")
    request.press("Enter")
    box.wait_for_text("<u>x</u>")
    box.page.wait_for_function("() => document.querySelectorAll('.widget-html b').length > 0")
    assert box.page.locator(".jp-OutputArea u").count() == 0
