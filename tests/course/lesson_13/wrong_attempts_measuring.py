"""Plausible wrong attempts at the exercise in `exercises_measuring`, each to be refused with a hint of its own."""

import numpy as np


def _first_against_last(gold, score, drop):
    return gold[-1] <= gold[0] - drop and score[-1] > score[0]


def _gold_alone(gold, score, drop):
    return gold[-1] <= max(gold) - drop


def _score_against_its_start(gold, score, drop):
    return gold[-1] <= max(gold) - drop and score[-1] > score[0]


def _any_drop(gold, score, drop):
    peak = gold.index(max(gold))
    return gold[-1] < gold[peak] and score[-1] > score[peak]


def _more_than_drop(gold, score, drop):
    peak = gold.index(max(gold))
    return gold[-1] < gold[peak] - drop and score[-1] > score[peak]


def _score_at_least(gold, score, drop):
    peak = gold.index(max(gold))
    return gold[-1] <= gold[peak] - drop and score[-1] >= score[peak]


def _lowest_after_the_peak(gold, score, drop):
    peak = gold.index(max(gold))
    return min(gold[peak:]) <= gold[peak] - drop and score[-1] > score[peak]


def _with_numpy(gold, score, drop):
    peak = np.argmax(gold)
    return bool(np.max(gold) - gold[-1] >= drop) and score[-1] > score[peak]


def _numpy_bool(gold, score, drop):
    gold, score = np.array(gold), np.array(score)
    return (gold.max() - gold[-1] >= drop) & (score[-1] > score[gold.argmax()])


WRONG = {
    "overoptimised": (_first_against_last, _gold_alone, _score_against_its_start, _any_drop, _more_than_drop, _score_at_least,
                      _lowest_after_the_peak),
}  # fmt: skip
RIGHT = {"overoptimised": (_with_numpy, _numpy_bool)}
