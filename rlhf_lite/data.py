"""From texts to tensors: packed documents, windows, padded batches and their masks.

Pretraining reads windows of one long stream of tokens, later stages the rows of `records`. Two rules hold here:

1. Masks are made from lengths, never by looking for the pad or end id: a prompt may contain either.
2. The position of a loader is one integer, the step. `batch_indices` is a pure function of it, so a run that stops
   and goes on sees the batches it would have seen, and a checkpoint stores nothing about its data but that integer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from rlhf_lite.tokenizer import Tokenizer

DOCUMENTS_AT_ONCE = 1024  # encoded together: enough to keep the tokenizer's threads busy, little enough for memory


def seeded_generator(*parts: int | str) -> torch.Generator:
    """Make a generator whose seed is a hash of all parts, so that (1, 2) and (2, 1) give unrelated streams."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))  # torch's CPU generator reads 32 bits


@lru_cache(maxsize=8)  # asked for at every step; a few loaders run side by side, each near one epoch
def _epoch_order(n_items: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n_items, generator=seeded_generator("order", seed, epoch))


def _epochs_and_items(step: int, n_items: int, batch_size: int, seed: int | None) -> list[tuple[int, int]]:
    if step < 0 or n_items < 1 or batch_size < 1:
        raise ValueError(f"expected step >= 0, n_items >= 1 and batch_size >= 1; got {step}, {n_items}, {batch_size}")
    places = (divmod(place, n_items) for place in range(step * batch_size, (step + 1) * batch_size))
    if seed is None:
        return list(places)
    return [(epoch, int(_epoch_order(n_items, seed, epoch)[place])) for epoch, place in places]


def batch_indices(step: int, n_items: int, batch_size: int, seed: int | None) -> list[int]:
    """Choose the items of one step; every item comes once per epoch, in a new random order or, if seed is None, as given.

    The epochs stand in one endless row and a batch is the next `batch_size` places of it, so every batch is full: where
    an epoch ends in the middle of a batch, the next one fills it up. With 3 items and batches of 2, and the orders
    (2, 0, 1) and (1, 2, 0) for the first two epochs:

        step 0: [2, 0]    step 1: [1, 1]    step 2: [2, 0]

    Raises: ValueError if `step` is negative, or there are no items or an empty batch.
    """
    return [item for _, item in _epochs_and_items(step, n_items, batch_size, seed)]


def pack_documents(documents: Iterable[str], tokenizer: Tokenizer) -> Tensor:
    """Join documents into one stream of tokens, each followed by the end token; empty documents are left out.

    With one token per letter and 0 as end token, `["ab", "c"]` gives `[a, b, 0, c, 0]`. A window of the stream may hold
    the end of one text and the beginning of the next, with no mask between them: the end token tells them apart.

    Shapes: returns (n_tokens,) int32, half the memory of long.
    Raises: TypeError if given one string; ValueError if there is no text at all.
    Source: GPT-3 (Brown et al. 2020), appendix B.
    """
    if isinstance(documents, str):
        raise TypeError("expected an iterable of documents, got one string; pass [text] for a single document")
    waiting, parts = (text for text in documents if text), []
    while chunk := list(islice(waiting, DOCUMENTS_AT_ONCE)):
        flat = [token for ids in tokenizer.encode_batch(chunk) for token in (*ids, tokenizer.end_id)]
        parts.append(torch.tensor(flat, dtype=torch.int32))
    if not parts:
        raise ValueError("expected at least one document with text, got none")
    return torch.cat(parts)


def window_batch(
    tokens: Tensor, step: int, batch_size: int, sequence_length: int, seed: int, *, starts: Tensor | None = None
) -> Tensor:
    """Cut the windows of one step out of a packed stream.

    An epoch cuts the stream into neighbouring windows, so no token comes twice in it; the few left over (fewer than
    `sequence_length`) are others each epoch, because each begins to cut at a random place and counts on from the end
    to the beginning. So every token is predicted in most epochs: which ones stand first in a window, where nothing predicts
    them, changes.

    With `starts`, the places at which documents begin, every window moves on to the next of these, so that what a text asks
    about stands before the question, in the window. A few tokens then come twice in an epoch, and a few not at all.

    Shapes: tokens (n_tokens,), starts (n_documents,), sorted; returns (B, T) long, B = `batch_size`, T = `sequence_length`.
    Raises: ValueError if the stream is not 1-D, is shorter than one window, or a window has fewer than 2 tokens.
    """
    n_tokens = tokens.numel()
    if tokens.dim() != 1 or sequence_length < 2:
        raise ValueError(f"expected 1-D tokens and sequence_length >= 2; got {tuple(tokens.shape)}, {sequence_length}")
    if n_tokens < sequence_length:
        raise ValueError(
            f"one window needs {sequence_length} tokens but the text has only {n_tokens}; "
            "give more text or a smaller sequence_length"
        )
    chosen = _epochs_and_items(step, n_tokens // sequence_length, batch_size, seed)
    begins = torch.tensor([_epoch_offset(n_tokens, seed, epoch) + item * sequence_length for epoch, item in chosen])
    if starts is not None:
        begins = starts[torch.searchsorted(starts, begins % n_tokens) % len(starts)]  # after the last comes the first
    places = (begins[:, None] + torch.arange(sequence_length)) % n_tokens  # (B, T)
    # index_select and not tokens[places], which starts threads for this little and can wait for them for 10 ms
    return tokens.index_select(0, places.flatten()).view(places.shape).long()


def document_starts(tokens: Tensor, end_id: int) -> Tensor:
    """Find where documents begin in a packed stream, in which each ends with `end_id`: (n_tokens,) -> (n_documents,)."""
    starts = F.pad((tokens == end_id).nonzero()[:, 0] + 1, (1, 0))
    return starts[starts < len(tokens)]


@lru_cache(maxsize=8)
def _epoch_offset(n_tokens: int, seed: int, epoch: int) -> int:
    return int(torch.randint(n_tokens, (1,), generator=seeded_generator("offset", seed, epoch)))


def _check_sequences(sequences: Sequence[Sequence[int]]) -> list[int]:
    lengths = [len(ids) for ids in sequences]
    if not lengths or min(lengths) == 0:
        raise ValueError(f"expected at least one sequence and none of them empty; got lengths {lengths}")
    return lengths


def pad_right(sequences: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Stack sequences, filling up on the right: for training, where each row starts at position 0.

    `pad_right([[5, 6, 7], [8]], pad_id=0)` gives tokens `[[5, 6, 7], [8, 0, 0]]` and lengths `[3, 1]`.

    Shapes: returns tokens (B, T) long and lengths (B,) long.
    Raises: ValueError if there is no sequence or an empty one.
    """
    lengths = _check_sequences(sequences)
    tokens = torch.full((len(lengths), max(lengths)), pad_id, dtype=torch.long)
    for row, ids in enumerate(sequences):
        tokens[row, : lengths[row]] = torch.as_tensor(ids, dtype=torch.long)
    return tokens, torch.tensor(lengths)


def pad_left(sequences: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Stack sequences, filling up on the left: for sampling, where all rows must end at the same position.

    `pad_left([[5, 6, 7], [8]], pad_id=0)` gives tokens `[[5, 6, 7], [0, 0, 8]]` and the mask `[[T, T, T], [F, F, T]]`.

    Shapes: returns tokens (B, T) long and padding_mask (B, T) bool, True = a real token.
    Raises: ValueError if there is no sequence or an empty one.
    """
    lengths = _check_sequences(sequences)
    tokens = torch.full((len(lengths), max(lengths)), pad_id, dtype=torch.long)
    for row, ids in enumerate(sequences):
        tokens[row, -lengths[row] :] = torch.as_tensor(ids, dtype=torch.long)
    return tokens, lengths_to_mask(torch.tensor(lengths), max(lengths)).flip(1)


def lengths_to_mask(lengths: Tensor, T: int) -> Tensor:
    """Mark the first `lengths` positions of each row: `lengths_to_mask([2, 1], 3)` is `[[T, T, F], [T, F, F]]`.

    Shapes: lengths (B,); returns (B, T) bool.
    Raises: ValueError if a length is negative or more than T.
    """
    if ((lengths < 0) | (lengths > T)).any():
        raise ValueError(f"expected lengths between 0 and T = {T}, got {lengths.tolist()}")
    return torch.arange(T, device=lengths.device) < lengths[:, None]


def response_mask_from(prompt_lengths: Tensor, lengths: Tensor, T: int) -> Tensor:
    """Mark the response: from the end of the prompt to the end of the row's real tokens.

    Prompt of 2 tokens, 4 real tokens, T = 5: `[F, F, T, T, F]`.

    Shapes: prompt_lengths (B,), lengths (B,), prompt included; returns (B, T) bool.
    Raises: ValueError if a prompt is longer than its row, or a row than T.
    """
    if (prompt_lengths > lengths).any():
        raise ValueError(f"prompts of {prompt_lengths.tolist()} tokens do not fit in rows of {lengths.tolist()}")
    return lengths_to_mask(lengths, T) & ~lengths_to_mask(prompt_lengths, T)


