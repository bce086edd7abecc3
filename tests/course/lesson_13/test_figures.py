"""Figures of lesson 13 show the rows that they say: the right sweep and length, gains against the same seed, means over seeds."""

import pytest
from matplotlib.text import Text

from rlhf_lite.course.lesson_13.figures import (
    chosen,
    draw_against_kl,
    draw_kinds_of_text,
    draw_objective,
    draw_sweep,
    draw_trade_off,
    with_gains,
)  # fmt: skip


def row(seed, kl_coef, ptx_coef, gold, loss, iterations=16):
    about = {"seed": seed, "kl_coef": kl_coef, "ptx_coef": ptx_coef, "iterations": iterations}
    return about | {"gold": gold, "pretraining_loss": loss, "exercises": 0.5}


def seed(number, shift):
    stages = {"sft": {"gold": 0.4 + shift, "pretraining_loss": 0.9 + shift, "exercises": 0.8}}
    rows = [row(number, 0.05, 0.0, 0.7 + shift, 2.0 + shift), row(number, 5.0, 0.0, 0.4 + shift, 1.7 + shift),
            row(number, 0.05, 0.5, 0.7 + shift, 1.0 + shift),
            row(number, 0.05, 0.5, 0.6 + shift, 1.2 + shift, iterations=8)]  # fmt: skip
    return {"stages": stages, "rows": rows}


@pytest.fixture
def rows():
    return with_gains([seed(0, 0.0), seed(1, 0.1)])


def test_gains_are_against_the_same_seed(rows):
    assert [r["gold_gain"] for r in rows] == pytest.approx([0.3, 0.0, 0.3, 0.2] * 2)
    assert [r["loss_rise"] for r in rows] == pytest.approx([1.1, 0.8, 0.1, 0.3] * 2)
    assert [r["exercises_gain"] for r in rows] == pytest.approx([-0.3] * 8)


def test_each_sweep_has_its_rows_and_ptx_begins_with_ppo(rows):
    assert {value: len(group) for value, group in chosen(rows, "kl_coef", 16).items()} == {0.05: 2, 5.0: 2}
    assert {value: len(group) for value, group in chosen(rows, "ptx_coef", 16).items()} == {0.0: 2, 0.5: 2}
    assert list(chosen(rows, "ptx_coef", 8)) == [0.5]


def test_a_value_that_a_seed_lacks_is_left_out(rows):
    assert list(chosen(rows[:-4] + [r for r in rows[-4:] if r["kl_coef"] != 5.0], "kl_coef", 16)) == [0.05]


def test_a_sweep_is_drawn_with_levels(rows):
    figure, alt = draw_sweep(rows, "kl_coef", 16, levels={"exercises_gain": {"base": -0.1}})
    assert len(figure.axes) == 3
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0.05", "5"]
    assert "gold score: 0.05 gives 0.300, 5 gives 0.000" in alt and "base -0.10" in alt


def test_the_trade_off_shows_means_of_both_sweeps_and_every_seed(rows):
    figure, alt = draw_trade_off(rows, 16)
    assert "kl_coef varied, no ptx: 0.05 at 1.100, 0.30; 5 at 0.800, 0.00" in alt
    assert "ptx_coef varied: 0 at 1.100, 0.30; 0.5 at 0.100, 0.30" in alt
    single = [line for line in figure.axes[0].get_lines() if line.get_marker() == "."]
    assert [len(line.get_xdata()) for line in single] == [2, 2, 2, 2]  # two settings in each sweep, two seeds


def test_labels_of_points_that_lie_together_do_not(rows):
    rows = [{**row, "kl_coef": kl, "ptx_coef": 0.0, "gold_gain": 0.3 + kl / 1e4, "loss_rise": 0.1} for row in rows[:2]
            for kl in (0.0, 0.05, 0.2, 0.5)]  # fmt: skip
    rows = [{**row, "seed": k // 4} for k, row in enumerate(rows)]
    figure, _ = draw_trade_off(rows, 16)
    places = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the lines to the points
    assert len(places) == 4
    assert not any(a.overlaps(b) for i, a in enumerate(places) for b in places[:i])


def test_kinds_of_text_show_every_model_in_every_panel():
    names = ("base", "ppo", "ppo_ptx")
    losses = {name: {"forum": 0.1 * k, "stories": -0.1} for k, name in enumerate(names)}
    figure, alt = draw_kinds_of_text({"loss above SFT's": losses, "share": {"sft": {"copy": 1.0}}})
    assert "loss above SFT's, PPO-ptx: forum 0.20, stories -0.10" in alt and "share, SFT: copy 1.00" in alt
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["base", "PPO", "PPO-ptx", "SFT"]
    assert [len(axes.get_lines()) for axes in figure.axes] == [4, 1]  # three models and the line at 0; one model


def test_curves_against_kl_have_a_line_per_seed_and_a_mark_for_the_control():
    points = [{"kl": 0.0, "gold": 0.4}, {"kl": 4.0, "gold": 0.5, "score": 0.5}, {"kl": 9.0, "gold": 0.1, "score": 1.0}]
    figure, alt = draw_against_kl([(0, points), (1, points)], {"score": "score", "gold": "gold"}, {1: {"kl": 2.0, "gold": 0.7}})
    assert [len([line for line in axes.get_lines() if len(line.get_xdata()) > 1]) for axes in figure.axes] == [2, 2]
    assert "score, seed 0: 0.50 at 4 nats, 1.00 at 9" in alt
    assert "gold, seed 1: 0.40 at 0 nats, 0.10 at 9, with the penalty 0.70 at 2.0" in alt and alt.count("penalty") == 1
    assert figure.legends[0].get_texts()[-1].get_text() == "with the KL penalty"


def test_the_objective_names_its_three_terms():
    _, alt = draw_objective()
    assert all(term in alt for term in ("score", "kl_coef", "ptx_coef"))
