"""Plausible wrong attempts at the exercises in `exercises_rollout`, each to be refused with a hint of its own."""

import torch

from rlhf_lite.course.lesson_13.exercises_rollout import advantages_and_returns, reward_tensor, sampled_log_probs
from rlhf_lite.likelihood import next_token_log_probs


def _log_probs(model, tokens):
    return model(tokens)[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None]).squeeze(2)


def _mask(tokens, starts, ends, shift=0):
    places = torch.arange(tokens.shape[1] - 1) + 1 + shift
    return (places >= starts[:, None]) & (places < ends[:, None])


def _prompt_and_padding_kept(model, tokens, starts, ends):
    return _log_probs(model, tokens), _mask(tokens, starts, ends)


def _probabilities(model, tokens, starts, ends):
    mask = _mask(tokens, starts, ends)
    return _log_probs(model, tokens).exp() * mask, mask


def _mask_first(model, tokens, starts, ends):
    log_probs, mask = sampled_log_probs(model, tokens, starts, ends)
    return mask, log_probs


def _one_too_late(model, tokens, starts, ends):
    mask = _mask(tokens, starts, ends, shift=-1)
    return _log_probs(model, tokens) * mask, mask


def _no_end_token(model, tokens, starts, ends):
    mask = _mask(tokens, starts, ends - 1)
    return _log_probs(model, tokens) * mask, mask


def _padding_too(model, tokens, starts, ends):
    mask = _mask(tokens, starts, torch.full_like(ends, tokens.shape[1]))
    return _log_probs(model, tokens) * mask, mask


def _same_place(model, tokens, starts, ends):
    mask = _mask(tokens, starts, ends)
    return model(tokens).log_softmax(-1).gather(2, tokens[:, :, None]).squeeze(2)[:, 1:] * mask, mask


def _with_the_library(model, tokens, starts, ends):
    mask = _mask(tokens, starts, ends)
    return next_token_log_probs(model(tokens), tokens).masked_fill(~mask, 0.0), mask


def _row_by_row(model, tokens, starts, ends):
    mask = [[start <= t + 1 < end for t in range(tokens.shape[1] - 1)] for start, end in zip(starts, ends, strict=True)]
    probs = model(tokens).softmax(-1)
    rows = range(len(tokens))
    found = [[probs[b, t, tokens[b, t + 1]].log().item() if mask[b][t] else 0 for t in range(len(mask[b]))] for b in rows]
    return [found, [[bool(keep) for keep in row] for row in mask]]


def _pays_for_nearness(scores, log_probs, ref_log_probs, mask, kl_coef):
    return reward_tensor(scores, log_probs, ref_log_probs, mask, -kl_coef)


def _last_column(scores, log_probs, ref_log_probs, mask, kl_coef):
    rewards = -kl_coef * (log_probs - ref_log_probs) * mask
    rewards[:, -1] += scores
    return rewards


def _no_mask(scores, log_probs, ref_log_probs, mask, kl_coef):
    rewards = -kl_coef * (log_probs - ref_log_probs)
    rewards[torch.arange(len(scores)), (mask * torch.arange(1, mask.shape[1] + 1)).argmax(1)] += scores
    return rewards


def _score_instead(scores, log_probs, ref_log_probs, mask, kl_coef):
    rewards = -kl_coef * (log_probs - ref_log_probs) * mask
    rewards[torch.arange(len(scores)), (mask * torch.arange(1, mask.shape[1] + 1)).argmax(1)] = scores
    return rewards


def _score_everywhere(scores, log_probs, ref_log_probs, mask, kl_coef):
    return (scores[:, None] - kl_coef * (log_probs - ref_log_probs)) * mask


def _no_kl_coef(scores, log_probs, ref_log_probs, mask, kl_coef):
    return reward_tensor(scores, log_probs, ref_log_probs, mask, 1.0)


def _by_counting(scores, log_probs, ref_log_probs, mask, kl_coef):
    is_last = mask & (mask.flip(1).cumsum(1).flip(1) == 1)
    return torch.where(mask, kl_coef * (ref_log_probs - log_probs), 0.0) + scores[:, None] * is_last


def _in_a_loop(scores, log_probs, ref_log_probs, mask, kl_coef):
    rows = []
    for score, ours, theirs, keep in zip(scores, log_probs, ref_log_probs, mask, strict=True):
        last = int(keep.nonzero().max())
        row = [float(-kl_coef * (ours[t] - theirs[t])) if keep[t] else 0 for t in range(len(keep))]
        row[last] += float(score)
        rows.append(row)
    return rows


def _not_whitened(rewards, values, mask):
    returns = rewards.flip(1).cumsum(1).flip(1) * mask
    return (returns - values) * mask, returns


def _corrected(rewards, values, mask):
    returns = rewards.flip(1).cumsum(1).flip(1) * mask
    advantages = returns - values
    return (advantages - advantages[mask].mean()) / advantages[mask].std() * mask, returns


def _returns_everywhere(rewards, values, mask):
    return advantages_and_returns(rewards, values, mask)[0], rewards.flip(1).cumsum(1).flip(1)


def _returns_first(rewards, values, mask):
    return advantages_and_returns(rewards, values, mask)[::-1]


def _rewards_so_far(rewards, values, mask):
    returns = rewards.cumsum(1) * mask
    advantages = returns - values
    return (advantages - advantages[mask].mean()) / advantages[mask].std(correction=0) * mask, returns


def _backwards(rewards, values, mask):
    returns, following = torch.zeros_like(rewards), 0.0
    for t in reversed(range(rewards.shape[1])):
        following = following + rewards[:, t]
        returns[:, t] = following
    returns = returns.masked_fill(~mask, 0.0)
    kept = (returns - values)[mask]
    whitened = torch.zeros_like(rewards)
    whitened[mask] = (kept - kept.mean()) / kept.var(correction=0).sqrt()
    return whitened, returns


def _by_differences(rewards, values, mask):
    returns = (rewards.sum(1, keepdim=True) - rewards.cumsum(1) + rewards) * mask
    advantages = (returns - values) * mask
    mean = advantages.sum() / mask.sum()
    deviation = (((advantages - mean) ** 2 * mask).sum() / mask.sum()).sqrt()
    return ((advantages - mean) / deviation * mask).tolist(), returns.tolist()


WRONG = {
    "sampled_log_probs": (_prompt_and_padding_kept, _probabilities, _mask_first, _one_too_late, _no_end_token, _padding_too,
                          _same_place),
    "reward_tensor": (_pays_for_nearness, _last_column, _no_mask, _score_instead, _score_everywhere, _no_kl_coef),
    "advantages_and_returns": (_not_whitened, _corrected, _returns_everywhere, _returns_first, _rewards_so_far),
}  # fmt: skip
RIGHT = {
    "sampled_log_probs": (_with_the_library, _row_by_row),
    "reward_tensor": (_by_counting, _in_a_loop),
    "advantages_and_returns": (_backwards, _by_differences),
}
