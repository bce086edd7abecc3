"""Checks of lesson 06 accept what is right however it is written: two other ways each, in other types.

Proves too: the docstrings' examples, and that the losses which the check of the training step expects are those of arithmetic.
"""

from itertools import pairwise
from math import cos, exp, log, pi

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rlhf_lite.course.checks import RIGHT, feedback
from rlhf_lite.course.lesson_06 import exercises_scaling, exercises_text, exercises_training
from rlhf_lite.course.lesson_06.exercises_text import reference_lines
from rlhf_lite.course.lesson_06.exercises_training import EXERCISES, BigramTable, PlainDescent, train_on, which_run
from rlhf_lite.course.lesson_06.fault_signs import FEATURES, RUNS
from rlhf_lite.course.lesson_06.loss_curves import GALLERY

ALL = {each.name: each for room in (exercises_text, exercises_training, exercises_scaling) for each in room.EXERCISES}


def times_by_arrays(weights, sizes, total):
    weights = np.array(weights, dtype=float)
    return total * weights / weights.sum() / np.array(sizes)


def times_by_tensors(weights, sizes, total):
    return torch.tensor(weights) / sum(weights) * total / torch.tensor(sizes)


def windows_by_popping(documents, end_id, length):
    stream, windows = [], []
    for document in filter(len, documents):
        stream.extend((*document, end_id))
    while len(stream) >= length:
        windows.append([stream.pop(0) for _ in range(length)])
    return [windows, stream]


def windows_by_arrays(documents, end_id, length):
    stream = np.array([token for document in documents if document for token in (*document, end_id)])
    n = len(stream) // length * length
    return tuple(tuple(row) for row in stream[:n].reshape(-1, length)), stream[n:]


def lines_by_difference(tokens, vocab_size):
    """H2 is the entropy of pairs minus that of their first tokens."""
    unigram = torch.unique(tokens, return_counts=True)[1].double() / len(tokens)
    pairs = torch.unique(torch.stack([tokens[:-1], tokens[1:]]), dim=1, return_counts=True)[1].double() / (len(tokens) - 1)
    first = torch.unique(tokens[:-1], return_counts=True)[1].double() / (len(tokens) - 1)
    h = [-(p * p.log()).sum() for p in (unigram, pairs, first)]
    return torch.stack([torch.tensor(log(vocab_size)).double(), h[0], h[1] - h[2]])


def lines_by_counting(tokens, vocab_size):
    tokens = tokens.tolist()
    pairs = list(pairwise(tokens))
    unigram = -sum(log(tokens.count(a) / len(tokens)) for a in tokens) / len(tokens)
    bigram = -sum(log(pairs.count((a, b)) / tokens[:-1].count(a)) for a, b in pairs) / len(pairs)
    return np.log(vocab_size), np.float64(unigram), bigram


def rate_by_interpolation(step, steps, peak, warmup, final_fraction):
    if warmup and step < warmup:
        return np.linspace(peak / warmup, peak, warmup)[step]
    low = final_fraction * peak
    return low + (peak - low) * cos(pi / 2 * (step - warmup) / (steps - 1 - warmup)) ** 2  # (1 + cos 2x) / 2 is cos x squared


def rate_as_tensor(step, steps, peak, warmup, final_fraction):
    done = torch.tensor((step - warmup) / (steps - 1 - warmup), dtype=torch.float64)
    falling = peak * (final_fraction + (1 - final_fraction) / 2 * (1 + torch.cos(torch.pi * done)))
    return torch.where(torch.tensor(step < warmup), torch.tensor(peak * (step + 1) / max(warmup, 1)).double(), falling)


def train_by_log_probs(model, optimizer, batches):
    losses = []
    for tokens in batches:
        log_probs = model(tokens[:, :-1]).log_softmax(-1)
        loss = -log_probs.gather(2, tokens[:, 1:, None]).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return torch.stack(losses)


def train_by_transposing(model, optimizer, batches):
    losses = []
    for tokens in batches:
        for parameter in model.parameters():
            parameter.grad = None
        loss = F.cross_entropy(model(tokens)[:, :-1].transpose(1, 2), tokens[:, 1:])
        loss.backward()
        optimizer.step()
        losses.append(np.float32(loss.item()))
    return tuple(losses)


def which_by_list(letter):
    return [RUNS[each] for each in "ABCDEF"]["ABCDEF".index(letter)]


def which_by_string(letter):
    return str(np.str_(which_run(letter)))


def loss_by_normal_equations(sizes, losses, larger):
    x, y = torch.tensor(sizes).double().log(), torch.tensor(losses).double().log()
    b = -((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    return torch.exp(y.mean() - b * (log(larger) - x.mean()))


def loss_by_lstsq(sizes, losses, larger):
    matrix = np.stack([np.ones(len(sizes)), np.log10(sizes)], axis=1)
    a, slope = np.linalg.lstsq(matrix, np.log10(losses), rcond=None)[0]
    return np.float64(10) ** (a + slope * np.log10(larger))


OTHER_WAYS = {
    "times_read": (times_by_arrays, times_by_tensors),
    "pack_windows": (windows_by_popping, windows_by_arrays),
    "reference_lines": (lines_by_difference, lines_by_counting),
    "rate_at": (rate_by_interpolation, rate_as_tensor),
    "train_on": (train_by_log_probs, train_by_transposing),
    "which_run": (which_by_list, which_by_string),
    "predict_loss": (loss_by_normal_equations, loss_by_lstsq),
    "pf_days": (lambda parameters, tokens: parameters * tokens / 1.44e19, lambda n, d: torch.tensor(6 * n * d / 8.64e19)),
}


@pytest.mark.parametrize("name, attempt", [(name, way) for name, ways in OTHER_WAYS.items() for way in ways])
def test_other_right_ways_are_accepted(name, attempt):
    assert feedback(attempt, ALL[name]) == RIGHT


def test_every_exercise_has_other_ways():
    assert set(OTHER_WAYS) == set(ALL)


def test_the_expected_losses_are_those_of_arithmetic():
    """A table of zeros, tokens 0 1 1 2 1, rate 1: all pairs cost ln 3; then rows 0 and 2 have one pair of four, row 1 two."""
    # first step: the gradient of rows 0, 2 is (p - onehot(1)) / 4 = (1, -2, 1) / 12; of row 1 (2 p - onehot(1) - onehot(2)) / 4
    row_0 = row_2 = [-1 / 12, 2 / 12, -1 / 12]
    row_1 = [-2 / 12, 1 / 12, 1 / 12]

    def cost(row, target):
        return log(sum(exp(logit) for logit in row)) - row[target]

    second = (cost(row_0, 1) + cost(row_1, 1) + cost(row_1, 2) + cost(row_2, 1)) / 4
    found = train_on(*_table(3, 1.0, [[[0, 1, 1, 2, 1]]] * 2))
    assert found == pytest.approx([log(3), second], abs=1e-6)
    assert ALL["train_on"].cases[0].expected[:2] == pytest.approx(found, abs=1e-6)


def _table(vocab_size, rate, rows):
    model = BigramTable(vocab_size)
    return model, PlainDescent(model.parameters(), lr=rate), [torch.tensor(row) for row in rows]


def test_the_entropies_of_a_coin_that_remembers():
    tokens = torch.tensor([0, 0, 1, 1, 0])  # 0 0, 0 1, 1 1, 1 0: after either, each comes once
    assert reference_lines(tokens, 2) == pytest.approx([log(2), 0.6 * log(5 / 3) + 0.4 * log(5 / 2), log(2)])


def test_runs_behind_letters_are_runs_of_the_gallery_and_each_is_described():
    assert set(RUNS.values()) == set(FEATURES) <= set(GALLERY)
    assert len(set(RUNS.values())) == len(RUNS) == 6


def test_a_name_that_was_expected_is_not_shown():
    exercise = next(each for each in EXERCISES if each.name == "which_run")
    told = feedback(lambda letter: "targets shuffled", exercise)
    assert "another name" in told and RUNS["A"] not in told
    told = feedback(lambda letter: "nonsense", exercise)
    assert "another name" in told and "return one of these names" in told
