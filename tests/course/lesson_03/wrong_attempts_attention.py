"""Attempts at the exercises in `exercises_attention`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: B905

import numpy as np
import torch

from rlhf_lite.course.lesson_03.exercises_attention import alignment_hits, attend


def _no_tanh(state, notes, W, U, v):
    return (W @ state + notes @ U.T) @ v


def _tanh_of_the_score(state, notes, W, U, v):
    return torch.tanh(_no_tanh(state, notes, W, U, v))


def _never_asks_the_state(state, notes, W, U, v):
    return torch.tanh(notes @ U.T) @ v


def _sums_without_v(state, notes, W, U, v):
    return torch.tanh(W @ state + notes @ U.T).sum(-1)


def _two_tanhs(state, notes, W, U, v):
    return (torch.tanh(W @ state) + torch.tanh(notes @ U.T)) @ v


def _forgets_the_mask(scores, mask, notes):
    weights = scores.softmax(-1)
    return weights, weights @ notes


def _masks_after_softmax(scores, mask, notes):
    weights = scores.softmax(-1) * mask
    return weights, weights @ notes


def _score_zero_for_padding(scores, mask, notes):
    weights = (scores * mask).softmax(-1)
    return weights, weights @ notes


def _best_note_only(scores, mask, notes):
    best = scores.masked_fill(~mask, float("-inf")).argmax()
    weights = torch.nn.functional.one_hot(best, len(scores)).float()
    return weights, weights @ notes


def _context_first(scores, mask, notes):
    weights, context = attend(scores, mask, notes)
    return context, weights


def _counts_links(weights, links):
    return sum(max(range(len(weights[i])), key=lambda j: weights[i][j]) == j for i, j in links) / len(links)


def _adds_weights(weights, links):
    return sum(weights[i][j] for i, j in links) / len({i for i, _ in links})


def _words_without_partner_are_misses(weights, links):
    return alignment_hits(weights, links) * len({i for i, _ in links}) / len(weights)


def _links_the_wrong_way(weights, links):
    return alignment_hits(weights, [(j, i) for i, j in links])


def _minus_fifteen(scores, mask, notes):
    weights = scores.masked_fill(~mask, -15.0).softmax(-1)
    return weights, weights @ notes


def _along_the_columns(weights, links):
    looks = np.argmax(weights, axis=0)
    return sum((int(row), column) in links for column, row in enumerate(looks)) / len({i for i, _ in links})


def _first_link_only(weights, links):
    return alignment_hits(weights, [link for n, link in enumerate(links) if link[0] not in {i for i, _ in links[:n]}])


def _last_link_only(weights, links):
    return alignment_hits(weights, list(dict(links).items()))


def _above_one_half(weights, links):
    rows = {i for i, _ in links}
    return sum(any(weights[i][j] > 0.5 for k, j in links if k == i) for i in rows) / len(rows)


def _note_by_note(state, notes, W, U, v):
    return [v @ torch.tanh(W @ state + U @ note) for note in notes]


def _scores_by_einsum(state, notes, W, U, v):
    return torch.einsum("a,sa->s", v, torch.tanh((W @ state)[None] + torch.einsum("am,sm->sa", U, notes)))


def _attend_by_exp(scores, mask, notes):
    weights = torch.where(mask, (scores - scores[mask].max()).exp(), 0.0)
    weights = weights / weights.sum()
    return weights, (weights[:, None] * notes).sum(0)


def _attend_by_loop(scores, mask, notes):
    weights = torch.zeros_like(scores)
    weights[mask] = scores[mask].softmax(0)
    return weights.tolist(), sum(w * note for w, note in zip(weights, notes)).numpy()


def _hits_by_numpy(weights, links):
    hits = {i: False for i, _ in links}
    for i, j in links:
        hits[i] |= bool(np.argmax(weights[i]) == j)
    return np.mean(list(hits.values()))


def _hits_by_torch(weights, links):
    looks = torch.tensor(weights).argmax(-1)
    rows = {i for i, _ in links}
    return torch.tensor(float(sum((i, int(looks[i])) in links for i in rows))) / len(rows)


WRONG = {
    "additive_scores": (_no_tanh, _tanh_of_the_score, _never_asks_the_state, _sums_without_v, _two_tanhs),
    "attend": (
        _forgets_the_mask, _masks_after_softmax, _score_zero_for_padding, _best_note_only, _context_first, _minus_fifteen,
    ),
    "alignment_hits": (
        _counts_links, _adds_weights, _words_without_partner_are_misses, _links_the_wrong_way, _along_the_columns,
        _first_link_only, _last_link_only, _above_one_half,
    ),
}  # fmt: skip
RIGHT = {
    "additive_scores": (_note_by_note, _scores_by_einsum),
    "attend": (_attend_by_exp, _attend_by_loop),
    "alignment_hits": (_hits_by_numpy, _hits_by_torch),
}
