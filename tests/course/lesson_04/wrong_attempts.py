"""Attempts at the exercises in `exercises`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: B905

from math import exp

import numpy as np
import torch

from rlhf_lite.course.lesson_04.exercises import attend_with_heads, points_right, softmax_slopes


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


def _width_of_the_toy(query, keys, values):
    return (keys @ query / 4**0.5).softmax(0) @ values


def _minus_fifteen(scores, mask):
    return scores.masked_fill(~mask, -15.0).softmax(-1)


def _scaled_by_heads(query, key, value, n_heads):
    width = query.shape[-1] / n_heads
    return attend_with_heads(query * (width / n_heads) ** 0.5, key, value, n_heads)


def _root_of_two(query, key, value, n_heads):
    width = query.shape[-1] / n_heads
    return attend_with_heads(query * (width / 2) ** 0.5, key, value, n_heads)


def _first_link_only(weights, links):
    return points_right(weights, [link for n, link in enumerate(links) if link[0] not in {row for row, _ in links[:n]}])


def _last_link_only(weights, links):
    return points_right(weights, list(dict(links).items()))


def _above_one_half(weights, links):
    rows = {row for row, _ in links}
    return sum(any(weights[row, j] > 0.5 for k, j in links if k == row) for row in rows) / len(rows)


def _attend_by_loop(query, keys, values):
    scores = [float(query @ key) / len(query) ** 0.5 for key in keys]
    weights = [exp(score - max(scores)) for score in scores]
    return sum(weight / sum(weights) * value for weight, value in zip(weights, values))


def _attend_by_torch(query, keys, values):
    return torch.nn.functional.scaled_dot_product_attention(query[None], keys, values)[0].tolist()


def _slopes_by_loop(weights):
    p = weights.tolist()
    return [[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))]


def _slopes_by_outer(weights):
    return (torch.diag(weights) - torch.outer(weights, weights)).numpy()


def _hide_by_rows(scores, mask):
    rows = np.zeros(scores.shape)
    for row, keep, to in zip(scores.numpy(), mask.numpy(), rows):
        to[keep] = np.exp(row[keep] - row[keep].max()) / np.exp(row[keep] - row[keep].max()).sum()
    return rows


def _hide_by_log(scores, mask):
    return (scores + mask.float().log()).softmax(-1)


def _heads_by_reshape(query, key, value, n_heads):
    q, k, v = (x.reshape(len(x), n_heads, -1).transpose(0, 1) for x in (query, key, value))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(query.shape)


def _heads_by_slices(query, key, value, n_heads):
    width, found = query.shape[1] // n_heads, []
    for h in range(n_heads):
        s = slice(h * width, (h + 1) * width)
        found.append((query[:, s] @ key[:, s].T * width**-0.5).softmax(-1) @ value[:, s])
    return torch.hstack(found).tolist()


def _points_by_numpy(weights, links):
    looks, rows = np.argmax(weights.numpy(), 1), {row for row, _ in links}
    return np.mean([(row, looks[row]) in links for row in rows])


def _points_by_lists(weights, links):
    rows = sorted({row for row, _ in links})
    hits = [any(weights[row][column] == weights[row].max() for r, column in links if r == row) for row in rows]
    return torch.tensor(hits).float().mean()


WRONG = {
    "attend": (_forgets_to_scale, _scales_by_width, _returns_weights, _mixes_by_scores, _overflows, _width_of_the_toy),
    "softmax_slopes": (_only_own_score, _only_others, _wrong_sign, _not_lowered),
    "hide": (_hides_after_softmax, _sets_score_to_zero, _keeps_what_is_false, _softmax_down_the_columns, _minus_fifteen),
    "attend_with_heads": (
        _one_head, _scales_by_whole_width, _cuts_across_words, _joins_across_words, _adds_heads, _scaled_by_heads,
        _root_of_two,
    ),
    "points_right": (
        _counts_unlinked_rows, _counts_links, _sums_weights, _largest_of_columns, _first_link_only, _last_link_only,
        _above_one_half,
    ),
}  # fmt: skip
RIGHT = {
    "attend": (_attend_by_loop, _attend_by_torch),
    "softmax_slopes": (_slopes_by_loop, _slopes_by_outer),
    "hide": (_hide_by_rows, _hide_by_log),
    "attend_with_heads": (_heads_by_reshape, _heads_by_slices),
    "points_right": (_points_by_numpy, _points_by_lists),
}
