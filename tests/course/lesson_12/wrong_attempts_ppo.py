"""Plausible wrong attempts at the exercises in `exercises_ppo`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from statistics import median

import numpy as np
import torch

from rlhf_lite.course.lesson_12.exercises_ppo import gae, per_token_rewards, sampled_mask, whiten
from rlhf_lite.likelihood import k3
from rlhf_lite.masked import masked_whiten
from rlhf_lite.rollout import generalized_advantages, token_rewards


def _not_shifted(prompt_length, length, n_tokens):
    return [prompt_length <= t < length for t in range(n_tokens - 1)]


def _one_too_many(prompt_length, length, n_tokens):
    return [prompt_length <= t < length for t in range(n_tokens)]


def _without_end(prompt_length, length, n_tokens):
    return sampled_mask(prompt_length, length - 1, n_tokens)


def _with_padding(prompt_length, length, n_tokens):
    return sampled_mask(prompt_length, n_tokens, n_tokens)


def _with_prompt(prompt_length, length, n_tokens):
    return sampled_mask(1, length, n_tokens)


def _rewards_kl(score, log_probs, ref_log_probs, kl_coef):
    return per_token_rewards(score, log_probs, ref_log_probs, -kl_coef)


def _score_everywhere(score, log_probs, ref_log_probs, kl_coef):
    return [r + score for r in per_token_rewards(0.0, log_probs, ref_log_probs, kl_coef)]


def _score_first(score, log_probs, ref_log_probs, kl_coef):
    rewards = per_token_rewards(0.0, log_probs, ref_log_probs, kl_coef)
    return [rewards[0] + score, *rewards[1:]]


def _score_replaces(score, log_probs, ref_log_probs, kl_coef):
    return [*per_token_rewards(0.0, log_probs, ref_log_probs, kl_coef)[:-1], score]


def _without_coef(score, log_probs, ref_log_probs, kl_coef):
    return per_token_rewards(score, log_probs, ref_log_probs, 1.0)


def _never_positive(score, log_probs, ref_log_probs, kl_coef):
    rewards = [-kl_coef * max(0.0, own - ref) for own, ref in zip(log_probs, ref_log_probs)]
    return [*rewards[:-1], rewards[-1] + score]


def _absolute(score, log_probs, ref_log_probs, kl_coef):
    rewards = [-kl_coef * abs(own - ref) for own, ref in zip(log_probs, ref_log_probs)]
    return [*rewards[:-1], rewards[-1] + score]


def _with_k3(score, log_probs, ref_log_probs, kl_coef):
    rewards = -kl_coef * k3(torch.tensor(log_probs), torch.tensor(ref_log_probs))
    rewards[-1] += score
    return rewards


def _squared(score, log_probs, ref_log_probs, kl_coef):
    rewards = [-kl_coef * (own - ref) ** 2 / 2 for own, ref in zip(log_probs, ref_log_probs)]
    return [*rewards[:-1], rewards[-1] + score]


def _all_on_the_last(score, log_probs, ref_log_probs, kl_coef):
    return [0.0] * (len(log_probs) - 1) + [score - kl_coef * (sum(log_probs) - sum(ref_log_probs))]


def _spread(score, log_probs, ref_log_probs, kl_coef):
    share = -kl_coef * (sum(log_probs) - sum(ref_log_probs)) / len(log_probs)
    return [share] * (len(log_probs) - 1) + [share + score]


def _only_deltas(rewards, values, discount, gae_lambda):
    return gae(rewards, values, discount, 0.0)


def _lambda_one(rewards, values, discount, gae_lambda):
    return gae(rewards, values, discount, 1.0)


def _forwards(rewards, values, discount, gae_lambda):
    advantages, last = [], 0.0
    for delta in gae(rewards, values, discount, 0.0):
        last = delta + discount * gae_lambda * last
        advantages.append(last)
    return advantages


def _returns(rewards, values, discount, gae_lambda):
    return [a + v for a, v in zip(gae(rewards, values, discount, gae_lambda), values)]


def _not_turned_back(rewards, values, discount, gae_lambda):
    return gae(rewards, values, discount, gae_lambda)[::-1]


def _goes_on_after_the_end(rewards, values, discount, gae_lambda):
    return gae([*rewards[:-1], rewards[-1] + discount * values[-1]], values, discount, gae_lambda)


def _without_discount(rewards, values, discount, gae_lambda):
    return gae(rewards, values, 1.0, gae_lambda)


def _with_padding_in_the_mean(values, mask):
    whole = whiten(values, [True] * len(values))
    return [value if keep else 0.0 for value, keep in zip(whole, mask)]


def _only_centred(values, mask):
    kept = [value for value, keep in zip(values, mask) if keep]
    return [value - sum(kept) / len(kept) if keep else 0.0 for value, keep in zip(values, mask)]


def _by_variance(values, mask):
    kept = [value for value, keep in zip(_only_centred(values, mask), mask) if keep]
    variance = sum(value**2 for value in kept) / len(kept)
    return [value / variance for value in _only_centred(values, mask)]


def _padding_kept(values, mask):
    found = whiten(values, mask)
    return [f if keep else value for f, value, keep in zip(found, values, mask)]


def _mean_distance(values, mask):
    kept = [value for value, keep in zip(_only_centred(values, mask), mask) if keep]
    return [value / (sum(map(abs, kept)) / len(kept)) for value in _only_centred(values, mask)]


def _half_the_range(values, mask):
    kept = [value for value, keep in zip(values, mask) if keep]
    return [value / ((max(kept) - min(kept)) / 2) for value in _only_centred(values, mask)]


def _median(values, mask):
    kept = [value for value, keep in zip(values, mask) if keep]
    deviation = np.mean([(value - median(kept)) ** 2 for value in kept]) ** 0.5
    return [(value - median(kept)) / deviation if keep else 0.0 for value, keep in zip(values, mask)]


def _one_less(values, mask):
    kept = [value for value, keep in zip(values, mask) if keep]
    return [value / torch.tensor(kept).std() for value in _only_centred(values, mask)]


def _mask_by_numpy(prompt_length, length, n_tokens):
    t = np.arange(1, n_tokens)
    return (t >= prompt_length) & (t < length)


def _mask_in_parts(prompt_length, length, n_tokens):
    marks = torch.zeros(n_tokens, dtype=torch.bool)
    marks[prompt_length:length] = True
    return marks[1:]


def _rewards_by_the_library(score, log_probs, ref_log_probs, kl_coef):
    own, ref = torch.tensor([log_probs]), torch.tensor([ref_log_probs])
    return token_rewards(torch.tensor([score]), own, ref, torch.ones_like(own).bool(), kl_coef)[0]


def _rewards_by_numpy(score, log_probs, ref_log_probs, kl_coef):
    return kl_coef * (np.array(ref_log_probs) - log_probs) + score * np.eye(len(log_probs))[-1]


def _double_sum(rewards, values, discount, gae_lambda):
    deltas = [r + discount * n - v for r, v, n in zip(rewards, values, [*values[1:], 0.0])]
    return tuple(sum((discount * gae_lambda) ** k * d for k, d in enumerate(deltas[t:])) for t in range(len(deltas)))


def _gae_by_the_library(rewards, values, discount, gae_lambda):
    rewards, values = torch.tensor([rewards]), torch.tensor([values])
    return generalized_advantages(rewards, values, torch.ones_like(rewards).bool(), discount, gae_lambda)[0]


def _whiten_by_the_library(values, mask):
    return masked_whiten(torch.tensor([values]), torch.tensor([mask]))[0]


def _whiten_by_numpy(values, mask):
    values, mask = np.array(values), np.array(mask)
    return np.where(mask, (values - values[mask].mean()) / values[mask].std(), 0)


RIGHT = {
    "sampled_mask": (_mask_by_numpy, _mask_in_parts),
    "per_token_rewards": (_rewards_by_the_library, _rewards_by_numpy),
    "gae": (_double_sum, _gae_by_the_library),
    "whiten": (_whiten_by_the_library, _whiten_by_numpy),
}
WRONG = {
    "sampled_mask": (_not_shifted, _one_too_many, _without_end, _with_padding, _with_prompt),
    "per_token_rewards": (
        _rewards_kl, _score_everywhere, _score_first, _score_replaces, _without_coef, _never_positive, _absolute, _with_k3,
        _squared, _all_on_the_last, _spread,
    ),
    "gae": (_only_deltas, _lambda_one, _forwards, _returns, _not_turned_back, _goes_on_after_the_end, _without_discount),
    "whiten": (
        _with_padding_in_the_mean, _only_centred, _by_variance, _padding_kept, _mean_distance, _half_the_range, _median,
        _one_less,
    ),
}  # fmt: skip
