"""Plausible wrong attempts at the exercises in `exercises_text`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import log

import torch

from rlhf_lite.course.lesson_06.exercises_text import pack_windows, reference_lines, times_read


def _tokens_only(weights, sizes, total):
    return [total * weight / sum(weights) for weight in weights]


def _no_weights(weights, sizes, total):
    return [total / size for size in sizes]


def _by_size(weights, sizes, total):
    return [total / sum(sizes)] * len(sizes)


def _upside_down(weights, sizes, total):
    return [1 / epochs for epochs in times_read(weights, sizes, total)]


def _weights_as_they_are(weights, sizes, total):
    return [total * weight / size for weight, size in zip(weights, sizes)]


def _weights_as_per_cent(weights, sizes, total):
    share = 1 if sum(weights) < 2 else 100
    return [total * weight / share / size for weight, size in zip(weights, sizes)]


def _whole_epochs(weights, sizes, total):
    return [int(epochs) for epochs in times_read(weights, sizes, total)]


def _cut(stream, length):
    n = len(stream) // length
    return [stream[i * length : (i + 1) * length] for i in range(n)], stream[n * length :]


def _no_end_tokens(documents, end_id, length):
    return _cut([token for document in documents for token in document], length)


def _end_between_only(documents, end_id, length):
    stream = [token for document in documents if document for token in [*document, end_id]]
    return _cut(stream[:-1], length)


def _end_before(documents, end_id, length):
    return _cut([token for document in documents if document for token in [end_id, *document]], length)


def _short_last_window(documents, end_id, length):
    windows, rest = pack_windows(documents, end_id, length)
    return ([*windows, rest] if rest else windows), []


def _padded(documents, end_id, length):
    windows, rest = pack_windows(documents, end_id, length)
    return [*windows, rest + [end_id] * (length - len(rest))], []


def _overlapping(documents, end_id, length):
    stream = [token for document in documents if document for token in [*document, end_id]]
    return [stream[i : i + length] for i in range(len(stream) - length + 1)], []


def _windows_only(documents, end_id, length):
    return pack_windows(documents, end_id, length)[0]


def _ends_of_empty_ones(documents, end_id, length):
    return _cut([token for document in documents for token in [*document, end_id]], length)


def _zero_ends(documents, end_id, length):
    return pack_windows(documents, 0, length)


def _last_full_window_lost(documents, end_id, length):
    stream = [token for document in documents if document for token in [*document, end_id]]
    windows = [stream[i : i + length] for i in range(0, len(stream) - length, length)]
    return windows, stream[len(windows) * length :]


def _pairs_of(tokens, vocab_size):
    pairs = torch.bincount(tokens[:-1] * vocab_size + tokens[1:], minlength=vocab_size**2).double()
    return pairs.view(vocab_size, vocab_size)


def _entropy_of_pairs(tokens, vocab_size):
    pairs = _pairs_of(tokens, vocab_size)
    return [*reference_lines(tokens, vocab_size)[:2], torch.special.entr(pairs / pairs.sum()).sum()]


def _rows_alike(tokens, vocab_size):
    pairs = _pairs_of(tokens, vocab_size)
    given = pairs / pairs.sum(1, keepdim=True).clamp(min=1)
    return [*reference_lines(tokens, vocab_size)[:2], torch.special.entr(given).sum(1).mean()]


def _rows_added(tokens, vocab_size):
    pairs = _pairs_of(tokens, vocab_size)
    given = pairs / pairs.sum(1, keepdim=True).clamp(min=1)
    return [*reference_lines(tokens, vocab_size)[:2], torch.special.entr(given).sum()]


def _bits(tokens, vocab_size):
    return [line / log(2) for line in reference_lines(tokens, vocab_size)]


def _no_minus(tokens, vocab_size):
    uniform, unigram, bigram = reference_lines(tokens, vocab_size)
    return [uniform, -unigram, -bigram]


def _swapped(tokens, vocab_size):
    uniform, unigram, bigram = reference_lines(tokens, vocab_size)
    return [uniform, bigram, unigram]


def _zero_times_log_zero(tokens, vocab_size):
    pairs = _pairs_of(tokens, vocab_size)
    given = pairs / pairs.sum(1, keepdim=True)
    return [*reference_lines(tokens, vocab_size)[:2], -(pairs / pairs.sum() * given.log()).sum()]


def _tokens_seen(tokens, vocab_size):
    return [log(len(tokens.unique())), *reference_lines(tokens, vocab_size)[1:]]


def _rows_by_what_comes_after(tokens, vocab_size):
    pairs = _pairs_of(tokens, vocab_size)
    given = pairs / pairs.sum(1, keepdim=True).clamp(min=1)
    bigram = (pairs.sum(0) / pairs.sum()) @ torch.special.entr(given).sum(1)
    return [*reference_lines(tokens, vocab_size)[:2], bigram]


WRONG = {
    "times_read": (_tokens_only, _no_weights, _by_size, _upside_down, _weights_as_they_are, _weights_as_per_cent, _whole_epochs),
    "pack_windows": (
        _no_end_tokens, _end_between_only, _end_before, _short_last_window, _padded, _overlapping, _windows_only,
        _ends_of_empty_ones, _zero_ends, _last_full_window_lost,
    ),
    "reference_lines": (
        _entropy_of_pairs, _rows_alike, _rows_added, _bits, _no_minus, _swapped, _zero_times_log_zero, _tokens_seen,
        _rows_by_what_comes_after,
    ),
}  # fmt: skip
