"""Plausible wrong attempts at the exercises in `exercises_encoding`, each to be refused with a hint of its own."""

from itertools import pairwise
from math import log

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


WRONG = {
    "encode_word": (_leftmost_pair, _latest_learnt, _merges_nothing, _one_merge, _from_the_right, _longest_match),
    "show_stream": (
        _each_alone, _throws_parts_away, _all_so_far, _one_text, _strict, _waits_for_all, _only_the_last_token_waits,
    ),
    "bits_per_byte": (
        _no_minus, _nats, _per_token, _nats_per_token, _mean_over_bytes, _multiplies, _with_padding, _whole_text,
    ),
}  # fmt: skip
