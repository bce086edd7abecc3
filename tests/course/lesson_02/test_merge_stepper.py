"""The merge stepper: the slider re-cuts the text, guesses are judged by the texts' counts, text shows as text."""

from collections import Counter

import pytest

from rlhf_lite.bpe import BytePairEncoder, split_words
from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_02.merge_stepper import (
    LONGEST_TEXT,
    after_merges,
    candidates,
    count_pairs,
    cut_html,
    merge_stepper,
    pair_name,
    stepper_box,
)

TEXTS = ["the cat sat at the mat. The hat!", "that cat, those cats; the rat at the vat"] * 3
WORDS = Counter(word for text in TEXTS for word in split_words(text))


@pytest.fixture
def encoder():
    return BytePairEncoder.train(TEXTS, 256 + 24)


@pytest.fixture
def box(encoder):
    return stepper_box(encoder, TEXTS, "the mat")


def parts(box):
    typed, merges, show_bytes, strip, question, buttons, verdict = box.children
    return typed, merges, show_bytes, strip, question, buttons.children, verdict


def test_the_first_candidate_is_the_next_merge_at_every_step(encoder):
    for n, pair in enumerate(encoder.merges):
        assert candidates(after_merges(encoder, n), WORDS)[0][0] == pair


def test_pairs_are_counted_in_words_as_often_as_those_occur():
    # "ab" 3 times, "abab" 2 times: a+b 3 + 4, b+a 2; the ids of a and b are 64 and 65
    assert count_pairs(BytePairEncoder(), Counter({"ab": 3, "abab": 2})) == {(64, 65): 7, (65, 64): 2}


def test_slider_and_text_re_cut(box):
    typed, merges, show_bytes, strip, *_ = parts(box)
    assert "<b>7 tokens</b>" in strip.value and "1.00 bytes per token" in strip.value
    merges.value = 24
    assert "<b>7 tokens</b>" not in strip.value and ">the<" in strip.value
    typed.value = "汤"
    assert "1 characters, 3 bytes, <b>3 tokens</b>" in strip.value
    assert "e6</span>" not in strip.value
    show_bytes.value = True
    assert "e6</span>" in strip.value


def test_a_right_guess_is_told_from_a_wrong_one_and_takes_the_step(encoder, box):
    _, merges, _, _, _, buttons, verdict = parts(box)
    for n in range(6):
        right = pair_name(after_merges(encoder, n), list(encoder.merges)[n])
        chosen = next(button for button in buttons if (button.description == right) == (n % 2 == 0))
        name = chosen.description
        chosen.click()
        assert merges.value == n + 1
        assert f"{right} was glued" in verdict.value
        assert ("✓ Right" if n % 2 == 0 else f"✗ Not {name}") in verdict.value
        assert f"{n // 2 + 1} of {n + 1} guesses right" in verdict.value


def test_counts_are_shown_after_the_guess_only(encoder, box):
    _, _, _, _, question, buttons, verdict = parts(box)
    most = f"{candidates(after_merges(encoder, 0), WORDS)[0][1]:,}<"
    shown = question.value + verdict.value + "".join(button.description for button in buttons)
    assert verdict.value == "" and most not in shown
    buttons[0].click()
    assert most in verdict.value


def test_the_order_of_the_buttons_tells_nothing(encoder, box):
    _, merges, _, _, _, buttons, _ = parts(box)
    places = set()
    for n in range(24):
        merges.value = n
        names = [button.description for button in buttons if button.layout.display != "none"]
        assert names == sorted(names)
        places.add(names.index(pair_name(after_merges(encoder, n), list(encoder.merges)[n])))
    assert len(places) > 1


def test_after_the_last_merge_nothing_is_asked(encoder, box):
    _, merges, _, _, question, buttons, _ = parts(box)
    merges.value = 24
    assert question.value == "All merges are done." and all(button.layout.display == "none" for button in buttons)
    merges.value = 23
    assert "glued next" in question.value and buttons[0].layout.display != "none"


def test_what_readers_type_does_nothing_and_too_much_is_refused(encoder):
    page = cut_html(encoder, "<script>x</script>", with_bytes=False)
    assert "<script" not in page and "&lt;" in page
    assert f"give at most {LONGEST_TEXT}" in cut_html(encoder, "a" * (LONGEST_TEXT + 1), with_bytes=False)
    assert "surrogates" in cut_html(encoder, "\ud83d", with_bytes=False)
    assert "<b>0 tokens</b>" in cut_html(encoder, "", with_bytes=False)


def test_the_static_fallback_is_a_figure_with_words(encoder, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append((data, more)))
    merge_stepper(encoder, TEXTS, "the mat")
    ((data, more),) = shown
    assert set(data) == {static_fallback.WIDGET_VIEW, "image/png", "text/plain"}
    assert "bytes: 7 tokens: t | h | e | · | m | a | t" in data["text/plain"] == more["metadata"]["image/png"]["alt"]
