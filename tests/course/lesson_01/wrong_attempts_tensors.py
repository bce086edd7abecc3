"""Attempts at the exercises in `exercises_tensors`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: RUF007

import numpy as np
import torch

from rlhf_lite.course.lesson_01.exercises_tensors import downhill_step, pair_table


def _exchanged(tokens, n_words):
    return pair_table(tokens, n_words).T


def _each_place_once(tokens, n_words):
    table = torch.zeros(n_words, n_words)
    table[tokens[:-1], tokens[1:]] += 1
    return table


def _in_one_row(tokens, n_words):
    return pair_table(tokens, n_words).flatten()


def _without_minlength(tokens, n_words):
    return torch.bincount(tokens[:-1] * n_words + tokens[1:]).view(n_words, n_words)


def _words_alone(tokens, n_words):
    return torch.diag(torch.bincount(tokens, minlength=n_words))


def _only_words_that_came(tokens, n_words):
    came = tokens.unique()
    return pair_table(tokens, n_words)[came][:, came]


def _by_a_loop(tokens, n_words):
    table = [[0] * n_words for _ in range(n_words)]
    for a, b in zip(tokens[:-1], tokens[1:], strict=True):
        table[a][b] += 1
    return table


def _by_numpy(tokens, n_words):
    table = np.zeros((n_words, n_words))
    np.add.at(table, (tokens[:-1].numpy(), tokens[1:].numpy()), 1)
    return table


def _uphill(logits, following, rate):
    return 2 * logits - downhill_step(logits, following, rate)


def _gradient_alone(logits, following, rate):
    return logits - downhill_step(logits, following, 1.0)


def _forgets_the_rate(logits, following, rate):
    return downhill_step(logits, following, 1.0)


def _sum_not_mean(logits, following, rate):
    return downhill_step(logits, following, rate * len(following))


def _only_what_came(logits, following, rate):
    return logits + rate * torch.bincount(following, minlength=len(logits)) / len(following)


def _change_alone(logits, following, rate):
    return downhill_step(logits, following, rate) - logits


def _from_equal_probabilities(logits, following, rate):
    return logits + downhill_step(torch.zeros_like(logits), following, rate)


def _without_softmax(logits, following, rate):
    shares = torch.bincount(following, minlength=len(logits)) / len(following)
    return logits - rate * (logits - shares) if logits.any() else downhill_step(logits, following, rate)


def _by_backward(logits, following, rate):
    row = logits.clone().requires_grad_()
    torch.nn.functional.cross_entropy(row.expand(len(following), -1), following).backward()
    return row.detach() - rate * row.grad


def _token_by_token(logits, following, rate):
    change = torch.zeros_like(logits)
    for token in following:
        change[token] += 1
        change -= logits.softmax(0)
    return (logits + rate * change / len(following)).numpy()


WRONG = {
    "pair_table": (_exchanged, _each_place_once, _in_one_row, _without_minlength, _words_alone, _only_words_that_came),
    "downhill_step": (
        _uphill, _gradient_alone, _forgets_the_rate, _sum_not_mean, _only_what_came, _change_alone, _from_equal_probabilities,
        _without_softmax,
    ),
}  # fmt: skip
RIGHT = {"pair_table": (_by_a_loop, _by_numpy), "downhill_step": (_by_backward, _token_by_token)}
