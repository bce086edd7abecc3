"""Plausible wrong attempts at the exercises in `exercises_diagnosis`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import log

from rlhf_lite.course.lesson_12.exercises_diagnosis import surprise_minus_entropy
from rlhf_lite.course.lesson_12.wrong_runs import RUNS


def _swaps_silent_ones(run):
    return {"E": "no whitening", "F": "wrong temperature"}.get(run) or RUNS[run]


def _takes_falling_score_for_kl(run):
    return {"B": "reward on padding", "C": "KL off"}.get(run) or RUNS[run]


def _takes_dropout_for_mask(run):
    return {"A": "mask off by one", "D": "dropout on"}.get(run) or RUNS[run]


def _own_words(run):
    return "something is wrong with the learning rate"


def _at_the_end_of_the_row(scores, mask):
    return [[score if t == len(kept) - 1 else 0.0 for t in range(len(kept))] for score, kept in zip(scores, mask)]


def _on_every_token(scores, mask):
    return [[score if keep else 0.0 for keep in kept] for score, kept in zip(scores, mask)]


def _at_the_count(scores, mask):
    return [[score if t == sum(kept) - 1 else 0.0 for t in range(len(kept))] for score, kept in zip(scores, mask)]


def _behind_the_last(scores, mask):
    lasts = [max(t for t, keep in enumerate(kept) if keep) for kept in mask]
    return [[s if t == last + 1 else 0.0 for t in range(len(kept))] for s, last, kept in zip(scores, lasts, mask)]


def _entropy_minus_surprise(distributions, drawn):
    return -surprise_minus_entropy(distributions, drawn)


def _surprise_alone(distributions, drawn):
    return -sum(log(p[token]) for p, token in zip(distributions, drawn)) / len(drawn)


def _sums_not_means(distributions, drawn):
    return len(drawn) * surprise_minus_entropy(distributions, drawn)


def _zero_is_not_skipped(distributions, drawn):
    return _surprise_alone(distributions, drawn) + sum(q * log(q) for p in distributions for q in p) / len(drawn)


WRONG = {
    "diagnose": (_swaps_silent_ones, _takes_falling_score_for_kl, _takes_dropout_for_mask, _own_words),
    "place_scores": (_at_the_end_of_the_row, _on_every_token, _at_the_count, _behind_the_last),
    "surprise_minus_entropy": (_entropy_minus_surprise, _surprise_alone, _sums_not_means, _zero_is_not_skipped),
}
