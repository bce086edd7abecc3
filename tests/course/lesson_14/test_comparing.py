"""Intervals of lesson 14: pairing, drawing again, power and rank correlation do what they say.

Proves: both intervals by hand; a shared difficulty falls out of the paired one only; the bootstrap draws seeds and prompts where
it should and is as wide as the standard error says; power is what simulated studies find; Spearman's is the correlation of
ranks, ties averaged.
"""

import pytest
import torch

from rlhf_lite.course.lesson_14.comparing import (
    BETTER,
    INCONCLUSIVE,
    WORSE,
    Interval,
    bootstrap_interval,
    correlation_interval,
    draw_again,
    means_over,
    outcomes,
    paired_interval,
    prompts_for,
    rank_correlation,
    unpaired_interval,
)


def test_both_intervals_by_hand():
    ours, theirs = torch.tensor([1.0, 0.0, 1.0, 0.5]), torch.tensor([0.5, 0.0, 0.5, 0.2])
    # differences .5 0 .5 .3, mean .325, standard error .1181454; unpaired .2688710
    paired, unpaired = paired_interval(ours, theirs), unpaired_interval(ours, theirs)
    assert (paired.mean, paired.low, paired.high) == pytest.approx((0.325, 0.325 - 0.231561, 0.325 + 0.231561), abs=1e-5)
    assert unpaired.low == pytest.approx(0.325 - 1.959964 * 0.268871, abs=1e-5) and unpaired.mean == pytest.approx(0.325)
    assert paired.width == pytest.approx(2 * 0.231561, abs=1e-5)


def test_what_both_find_hard_falls_out_of_the_paired_interval_only():
    generator = torch.Generator().manual_seed(0)
    hard, noise = torch.randn(500, generator=generator), 0.1 * torch.randn(2, 500, generator=generator)
    ours, theirs = hard + noise[0] + 0.05, hard + noise[1]
    assert paired_interval(ours, theirs).width < 0.15 * unpaired_interval(ours, theirs).width
    assert paired_interval(ours, theirs).verdict == BETTER and unpaired_interval(ours, theirs).verdict == INCONCLUSIVE


def test_verdicts_say_inconclusive_where_zero_is_inside():
    assert [Interval(0.1, low, high).verdict for low, high in ((0.01, 0.2), (-0.2, -0.01), (-0.1, 0.2), (0.0, 0.2))] == [
        BETTER, WORSE, INCONCLUSIVE, INCONCLUSIVE,
    ]  # fmt: skip


def test_resamples_take_drawn_seeds_and_drawn_prompts_within():
    table = torch.tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 2.0]])
    seeds, prompts = torch.tensor([[0, 0], [0, 1], [1, 1]]), torch.tensor([[0, 0, 2], [1, 1, 1], [2, 0, 1]])
    # 1 1 2 twice; 0 and 1; 2 3 1
    assert means_over(table, seeds, prompts).tolist() == pytest.approx([4 / 3, 0.5, 2.0])
    seeds, prompts = draw_again(3, 7, resamples=50)
    assert seeds.shape == (50, 3) and prompts.shape == (50, 7) and seeds.max() == 2 and prompts.max() == 6
    assert any(len(set(row)) < 3 for row in seeds.tolist()), "drawn with putting back"


def test_counts_become_one_outcome_per_prompt():
    found = outcomes({"wins": 30, "losses": 10, "ties": 20, "rate": 0.75}, seed=0)
    assert len(found) == 60 and found.mean() == pytest.approx(40 / 60) and (found == 0.5).sum() == 20
    assert found[:30].mean() < 0.95, "in an order that means nothing"


def test_the_bootstrap_of_prompts_is_as_wide_as_the_standard_error_says():
    differences = torch.randn(1, 400, generator=torch.Generator().manual_seed(1))
    found, formula = bootstrap_interval(differences, seeds_too=False), paired_interval(differences[0], torch.zeros(400))
    assert found.mean == pytest.approx(formula.mean) and found.width == pytest.approx(formula.width, rel=0.08)


def test_seeds_that_differ_widen_the_interval():
    generator = torch.Generator().manual_seed(2)
    differences = torch.tensor([[-0.3], [0.0], [0.3]]) + 0.1 * torch.randn(3, 200, generator=generator)
    assert bootstrap_interval(differences).width > 3 * bootstrap_interval(differences, seeds_too=False).width


def test_power_is_what_simulated_studies_find():
    n = prompts_for(0.1, 0.5)
    assert n == 197 and prompts_for(0.03, 0.5) == 2181 and prompts_for(0.1, 0.5, power=0.5) == 97
    studies = 0.1 + 0.5 * torch.randn(4000, n, generator=torch.Generator().manual_seed(3))
    found = (studies.mean(1) / (studies.std(1) / n**0.5) > 1.959964).double().mean()
    assert found == pytest.approx(0.8, abs=0.02)
    for wrong in ((0.0, 0.5, 0.8), (0.1, -1.0, 0.8), (0.1, 0.5, 1.0)):
        with pytest.raises(ValueError, match="expected"):
            prompts_for(*wrong)


def test_rank_correlation_knows_order_and_ties():
    assert rank_correlation([1, 2, 3], [10, 100, 1000]) == pytest.approx(1.0)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    # ranks 0 1.5 1.5 3 and 0 1 2 3: covariance 4.5, variances 4.5 and 5
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert rank_correlation([1, 1], [1, 2]) == 0.0
    found = correlation_interval(range(12), [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10], resamples=200)
    assert found.low < found.mean < found.high <= 1 and found.verdict == BETTER
