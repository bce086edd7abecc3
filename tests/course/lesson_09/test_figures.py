"""Figures of lesson 09 show what they are given, and say it in words."""

import pytest

from rlhf_lite.course.figures import as_png
from rlhf_lite.course.lesson_09.figures import (
    draw_intervals,
    draw_masks,
    draw_over_epochs,
    draw_replaced_head,
    draw_token_surprises,
)
from rlhf_lite.reports.plots import PALE


def test_masks_shade_the_cells_that_count():
    figure, alt = draw_masks(["Hi", ":", "Yes", "end"], {"right": [False, False, True, True], "none": [False] * 4}, n_prompt=2)
    shaded = [patch for patch in figure.axes[0].patches if patch.get_facecolor()[0] == pytest.approx(float(PALE))]
    assert len(figure.axes[0].patches) >= 8 and len(shaded) == 2
    assert "the first 2 are the prompt" in alt and "right: Yes end; none: nothing" in alt


def test_token_surprises_begin_with_the_second_token():
    figure, alt = draw_token_surprises(["Hi", "Yes", "end"], [False, True, True], {"base": [2.0, 1.0], "SFT": [0.5, 0.25]})
    line = figure.axes[0].get_lines()[0]
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([1, 2], [2.0, 1.0])
    assert "those from Yes on count" in alt and "SFT: Yes 0.5, end 0.2" in alt


def test_curves_are_means_over_seeds_with_a_shade_only_where_there_are_several():
    figure, alt = draw_over_epochs({"loss": {"a": {1: [1.0, 3.0], 2: [2.0, 2.0]}}, "gold": {"b": {1: [0.5]}}})
    several, one = figure.axes
    assert list(several.get_lines()[0].get_ydata()) == [2.0, 2.0] and len(several.get_lines()) == 3
    assert len(several.collections) == 1 and len(one.collections) == 0
    assert alt == "Means over seeds by epoch. loss, a: 1 2.00, 2 2.00; gold, b: 1 0.50."


def test_intervals_are_student_s():
    figure, alt = draw_intervals({"share": {"x": [1.0, 2.0, 3.0]}})
    assert "share: x 2.00 (-0.48 to 4.48)" in alt  # the example of `mean_interval`
    assert list(figure.axes[0].get_lines()[0].get_xdata()) == pytest.approx([-0.484, 4.484], abs=1e-2)


def test_heads_can_be_drawn_and_read():
    figure, alt = draw_replaced_head()
    assert as_png(figure) and "reward model: new head: 1 number" in alt
