"""Figures of lesson 12 show what they are given: the clipped objective's values, lines with bands, bars over tokens, words.

Proves: the drawn clipped objective is the library's loss, negated; every panel and line is there and named in the words; tokens
are on the axis; all arrows of the loop end at boxes that exist.
"""

import pytest
import torch

from rlhf_lite.course.lesson_12.figures import BOXES, draw_clip, draw_loop, draw_over_tokens, draw_panels
from rlhf_lite.ppo import policy_loss


def test_the_clipped_line_is_the_librarys_objective():
    figure, alt = draw_clip(0.2)
    for axes, advantage in zip(figure.axes, (1.0, -1.0), strict=True):
        ratios, drawn = axes.lines[1].get_data()
        for ratio, objective in list(zip(ratios, drawn, strict=True))[20::30]:
            loss, _ = policy_loss(torch.tensor([[ratio]]).log(), torch.zeros(1, 1), torch.tensor([[advantage]]),
                                  torch.tensor([[True]]), ratio_clip=0.2)  # fmt: skip
            assert objective == pytest.approx(-loss.item(), abs=1e-5)
    assert "up to 1.2" in alt and "flat at -0.8 for ratios below 0.8" in alt


def test_lines_bands_and_words():
    panels = {"score": {"with": ([1, 2], [0.5, 0.75]), "without": ([1, 2], [0.5, 0.25])}, "KL": {"": ([1, 2], [0.0, 3.0])}}
    figure, alt = draw_panels(panels, "batch", bands={"score": {"with": ([0.4, 0.6], [0.6, 0.9])}}, log_x=True)
    first, second = figure.axes
    assert [line.get_label() for line in first.lines] == ["with", "without"] and len(first.collections) == 1
    assert first.get_xscale() == "log" and second.get_title() == "KL" and second.get_legend() is None
    assert len({line.get_linestyle() for line in first.lines}) == len({line.get_marker() for line in first.lines}) == 2
    assert "score, without: from 0.50 at 1 to 0.25 at 2" in alt and alt.startswith("Lines over batch")


def test_bars_over_tokens_name_every_token():
    figure, alt = draw_over_tokens([" The", " end", " "], {"value": [0.1, 0.2, 0.3], "advantage": [-0.5, 0.0, 1.0]})
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["The", "end", " "]
    assert [bar.get_height() for bar in figure.axes[1].patches] == [-0.5, 0.0, 1.0]
    assert "advantage: The -0.50, end 0.00" in alt


def test_the_loop_shows_all_models_and_says_which_learn():
    figure, alt = draw_loop()
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {text for *_, text, _ in BOXES.values()} <= texts
    assert sum("learns" in text for text in texts) == 2 and sum("fixed" in text for text in texts) == 2
    assert all(word in alt for word in ("reward model", "reference", "value model", "policy"))
