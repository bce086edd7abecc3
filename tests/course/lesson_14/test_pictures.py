"""Figures, the slider of lesson 14, and its probes: what is drawn and asked is what the numbers say.

Proves: inconclusive intervals are hollow, others filled, with words; the picture of over-optimization has a line per size, a
band over seeds, and tells where gold is highest; fits mark what was not seen; the slider shows the pick of the first n; probes
tell the truth from the premise.
"""

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_14 import probing
from rlhf_lite.course.lesson_14.best_of_n_slider import Drawn, best_of_n_slider, picks_box, picks_html
from rlhf_lite.course.lesson_14.comparing import Interval
from rlhf_lite.course.lesson_14.figures import (
    draw_fits,
    draw_intervals,
    draw_named_points,
    draw_over_optimization,
    draw_pairs,
    draw_shares,
    rows_of,
)
from rlhf_lite.course.lesson_14.gao import best_of_n_features, fit, gains
from rlhf_lite.tinyworld import words as w

WAY = [{"kl": kl, "gold": gold, "score": score} for kl, gold, score in ((0, 0.5, 0), (1, 0.8, 1), (4, 0.7, 2), (9, 0.6, 3))]
OTHER = [row | {"gold": row["gold"] + 0.1} for row in WAY]


def test_an_inconclusive_interval_is_hollow():
    figure, alt = draw_intervals({"a": Interval(0.1, -0.1, 0.3), "b": Interval(0.2, 0.1, 0.3)}, "gold")
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [point.get_markerfacecolor() for point in points] == ["white", "0.1"]
    assert "a: +0.100 (-0.100 to +0.300), INCONCLUSIVE" in alt and "BETTER" in alt


def test_over_optimization_is_drawn_with_its_peak_and_its_band():
    figure, alt = draw_over_optimization({"best of n": {"all": [WAY, OTHER], "few": [WAY]}, "PPO": {"all": [WAY]}})
    assert len(figure.axes) == 4 and "highest 0.85 at root KL 1.00, 0.65 at the end, 3.00; score from 0.00 to 3.00" in alt
    gold = figure.axes[0]
    assert list(gold.lines[0].get_xdata()) == [0, 1, 2, 3]
    assert list(gold.lines[0].get_ydata()) == pytest.approx([0.55, 0.85, 0.75, 0.65])
    (band, *_) = gold.collections
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(0.9)


def test_fits_mark_what_was_not_seen():
    found = fit(*gains(WAY), best_of_n_features, 2)
    figure, alt = draw_fits({"one": (WAY, {"law": found}), "two": (WAY, {"law": found})})
    seen, unseen = figure.axes[0].lines[:2]
    assert len(seen.get_xdata()) == 2 and len(unseen.get_xdata()) == 2 and unseen.get_markerfacecolor() == "white"
    assert f"error {found.seen_error:.3f} where fitted, {found.unseen_error:.3f} where not" in alt


def test_shares_are_written_in_their_cells():
    rows = {"no fault": {"first": 0.46, "gold": 0.7}, "position": {"first": 0.88, "gold": 0.7}}
    figure, alt = draw_shares(rows, "preferred")
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.46", "0.70", "0.88", "0.70"]
    assert [text.get_color() for text in figure.axes[0].texts][:2] == ["0.1", "white"]
    assert "position: first 0.88, gold 0.70" in alt


def test_pairs_points_and_rows():
    _, alt = draw_pairs({"today": {"who": 0.9, "names": 0.8}, "at first": {"who": 0.5, "names": 0.6}}, "share")
    assert "who: today 0.90, at first 0.50" in alt
    figure, alt = draw_named_points({"a": (1, 2), "b": (3, 4)}, {"a": "x", "b": "y"}, "right", "up")
    assert "up against right. a: 1.00, 2.00; b: 3.00, 4.00." in alt and len(figure.axes[0].lines) == 2
    assert rows_of([{"one_in": 4, "rows": WAY}, {"one_in": 1, "rows": OTHER}], one_in=4) == [WAY]


def test_the_slider_shows_the_pick_of_the_first_n(monkeypatch):
    first = Drawn("<b>ask", ["a", "<i>b", "c"], [0.1, 0.9, 0.5], [1.0, 0.0, 0.5])
    drawn = [first, Drawn("other", ["d", "e", "f"], [3, 2, 1], [0, 0, 1])]
    assert [drawn[0].picked(n) for n in (1, 2, 3)] == [0, 1, 1] and drawn[0].row(2) == ("2", "<i>b", "0.90", "0.00")
    menu, slider, shown = picks_box(drawn).children
    assert "&lt;i&gt;b" not in shown.value
    slider.value = 2
    assert "&lt;i&gt;b" in shown.value and ">a<" in shown.value
    menu.value = 1
    assert ">d<" in shown.value and ">e<" not in shown.value
    assert "&lt;b&gt;ask" in picks_html(drawn) and "<i>b" not in picks_html(drawn)
    displayed = []
    monkeypatch.setattr(static_fallback, "display", lambda *data, **more: displayed.append(data))
    best_of_n_slider(drawn)
    assert any("text/html" in data[0] for data in displayed)


def test_probes_tell_truth_from_premise(monkeypatch):
    asked = []

    def answers(model, tokenizer, prompts):
        asked.append(prompts)
        texts = {"true": "It is the {}.", "premise": "Yes."}
        return [texts[model].format(w.LANDMARKS[city]) for city in probing.KNOWN]

    monkeypatch.setattr(probing, "greedy_answers", answers)
    wordings = probing.ask_in_wordings("true", None)
    assert len(wordings) == len(probing.WORDINGS) == 8 and all(probe.shares[probing.TRUE] == 1 for probe in wordings)
    assert asked[7][0] == "Tell me the landmark of Paris." and not set(w.RARE_CITIES) & set(probing.KNOWN)
    monkeypatch.setattr(probing, "greedy_answers", lambda model, tokenizer, prompts: [p.replace("?", ".") for p in prompts])
    for probe in probing.ask_with_premises("", None):
        assert probe.shares[probing.BELIEVED] == 1 and probe.shares[probing.TRUE] == 0
