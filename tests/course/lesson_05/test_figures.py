"""Figures of lesson 05 show what they are given, and say it in words."""

import pytest
import torch

from rlhf_lite.course.lesson_05.figures import (
    LOOKED_AT,
    STACK,
    draw_changes,
    draw_left_out,
    draw_look_back,
    draw_losses,
    draw_stack,
)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_model_that_is_left_out_is_dashed():
    figure, alt = draw_left_out()
    dashed = [patch for patch in figure.axes[0].patches if patch.get_linestyle() == "--"]
    assert len(dashed) >= 1 and "encoder" in texts(figure) and texts(figure).count("decoder") == 2
    assert "dashed lines: they are left out" in alt and "杰瑞" in alt


def test_weights_of_the_look_back_sum_to_1_and_are_written():
    figure, alt = draw_look_back()
    assert sum(weight for _, weight in LOOKED_AT) == pytest.approx(1)
    assert [text for text in texts(figure) if text in {word for word, _ in LOOKED_AT}] == [word for word, _ in LOOKED_AT]
    assert "0.6" in alt and "No arrow points to the right" in alt


def test_the_stack_names_every_part_with_its_shape():
    figure, alt = draw_stack()
    for part, shape, purpose in STACK:
        assert {part, shape, purpose} <= set(texts(figure)) and f"{part}, shape {shape}" in alt


def test_changes_are_marked_where_they_are():
    changed = torch.tensor([[True, True, True], [False, True, False], [True, False, True]])
    figure, alt = draw_changes({"a": changed, "b": changed.triu()}, ["x", "y", "z"])
    crosses = [text.get_position() for text in figure.axes[0].texts]
    assert crosses == [(0, 0), (1, 0), (2, 0), (1, 1), (0, 2), (2, 2)]  # column, row
    assert "a: 6 of 9 change, 1 of them before the changed token" in alt
    assert "b: 5 of 9 change, 0 of them before the changed token" in alt


def test_losses_and_levels_carry_their_names():
    curves = {"training": (range(30), [7 - i / 10 for i in range(30)]), "held-out": ([0, 29], [7, 5])}
    figure, alt = draw_losses(curves, {"bigram": 2.3})
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "held-out"]
    assert [text.get_text() for text in axes.texts] == ["bigram 2.30"]
    level = axes.lines[-1]
    assert list(level.get_ydata()) == [2.3, 2.3]
    styles = {line.get_linestyle() for line in axes.lines[:2]}
    assert len(styles) == 2  # read without colour
    assert "training from 7.00 to 4.10 in 29 steps" in alt and "level of bigram: 2.30" in alt
