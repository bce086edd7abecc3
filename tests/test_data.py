"""Batches: what is in them, in which order, and what the masks cover.

Proves: the items of any step follow from the step alone, each once per epoch; packed windows use no token twice in an
epoch and move between epochs; padding and masks agree with values worked out by hand and follow lengths, not ids.
"""

import pytest
import torch

from rlhf_lite import data

PAD, END = 0, 1


class Letters:
    """A tokenizer whose tokens are letters, a = 2, b = 3, ..., and which has no template: values can be read off."""

    pad_id, end_id = PAD, END

    def encode(self, text):
        return [ord(letter) - ord("a") + 2 for letter in text]

    def encode_batch(self, texts):
        return [self.encode(text) for text in texts]


def all_items(n_items, batch_size, n_steps, seed=0):
    return [item for step in range(n_steps) for item in data.batch_indices(step, n_items, batch_size, seed)]


@pytest.mark.parametrize(("n_items", "batch_size"), [(10, 5), (10, 4), (7, 3), (3, 8), (1, 2)])
def test_every_item_once_an_epoch_and_every_batch_full(n_items, batch_size):
    items = all_items(n_items, batch_size, n_steps=3 * n_items)  # 3 * batch_size epochs
    epochs = [items[start : start + n_items] for start in range(0, len(items), n_items)]
    assert len(epochs) == 3 * batch_size
    assert all(sorted(epoch) == list(range(n_items)) for epoch in epochs)


def test_orders_change_with_epoch_and_seed():
    first, second = (data.batch_indices(step, 50, 50, seed=0) for step in (0, 1))
    assert first != second
    assert first != data.batch_indices(0, 50, 50, seed=1)
    assert first != list(range(50))
    assert data.batch_indices(1, 50, 50, seed=0) != data.batch_indices(0, 50, 50, seed=1)  # as seed + epoch would do


def test_a_step_depends_on_nothing_but_its_number():
    torch.manual_seed(1)
    forwards = [data.batch_indices(step, 7, 3, seed=5) for step in range(20)]
    data._epoch_order.cache_clear()  # a new process
    torch.manual_seed(2)
    backwards = [data.batch_indices(step, 7, 3, seed=5) for step in reversed(range(20))]
    assert forwards == backwards[::-1]
    before = torch.get_rng_state()
    data.batch_indices(1000, 7, 3, seed=5)
    assert torch.equal(before, torch.get_rng_state())  # sampling elsewhere is not disturbed


def test_order_is_the_same_on_every_machine():
    assert data.batch_indices(0, 10, 10, seed=0) == [6, 2, 5, 8, 1, 7, 3, 0, 4, 9]


def test_without_a_seed_items_come_as_given_epoch_after_epoch():
    assert [data.batch_indices(step, 5, 3, seed=None) for step in range(3)] == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]


@pytest.mark.parametrize(("step", "n_items", "batch_size"), [(-1, 5, 2), (0, 0, 2), (0, 5, 0)])
def test_batch_indices_refuses_nonsense(step, n_items, batch_size):
    with pytest.raises(ValueError, match=f"got {step}, {n_items}, {batch_size}"):
        data.batch_indices(step, n_items, batch_size, seed=0)


def test_documents_are_joined_with_end_tokens(monkeypatch):
    monkeypatch.setattr(data, "DOCUMENTS_AT_ONCE", 2)  # so that three documents make two chunks
    tokens = data.pack_documents((text for text in ["ab", "", "c", "de"]), Letters())
    assert tokens.tolist() == [2, 3, END, 4, END, 5, 6, END]
    assert tokens.dtype == torch.int32


def test_pack_documents_messages():
    with pytest.raises(TypeError, match=r"one string; pass \[text\]"):
        data.pack_documents("abc", Letters())
    with pytest.raises(ValueError, match="at least one document"):
        data.pack_documents(["", ""], Letters())


def test_windows_of_an_epoch_are_neighbours_and_share_no_token():
    stream = torch.arange(23, dtype=torch.int32)  # 5 windows of 4, 3 tokens left over
    for epoch in range(10):
        windows = data.window_batch(stream, step=epoch, batch_size=5, sequence_length=4, seed=3)
        assert windows.shape == (5, 4) and windows.dtype == torch.long
        assert ((windows[:, 1:] - windows[:, :-1]) % 23 == 1).all()  # text in order, from the end on to the beginning
        assert windows.unique().numel() == 20


def test_windows_move_between_epochs_and_reach_every_token():
    stream = torch.arange(23, dtype=torch.int32)
    epochs = [data.window_batch(stream, step, 5, 4, seed=3) for step in range(40)]
    first_tokens = {tuple(sorted(epoch[:, 0].tolist())) for epoch in epochs}
    assert len(first_tokens) > 10  # of 23 possible offsets; 1 if the offset stood still
    assert torch.cat(epochs)[:, 1:].unique().numel() == 23  # every token is predicted, none is always a first one


def test_a_batch_over_the_end_of_an_epoch_uses_both_offsets():
    stream = torch.arange(23, dtype=torch.int32)
    whole = torch.cat([data.window_batch(stream, step, 5, 4, seed=3) for step in range(3)])
    in_threes = torch.cat([data.window_batch(stream, step, 3, 4, seed=3) for step in range(5)])
    assert torch.equal(whole, in_threes)


def test_a_stream_of_one_window():
    window = data.window_batch(torch.arange(4), 0, 2, 4, seed=0)
    assert window.sort(1).values.tolist() == [[0, 1, 2, 3]] * 2


def test_window_batch_messages():
    with pytest.raises(ValueError, match="one window needs 8 tokens but the text has only 5"):
        data.window_batch(torch.arange(5), 0, 1, 8, seed=0)
    with pytest.raises(ValueError, match=r"got \(2, 5\), 4"):
        data.window_batch(torch.zeros(2, 5), 0, 1, 4, seed=0)
    with pytest.raises(ValueError, match=r"got \(5,\), 1"):
        data.window_batch(torch.arange(5), 0, 1, 1, seed=0)


def test_padding_on_both_sides_by_hand():
    sequences = [[5, PAD, 7], [END]]  # a pad id inside a sequence is a token like any other
    tokens, lengths = data.pad_right(sequences, PAD)
    assert tokens.tolist() == [[5, 0, 7], [1, 0, 0]] and lengths.tolist() == [3, 1]
    tokens, padding_mask = data.pad_left(sequences, PAD)
    assert tokens.tolist() == [[5, 0, 7], [0, 0, 1]]
    assert padding_mask.tolist() == [[True, True, True], [False, False, True]]
    assert tokens.dtype == torch.long and padding_mask.dtype == torch.bool


@pytest.mark.parametrize("pad", [data.pad_right, data.pad_left])
def test_padding_of_tensors_and_of_nothing(pad):
    as_tensors, as_lists = pad([torch.tensor([4, 5]), torch.tensor([6])], 9), pad([[4, 5], [6]], 9)
    assert all(torch.equal(one, other) for one, other in zip(as_tensors, as_lists, strict=True))
    with pytest.raises(ValueError, match=r"got lengths \[2, 0\]"):
        pad([[1, 2], []], PAD)
    with pytest.raises(ValueError, match=r"got lengths \[\]"):
        pad([], PAD)


def test_masks_by_hand():
    lengths, prompt_lengths = torch.tensor([3, 0, 4]), torch.tensor([1, 0, 4])
    assert data.lengths_to_mask(lengths, 4).int().tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    mask = data.response_mask_from(prompt_lengths, lengths, 4)
    assert mask.int().tolist() == [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert mask.dtype == torch.bool


def test_masks_refuse_lengths_that_do_not_fit():
    with pytest.raises(ValueError, match=r"between 0 and T = 2, got \[3\]"):
        data.lengths_to_mask(torch.tensor([3]), 2)
    with pytest.raises(ValueError, match=r"prompts of \[3\] tokens do not fit in rows of \[2\]"):
        data.response_mask_from(torch.tensor([3]), torch.tensor([2]), 4)
