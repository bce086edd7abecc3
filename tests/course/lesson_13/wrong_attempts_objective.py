"""Plausible wrong attempts at the exercises in `exercises_objective`, each to be refused with a hint of its own."""

import torch

from rlhf_lite.course.lesson_13.exercises_objective import coef_for_ratio, given_back, objective


def _still_missing(before, ppo, ptx):
    return (ptx - before) / (ppo - before) if ppo > before else 0.0


def _not_divided(before, ppo, ptx):
    return ppo - ptx


def _share_of_the_whole(before, ppo, ptx):
    return (ppo - ptx) / ppo


def _negative(before, ppo, ptx):
    return -given_back(before, ppo, ptx)


def _divides_by_zero(before, ppo, ptx):
    return (ppo - ptx) / (ppo - before)


def _at_most_one(before, ppo, ptx):
    return min(1.0, given_back(before, ppo, ptx))


def _never_negative(before, ppo, ptx):
    return max(0.0, given_back(before, ppo, ptx))


def _absolute_share(before, ppo, ptx):
    return abs(given_back(before, ppo, ptx))


def _gains_count_too(before, ppo, ptx):
    return (ppo - ptx) / (ppo - before) if ppo != before else 0.0


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


def _a_loss(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return -objective(scores, kls, text_log_probs, kl_coef, ptx_coef)


def _divides_by_the_answers(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return objective(scores, kls, text_log_probs, kl_coef, ptx_coef * len(text_log_probs) / len(scores))


def _no_ptx_coef(scores, kls, text_log_probs, kl_coef, ptx_coef):
    return objective(scores, kls, text_log_probs, kl_coef, 1.0)


def _upside_down(policy_gradients, text_gradients, ratio):
    return coef_for_ratio(text_gradients, policy_gradients, ratio)


def _no_square_root(policy_gradients, text_gradients, ratio):
    return ratio * sum((g**2).sum() for g in policy_gradients) / sum((g**2).sum() for g in text_gradients)


def _sums_lengths(policy_gradients, text_gradients, ratio):
    return ratio * sum(g.norm() for g in policy_gradients) / sum(g.norm() for g in text_gradients)


def _sums_absolute_values(policy_gradients, text_gradients, ratio):
    return coef_for_ratio([sum(g.abs().sum() for g in policy_gradients)], [sum(g.abs().sum() for g in text_gradients)], ratio)


def _forgets_the_ratio(policy_gradients, text_gradients, ratio):
    return coef_for_ratio(policy_gradients, text_gradients, 1.0)


def _divides_by_the_ratio(policy_gradients, text_gradients, ratio):
    return coef_for_ratio(policy_gradients, text_gradients, 1 / ratio)


def _given_back_by_cases(before, ppo, ptx):
    if ppo <= before:
        return torch.tensor(0.0)
    return torch.tensor(1 - (ptx - before) / (ppo - before))


def _given_back_as_int(before, ppo, ptx):
    return 0 if ppo - before <= 0 else (ptx - ppo) / (before - ppo)


def _objective_on_tensors(scores, kls, text_log_probs, kl_coef, ptx_coef):
    answers = torch.tensor(scores) - kl_coef * torch.tensor(kls)
    return answers.mean() + ptx_coef * torch.tensor(text_log_probs).mean()


def _objective_term_by_term(scores, kls, text_log_probs, kl_coef, ptx_coef):
    text = sum(p / len(text_log_probs) for p in text_log_probs)
    return sum(scores) / len(scores) - kl_coef * sum(kls) / len(kls) + ptx_coef * text


def _ratio_by_flattening(policy_gradients, text_gradients, ratio):
    ours, text = (torch.cat([g.flatten() for g in part]) for part in (policy_gradients, text_gradients))
    return ratio * ours.norm() / text.norm()


def _ratio_by_norm_of_norms(policy_gradients, text_gradients, ratio):
    ours, text = (torch.stack([g.norm() for g in part]).norm().item() for part in (policy_gradients, text_gradients))
    return ratio * ours / text


WRONG = {
    "given_back": (_still_missing, _not_divided, _share_of_the_whole, _negative, _divides_by_zero, _at_most_one, _never_negative,
                   _absolute_share, _gains_count_too),
    "objective": (_subtracts_the_text, _sums_the_text, _sums_the_scores, _forgets_the_leash, _rewards_kl, _a_loss,
                  _divides_by_the_answers, _no_ptx_coef),
    "coef_for_ratio": (_upside_down, _no_square_root, _sums_lengths, _sums_absolute_values, _forgets_the_ratio,
                       _divides_by_the_ratio),
}  # fmt: skip
RIGHT = {
    "given_back": (_given_back_by_cases, _given_back_as_int),
    "objective": (_objective_on_tensors, _objective_term_by_term),
    "coef_for_ratio": (_ratio_by_flattening, _ratio_by_norm_of_norms),
}
