"""Attempts at the exercises in `exercises_encoding`: wrong ones, each refused with a hint of its own, and right ones."""

import codecs
from itertools import pairwise
from math import log

import numpy as np
import torch

from rlhf_lite.course.lesson_02.exercises import merge_pair
from rlhf_lite.course.lesson_02.exercises_encoding import bits_per_byte, encode_word


def _leftmost_pair(ids, merges):
    while fitting := [pair for pair in pairwise(ids) if pair in merges]:
        ids = merge_pair(ids, fitting[0], merges[fitting[0]])
    return ids


def _latest_learnt(ids, merges):
    while fitting := [pair for pair in pairwise(ids) if pair in merges]:
        pair = max(fitting, key=merges.get)
        ids = merge_pair(ids, pair, merges[pair])
    return ids


def _merges_nothing(ids, merges):
    return ids


def _one_merge(ids, merges):
    fitting = sorted((merges[pair], pair) for pair in pairwise(ids) if pair in merges)
    return merge_pair(ids, fitting[0][1], fitting[0][0]) if fitting else ids


def _from_the_right(ids, merges):
    while fitting := [pair for pair in pairwise(ids) if pair in merges]:
        pair = min(fitting, key=merges.get)
        i = len(ids) - 2 - list(pairwise(ids))[::-1].index(pair)
        ids = [*ids[:i], merges[pair], *ids[i + 2 :]]
    return ids


def _longest_match(ids, merges):
    """The fewest tokens, whatever the order: right in the first two cases, wrong in the third."""
    spelled = {new: pair for pair, new in merges.items()}

    def spell(i):
        return [part for each in spelled[i] for part in spell(each)] if i in spelled else [i]

    for new in sorted(spelled, key=lambda i: -len(spell(i))):
        if spell(new) == ids:
            return [new]
    return encode_word(ids, merges)


def _in_the_dictionary_s_order(ids, merges):
    for pair, new in merges.items():
        ids = merge_pair(ids, pair, new)
    return ids


def _either_order(ids, merges):
    return encode_word(ids, {pair[::-1]: new for pair, new in merges.items()} | merges)


def _most_frequent_in_the_word(ids, merges):
    while fitting := [pair for pair in pairwise(ids) if pair in merges]:
        pair = max(fitting, key=lambda pair: (fitting.count(pair), -merges[pair]))
        ids = merge_pair(ids, pair, merges[pair])
    return ids


def _one_pass_in_learnt_order(ids, merges):
    """The same, since a merge's parts were learnt before it."""
    for new, pair in sorted((new, pair) for pair, new in merges.items()):
        ids = merge_pair(ids, pair, new)
    return tuple(ids)


def _by_places(ids, merges):
    while places := [(merges[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in merges]:
        new, i = min(places)
        ids = [*ids[:i], new, *ids[i + 2 :]]
    return torch.tensor(ids)


def _each_alone(pieces):
    return [piece.decode(errors="replace") for piece in pieces]


def _throws_parts_away(pieces):
    return [piece.decode(errors="ignore") for piece in pieces]


def _all_so_far(pieces):
    return [b"".join(pieces[: n + 1]).decode(errors="ignore") if _whole(pieces[: n + 1]) else "" for n in range(len(pieces))]


def _whole(pieces):
    try:
        return b"".join(pieces).decode() is not None
    except UnicodeDecodeError:
        return False


def _one_text(pieces):
    return [b"".join(pieces).decode()]


def _strict(pieces):
    return [piece.decode() for piece in pieces]


def _waits_for_all(pieces):
    shown, waiting = [], b""
    for piece in pieces:
        waiting += piece
        shown.append(waiting.decode() if _whole([waiting]) else "")
        waiting = b"" if shown[-1] else waiting
    return shown


def _only_the_last_token_waits(pieces):
    shown, last = [], b""
    for piece in pieces:
        both = last + piece
        shown.append(both.decode() if _whole([both]) else "")
        last = b"" if shown[-1] else piece
    return shown


def _holds_back(most):
    """Give an attempt that holds back at most so many bytes of a character's beginning."""

    def attempt(pieces):
        shown, waiting = [], b""
        for piece in pieces:
            waiting += piece
            cut = next((len(waiting) - n for n in range(most + 1) if _whole([waiting[: len(waiting) - n]])), 0)
            shown.append(waiting[:cut].decode())
            waiting = waiting[cut:]
        return shown

    return attempt


def _by_what_is_new(pieces):
    texts = ["", *(b"".join(pieces[: n + 1]).decode(errors="ignore") for n in range(len(pieces)))]
    return tuple(after[len(before) :] for before, after in pairwise(texts))


def _by_a_decoder(pieces):
    decoder = codecs.getincrementaldecoder("utf-8")()
    return np.array([decoder.decode(piece) for piece in pieces])


def _no_minus(log_probs, mask, n_bytes):
    return -bits_per_byte(log_probs, mask, n_bytes)


def _nats(log_probs, mask, n_bytes):
    return bits_per_byte(log_probs, mask, n_bytes) * log(2)


def _per_token(log_probs, mask, n_bytes):
    return bits_per_byte(log_probs, mask, n_bytes) * n_bytes / int(mask.sum())


def _nats_per_token(log_probs, mask, n_bytes):
    return -log_probs[mask].mean()


def _mean_over_bytes(log_probs, mask, n_bytes):
    return -log_probs[mask].mean() / log(2) / n_bytes


def _multiplies(log_probs, mask, n_bytes):
    return -log_probs[mask].sum() * log(2) / n_bytes


def _with_padding(log_probs, mask, n_bytes):
    return -log_probs.sum() / log(2) / n_bytes


def _whole_text(log_probs, mask, n_bytes):
    return -log_probs[mask].sum() / log(2)


def _rounds(log_probs, mask, n_bytes):
    return round(bits_per_byte(log_probs, mask, n_bytes), 1)


def _row_by_row(log_probs, mask, n_bytes):
    tokens = mask.sum(1)
    return ((-log_probs * mask).sum(1) / tokens * tokens).sum() / log(2) / n_bytes


def _with_weights(log_probs, mask, n_bytes):
    return -(log_probs * mask).sum() / log(2) / n_bytes


def _token_by_token(log_probs, mask, n_bytes):
    real = zip(log_probs.numpy()[mask.numpy()], strict=True)
    return sum(-np.log2(np.exp(np.float64(value))) for (value,) in real) / n_bytes


WRONG = {
    "encode_word": (
        _leftmost_pair, _latest_learnt, _merges_nothing, _one_merge, _from_the_right, _longest_match,
        _in_the_dictionary_s_order, _either_order, _most_frequent_in_the_word,
    ),
    "show_stream": (
        _each_alone, _throws_parts_away, _all_so_far, _one_text, _strict, _waits_for_all, _only_the_last_token_waits,
        _holds_back(1), _holds_back(2),
    ),
    "bits_per_byte": (
        _no_minus, _nats, _per_token, _nats_per_token, _mean_over_bytes, _multiplies, _with_padding, _whole_text,
        _rounds, _row_by_row,
    ),
}  # fmt: skip
RIGHT = {
    "encode_word": (_one_pass_in_learnt_order, _by_places),
    "show_stream": (_by_what_is_new, _by_a_decoder, _holds_back(3)),
    "bits_per_byte": (_with_weights, _token_by_token),
}
