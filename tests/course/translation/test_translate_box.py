"""Readers' own sentences: every model answers, readers without Chinese can follow, and what is typed does nothing.

Proves: glosses come from the corpus; unknown words are named, not translated; typed markup stays text; shades and numbers
belong to the model's own weights.
"""

import pytest
import torch

from rlhf_lite.course.translation import translate_box as module
from rlhf_lite.course.translation.translate_box import (
    alignment_html,
    glosses,
    looks,
    translate_box,
    translations_html,
    translations_page,
    word_by_word,
)
from rlhf_lite.course.translation.translators import build_translator, translation_task


@pytest.fixture(scope="module")
def task():
    return translation_task(0, 300, 40)


@pytest.fixture(scope="module")
def models(task):
    return {kind: build_translator(kind, task, d_model=16).eval() for kind in ("fixed", "attention")}


def test_glosses_come_from_the_corpus(task):
    known = glosses(task)
    assert (known["汤姆"], known["在"], known["上周"]) == ("Tom", "in", "last-week")
    assert word_by_word(task, "汤姆 在 没有的词") == "Tom in 没有的词"


def test_tables_hold_text_only(task):
    page = translations_html(task, [("right", "<b>Tom", "汤姆")])
    assert "<b>" not in page and "&lt;b&gt;Tom" in page and "Tāngmǔ" in page


def test_looks_are_the_model_s_own_weights(task, models):
    weights = looks(models["attention"], task, "Tom helps Anna", "汤姆 帮助")
    assert weights.shape == (3, 3)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    page = alignment_html(["Tom", "helps", "<i>"], ["汤姆", "帮助"], torch.eye(3))
    assert page.count("1.00") == 6 and "&lt;i&gt;" in page and "(end)" in page  # each weight as a number and as a shade


def test_only_models_that_look_back_show_where(task, models):
    page = translations_page(models, task, " Tom  helps Anna ")
    assert page.count("where it looks") == 1
    assert "GRU, one context C" in page and "GRU with attention" in page


def test_box_answers_and_names_what_it_does_not_know(task, models):
    box = translate_box(models, task, "Tom helps Anna")
    (text, button), output = box.children[0].children, box.children[1]
    assert "Tom helps Anna" in output.value
    text.value = "Tom <b>helps</b> Anna"
    button.click()
    assert output.value == "<p>not in the vocabulary: &lt;b&gt;helps&lt;/b&gt;</p>"
    text.value = ""
    button.click()
    assert output.value == "<p>the sentence is empty</p>"
    text.value = "Anna helps Tom"
    button.click()
    assert "Anna helps Tom" in output.value


def test_where_nothing_runs_the_first_answer_is_read(task, models, monkeypatch):
    shown = []
    monkeypatch.setattr(module, "show_with_fallback", lambda widget, fallback: shown.append(fallback))
    module.show_translate_box(models, task, "Tom helps Anna")
    assert "Tom helps Anna" in shown[0]["text/plain"] and "<table>" in shown[0]["text/html"]
