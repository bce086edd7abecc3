"""Figures of lesson 12 show what they are given: bars over tokens, words.

Proves: tokens are on the axis, and named with their numbers in the words; the loop shows all models and says which learn.
"""

from rlhf_lite.course.lesson_12.figures import BOXES, draw_loop, draw_over_tokens


def test_bars_over_tokens_name_every_token():
    figure, alt = draw_over_tokens([" The", " end", " "], {"value": [0.1, 0.2, 0.3], "advantage": [-0.5, 0.0, 1.0]})
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["The", "end", " "]
    assert [bar.get_height() for bar in figure.axes[1].patches] == [-0.5, 0.0, 1.0]
    assert "advantage: The -0.50, end 0.00" in alt


def test_the_loop_shows_all_models_and_says_which_learn():
    figure, alt = draw_loop()
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {text for *_, text, _ in BOXES.values()} <= texts
    assert sum("learns" in text for text in texts) == 2 and sum("fixed" in text for text in texts) == 2
    assert {"score", "log-probs", "values", "value loss"} <= texts and sum("policy loss" in text for text in texts) == 1
    assert all(word in alt for word in ("reward model", "reference", "value model", "policy"))
