"""The mixture slider acts in a browser: weights by mouse and keyboard; shares, tokens, epochs and the limit follow.

Expected numbers are worked out by hand: the share of a source times the tokens read, by the source's size.
"""

import pytest

CELL = """
from rlhf_lite.course.lesson_06.mixture_slider import mixture_slider

mixture_slider()
"""
SIZES = {"Common Crawl": 410, "WebText2": 19, "Books1": 12, "Books2": 55, "Wikipedia": 3}  # billions of tokens
GPT3 = (60, 22, 8, 8, 3)


@pytest.fixture
def mixture(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("No source is over the limit.")
    return notebook


def shown(mixture):
    return mixture.rows(mixture.html("limit"))


def by_hand(weights, read):
    rows = []
    for (name, size), weight in zip(SIZES.items(), weights, strict=True):
        share = weight / sum(weights)
        rows.append(f"{name} {share:.0%}, {read * share:.0f} billion tokens, {read * share / size:.2f} epochs")
    return rows


def test_weights_by_keyboard_up_to_the_limit_and_down_to_nothing(mixture):
    mixture.expect(lambda: shown(mixture), by_hand(GPT3, 300))
    mixture.focus_and_press(mixture.handle(1), *["ArrowRight"] * 3)
    mixture.expect(lambda: shown(mixture), by_hand((60, 25, 8, 8, 3), 300))
    mixture.wait_for_text("Over the limit of 3.4 epochs: WebText2.")  # 25 of 104 of 300 billion, by 19 billion: 3.80
    for number in range(5):
        mixture.focus_and_press(mixture.handle(number), "Home")
    mixture.wait_for_text("All weights are 0: give at least one source a weight.")
    mixture.focus_and_press(mixture.handle(0), "ArrowRight")
    mixture.expect(lambda: shown(mixture), by_hand((1, 0, 0, 0, 0), 300))
    mixture.wait_for_text("No source is over the limit.")


def test_a_mixture_and_the_tokens_read_by_mouse(mixture):
    mixture.click_slider(5, 0.99)
    mixture.expect(lambda: shown(mixture), by_hand(GPT3, 1000))
    mixture.page.get_by_label("a mixture").select_option("all sources alike")
    mixture.expect(lambda: shown(mixture), by_hand([20] * 5, 1000))
    mixture.expect(mixture.readouts, [*["20"] * 5, "1000"])
    mixture.wait_for_text("Over the limit of 3.4 epochs: WebText2, Books1, Books2, Wikipedia.")
    mixture.click_slider(0, 0.5)
    mixture.expect(mixture.readouts, ["50", *["20"] * 4, "1000"])
    mixture.expect(lambda: shown(mixture), by_hand((50, 20, 20, 20, 20), 1000))


def test_a_mixture_by_keyboard(mixture):
    mixture.focus_and_press(mixture.page.get_by_label("a mixture"), "ArrowUp")
    mixture.expect(mixture.readouts, ["82", "4", "2", "11", "1", "300"])  # of 499 billion tokens, in whole percent
    mixture.expect(lambda: shown(mixture), by_hand((82, 4, 2, 11, 1), 300))
