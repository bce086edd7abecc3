"""The mixture slider: shares sum to 1, epochs are tokens by size, the limit is GPT-3's own, sliders move the page."""

import pytest

from rlhf_lite.course.lesson_06.mixture_slider import (
    BY_GPT3,
    BY_SIZE,
    MOST_EPOCHS,
    draw_mixtures,
    mixed,
    mixture_box,
    mixture_html,
)


def test_shares_tokens_and_epochs_by_hand():
    rows = mixed({"Common Crawl": 1, "WebText2": 1, "Books1": 0, "Books2": 0, "Wikipedia": 2}, 120)
    assert rows["Wikipedia"] == (0.5, 60.0, 20.0) and rows["Books1"] == (0.0, 0.0, 0.0)
    assert rows["Common Crawl"][2] == pytest.approx(30 / 410)
    assert sum(share for share, _, _ in mixed(BY_GPT3).values()) == pytest.approx(1)


def test_in_proportion_to_size_all_are_read_equally_often():
    assert {round(epochs, 6) for _, _, epochs in mixed(BY_SIZE).values()} == {round(300 / 499, 6)}


def test_the_limit_is_how_often_gpt3_read_webtext2():
    assert pytest.approx(300 * 22 / 101 / 19) == MOST_EPOCHS
    assert "No source is over" in mixture_html(BY_GPT3)
    assert "Over the limit of 3.4 epochs: WebText2." in mixture_html(BY_GPT3, 305)


def test_sliders_move_the_page_and_nothing_is_no_mixture():
    box = mixture_box()
    jump, *sliders, read, shown = box.children
    assert "No source is over" in shown.value
    sliders[4].value = 30
    assert "Over the limit of 3.4 epochs: Wikipedia." in shown.value
    jump.value = "as much as there is"
    assert [slider.value for slider in sliders] == [82, 4, 2, 11, 1]
    read.value = 50
    assert "No source is over" in shown.value
    for slider in sliders:
        slider.value = 0
    assert shown.value == "<p>All weights are 0: give at least one source a weight.</p>"


def test_the_figure_tells_its_epochs():
    assert "GPT-3's weights: Common Crawl 0.43, WebText2 3.44" in draw_mixtures()[1]
