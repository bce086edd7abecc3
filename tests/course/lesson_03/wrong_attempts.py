"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

# ruff: noqa: B905

import torch

from rlhf_lite.course.lesson_03.exercises import exact_match_by_length, greedy, mix


def _other_way_round(old, new, update):
    return mix(new, old, update)


def _adds_all_of_the_new(old, new, update):
    return [z * o + n for o, n, z in zip(old, new, update)]


def _halves(old, new, update):
    return [(o + n) / 2 for o, n in zip(old, new)]


def _gates(from_x, from_h):
    (x_r, x_z, x_n), (h_r, h_z, h_n) = from_x.chunk(3), from_h.chunk(3)
    return torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z), x_n, h_n


def _never_resets(from_x, from_h, h):
    _, z, x_n, h_n = _gates(from_x, from_h)
    return (1 - z) * torch.tanh(x_n + h_n) + z * h


def _resets_the_word_too(from_x, from_h, h):
    r, z, x_n, h_n = _gates(from_x, from_h)
    return (1 - z) * torch.tanh(r * (x_n + h_n)) + z * h


def _candidate_without_tanh(from_x, from_h, h):
    r, z, x_n, h_n = _gates(from_x, from_h)
    return (1 - z) * (x_n + r * h_n) + z * h


def _gates_swapped(from_x, from_h, h):
    z, r, x_n, h_n = _gates(from_x, from_h)
    return (1 - z) * torch.tanh(x_n + r * h_n) + z * h


def _keeps_where_it_should_take(from_x, from_h, h):
    r, z, x_n, h_n = _gates(from_x, from_h)
    return z * torch.tanh(x_n + r * h_n) + (1 - z) * h


def _no_shift(words):
    return words, words


def _no_end(words):
    return ["<start>", *words[:-1]], words


def _no_start(words):
    return words, [*words[1:], "<end>"]


def _end_is_given(words):
    return ["<start>", *words, "<end>"], [*words, "<end>"]


def _keeps_the_end(table, longest):
    return [*greedy(table, longest), "<end>"]


def _keeps_the_start(table, longest):
    return ["<start>", *greedy(table, longest)]


def _never_stops_early(table, longest):
    return greedy(table, 1000)


def _takes_the_first(table, longest):
    return greedy({word: {next(iter(row)): 1.0} for word, row in table.items()}, longest)


def _counts_letters(english, right, written):
    return exact_match_by_length([" ".join(sentence) for sentence in english], right, written)


def _counts_without_dividing(english, right, written):
    lengths = [len(sentence.split()) for sentence in english]
    return {n: sum(r == w for m, r, w in zip(lengths, right, written) if m == n) for n in lengths}


def _one_share_for_all(english, right, written):
    return sum(r == w for r, w in zip(right, written)) / len(right)


def _shares_of_words(english, right, written):
    marks = {}
    for sentence, wanted, found in zip(english, right, written):
        marks.setdefault(len(sentence.split()), []).extend(w in found.split() for w in wanted.split())
    return {length: sum(row) / len(row) for length, row in marks.items()}


WRONG = {
    "mix": (_other_way_round, _adds_all_of_the_new, _halves),
    "gru_step": (_never_resets, _resets_the_word_too, _candidate_without_tanh, _gates_swapped, _keeps_where_it_should_take),
    "teacher_forcing": (_no_shift, _no_end, _no_start, _end_is_given),
    "greedy": (_keeps_the_end, _keeps_the_start, _never_stops_early, _takes_the_first),
    "exact_match_by_length": (_counts_letters, _counts_without_dividing, _one_share_for_all, _shares_of_words),
}
