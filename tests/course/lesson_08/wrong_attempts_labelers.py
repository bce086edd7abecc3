"""Plausible wrong attempts at the exercises in `exercises_labelers`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import sqrt

from rlhf_lite.course.lesson_08.exercises_labelers import agreement_matrix, best_accuracy


def _from_minus_one(votes):
    return votes @ votes.T / votes.shape[1]


def _not_divided(votes):
    return votes @ votes.T


def _divided_by_rows(votes):
    return (1 + votes @ votes.T / votes.shape[0]) / 2


def _share_unlike(votes):
    return 1 - agreement_matrix(votes)


def _agreement(first, second):
    return sum(a == b for a, b in zip(first, second)) / len(first)


def _by_chance(first, second):
    n = len(first)
    p, q = sum(first) / n, sum(second) / n
    return p * q + (1 - p) * (1 - q)


def _not_scaled(first, second):
    return _agreement(first, second) - _by_chance(first, second)


def _half_by_chance(first, second):
    return 2 * _agreement(first, second) - 1


def _both_yes_only(first, second):
    n = len(first)
    chance = sum(first) / n * sum(second) / n
    return (_agreement(first, second) - chance) / (1 - chance)


def _divided_by_chance(first, second):
    return _not_scaled(first, second) / _by_chance(first, second)


def _pooled(first, second):
    p = (sum(first) + sum(second)) / (2 * len(first))
    chance = p * p + (1 - p) ** 2
    return (_agreement(first, second) - chance) / (1 - chance)


def _itself(agreement):
    return agreement


def _only_both_right(agreement):
    return sqrt(agreement)


def _the_smaller(agreement):
    return 1 - best_accuracy(agreement)


def _not_halved(agreement):
    return sqrt(2 * agreement - 1)


def _halfway(agreement):
    return (1 + agreement) / 2


WRONG = {
    "agreement_matrix": (_from_minus_one, _not_divided, _divided_by_rows, _share_unlike),
    "cohens_kappa": (_agreement, _not_scaled, _half_by_chance, _both_yes_only, _divided_by_chance, _pooled),
    "best_accuracy": (_itself, _only_both_right, _the_smaller, _not_halved, _halfway),
}
