"""Plausible wrong attempts at the exercises in `exercises_attention`, each to be refused with a hint of its own."""

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


WRONG = {
    "additive_scores": (_no_tanh, _tanh_of_the_score, _never_asks_the_state, _sums_without_v, _two_tanhs),
    "attend": (_forgets_the_mask, _masks_after_softmax, _score_zero_for_padding, _best_note_only, _context_first),
    "alignment_hits": (_counts_links, _adds_weights, _words_without_partner_are_misses, _links_the_wrong_way),
}
