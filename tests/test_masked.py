"""Averages see the kept entries and nothing else: values by hand, NaN outside the mask, gradients, micro-batches."""

import math

import pytest
import torch

from rlhf_lite.masked import last_kept, masked_mean, masked_sum, masked_whiten

NAN = float("nan")
VALUES = torch.tensor([[1.0, 2.0, NAN], [6.0, NAN, NAN]])
MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_sum_and_mean_by_hand():
    assert masked_sum(VALUES, MASK).item() == 9  # 1 + 2 + 6
    assert masked_mean(VALUES, MASK).item() == 3  # 9 / 3 entries, not / 6, and not the mean of row means 3.75
    assert masked_sum(VALUES, MASK, dim=1).tolist() == [3, 6]
    assert masked_mean(VALUES, MASK, dim=1).tolist() == [1.5, 6]


def test_last_kept_counts_to_the_end_of_a_row():
    assert last_kept(torch.tensor([[True, False, True, False], [False] * 4, [True] * 4])).tolist() == [3, 0, 4]


def test_whiten_by_hand():
    # mean 3; squares of -2, -1, 3 are 4, 1, 9: variance 14 / 3
    scale = math.sqrt(14 / 3)
    expected = torch.tensor([[-2 / scale, -1 / scale, 0.0], [3 / scale, 0.0, 0.0]])
    torch.testing.assert_close(masked_whiten(VALUES, MASK), expected)


def test_whiten_gives_mean_0_and_deviation_1_over_kept_entries():
    values, mask = 5 + 3 * torch.randn(8, 9), torch.rand(8, 9) < 0.6
    kept = masked_whiten(values, mask)[mask]
    assert kept.mean().item() == pytest.approx(0, abs=1e-5)
    assert kept.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_whiten_of_equal_values_is_0():
    assert masked_whiten(torch.full((2, 2), 7.0), torch.ones(2, 2, dtype=torch.bool)).tolist() == [[0, 0], [0, 0]]


def test_no_gradient_reaches_what_is_masked():
    values = VALUES.clone().requires_grad_()
    masked_mean(values, MASK).backward()
    torch.testing.assert_close(values.grad, MASK / 3)


def test_micro_batches_add_up_to_the_batch():
    # rows have 2 and 1 kept entries: (1 + 2) / 3 + 6 / 3 = 3, whereas the mean of the row means is 3.75
    parts = [masked_mean(VALUES[i : i + 1], MASK[i : i + 1], count=3) for i in range(2)]
    assert sum(parts).item() == pytest.approx(3)


def test_messages():
    with pytest.raises(ValueError, match="keeps nothing"):
        masked_mean(VALUES, torch.zeros_like(MASK))
    with pytest.raises(ValueError, match="keeps nothing"):
        masked_mean(VALUES, MASK & torch.tensor([[True], [False]]), dim=1)
    with pytest.raises(ValueError, match=r"\(2, 3\) but mask has \(2, 2\)"):
        masked_mean(VALUES, MASK[:, :2])
    with pytest.raises(TypeError, match=r"expected torch.bool"):
        masked_sum(VALUES, MASK.float())


def test_a_text_of_one_token_has_no_entry_to_keep():
    assert last_kept(torch.zeros(3, 0, dtype=torch.bool)).tolist() == [0, 0, 0]
