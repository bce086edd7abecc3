"""Plausible wrong attempts at the exercises in `exercises_objective`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from rlhf_lite.course.lesson_13.exercises_objective import coef_for_ratio, given_back, objective


def _still_missing(base, ppo, ptx):
    return (ptx - base) / (ppo - base)


def _not_divided(base, ppo, ptx):
    return ppo - ptx


def _share_of_the_whole(base, ppo, ptx):
    return (ppo - ptx) / ppo


def _negative(base, ppo, ptx):
    return -given_back(base, ppo, ptx)


def _divides_by_zero(base, ppo, ptx):
    return (ppo - ptx) / (ppo - base)


def _mean_over_tokens(score, log_probs, ref_log_probs, kl_coef):
    return score - kl_coef * sum(a - b for a, b in zip(log_probs, ref_log_probs)) / len(log_probs)


def _adds_the_penalty(score, log_probs, ref_log_probs, kl_coef):
    return score + kl_coef * sum(a - b for a, b in zip(log_probs, ref_log_probs))


def _no_coefficient(score, log_probs, ref_log_probs, kl_coef):
    return score - sum(a - b for a, b in zip(log_probs, ref_log_probs))


def _absolute(score, log_probs, ref_log_probs, kl_coef):
    return score - kl_coef * sum(abs(a - b) for a, b in zip(log_probs, ref_log_probs))


def _never_below_zero(score, log_probs, ref_log_probs, kl_coef):
    return score - kl_coef * sum(max(0.0, a - b) for a, b in zip(log_probs, ref_log_probs))


def _subtracts_the_text(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return objective(scores, kls, text_log_probs, kl_coef, -ptx_coef)


def _sums_the_text(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return objective(scores, kls, text_log_probs, kl_coef, ptx_coef * len(text_log_probs))


def _sums_the_scores(scores, kls, text_log_probs, kl_coef, ptx_coef):
    n = len(scores)
    return n * objective(scores, kls, text_log_probs, kl_coef, ptx_coef / n)


def _forgets_the_leash(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return objective(scores, kls, text_log_probs, 0.0, ptx_coef)


def _rewards_kl(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return objective(scores, kls, text_log_probs, -kl_coef, ptx_coef)


def _multiplies(coef, n_sequences, n_predictions):
    return coef * n_predictions


def _divides_by_all(coef, n_sequences, n_predictions):
    return coef / (n_sequences * n_predictions)


def _divides_by_sequences(coef, n_sequences, n_predictions):
    return coef / n_sequences


def _leaves_it(coef, n_sequences, n_predictions):
    return coef


def _upside_down(policy_gradient, text_gradient, ratio):
    return coef_for_ratio(text_gradient, policy_gradient, ratio)


def _no_square_root(policy_gradient, text_gradient, ratio):
    return ratio * sum(x**2 for x in policy_gradient) / sum(x**2 for x in text_gradient)


def _sums_absolute_values(policy_gradient, text_gradient, ratio):
    return ratio * sum(map(abs, policy_gradient)) / sum(map(abs, text_gradient))


def _forgets_the_ratio(policy_gradient, text_gradient, ratio):
    return coef_for_ratio(policy_gradient, text_gradient, 1.0)


def _divides_by_the_ratio(policy_gradient, text_gradient, ratio):
    return coef_for_ratio(policy_gradient, text_gradient, 1 / ratio)


WRONG = {
    "given_back": (_still_missing, _not_divided, _share_of_the_whole, _negative, _divides_by_zero),
    "penalised_score": (_mean_over_tokens, _adds_the_penalty, _no_coefficient, _absolute, _never_below_zero),
    "objective": (_subtracts_the_text, _sums_the_text, _sums_the_scores, _forgets_the_leash, _rewards_kl),
    "coef_for_sum": (_multiplies, _divides_by_all, _divides_by_sequences, _leaves_it),
    "coef_for_ratio": (_upside_down, _no_square_root, _sums_absolute_values, _forgets_the_ratio, _divides_by_the_ratio),
}
