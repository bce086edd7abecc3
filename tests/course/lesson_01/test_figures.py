"""Figures of lesson 01 say in words what they draw."""

from rlhf_lite.course.lesson_01.figures import draw_descent, draw_pieces, draw_surprise


def test_the_piece_that_is_hit_is_named():
    _, alt = draw_pieces({"you": 0.5, "I": 0.25, "we": 0.25}, 0.5)
    assert "you from 0 to 0.5;" in alt and "I from 0.5 to 0.75, hit" in alt and alt.count("hit") == 1


def test_surprise_is_minus_the_logarithm():
    assert "a at 0.5 has 0.69" in draw_surprise({"a": 0.5})[1]


def test_the_descent_is_told_with_its_levels():
    figure, alt = draw_descent([6.0, 3.0, 2.5], {"counted": 2.3})
    assert alt == "The loss falls from 6.00 to 2.50 in 3 steps. Level lines: counted 2.30."
    assert "counted 2.30" in [text.get_text() for text in figure.axes[0].texts]
