"""Exercises of lesson 02 on encoding, on text that arrives token by token, and on bits per byte."""

from itertools import pairwise
from math import log

import torch
from torch import Tensor

from ..checks import Case, Exercise


def encode_word(ids: list[int], merges: dict[tuple[int, int], int]) -> list[int]:
    """Return a word's bytes after all merges that fit: always the one that was learnt earliest, the leftmost place first."""
    ids = list(ids)
    while fitting := [pair for pair in pairwise(ids) if pair in merges]:
        earliest = min(fitting, key=merges.get)
        i = list(pairwise(ids)).index(earliest)
        ids[i : i + 2] = [merges[earliest]]
    return ids


def show_stream(pieces: list[bytes]) -> list[str]:
    """Return what can be shown after each token: the characters that are complete by then and were not shown before."""
    shown, waiting = [], b""
    for piece in pieces:
        waiting += piece
        text = waiting.decode("utf-8", errors="ignore")  # leaves out the beginning of a character
        shown.append(text)
        waiting = waiting[len(text.encode("utf-8")) :]
    return shown


def bits_per_byte(log_probs: Tensor, mask: Tensor, n_bytes: int) -> float:
    """Return the surprise at all real tokens, in bits, divided by the bytes of the text."""
    nats = -log_probs[mask].sum()
    return (nats / log(2) / n_bytes).item()


_LATE_FIRST = {(1, 2): 300, (3, 4): 301, (2, 3): 302, (300, 301): 303}
_LOG_PROBS = torch.tensor([[0.5, 0.25, 0.125], [0.25, 0.5, 0.1]]).log()
_MASK = torch.tensor([[True, True, True], [True, False, False]])
_NATS = 8 * log(2)  # 1 + 2 + 3 + 2 bits

EXERCISES = (
    Exercise(
        solution=encode_word,
        cases=(
            Case(
                arguments=([5, 6, 7, 8], {(7, 8): 256, (5, 6): 257, (6, 7): 258}), expected=[257, 256],
                hint="three merges fit; (7, 8) was learnt first: its new id is the smallest. Then go on",
                mistakes=(
                    ([5, 258, 8], "(6, 7) was learnt last: take the fitting pair with the smallest new id, not the largest"),
                    ([5, 6, 7, 8], "nothing was merged: look up each pair of neighbours in merges"),
                    ([5, 6, 256], "one merge is not enough: go on until no pair fits"),
                ),
            ),
            Case(
                arguments=([5, 6, 7], {(6, 7): 256, (5, 6): 257}), expected=[5, 256],
                hint="two merges fit; (6, 7) was learnt first",
                mistakes=(
                    ([257, 7], "(5, 6) stands further left but was learnt later: take the fitting pair with the smallest new id"),
                ),
            ),
            Case(
                arguments=([1, 2, 3, 4], _LATE_FIRST), expected=[303],
                hint="go on until no pair of neighbours is in merges: new ids can be merged again",
                mistakes=(
                    ([300, 301], "go on: 300 and 301 are a pair that merges too"),
                ),
            ),
            Case(
                arguments=([9, 8, 7, 6], {(8, 7): 256, (9, 256): 257, (7, 6): 258, (9, 8): 259, (259, 258): 260}),
                expected=[257, 6],
                hint="(8, 7) first, since it was learnt first; then (9, 256)",
                mistakes=(
                    ([260], "the longest token is not what counts: (8, 7) was learnt first, and then 260 cannot arise"),
                    ([259, 258], "(9, 8) was learnt after (8, 7): do not go from left to right"),
                ),
            ),
            Case(
                arguments=([3, 3, 3], {(3, 3): 256}), expected=[256, 3],
                hint="where the same pair fits in two places, the left one is merged first",
                mistakes=(([3, 256], "where the same pair fits in two places, the left one is merged first"),),
            ),
            Case(arguments=([5], {(5, 5): 256}), expected=[5], hint="a single byte has no pair: it stays as it is"),
            Case(
                arguments=([5, 6, 7], {(5, 6): 257, (6, 7): 256}), expected=[5, 256],
                hint="(6, 7) was learnt first: its new id is the smallest",
                mistakes=(([257, 7], "the smallest new id tells what was learnt first, not the place in the dictionary"),),
            ),
            Case(
                arguments=([1, 2, 3, 1, 2], {(2, 3): 256, (1, 2): 257}), expected=[1, 256, 257],
                hint="(2, 3) was learnt first; after that one (1, 2) is left",
                mistakes=(([257, 3, 257], "how often a pair comes in this word does not count: (2, 3) was learnt first"),),
            ),
            Case(
                arguments=([2, 1, 2, 1, 2], {(1, 2): 256}), expected=[2, 256, 256],
                hint="(1, 2) fits twice: merge both, and keep both",
                mistakes=(([256, 256, 2], "the order counts: (2, 1) is another pair than (1, 2)"),),
            ),
        ),
    ),
    Exercise(
        solution=show_stream,
        cases=(
            Case(
                arguments=([b"I ", b"\xe6", b"\xb1\xa4", b"!"],), expected=["I ", "", "汤", "!"],
                hint="keep bytes that are not yet a character, and put the next token's bytes behind them",
                mistakes=(
                    (["I ", "\ufffd", "\ufffd\ufffd", "!"], "decode a token only together with the bytes that are still waiting"),
                    (["I ", "\ufffd", "\ufffd", "!"], "decode a token only together with the bytes that are still waiting"),
                    (["I ", "", "", "!"], "the parts of 汤 are thrown away: keep them until the character is complete"),
                    (["I ", "", "I 汤", "I 汤!"], "return only what is new after each token"),
                    (["I ", "I ", "I 汤", "I 汤!"], "return only what is new after each token"),
                    (["I 汤!"], "return one text per token, an empty one where nothing can be shown yet"),
                    (["I ", "汤", "!"], "return one text per token, an empty one where nothing can be shown yet"),
                    (UnicodeDecodeError, "a token may end in the middle of a character: catch the error and wait for more bytes"),
                ),
            ),
            Case(
                arguments=([b"\xf0\x9f", b"\x98", b"\x80", b"a", b"\xc3", b"\xa9"],), expected=["", "", "😀", "a", "", "é"],
                hint="several tokens in a row may be incomplete: add each to what is waiting",
                mistakes=(
                    (["", "", "", "a", "", "é"], "three tokens make this emoji: keep all bytes that wait"),
                    (["", "", "😀", "😀a", "", "é"], "what was shown must not wait any longer: empty it"),
                ),
            ),
            Case(
                arguments=([b"a \xe6", b"\xb1\xa4."],), expected=["a ", "汤."],
                hint="a token may hold whole characters and the beginning of the next: show the whole ones at once",
                mistakes=(
                    (["", "a 汤."], "the first token holds two whole characters: show them at once"),
                    (["a ", "."], "keep the byte that is left over at the end of a token: it begins the next character"),
                ),
            ),
            Case(
                arguments=([b"Hi \xf0\x9f\x98", b"\x80\xe6\xb1", b"\xa4"],), expected=["Hi ", "😀", "汤"],
                hint="hold back every byte of the beginning of a character, and nothing else",
                mistakes=(
                    (["", "Hi 😀", "汤"], "a beginning may have three bytes: hold back as many as needed"),
                    (["", "", "Hi 😀汤"], "a beginning may have two or three bytes: hold back as many as needed"),
                ),
            ),
            Case(arguments=([],), expected=[], hint="no token, nothing to show"),
        ),
    ),
    Exercise(
        solution=bits_per_byte,
        cases=(
            Case(
                arguments=(_LOG_PROBS, _MASK, 16), expected=0.5,
                hint="sum the surprises -log_probs where the mask is True, divide by log(2), then by the bytes",
                mistakes=(
                    (-0.5, "the surprise is minus the log-probability"),
                    (_NATS / 16, "this is nats per byte: divide by log(2) to get bits"),
                    (2.0, "this is bits per token: divide the sum by n_bytes, not by the number of tokens"),
                    (2 * log(2), "this is nats per token: divide the sum by log(2) and by n_bytes"),
                    (0.125, "take the sum of the surprises, not their mean, before you divide by the bytes"),
                    (_NATS * log(2) / 16, "divide by log(2), do not multiply: a bit is less than a nat"),
                    (-_LOG_PROBS.sum().item() / log(2) / 16, "leave out the padding: only where the mask is True"),
                    (8.0, "these are the bits of the whole text: divide by n_bytes"),
                ),
            ),
            Case(
                arguments=(torch.tensor([[1.0, 1 / 64]]).log(), torch.tensor([[True, True]]), 3), expected=2.0,
                hint="0 bits and 6 bits, over 3 bytes",
            ),
            Case(
                arguments=(torch.tensor([[0.5, 0.25], [0.3, 0.9]]).log(), torch.tensor([[True, True], [False, False]]), 7),
                expected=3 / 7, hint="1 bit and 2 bits, over 7 bytes: sum all real tokens at once, since a row may hold none",
                mistakes=((0.4, "do not round"), (0.43, "do not round")),
            ),
            Case(
                arguments=(torch.tensor([[1 / 2, 1 / 8]]).log(), torch.tensor([[True, True]]), 2), expected=2.0,
                hint="1 bit and 3 bits, over 2 bytes",
            ),
        ),
    ),
)  # fmt: skip
