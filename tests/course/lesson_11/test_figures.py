"""Figures of lesson 11 show what they are given: lines, bands, targets, the clipped objective, the regions in the triangle.

Proves: the drawn clipped objective is the library's loss, negated; every panel, line and target is there and named in the
words; a policy stands at its barycentric place; the drawn trust region is where KL reaches its limit, and the clip's where a
ratio does.
"""

import matplotlib as mpl
import pytest
import torch

from rlhf_lite.course.lesson_11.figures import CLIP, INK, all_policies, draw_clip, draw_panels, draw_trust_region, in_triangle
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


def test_a_target_is_a_line_with_its_number_in_the_words():
    panels = {"score": {"": ([1, 2], [0.5, 0.75])}, "KL": {"": ([1, 2], [0.0, 3.0])}}
    figure, alt = draw_panels(panels, "batch", targets={"score": 1.0})
    first, second = figure.axes
    assert list(first.lines[-1].get_ydata()) == [1.0, 1.0] and first.lines[-1].get_label() == "best possible"
    assert len(second.lines) == 1 and "score, best possible: 1.00" in alt and "score: from 0.50" in alt


def test_policies_stand_at_their_places():
    x, y = in_triangle(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1 / 3, 1 / 3, 1 / 3]]))
    assert x == pytest.approx([0.5, 0.0, 1.0, 0.5]) and y == pytest.approx([3**0.5 / 2, 0.0, 0.0, 3**0.5 / 6])
    policies = all_policies(10)
    assert len(policies) == 36 and policies.sum(1).allclose(torch.ones(36).double()) and (policies > 0).all()


def place_on(axes, color):
    """The points of a line drawn by tricontour in this colour."""
    contours = [each for each in axes.collections if each.get_facecolor().size == 0 or each.get_fill() is False]
    for each in contours:
        if each.get_edgecolor().size and tuple(each.get_edgecolor()[0]) == pytest.approx(color):
            return torch.tensor([point for path in each.get_paths() for point in path.vertices.tolist()])
    raise AssertionError("no such line")


def test_the_regions_are_where_kl_and_ratios_reach_their_limits():
    old, scores = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([1.0, 0.0, -0.5])
    path = torch.stack([old, torch.tensor([0.3, 0.4, 0.3])])
    figure, alt = draw_trust_region(["a", "b", "c"], old, scores, 0.02, 0.2, {"a path": path})
    assert "a 0.20, b 0.50, c 0.30" in alt and "a path ends at a 0.30, b 0.40, c 0.30" in alt and "0.02 nats" in alt
    whole = figure.axes[0]

    def as_policies(points):
        top = points[:, 1] / (3**0.5 / 2)
        right = points[:, 0] - top / 2
        return torch.stack([top, 1 - top - right, right], 1)

    edge = as_policies(place_on(whole, mpl.colors.to_rgba(INK)))
    kls = (old * (old.log() - edge.log())).sum(1)
    assert len(edge) > 20 and (kls - 0.02).abs().max() < 0.002
    box = as_policies(place_on(whole, mpl.colors.to_rgba(CLIP["color"])))
    assert len(box) > 10 and ((box / old - 1).abs().amax(1) - 0.2).abs().max() < 0.03
