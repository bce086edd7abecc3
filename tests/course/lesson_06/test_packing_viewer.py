"""The packing viewer shows a real stream: documents are numbered by their end tokens, and a mask hides other documents.

Proves: numbers and what may be looked at, by hand and against the library's stream; the controls move the page; text stays text.
"""

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_06 import packing_viewer
from rlhf_lite.course.lesson_06.loss_curves import course_tokenizer
from rlhf_lite.course.lesson_06.packing_viewer import document_numbers, may_look, packing_box, story_html, window_html
from rlhf_lite.data import pack_documents

DOCUMENTS = ["The cat sat on the mat.", "Tom: <b>bold</b> costs $5.", "Rome has a tower.", "Hello, I am Anna. " * 6]


@pytest.fixture(scope="module")
def tokenizer():
    return course_tokenizer()


def test_an_end_token_belongs_to_its_document():
    assert document_numbers([5, 6, 0, 7, 0], 0) == [1, 1, 1, 2, 2]
    assert document_numbers([5], 0) == [1] and document_numbers([0, 0, 5], 0) == [1, 2, 3] and document_numbers([], 0) == []


def test_numbers_of_a_packed_stream(tokenizer):
    numbers = document_numbers(pack_documents(DOCUMENTS, tokenizer).tolist(), tokenizer.end_id)
    assert [numbers.count(i + 1) for i in range(4)] == [len(tokenizer.encode(text)) + 1 for text in DOCUMENTS]


def test_who_may_look_where():
    assert may_look([1, 1, 2, 2], 2, masked=True) == [False, False, True, False]
    assert may_look([1, 1, 2, 2], 2, masked=False) == [True, True, True, False]
    assert may_look([1, 1], 0, masked=False) == [True, False]


def test_the_story_counts_strangers_and_says_what_cannot_be_known():
    tokens, documents = ["a", "END", "b", "c"], [1, 1, 2, 2]
    assert "looks at 3 tokens, 2 of them in other documents" in story_html(tokens, documents, 2, masked=False)
    assert "looks at 1 tokens, 0 of them" in story_html(tokens, documents, 2, masked=True)
    assert "guess how another document begins" in story_html(tokens, documents, 1, masked=False)
    assert "guess" not in story_html(tokens, documents, 2, masked=False)
    assert "begins the next window" in story_html(tokens, documents, 3, masked=False)


def test_text_stays_text(tokenizer):
    names = tokenizer.tokens(tokenizer.encode(DOCUMENTS[1]))
    page = window_html(names, [1] * len(names), 2, masked=False)
    assert "<b>bold" not in page and page.count('<b style="margin') == 1
    assert "<i>" not in window_html(["<i>", "$x$"], [1, 1], 0, masked=False)


def test_every_control_moves_the_page(tokenizer):
    box = packing_box(DOCUMENTS, tokenizer)
    length, window, place, masked, page = box.children
    seen = {page.value}
    for control, value in ((place, 30), (masked, True), (length, 12), (window, 3), (place, 5)):
        control.value = value
        seen.add(page.value)
    assert len(seen) == 6
    assert place.max == 12 and "Position 5 of 12" in page.value
    n_tokens = len(pack_documents(DOCUMENTS, tokenizer))
    assert f"{n_tokens} tokens of 4 documents: {n_tokens // 12} windows of 12, {n_tokens % 12} left over" in page.value


def test_a_longer_window_pulls_the_other_sliders_along(tokenizer):
    length, window, place, _, page = packing_box(DOCUMENTS, tokenizer).children
    window.value, place.value = window.max, place.max
    length.value = 64
    assert window.value == window.max == len(pack_documents(DOCUMENTS, tokenizer)) // 64
    assert "<code>" in page.value


def test_the_static_fallback_is_a_figure(tokenizer, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    packing_viewer.packing_viewer(DOCUMENTS, tokenizer)
    assert any("image/png" in data and "What is seen" not in data["text/plain"] for data in shown if isinstance(data, dict))
