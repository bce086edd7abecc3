"""Exercises of lesson 06 on text: how often each source is read, packing, and what counting alone can reach."""

from math import log

import torch
from torch import Tensor

from ..checks import Case, Exercise


def times_read(weights: list[float], sizes: list[float], total: float) -> list[float]:
    """Return how often each source is read, where `total` tokens are drawn by weight; weights need not add up to 1."""
    return [total * weight / sum(weights) / size for weight, size in zip(weights, sizes)]


def pack_windows(documents: list[list[int]], end_id: int, length: int) -> tuple[list[list[int]], list[int]]:
    """Return the windows of `length` tokens, and the tokens left over, of all documents, each followed by the end token."""
    stream = [token for document in documents if document for token in [*document, end_id]]
    n_windows = len(stream) // length
    windows = [stream[i * length : (i + 1) * length] for i in range(n_windows)]
    return windows, stream[n_windows * length :]


def reference_lines(tokens: Tensor, vocab_size: int) -> list[float]:
    """Return ln V, the entropy of single tokens, and the entropy of a token given the one before it, in nats."""
    counts = torch.bincount(tokens, minlength=vocab_size).double()
    unigram = torch.special.entr(counts / counts.sum()).sum()
    pairs = torch.bincount(tokens[:-1] * vocab_size + tokens[1:], minlength=vocab_size**2).double()
    pairs = pairs.view(vocab_size, vocab_size)  # row: the token before, column: the next one
    rows = pairs.sum(1)
    given = pairs / rows[:, None].clamp(min=1)
    bigram = (rows / rows.sum()) @ torch.special.entr(given).sum(1)
    return [log(vocab_size), unigram.item(), bigram.item()]


_ALTERNATING = torch.tensor([0, 1, 0, 1, 0, 2, 0, 1, 0])
"""0 is followed by 1, 1, 2, 1; 1 and 2 always by 0."""
_HALVES = 0.75 * log(4 / 3) + 0.25 * log(4)
_SINGLE = 5 / 9 * log(9 / 5) + 3 / 9 * log(3) + 1 / 9 * log(9)
_GIVEN = 4 / 8 * _HALVES
_PAIRS = 3 / 8 * log(8 / 3) * 2 + 2 / 8 * log(8)
"""Entropy of whole pairs: 0 1 and 1 0 three times each, 0 2 and 2 0 once each, of 8."""

EXERCISES = (
    Exercise(
        solution=times_read,
        cases=(
            Case(
                arguments=([0.75, 0.25], [300.0, 10.0], 40.0), expected=[0.1, 1.0],
                hint="total * weight tokens are drawn from a source; divide them by its size",
                mistakes=(
                    ([30.0, 10.0], "these are the tokens drawn from each source; divide by its size"),
                    ([40 / 300, 4.0], "only total * weight tokens are drawn from each source"),
                    ([10.0, 1.0], "the other way round: tokens drawn, divided by tokens there are"),
                    ([40 / 310, 40 / 310], "this draws in proportion to size; the weights decide"),
                    ([0, 1], "a source may be read in part: do not cut with // or int"),
                ),
            ),
            Case(
                arguments=([60, 30, 30], [10.0, 20.0, 60.0], 240.0), expected=[12.0, 3.0, 1.0],
                hint="weights are shares of their sum: 60 of 120 is one half",
                mistakes=(
                    ([1440.0, 360.0, 120.0], "weights need not add up to 1: divide each by their sum"),
                    ([14.4, 3.6, 1.2], "these weights add up to 120, not to 100: divide by their sum"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=pack_windows,
        cases=(
            Case(
                arguments=([[5, 6], [7]], 0, 2), expected=[[[5, 6], [0, 7]], [0]],
                hint="the stream is 5 6 0 7 0; cut it every 2 tokens",
                mistakes=(
                    ([[[5, 6]], [7]], "the end tokens are missing: one after each document"),
                    ([[[5, 6], [0, 7]], []], "the last document ends too: one more end token"),
                    ([[[5, 6], [0, 7], [0]], []], "a window has `length` tokens; return what is left over beside the windows"),
                    ([[[0, 5], [6, 0]], [7]], "the end token stands after each document, not before it"),
                    ([[[5, 6], [0, 7], [0, 0]], []], "do not pad: what is left over is returned beside the windows"),
                    ([[[5, 6], [7, 0]], [0]], "do not begin anew with each document: the stream is cut wherever it falls"),
                    ([[[5, 6], [7, 0]], []], "this is padding, a row per document; packing has one stream"),
                    ([[[5, 6], [6, 0], [0, 7], [7, 0]], []], "windows are neighbours and do not overlap: go on by `length`"),
                    ([[5, 6], [0, 7]], "return the pair: the windows, and the tokens left over"),
                ),
            ),
            Case(
                arguments=([[4], [], [3, 2, 8, 1]], 9, 7), expected=[[[4, 9, 3, 2, 8, 1, 9]], []],
                hint="an empty document gives nothing, not even an end token; here nothing is left over",
                mistakes=(
                    ([[[4, 9, 9, 3, 2, 8, 1]], [9]], "leave empty documents out, with their end token"),
                    ([[], [4, 9, 3, 2, 8, 1, 9]], "the last window is full: range(0, len(stream) - length + 1, length)"),
                    ([[[4, 0, 3, 2, 8, 1, 0]], []], "the end token is end_id, 9 here"),
                ),
            ),
            Case(
                arguments=([[1, 1, 1]], 2, 6), expected=[[], [1, 1, 1, 2]],
                hint="4 tokens do not fill a window of 6: no window, all are left over",
            ),
        ),
    ),
    Exercise(
        solution=reference_lines,
        cases=(
            Case(
                arguments=(_ALTERNATING, 3), expected=[log(3), _SINGLE, _GIVEN],
                hint="shares of 0, 1, 2: 5/9, 3/9, 1/9; half of all pairs begin with 0, and only there the next token is open. "
                "Where you get nan: 0 * log(0) is not a number, and torch.special.entr gives 0 there",
                mistakes=(
                    ([log(3), _SINGLE, _PAIRS], "the third is the entropy of whole pairs: take off what the first token "
                     "of a pair costs, or use shares within each row"),
                    ([log(3), _SINGLE, _HALVES / 3], "weigh each row by how often its token comes before another one"),
                    ([log(3), _SINGLE, _HALVES], "sum over rows with weights: rows 1 and 2 are certain, and half of all pairs"),
                    ([log(3) / log(2), _SINGLE / log(2), _GIVEN / log(2)], "these are bits; nats need the natural logarithm"),
                    ([-log(3), -_SINGLE, -_GIVEN], "an entropy is the mean of minus a logarithm"),
                    ([log(3), -_SINGLE, -_GIVEN], "an entropy is the mean of minus a logarithm"),
                    ([log(3), _GIVEN, _SINGLE], "first the single tokens, then the pairs"),
                ),
            ),
            Case(
                arguments=(torch.tensor([1, 1, 3, 3, 1, 1, 3]), 4),  # 1 is followed by 1, 3, 1, 3; 3 by 3, 1
                expected=[log(4), 4 / 7 * log(7 / 4) + 3 / 7 * log(7 / 3), log(2)],
                hint="ln V counts all tokens of the vocabulary, seen or not",
                mistakes=(
                    ([log(2), 4 / 7 * log(7 / 4) + 3 / 7 * log(7 / 3), log(2)], "V is vocab_size, 4, though only two are seen"),
                ),
            ),
            Case(
                arguments=(torch.tensor([0, 1, 0, 0, 1]), 2),  # 0 is followed by 1, 0, 1; 1 by 0
                expected=[log(2), 0.6 * log(5 / 3) + 0.4 * log(5 / 2), 0.75 * (log(3) - 2 / 3 * log(2))],
                hint="weigh each row by how often its token comes before another: 3/4 and 1/4",
            ),
        ),
    ),
)  # fmt: skip
