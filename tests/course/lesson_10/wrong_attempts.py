"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import exp

from rlhf_lite.course.lesson_10.exercises import better_pairs, preference, prompt_loss


def _other_way_round(score_a, score_b):
    return preference(score_b, score_a)


def _certain(score_a, score_b):
    return 1.0 if score_a > score_b else 0.0


def _odds(score_a, score_b):
    return exp(score_a - score_b)


def _with_ties(ranking):
    places = range(len(ranking))
    return [(i, j) for i in places for j in places if i != j and ranking[i] <= ranking[j]]


def _worse_first(ranking):
    return [(j, i) for i, j in better_pairs(ranking)]


def _neighbours(ranking):
    return [(i, j) for i, j in better_pairs(ranking) if ranking[j] - ranking[i] == 1]


def _sum(scores, ranking):
    return prompt_loss(scores, ranking) * len(better_pairs(ranking))


def _wrong_sign(scores, ranking):
    return prompt_loss([-score for score in scores], ranking)


def _no_minus(scores, ranking):
    return -prompt_loss(scores, ranking)


def _last_column(numbers, lengths):
    return [row[-1] for row in numbers]


def _first_padding(numbers, lengths):
    return [row[min(length, len(row) - 1)] for row, length in zip(numbers, lengths)]


def _mean(numbers, lengths):
    return [sum(row[:length]) / length for row, length in zip(numbers, lengths)]


WRONG = {
    "preference": (_other_way_round, _certain, _odds),
    "better_pairs": (_with_ties, _worse_first, _neighbours),
    "prompt_loss": (_sum, _wrong_sign, _no_minus),
    "read_scores": (_last_column, _mean, _first_padding),
}
