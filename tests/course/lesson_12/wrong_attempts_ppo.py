"""Plausible wrong attempts at the exercises in `exercises_ppo`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from rlhf_lite.course.lesson_12.exercises_ppo import gae, per_token_rewards, sampled_mask, whiten


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


WRONG = {
    "sampled_mask": (_not_shifted, _one_too_many, _without_end, _with_padding, _with_prompt),
    "per_token_rewards": (_rewards_kl, _score_everywhere, _score_first, _score_replaces, _without_coef, _never_positive),
    "gae": (_only_deltas, _lambda_one, _forwards, _returns, _not_turned_back, _goes_on_after_the_end, _without_discount),
    "whiten": (_with_padding_in_the_mean, _only_centred, _by_variance, _padding_kept),
}
