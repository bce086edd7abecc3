"""What is sampled token by token, with a cache and padding on the left, is what one pass over the whole text gives.

That whole answers are those of a plain loop is proven in test_generate.
"""

import pytest
import torch

from rlhf_lite.data import seeded_generator
from rlhf_lite.gpt import GPT
from rlhf_lite.kernels.active_rows import GROWTH, ActiveRows, KeyValueCache, sampling

PAD = 0
PROMPTS = [[3, 1, 4, 1, 5, 9, 2], [6, 5], [PAD, 7, PAD]]
NEXT = torch.tensor([[2, 8, 10], [4, 4, PAD], [1, 6, 3]])  # a row per step, an entry per prompt


def expected(model: GPT, prompts, drawn):
    return torch.stack([model(torch.tensor([prompt + row]))[0, -1] for prompt, row in zip(prompts, drawn, strict=True)])


@pytest.mark.parametrize("prompts", [PROMPTS, [[3, 1, 4], [1, 5, 9], [2, 6, 5]]], ids=["padded", "equally long"])
def test_logits_are_those_of_the_whole_text(make_gpt, prompts):
    model, never = make_gpt(), torch.zeros(3, dtype=torch.bool)
    with sampling(model, 3):
        rows = ActiveRows(model, prompts, PAD, 4)
        for step in range(4):
            drawn = NEXT[:step].T.tolist() if step else [[], [], []]
            torch.testing.assert_close(rows.next_logits(), expected(model, prompts, drawn), atol=1e-5, rtol=1e-4)
            if step < 3:
                rows.append(NEXT[step], never)


def test_rows_that_are_finished_leave_and_the_others_go_on(make_gpt):
    model = make_gpt()
    with sampling(model, 3):
        rows = ActiveRows(model, PROMPTS, PAD, 3)
        rows.next_logits()
        rows.append(NEXT[0], torch.tensor([True, False, False]))
        assert sorted(rows.index.tolist()) == [1, 2]
        kept = rows.index.tolist()
        texts = [PROMPTS[i] for i in kept], [[NEXT[0, i].item()] for i in kept]
        torch.testing.assert_close(rows.next_logits(), expected(model, *texts), atol=1e-5, rtol=1e-4)
        rows.append(NEXT[1, kept], torch.tensor([True, True]))
        assert len(rows) == 0


def test_nan_in_left_padding_does_not_leak(make_gpt):
    model, prompts = make_gpt(), [[3, 1, 4, 1, 5], [9, 2]]
    alone = expected(model, prompts, [[], []]), expected(model, prompts, [[6], [6]])
    with torch.no_grad():
        model.token_embedding.weight[PAD] = float("nan")
    with sampling(model, 2):
        rows = ActiveRows(model, prompts, PAD, 2)
        torch.testing.assert_close(rows.next_logits()[:, 1:], alone[0][:, 1:], atol=1e-5, rtol=1e-4)
        rows.append(torch.tensor([6, 6]), torch.zeros(2, dtype=torch.bool))
        torch.testing.assert_close(rows.next_logits()[:, 1:], alone[1][:, 1:], atol=1e-5, rtol=1e-4)


def test_a_model_is_left_as_it_was_even_after_an_error(make_gpt):
    model = make_gpt()
    with pytest.raises(IndexError), sampling(model, 1):
        rows = ActiveRows(model, [[1] * 24], PAD, 1)
        rows.next_logits()
        rows.append(torch.tensor([1]), torch.zeros(1, dtype=torch.bool))
        rows.next_logits()
    assert all("heads" not in vars(block.attention) for block in model.blocks)


@pytest.mark.parametrize(
    ("gaps", "fillers", "rows"),
    [([], [], [0, 1, 2, 3]), ([], [], [0, 1]), ([1], [3], [0, 3, 2]), ([0, 1], [3, 2], [3, 2]), ([0], [3], [3])],
)
def test_cache_goes_on_with_the_rows_that_are_kept(gaps, fillers, rows):
    cache, k = KeyValueCache(), torch.randn(4, 2, 5, 8, generator=seeded_generator(0))
    gaps, fillers = (torch.tensor(each, dtype=torch.long) for each in (gaps, fillers))
    cache.append(k[:, :, :4].clone(), -k[:, :, :4])
    cache.keep(len(rows), gaps, fillers)
    keys, values = cache.append(k[rows, :, 4:], -k[rows, :, 4:])
    assert torch.equal(keys, k[rows]) and torch.equal(values, -k[rows])


def test_cache_writes_in_place_until_it_must_grow():
    cache, k = KeyValueCache(), torch.randn(1, 2, GROWTH + 2, 4)
    cache.append(k[:, :, :2], k[:, :, :2])
    buffer = cache.buffers[0]
    cache.append(k[:, :, 2:GROWTH], k[:, :, 2:GROWTH])
    assert cache.buffers[0] is buffer  # nothing was copied
    keys, values = cache.append(k[:, :, GROWTH:], k[:, :, GROWTH:])
    assert torch.equal(keys, k) and torch.equal(values, k) and cache.length == GROWTH + 2
    assert cache.buffers[0].shape[2] == 2 * GROWTH
