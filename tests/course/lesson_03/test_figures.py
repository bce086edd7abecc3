"""Figures of lesson 03 say in words what they show, and lines are told apart without colour."""

import pytest

from rlhf_lite.course.figures import as_png
from rlhf_lite.course.lesson_03 import figures as figures_03


@pytest.mark.parametrize("draw", [figures_03.draw_one_context, figures_03.draw_attention])
def test_pictures_hold_chinese_and_words(draw, recwarn):
    figure, alt = draw()
    as_png(figure)
    assert "Jiéruì (杰瑞)" in alt
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_lines_are_told_and_differ_without_colour():
    figure, alt = figures_03.draw_lines({"a": {3: 0.9, 4: 0.25}, "b": {3: 1.0}}, "words", "share", top=1)
    assert alt == "Lines, share against words. a: 3 0.90, 4 0.25; b: 3 1.00."
    first, second = figure.axes[0].lines
    assert first.get_linestyle() != second.get_linestyle() and first.get_marker() != second.get_marker()
    assert figure.axes[0].get_ylim()[1] == pytest.approx(1.05)


def test_long_lines_are_told_by_some_of_their_points():
    _, alt = figures_03.draw_lines({"loss": dict.fromkeys(range(600), 1.0)}, "step", "loss")
    assert alt.count("1.00") == 8
