"""The blank that the reader chooses: buttons for words, and what each model puts there; and the figures of the lesson.

Proves: a button hides its word and only that; the guesses are the models' own; another sentence makes other buttons; text of
readers is escaped; the static fallback shows the same numbers.
"""

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_07 import blank_box, figures, pair
from rlhf_lite.course.lesson_07.wordings import WORDINGS


@pytest.fixture
def box(models, texts):
    return blank_box.BlankBox(*models, texts)


def labels(box):
    return [button.description for button in box.row.children]


def test_a_button_hides_its_word(box, models, texts):
    assert labels(box)[7:11] == ["saw", "a", "____", "."] and box.place == blank_box.PLACE
    before = box.shown.value
    box.row.children[5].click()
    assert labels(box)[5:10] == ["____", "and", "saw", "a", "kite"] and box.place == 5 and box.shown.value != before
    guesses = blank_box.guess(*models, texts, box.ids, 5)
    assert box.shown.value == blank_box.guesses_html("park", guesses)


def test_guesses_are_the_models_own(models, texts, box):
    bert, gpt = models
    found = blank_box.guess(bert, gpt, texts, box.ids, 5)
    expected = (
        pair.bert_fills(bert, texts, box.ids, 5), pair.gpt_continues(gpt, texts, box.ids[:5]),
        pair.gpt_fills(gpt, texts, box.ids, 5, texts.vocabulary),
    )  # fmt: skip
    for shares, distribution in zip(found.values(), expected, strict=True):
        assert len(shares) == blank_box.BEST and list(shares.values()) == sorted(shares.values(), reverse=True)
        assert max(shares.values()) >= distribution.max().item() - 1e-6


def test_the_right_word_is_marked(models, texts):
    page = blank_box.guesses_html("park", {"BERT": {"park": 0.5, "school": 0.25}})
    assert "<b>park ★</b>" in page and "<b>school" not in page and "0.25" in page


def test_another_sentence_and_none(box):
    box.sentence.value = "Tom lost a hat."
    assert labels(box) == ["____", "lost", "a", "hat", "."]
    box.sentence.value = "  "
    assert labels(box) == [] and "Write a sentence" in box.shown.value


def test_long_sentences_are_cut_and_text_is_escaped(box):
    box.sentence.value = "hat " * 100
    assert len(labels(box)) == blank_box.MOST_WORDS
    assert "&lt;b&gt; ★" in blank_box.guesses_html("<b>", {"BERT": {"<b>": 1.0}})


def test_the_static_fallback_says_the_guesses(models, texts, monkeypatch):
    shown, said = [], []
    monkeypatch.setattr(static_fallback, "display", lambda *data, **more: shown.append(data))
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "show_words", said.append)
    blank_box.show_blanks(*models, texts)
    assert "image/png" in shown[0][0] and "The right word is kite." in said[0]


def test_the_picture_of_who_looks_where():
    figure, alt = figures.draw_looks()
    left, right = figure.axes
    dark = [sum(patch.get_facecolor()[0] < 0.9 for patch in axes.patches) for axes in (left, right)]
    assert dark == [15, 25] and "both" not in alt and "[MASK]" in alt


def test_wordings_are_drawn_with_both_models():
    shares = {"base": [0.5] * 8, "sft": [1.0] * 8}
    figure, alt = figures.draw_wordings([each.text for each in WORDINGS], shares, 100)
    assert alt.count("base 0.50, sft 1.00") == 8
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["base", "sft"]
