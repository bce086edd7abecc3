"""Figures of lesson 06 show what they are given: means and bands of seeds, who may look where, laws and predictions.

Proves: a band is the lowest and the highest of the seeds, around their mean, at the right steps; every panel and number is in
the words; a square is dark where position and looked-at token share a document; predictions stand at their sizes.
"""

import pytest

from rlhf_lite.course.lesson_06.figures import (
    band_over_seeds,
    draw_ends,
    draw_gallery,
    draw_law,
    draw_lines,
    draw_looks,
    draw_shares,
    foretold_at,
    last_loss,
    law_lines,
)
from rlhf_lite.course.lesson_06.loss_curves import AVERAGED, LOOK_EVERY, Curve
from rlhf_lite.course.lesson_06.scaling_law import LAWS, block_matrices

CURVES = [
    Curve(first=7.0, train=[6.0, 4.0, 3.0], held_out=[5.0, 2.0], fresh=[5.5, 2.5]),
    Curve(first=7.1, train=[6.5, 5.0, 2.0], held_out=[4.0, 3.0], fresh=[4.5, 2.0]),
]
LINES = {"ln V": 6.9, "bigram": 2.2}


def test_a_band_is_the_range_of_the_seeds_around_their_mean():
    band = band_over_seeds(CURVES, "train")
    assert band.mean == [6.25, 4.5, 2.5] and band.low == [6.0, 4.0, 2.0] and band.high == [6.5, 5.0, 3.0]
    assert band.xs == [3.0, 3.0 + AVERAGED, 3.0 + 2 * AVERAGED]  # the middle of steps 1 to 5
    assert band_over_seeds(CURVES, "held_out").xs == [LOOK_EVERY, 2 * LOOK_EVERY]
    assert last_loss(CURVES, "held_out")[0] == 2.5 and last_loss(CURVES, "fresh")[0] == 2.25


def test_a_run_that_ended_early_is_drawn_as_far_as_it_went():
    assert band_over_seeds([CURVES[0], Curve(first=7.0, train=[6.0])], "train").mean == [6.0]


def test_the_gallery_has_a_panel_for_each_run_and_says_what_it_shows():
    figure, alt = draw_gallery({"normal": CURVES, "leak": CURVES, "one": CURVES[:1]}, LINES, fresh_for=["leak"], columns=2)
    first, second, third, unused = figure.axes
    assert [axes.get_title() for axes in (first, second, third)] == ["normal", "leak", "one"] and not unused.axison
    assert [line.get_label() for line in first.lines][2:] == ["training", "held-out"]
    assert [line.get_label() for line in second.lines][2:] == ["training", "held-out", "fresh text"]
    assert list(first.lines[0].get_ydata()) == [6.9, 6.9] and first.get_yscale() == "log"
    assert len(first.collections) == 2 and len({line.get_linestyle() for line in first.lines[2:]}) == 2
    assert "ln V 6.90; bigram 2.20" in alt and "normal: training loss from 6.25 to 4.42, held-out loss from 4.50 to 2.50" in alt
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "held-out", "fresh text"]


def test_a_training_loss_ends_in_words_at_the_mean_of_its_last_points():
    noisy = Curve(first=7.0, train=[9.0] * 5 + [1.0, 3.0] * 4, held_out=[5.0, 2.0], fresh=[])
    alt = draw_gallery({"normal": [noisy]}, LINES)[1]
    assert f"mean of the last {8 * AVERAGED} steps" in alt
    assert "training loss from 9.00 to 2.00, held-out loss from 5.00 to 2.00" in alt


def test_shares_have_a_bar_for_each_source_and_count():
    figure, alt = draw_shares({"of the documents": {"a": 60.0, "b": 40.0}, "of the tokens": {"a": 25.0, "b": 75.0}})
    (axes,) = figure.axes
    assert [patch.get_width() for patch in axes.patches] == [60, 40, 25, 75]
    assert alt == "Bars, in per cent. of the documents: a 60.0, b 40.0; of the tokens: a 25.0, b 75.0."


def test_a_square_shows_who_may_look_where():
    figure, alt = draw_looks([1, 1, 2], ["a", "$end", "b"])
    (axes,) = figure.axes
    assert axes.images[0].get_array().tolist() == [[2, 0, 0], [2, 2, 0], [1, 1, 2]]
    assert "67% is in the same document" in alt and "33% in earlier" in alt and "after tokens 2." in alt
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", r"\$end", "b"]


def test_lines_and_targets():
    panels = {"rate": {"chosen": ([1, 2], [0.1, 0.2])}, "loss": {"chosen": ([1, 2], [3, 2]), "sound": ([1, 2], [3, 1])}}
    figure, alt = draw_lines(panels, "step", LINES)
    rate, loss = figure.axes
    assert len(rate.lines) == 1 and len(loss.lines) == 4 and [text.get_text() for text in loss.texts] == ["ln V", "bigram"]
    assert "loss, sound: from 3 to 1" in alt and "ln V 6.90" in alt


def test_a_law_is_followed_from_the_smallest_size_on_and_predictions_stand_at_their_sizes():
    fitted = {1000: [3.0, 3.2], 4000: [2.5, 2.6], 16_000: [2.1, 2.2]}
    lines = law_lines(fitted, LAWS)
    xs, ys = lines["straight line"]
    assert xs[0] == 1000 and xs[-1] == pytest.approx(4.5 * 16_000) and ys[0] > ys[-1]
    rows = [{"law": name, "d_model": 96, "mean": 1.8, "low": 1.7, "high": 1.9} for name in LAWS]
    foretold = foretold_at(rows)
    assert foretold["with a floor"] == {block_matrices(96): (1.8, 1.7, 1.9)}
    figure, alt = draw_law(fitted, lines, foretold, {block_matrices(96): [1.75, 1.77]})
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["fitted sizes", "measured afterwards", *LAWS]
    assert "straight line foretells 1.800 (1.700 to 1.900) at 221,184" in alt and "measured afterwards: 221,184 1.760" in alt
    assert "measured afterwards" not in draw_law(fitted, lines, foretold, {})[1]


def test_ends_are_rows_with_their_numbers():
    figure, alt = draw_ends({"a": (1.0, 0.9, 1.1), "b": (2.0, 1.5, 2.5)}, "loss")
    (axes,) = figure.axes
    assert [text.get_text().strip() for text in axes.texts] == ["1.00", "2.00"] and axes.yaxis_inverted()
    assert alt == "loss. a: 1.00 (0.90 to 1.10); b: 2.00 (1.50 to 2.50)."
