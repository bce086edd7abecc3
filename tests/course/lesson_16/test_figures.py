"""Figures of lesson 16 show what they are given, and their words say it.

Proves: every size stands at its bytes; each part has a panel, the total the last, and zeros do not disturb the logarithmic
scale; predictions and measurements are not swapped; the roof bends at peak / bandwidth.
"""

import warnings

import pytest

from rlhf_lite.course.lesson_16.figures import draw_foretold, draw_roofline, draw_stacks, draw_where_it_stops, fitting


def test_every_size_stands_at_its_bytes():
    figure, alt = draw_where_it_stops({"a": 1e9, "b": 2e10}, {"a": 8e9, "b": 1.6e11})
    (axes,) = figure.axes
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert drawn["weights, 2 bytes per parameter"] == [1e9, 2e10]
    assert drawn["training state, 16 bytes per parameter"] == [8e9, 1.6e11]
    assert [line.get_xdata()[0] for line in axes.lines[-3:]] == [16e9, 80e9, 640e9]
    assert "a 1 and 8; b 20 and 160" in alt
    assert "laptop holds the training state of sizes up to a; one H100 that of sizes up to a; eight that of sizes up to b" in alt


def test_nothing_may_fit():
    assert fitting({"a": 10.0, "b": 20.0}, 5.0) == "none"
    assert fitting({"a": 10.0, "b": 20.0}, 10.0) == fitting({"a": 10.0, "b": 20.0}, 19.0) == "sizes up to a"


def test_stacks_have_a_panel_per_part_and_the_total():
    parts = ("weights", "gradients", "optimizer")
    stacks = {"one": dict(zip(parts, (4.0, 0.0, 3.0), strict=True)), "two": dict(zip(parts, (1.0, 0.0, 2.0), strict=True))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, alt = draw_stacks(stacks, "GB", {"3 GB usable": 3.0})
    assert [axes.get_title() for axes in figure.axes] == [*parts, "total"]
    assert [[bar.get_width() for bar in axes.patches] for axes in figure.axes] == [[4, 1], [0, 0], [3, 2], [7, 3]]
    assert [len(axes.lines) for axes in figure.axes] == [0, 0, 0, 1] and figure.axes[-1].lines[0].get_xdata()[0] == 3
    assert all(axes.get_xlim() == figure.axes[0].get_xlim() and axes.get_xscale() == "log" for axes in figure.axes)
    assert [text.get_text() for text in figure.axes[0].texts] == ["4", "1"]
    assert "one: weights 4, gradients 0, optimizer 3, total 7; two: weights 1" in alt


def test_predicted_is_across_and_measured_upwards():
    figure, alt = draw_foretold({"seconds": {"here": [(2.0, 3.0), (4.0, 2.0)]}, "bytes": {"a": [(1.0, 1.0)], "b": [(5.0, 6.0)]}})
    first, second = figure.axes
    assert [list(each) for each in first.lines[1].get_data()] == [[2, 4], [3, 2]]
    assert len(second.lines) == 3 and second.lines[1].get_marker() != second.lines[2].get_marker()
    assert list(first.lines[0].get_xdata()) == list(first.lines[0].get_ydata())
    assert "seconds, here: 2 points, measured 0.50 to 1.50 of that" in alt


def test_the_roof_bends_at_peak_over_bandwidth():
    figure, alt = draw_roofline(1e11, 2e10, {"n = 1": (0.5, 8e9)})
    (axes,) = figure.axes
    roof = dict(zip(*axes.lines[0].get_data(), strict=True))
    assert roof[5.0] == pytest.approx(100) and roof[1.0] == pytest.approx(20) and roof[64.0] == pytest.approx(100)
    assert axes.lines[1].get_xdata()[0] == 5.0
    assert list(axes.lines[2].get_xdata()) == [0.5] and list(axes.lines[2].get_ydata()) == [8.0]
    assert "up to 5 FLOPs per byte and is flat at 100 GFLOP/s" in alt and "n = 1: 0.5 FLOPs per byte, 8 GFLOP/s" in alt
