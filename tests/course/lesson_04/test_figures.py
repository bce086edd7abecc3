"""Figures of lesson 04 show what their words say: every curve, every position, the parts of the encoder-decoder."""

import pytest
import torch

from rlhf_lite.course.lesson_04.figures import draw_curves, draw_encoder_decoder, draw_paths, draw_waves


@pytest.mark.parametrize("draw", [draw_paths, draw_encoder_decoder, lambda: draw_waves(torch.rand(5, 4))])
def test_figures_come_with_words(draw):
    figure, alt = draw()
    assert figure.axes and len(alt) > 80


def test_curves_are_drawn_as_given_and_told_apart_without_colour():
    curves = {"with": {1: 1.0, 2: 0.5, 4: 0.25}, "without": {1: 1.0, 2: 2.0, 4: 4.0}}
    figure, alt = draw_curves({"size": curves, "again": curves}, "width", log_x=True)
    first = figure.axes[0].get_lines()
    assert len(figure.axes) == 2 and figure.axes[0].get_xlabel() == "width" and figure.axes[0].get_xscale() == "log"
    assert [list(line.get_ydata()) for line in first] == [[1.0, 0.5, 0.25], [1.0, 2.0, 4.0]]
    assert len({(line.get_linestyle(), line.get_marker()) for line in first}) == 2
    assert "with from 1 at 1 to 0.25 at 4" in alt and "without from 1 at 1 to 4 at 4" in alt


def test_waves_are_the_given_numbers():
    positions = torch.rand(6, 4)
    figure, alt = draw_waves(positions)
    torch.testing.assert_close(torch.tensor(figure.axes[0].images[0].get_array().data), positions)
    assert "6 positions" in alt and "4 columns" in alt


def test_the_encoder_decoder_has_cross_attention_in_the_decoder_only():
    figure, alt = draw_encoder_decoder()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("cross-attention") == 1 and texts.count("self-attention") == 1 and texts.count("feed-forward") == 2
    assert "cross-attention" in alt
