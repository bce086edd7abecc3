"""The query-key-value toy: weights are softmax of the scores, sliders move them, each word keeps its own key."""

import torch

from rlhf_lite.course.lesson_04.query_toy import KEYS, QUERY, attended, draw_toy, toy_box, toy_html


def test_weights_are_those_of_the_formula():
    query, keys = torch.tensor(QUERY), torch.tensor(KEYS)
    for scale, root in ((True, 2**0.5), (False, 1.0)):
        scores, weights, mixed = attended(query, keys, scale=scale)
        torch.testing.assert_close(scores, torch.tensor([2.0, -2.0, 5.0]) / root)
        torch.testing.assert_close(weights, scores.softmax(0))
        torch.testing.assert_close(mixed, weights @ torch.tensor([[10.0, 0.0], [0.0, 5.0], [20.0, 0.0]]))


def test_sliders_move_the_page_and_each_word_keeps_its_key():
    box = toy_box()
    first, second, chosen, key, other, scale, shown = box.children
    assert shown.value == toy_html(torch.tensor(QUERY), torch.tensor(KEYS)) and "Jerry, score 3.54" in shown.value
    first.value, second.value = 0.0, 0.0
    assert shown.value.count("0.33") == 3
    second.value = 2.0
    key.value, other.value = 0.0, -4.0
    assert "Jerry, score -5.66" in shown.value
    chosen.value = "Tom"
    assert (key.value, other.value) == KEYS[0] and "Jerry, score -5.66" in shown.value
    chosen.value = "Jerry"
    assert (key.value, other.value) == (0.0, -4.0)
    scale.value = False
    assert "Jerry, score -8.00" in shown.value


def test_the_figure_is_told_with_its_weights():
    assert "query as it is: Tom 0.11" in draw_toy()[1]
