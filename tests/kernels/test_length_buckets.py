"""Rows of like length are read together: the same values, and little padding."""

import pytest
import torch

from rlhf_lite.kernels.length_buckets import n_length_buckets, read_by_length


@pytest.mark.parametrize(("items", "buckets"), [(1, 1), (7, 1), (15, 1), (16, 2), (31, 3), (32, 4), (1000, 4)])
def test_there_are_at_most_four_buckets_of_at_least_eight(items, buckets):
    assert n_length_buckets(items) == buckets


def test_values_are_those_of_reading_all_at_once_and_little_padding_is_read():
    lengths = torch.randint(1, 20, (37,))
    mask, tokens = torch.arange(19) < lengths[:, None], torch.randint(0, 11, (37, 20))
    seen = []

    def read(tokens, mask):
        seen.append(tokens.numel())
        return (tokens[:, 1:] * mask).cumsum(1) * mask

    assert torch.equal(read_by_length(read, tokens, mask), read(tokens, mask).float())
    assert sum(seen[:-1]) < 0.75 * seen[-1]
    exact = torch.tensor([20, 5] * 16)
    seen.clear()
    read_by_length(read, torch.zeros(32, 21, dtype=torch.long), torch.arange(20) < exact[:, None])
    assert sum(seen) == (exact + 1).sum()  # no padding at all: each bucket holds one length
