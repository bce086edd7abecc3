"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

import torch

from rlhf_lite.course.lesson_04.exercises import attend_with_heads, softmax_slopes


def _forgets_to_scale(query, keys, values):
    return (keys @ query).softmax(0) @ values


def _scales_by_width(query, keys, values):
    return (keys @ query / query.shape[0]).softmax(0) @ values


def _returns_weights(query, keys, values):
    return (keys @ query / query.shape[0] ** 0.5).softmax(0)


def _mixes_by_scores(query, keys, values):
    return (keys @ query / query.shape[0] ** 0.5) @ values


def _overflows(query, keys, values):
    weights = (keys @ query / query.shape[0] ** 0.5).exp()
    return weights / weights.sum() @ values


def _only_own_score(weights):
    return torch.diag(weights * (1 - weights))


def _only_others(weights):
    return -weights[:, None] * weights[None, :]


def _wrong_sign(weights):
    return -softmax_slopes(weights)


def _not_lowered(weights):
    return torch.diag(weights)


def _hides_after_softmax(scores, mask):
    return scores.softmax(-1) * mask


def _sets_score_to_zero(scores, mask):
    return (scores * mask).softmax(-1)


def _keeps_what_is_false(scores, mask):
    return scores.masked_fill(mask, float("-inf")).softmax(-1)


def _softmax_down_the_columns(scores, mask):
    return scores.masked_fill(~mask, float("-inf")).softmax(0)


def _one_head(query, key, value, n_heads):
    return attend_with_heads(query, key, value, 1)


def _scales_by_whole_width(query, key, value, n_heads):
    return attend_with_heads(query / n_heads**0.5, key, value, n_heads)


def _cuts_across_words(query, key, value, n_heads):
    q, k, v = (x.reshape(n_heads, x.shape[0], -1) for x in (query, key, value))
    weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
    return (weights @ v).reshape(query.shape)


def _joins_across_words(query, key, value, n_heads):
    heads = attend_with_heads(query, key, value, n_heads).chunk(n_heads, -1)
    return torch.stack(heads).reshape(query.shape)


def _adds_heads(query, key, value, n_heads):
    return sum(attend_with_heads(query, key, value, n_heads).chunk(n_heads, -1))


def _counts_unlinked_rows(weights, links):
    return sum((row, look) in links for row, look in enumerate(weights.argmax(-1).tolist())) / len(weights)


def _counts_links(weights, links):
    return sum((row, look) in links for row, look in enumerate(weights.argmax(-1).tolist())) / len(links)


def _sums_weights(weights, links):
    return sum(weights[row, column].item() for row, column in links) / len({row for row, _ in links})


def _largest_of_columns(weights, links):
    looks = weights.argmax(0).tolist()
    return sum((row, column) in links for column, row in enumerate(looks)) / len({row for row, _ in links})


WRONG = {
    "attend": (_forgets_to_scale, _scales_by_width, _returns_weights, _mixes_by_scores, _overflows),
    "softmax_slopes": (_only_own_score, _only_others, _wrong_sign, _not_lowered),
    "hide": (_hides_after_softmax, _sets_score_to_zero, _keeps_what_is_false, _softmax_down_the_columns),
    "attend_with_heads": (_one_head, _scales_by_whole_width, _cuts_across_words, _joins_across_words, _adds_heads),
    "points_right": (_counts_unlinked_rows, _counts_links, _sums_weights, _largest_of_columns),
}
