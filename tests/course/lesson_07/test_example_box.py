"""Examples that the reader edits: which prompt the model reads, and what it answers by its likeliest tokens.

Proves: the prompt is the lesson's own layout of the boxes that are taken; the answer is a greedy one of the model's; a change
takes the old answer away, Run and Enter bring a new one; a prompt that is too long or lacks a text gets one line and loses
nothing; text of reader and model is escaped; the static fallback holds the model's answers.
"""

import re

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_07 import example_box, few_shot
from rlhf_lite.course.safe_text import safe_html
from rlhf_lite.tinyworld.evaluation import MAX_NEW_TOKENS, load_models
from rlhf_lite.tinyworld.runs import SHIPPED


@pytest.fixture(scope="module")
def base():
    models = load_models(SHIPPED)
    return models.policies["base"], models.tokenizer


@pytest.fixture
def box(base):
    return example_box.ExampleBox(*base)


def press_enter(text):
    """What a browser sends on Enter."""
    text._handle_custom_msg({"event": "submit"}, [])


def visible(box):
    return [row.layout.display != "none" for row in box.rows]


@torch.no_grad()
def by_argmax(model, tokenizer, ids):
    """Greedy decoding, written out: the whole text anew for every token."""
    ids, drawn = list(ids), []
    while len(drawn) < MAX_NEW_TOKENS and (not drawn or drawn[-1] != tokenizer.end_id):
        drawn.append(model(torch.tensor([ids + drawn]))[0, -1].argmax().item())
    return few_shot.own_turn(tokenizer.decode_response(drawn))


def test_the_prompt_is_the_examples_taken_in_the_layout_chosen(box):
    assert box.layout_choice.value == "chat" and box.count.value == 0 and visible(box) == [False] * 3
    assert "User: Three times chair:<br>Assistant:" in box.shown.value and "coat" not in box.shown.value
    box.count.value = 2
    assert visible(box) == [True, True, False]
    page = "User: Two times coat:<br>Assistant: coat coat.<br>User: Three times rake:<br>Assistant: rake rake rake.<br>"
    assert page + "User: Three times chair:<br>Assistant:" in box.shown.value and "kite" not in box.shown.value
    box.layout_choice.value, box.count.value = "school book", 1
    page = "Exercise: Two times coat:<br>Solution: coat coat.<br>Exercise: Three times chair:<br>Solution:"
    assert page in box.shown.value and "rake" not in box.shown.value


@pytest.mark.parametrize("layout", few_shot.LAYOUTS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_answer_is_the_greedy_one(base, layout, count):
    ids = few_shot.LAYOUTS[layout](example_box.EXAMPLES[:count], "Two times hat:", base[1])
    assert example_box.answer_greedily(*base, ids) == by_argmax(*base, ids)


def test_run_and_enter_answer_and_a_change_takes_the_answer_away(box, base):
    box.layout_choice.value, box.count.value = "school book", 3
    assert "<b>" not in box.shown.value and "press Run" in box.shown.value
    box.run_button.click()
    assert "<b>chair chair chair.</b>" in box.shown.value and "press Run" not in box.shown.value
    box.request.value = "Two times hat:"
    assert "<b>" not in box.shown.value and "press Run" in box.shown.value
    press_enter(box.request)
    ids = few_shot.as_school_book(example_box.EXAMPLES, "Two times hat:", base[1])
    assert f"<b>{safe_html(by_argmax(*base, ids))}</b>" in box.shown.value
    box.rows[0].children[1].value = "coat."
    assert "<b>" not in box.shown.value and "Solution: coat.<br>" in box.shown.value
    press_enter(box.rows[0].children[1])
    assert "<b>" in box.shown.value


def test_the_longest_prompt_that_fits_and_the_shortest_that_does_not(box, base):
    model, tokenizer = base
    room = example_box.room_for_prompt(model)
    count = next(n for n in range(300) if len(few_shot.as_chat((), " ".join(["hat"] * n), tokenizer)) == room)
    box.request.value = " ".join(["hat"] * count)
    assert f"{room} of {room} tokens" in box.shown.value
    box.run_button.click()
    assert "<b>" in box.shown.value
    box.request.value += " hat"
    box.run_button.click()
    assert box.shown.value == (
        f"<p>This prompt has {room + 1} tokens, and {room} fit: shorten a text, or take fewer examples.</p>"
    )
    assert box.request.value.split() == ["hat"] * (count + 1)


def test_a_text_that_is_missing_is_named(box):
    box.count.value = 2
    box.rows[1].children[1].value = "  "
    assert box.shown.value == "<p>Example 2 lacks a text: fill in both its boxes, or take fewer examples.</p>"
    box.count.value = 1
    assert "press Run" in box.shown.value
    box.request.value = " "
    press_enter(box.request)
    assert box.shown.value == "<p>Write a request first.</p>"


def test_text_of_reader_and_model_is_escaped(box, monkeypatch):
    monkeypatch.setattr(example_box, "answer_greedily", lambda *_: "<i>$a$</i>")
    box.count.value = 1
    box.rows[0].children[0].value, box.request.value = "<script>1</script>", "<img src=x>"
    box.run_button.click()
    page = box.shown.value
    assert "<script" not in page and "<img" not in page and "<i>" not in page and "$a$" not in page
    assert "&lt;script&gt;" in page and "&lt;img src=x&gt;" in page and "<b>&lt;i&gt;" in page


def test_an_empty_answer_is_said():
    assert "<b>(nothing)</b>" in example_box.page_html("User: hat\nAssistant:", "", 5, 152)


def test_the_static_fallback_holds_the_model_s_answers(base, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    example_box.show_examples(*base)
    (page,) = [data["text/html"] for data in shown if "text/html" in data]
    expected = [
        safe_html(by_argmax(*base, lay(example_box.EXAMPLES[:count], example_box.REQUEST, base[1])))
        for count in range(few_shot.SHOTS + 1)
        for lay in few_shot.LAYOUTS.values()
    ]
    assert re.findall(r'<td style="text-align: left">(.*?)</td>', page) == expected and len(set(expected)) > 2
    assert re.findall(r"<td>(.*?)</td>", page) == ["0", "1", "2", "3"] and example_box.REQUEST in shown[-1]["text/plain"]
