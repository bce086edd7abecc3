"""The sampling sliders: bars follow the sliders, draws extend the text, tokens show as text, mistakes are said."""

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_01.sampling_sliders import (
    ALL,
    SETTINGS,
    bars_html,
    draw_settings,
    sampling_box,
    sampling_sliders,
)

TOKENS = [" a", " b", "<i>", "\n"]
LOGITS = torch.tensor([0.5, 0.25, 0.15, 0.1]).log()


def model(text):
    if "?" in text:
        raise KeyError("never read <this>")
    return TOKENS, LOGITS


@pytest.fixture
def box():
    return sampling_box(model, "one")


def parts(box):
    (typed, button), temperature, top_k, top_p, bars = box.children[0].children, *box.children[1:]
    return typed, button, temperature, top_k, top_p, bars


def test_bars_show_tokens_as_text_and_leave_out_what_cannot_be_drawn():
    page = bars_html(TOKENS, torch.tensor([0.5, 0.0, 0.3, 0.2]))
    assert "&lt;i&gt;" in page and "<i>" not in page and "<span>\\</span>n" in page and " b<" not in page
    assert "50.0%" in page and "3 of 4 tokens" in page


def test_each_slider_moves_the_bars(box):
    _, _, temperature, top_k, top_p, bars = parts(box)
    assert "50.0%" in bars.value and "4 of 4 tokens" in bars.value
    temperature.value = 0.0
    assert "100.0%" in bars.value and "1 of 4 tokens" in bars.value
    temperature.value = 1.0
    top_k.value = 2
    assert "66.7%" in bars.value and "2 of 4 tokens" in bars.value
    top_k.value = ALL
    top_p.value = 0.8
    assert "55.6%" in bars.value and "3 of 4 tokens" in bars.value


def test_top_p_of_1_drops_no_token_by_rounding():
    logits = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 6
    box = sampling_box(lambda text: ([str(i) for i in range(1000)], logits), "one")
    assert "1000 of 1000 tokens" in box.children[-1].value


def test_draws_extend_the_text_by_what_the_sliders_allow(box):
    typed, button, temperature, *_ = parts(box)
    temperature.value = 0.0
    button.click()
    button.click()
    assert typed.value == "one a a"
    temperature.value = 1.0
    for _ in range(30):
        button.click()
    assert len(set(typed.value)) > 4  # not always the likeliest


def test_the_end_token_ends_the_text_and_adds_nothing():
    box = sampling_box(lambda text: (["(end)", " a"], torch.tensor([1.0, 0.0]).log()), "one")
    typed, button, *_, bars = parts(box)
    button.click()
    assert typed.value == "one" and "ends its text" in bars.value


def test_the_box_grows_with_the_text(box):
    typed = parts(box)[0]
    assert typed.rows == 2
    typed.value = "one\n" + "a" * 130
    assert typed.rows == 5
    typed.value = "\n" * 50
    assert typed.rows == 12


def test_what_the_model_cannot_continue_is_said_and_draws_nothing(box):
    typed, button, *_, bars = parts(box)
    typed.value = "what?"
    assert bars.value == "<p>never read &lt;this&gt;</p>"
    button.click()
    assert typed.value == "what?"
    typed.value = ""
    assert "Type the beginning of a text" in bars.value
    typed.value = "one"
    assert "50.0%" in bars.value


def test_the_static_fallback_shows_the_same_under_all_settings(monkeypatch):
    _, alt = draw_settings([*TOKENS, "never"], torch.cat([LOGITS, torch.tensor([float("-inf")])]))
    assert all(title in alt for title, _ in SETTINGS) and "never" not in alt
    assert "top-k 3: a 0.56, b 0.28, <i> 0.17, \\n 0.00" in alt
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append((data, more)))
    sampling_sliders(model, "one")
    ((data, more),) = shown
    assert set(data) == {static_fallback.WIDGET_VIEW, "image/png", "text/plain"}
    assert more["metadata"]["image/png"]["alt"] == data["text/plain"]
