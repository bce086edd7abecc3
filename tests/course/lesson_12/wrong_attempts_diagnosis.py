"""Plausible wrong attempts at the exercises in `exercises_diagnosis`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import log

import numpy as np
import torch

from rlhf_lite.course.lesson_12.exercises_diagnosis import surprise_minus_entropy
from rlhf_lite.course.lesson_12.wrong_runs import RUNS


def _swaps_silent_ones(run):
    return {"E": "no whitening", "F": "wrong temperature"}.get(run) or RUNS[run]


def _takes_falling_score_for_kl(run):
    return {"B": "reward on padding", "C": "KL off"}.get(run) or RUNS[run]


def _takes_a_still_kl_for_none(run):
    return {"B": "reference trained too", "G": "KL off"}.get(run) or RUNS[run]


def _blames_the_weight(run):
    return {"H": "reward model of manners", "I": "ptx too strong"}.get(run) or RUNS[run]


def _takes_dropout_for_mask(run):
    return {"A": "mask off by one", "D": "dropout on"}.get(run) or RUNS[run]


def _own_words(run):
    return "something is wrong with the learning rate"


def _entropy_minus_surprise(distributions, drawn):
    return -surprise_minus_entropy(distributions, drawn)


def _surprise_alone(distributions, drawn):
    return -sum(log(p[token]) for p, token in zip(distributions, drawn)) / len(drawn)


def _sums_not_means(distributions, drawn):
    return len(drawn) * surprise_minus_entropy(distributions, drawn)


def _zero_is_not_skipped(distributions, drawn):
    return _surprise_alone(distributions, drawn) + sum(q * log(q) for p in distributions for q in p) / len(drawn)


def _first_token(distributions, drawn):
    return surprise_minus_entropy(distributions, [0] * len(drawn))


def _likeliest_token(distributions, drawn):
    return surprise_minus_entropy(distributions, [p.index(max(p)) for p in distributions])


def _entropy_of_the_first(distributions, drawn):
    return _surprise_alone(distributions, drawn) + sum(q * log(q) for q in distributions[0] if q > 0)


def _in_bits(distributions, drawn):
    return surprise_minus_entropy(distributions, drawn) / log(2)


def _with_tensors(distributions, drawn):
    given = torch.tensor(distributions)
    surprise = -given[range(len(drawn)), drawn].log().mean()
    return surprise - torch.special.entr(given).sum(1).mean()


def _place_by_place(distributions, drawn):
    differences = []
    for p, token in zip(distributions, drawn):
        entropy = 0.0
        for q in p:
            entropy -= q * log(q) if q else 0.0
        differences.append(-log(p[token]) - entropy)
    return np.mean(differences)


def _from_pairs(run):
    return dict(zip("ABCDEFGHI", RUNS.values()))[run]


WRONG = {
    "diagnose": (
        _swaps_silent_ones, _takes_falling_score_for_kl, _takes_dropout_for_mask, _takes_a_still_kl_for_none,
        _blames_the_weight, _own_words,
    ),
    "surprise_minus_entropy": (
        _entropy_minus_surprise, _surprise_alone, _sums_not_means, _zero_is_not_skipped, _first_token, _likeliest_token,
        _entropy_of_the_first, _in_bits,
    ),
}  # fmt: skip
RIGHT = {
    "diagnose": (_from_pairs, RUNS.get),
    "surprise_minus_entropy": (_with_tensors, _place_by_place),
}
