"""Plausible wrong attempts at the exercises in `exercises_policy_gradient`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import exp
from statistics import median

from rlhf_lite.course.lesson_11.exercises_policy_gradient import (
    best_policy,
    clipped_loss,
    compare_with_others,
    reinforce,
)


def _downhill(probabilities, drawn, score):
    return [-g for g in reinforce(probabilities, drawn, score)]


def _only_the_drawn_one(probabilities, drawn, score):
    return [score * (i == drawn) for i in range(len(probabilities))]


def _without_score(probabilities, drawn, score):
    return reinforce(probabilities, drawn, 1.0)


def _of_the_probability(probabilities, drawn, score):
    return reinforce(probabilities, drawn, score * probabilities[drawn])


def _expected_score(probabilities, scores):
    return sum(p * score for p, score in zip(probabilities, scores))


def _plain_mean(probabilities, scores):
    return sum(scores) / len(scores)


def _not_divided(probabilities, scores):
    squares = sum(p * p for p in probabilities)
    return sum(p * (1 - 2 * p + squares) * score for p, score in zip(probabilities, scores))


def _lengths_only(probabilities, scores):
    squares = sum(p * p for p in probabilities)
    lengths = [1 - 2 * p + squares for p in probabilities]
    return sum(length * score for length, score in zip(lengths, scores)) / sum(lengths)


def _own_logit_only(probabilities, scores):
    weights = [p * (1 - p) ** 2 for p in probabilities]
    return sum(weight * score for weight, score in zip(weights, scores)) / sum(weights)


def _middle_of_others(scores):
    return [score - median(scores[:i] + scores[i + 1 :]) for i, score in enumerate(scores)]


def _mean_of_all(scores):
    return [score - sum(scores) / len(scores) for score in scores]


def _sum_of_others(scores):
    return [2 * score - sum(scores) for score in scores]


def _others_minus_own(scores):
    return [-a for a in compare_with_others(scores)]


def _best_of_others(scores):
    return [score - max(scores[:i] + scores[i + 1 :]) for i, score in enumerate(scores)]


def _not_clipped(ratios, advantages, clip):
    return -sum(r * a for r, a in zip(ratios, advantages)) / len(ratios)


def _clipped_always(ratios, advantages, clip):
    return _not_clipped([min(max(ratio, 1 - clip), 1 + clip) for ratio in ratios], advantages, clip)


def _hopeful(ratios, advantages, clip):
    return -clipped_loss(ratios, [-a for a in advantages], clip)


def _always_0_2(ratios, advantages, clip):
    return clipped_loss(ratios, advantages, 0.2)


def _objective(ratios, advantages, clip):
    return -clipped_loss(ratios, advantages, clip)


def _sum_of_terms(ratios, advantages, clip):
    return clipped_loss(ratios, advantages, clip) * len(ratios)


def _forgets_reference(reference, scores, kl_coef):
    return best_policy([1.0] * len(scores), scores, kl_coef)


def _multiplies_by_coef(reference, scores, kl_coef):
    return best_policy(reference, scores, 1 / kl_coef)


def _not_normalised(reference, scores, kl_coef):
    return [p * exp(score / kl_coef) for p, score in zip(reference, scores)]


def _best_score_only(reference, scores, kl_coef):
    return [float(score == max(scores)) for score in scores]


def _adds_reference(reference, scores, kl_coef):
    weights = [p + exp(score / kl_coef) for p, score in zip(reference, scores)]
    return [weight / sum(weights) for weight in weights]


WRONG = {
    "reinforce": (_downhill, _only_the_drawn_one, _without_score, _of_the_probability),
    "compare_with_others": (_mean_of_all, _sum_of_others, _others_minus_own, _best_of_others, _middle_of_others),
    "best_baseline": (_expected_score, _plain_mean, _not_divided, _lengths_only, _own_logit_only),
    "clipped_loss": (_not_clipped, _clipped_always, _hopeful, _objective, _sum_of_terms, _always_0_2),
    "best_policy": (_forgets_reference, _multiplies_by_coef, _not_normalised, _best_score_only, _adds_reference),
}
