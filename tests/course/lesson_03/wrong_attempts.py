"""Attempts at the exercises in `exercises`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: B905

from collections import defaultdict

import numpy as np
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


def _gates_without_the_state(from_x, from_h, h):
    (x_r, x_z, x_n), (_, _, h_n) = from_x.chunk(3), from_h.chunk(3)
    r, z = torch.sigmoid(x_r), torch.sigmoid(x_z)
    return (1 - z) * torch.tanh(x_n + r * h_n) + z * h


def _reset_from_the_update(from_x, from_h, h):
    (x_r, _, _), (_, h_z, _) = from_x.chunk(3), from_h.chunk(3)
    _, z, x_n, h_n = _gates(from_x, from_h)
    return (1 - z) * torch.tanh(x_n + torch.sigmoid(x_r + h_z) * h_n) + z * h


def _stops_at_a_repetition(table, longest):
    words = greedy(table, longest)
    return words[: next((i for i, word in enumerate(words) if word in words[:i]), len(words))]


def _in_any_order(english, right, written):
    right, written = ([" ".join(sorted(text.split())) for text in texts] for texts in (right, written))
    return exact_match_by_length(english, right, written)


def _right_beginning(english, right, written):
    return exact_match_by_length(english, right, [r if w.startswith(r) else w for r, w in zip(right, written)])


def _mix_by_torch(old, new, update):
    old, new, update = map(torch.tensor, (old, new, update))
    return torch.lerp(new, old, update)


def _mix_by_numpy(old, new, update):
    return np.array(new) + np.array(update) * (np.array(old) - np.array(new))


def _gru_by_indexes(from_x, from_h, h):
    n = len(h)
    r, z = torch.sigmoid(from_x[: 2 * n] + from_h[: 2 * n]).split(n)
    return torch.lerp(torch.tanh(from_x[2 * n :] + r * from_h[2 * n :]), h, z)


def _gru_as_a_list(from_x, from_h, h):
    r, z, x_n, h_n = _gates(from_x, from_h)
    return [float((1 - z[i]) * torch.tanh(x_n[i] + r[i] * h_n[i]) + z[i] * h[i]) for i in range(len(h))]


def _one_row_shifted(words):
    row = ["<start>"] + words + ["<end>"]  # noqa: RUF005
    return row[:-1], row[1:]


def _as_a_list_of_lists(words):
    given = list(words)
    given.insert(0, "<start>")
    return [given, words + ["<end>"]]  # noqa: RUF005


def _greedy_by_recursion(table, longest, last="<start>"):
    last = sorted(table[last], key=lambda word: -table[last][word])[0] if longest else "<end>"
    return [] if last == "<end>" else [last, *_greedy_by_recursion(table, longest - 1, last)]


def _greedy_by_for(table, longest):
    words = ["<start>"]
    for _ in range(longest):
        row = table[words[-1]]
        words.append(list(row)[int(np.argmax(list(row.values())))])
        if words[-1] == "<end>":
            return tuple(words[1:-1])
    return tuple(words[1:])


def _marks_by_numpy(english, right, written):
    lengths = np.array([len(sentence.split()) for sentence in english])
    hit = np.array(right) == np.array(written)
    return {int(n): hit[lengths == n].mean() for n in lengths}


def _marks_by_two_counts(english, right, written):
    all_of, right_of = defaultdict(int), defaultdict(int)
    for sentence, wanted, found in zip(english, right, written):
        n = sentence.count(" ") + 1
        all_of[n] += 1
        right_of[n] += wanted == found
    return {n: right_of[n] / all_of[n] for n in all_of}


WRONG = {
    "mix": (_other_way_round, _adds_all_of_the_new, _halves),
    "gru_step": (
        _never_resets, _resets_the_word_too, _candidate_without_tanh, _gates_swapped, _keeps_where_it_should_take,
        _gates_without_the_state, _reset_from_the_update,
    ),
    "teacher_forcing": (_no_shift, _no_end, _no_start, _end_is_given),
    "greedy": (_keeps_the_end, _keeps_the_start, _never_stops_early, _takes_the_first, _stops_at_a_repetition),
    "exact_match_by_length": (
        _counts_letters, _counts_without_dividing, _one_share_for_all, _shares_of_words, _in_any_order, _right_beginning,
    ),
}  # fmt: skip
RIGHT = {
    "mix": (_mix_by_torch, _mix_by_numpy),
    "gru_step": (_gru_by_indexes, _gru_as_a_list),
    "teacher_forcing": (_one_row_shifted, _as_a_list_of_lists),
    "greedy": (_greedy_by_recursion, _greedy_by_for),
    "exact_match_by_length": (_marks_by_numpy, _marks_by_two_counts),
}
