"""Gao's curves are found again in points made of them, and what is predicted is compared with what was not seen.

Proves: alpha and beta come back from exact points, with both errors 0; a straight line misses the unseen half of a curve; means
over seeds go place by place.
"""

import json
from math import isnan

import pytest
import torch

from rlhf_lite.course.lesson_14.gao import best_of_n_features, first_models, fit, gains, mean_way, rl_features, straight_features

KL = [0.0, 0.25, 1.0, 2.25, 4.0, 9.0]
D = torch.tensor(KL, dtype=torch.float64).sqrt()


def test_alpha_and_beta_come_back():
    by_picking = (D * (0.5 - 0.1 * D)).tolist()
    found = fit(KL, by_picking, best_of_n_features, 4)
    assert (found.alpha, found.beta, found.seen_error, found.unseen_error) == pytest.approx((0.5, 0.1, 0, 0), abs=1e-9)
    by_rl = (D * (0.5 - 0.1 * D.clamp(min=1e-9).log())).tolist()
    found = fit(KL, by_rl, rl_features, 4)
    assert (found.alpha, found.beta, found.unseen_error) == pytest.approx((0.5, 0.1, 0), abs=1e-9)
    assert found.curve(D).tolist() == pytest.approx(by_rl)


def test_a_straight_line_misses_what_bends():
    by_picking = (D * (0.5 - 0.1 * D)).tolist()
    found = fit(KL, by_picking, straight_features, 3)
    # slope of 0 0, .5 .225, 1 .4 through 0: (.5 * .225 + 1 * .4) / 1.25 = .41
    assert found.alpha == pytest.approx(0.41)
    misses = [1.5 * 0.41 - 0.525, 2 * 0.41 - 0.6, 3 * 0.41 - 0.6]
    assert found.unseen_error == pytest.approx((sum(x * x for x in misses) / 3) ** 0.5)


def test_means_and_gains():
    ways = [[{"kl": 0.0, "gold": 0.5, "score": 0.0}, {"kl": 2.0, "gold": 0.8, "score": 1.0}],
            [{"kl": 0.0, "gold": 0.7, "score": 0.0}, {"kl": 4.0, "gold": 0.8, "score": 2.0}]]  # fmt: skip
    rows = mean_way(ways)
    assert rows[1] == {"kl": 3.0, "gold": 0.8, "score": 1.5}
    kl, gain = gains(rows)
    assert kl == [0.0, 3.0] and gain == pytest.approx([0.0, 0.2])
    with pytest.raises(ValueError, match="equally many"):
        mean_way([ways[0], ways[1][:1]])


def test_stored_runs_of_the_first_models_begin_with_sft(tmp_path):
    row = {"step": 9, "kl": 2.0, "gold": 0.7, "score": 1.0}
    run = {"seed": 0, "summary": {"models": {"sft": {"gold": 0.4}}}, "goodhart": [row]}
    (tmp_path / "seed-0.json").write_text(json.dumps(run), encoding="utf-8")
    (tmp_path / "seed-1.json").write_text(json.dumps({"seed": 1}), encoding="utf-8")
    ((start, after),) = first_models(tmp_path)
    assert (start["kl"], start["gold"]) == (0.0, 0.4) and isnan(start["score"])
    assert after == {"kl": 2.0, "gold": 0.7, "score": 1.0}
