"""Plausible wrong attempts at the exercises in `exercises_masking`, each to be refused with a hint of its own; and right ones."""

import torch
import torch.nn.functional as F

from rlhf_lite.course.lesson_07.exercises_masking import hide_words, masked_step, targets_for


def _all_blank(tokens, chosen, fates, strangers, mask_id):
    return torch.where(chosen, mask_id, tokens)


def _not_only_chosen(tokens, chosen, fates, strangers, mask_id):
    return hide_words(tokens, torch.ones_like(chosen), fates, strangers, mask_id)


def _turned_round(tokens, chosen, fates, strangers, mask_id):
    hidden = torch.where(chosen & (fates < 0.8), mask_id, tokens)
    return torch.where(chosen & (fates >= 0.8) & (fates < 0.9), strangers, hidden)


def _nobody_stays(tokens, chosen, fates, strangers, mask_id):
    hidden = torch.where(chosen & (fates < 0.8), mask_id, tokens)
    return torch.where(chosen & (fates >= 0.8), strangers, hidden)


def _no_strangers(tokens, chosen, fates, strangers, mask_id):
    return torch.where(chosen & (fates < 0.8), mask_id, tokens)


def _blank_is_0(tokens, chosen, fates, strangers, mask_id):
    return hide_words(tokens, chosen, fates, strangers, 0)


def _border_hidden(tokens, chosen, fates, strangers, mask_id):
    hidden = torch.where(chosen & (fates <= 0.8), mask_id, tokens)
    return torch.where(chosen & (fates >= 0.9), strangers, hidden)


def _one_stranger(tokens, chosen, fates, strangers, mask_id):
    return hide_words(tokens, chosen, fates, torch.full_like(tokens, int(strangers[0, 1])), mask_id)


def _by_lists(tokens, chosen, fates, strangers, mask_id):
    rows = zip(tokens.tolist(), chosen.tolist(), fates.tolist(), strangers.tolist(), strict=True)
    return [
        [(mask_id if fate < 0.8 else token if fate < 0.9 else stranger) if hit else token
         for token, hit, fate, stranger in zip(*row, strict=True)]
        for row in rows
    ]  # fmt: skip


def _word_by_word(tokens, chosen, fates, strangers, mask_id):
    rows = []
    for b in range(tokens.shape[0]):
        row = []
        for t in range(tokens.shape[1]):
            token = int(tokens[b, t])
            if chosen[b, t] and fates[b, t] < 0.8:
                token = mask_id
            elif chosen[b, t] and fates[b, t] >= 0.9:
                token = int(strangers[b, t])
            row.append(token)
        rows.append(row)
    return rows


def _with_indices(tokens, chosen, fates, strangers, mask_id):
    hidden, swapped = tokens.clone(), chosen & (fates >= 0.9)
    hidden[chosen & (fates < 0.8)] = mask_id
    hidden[swapped] = strangers[swapped]
    return hidden


def _every_word(tokens, chosen):
    return tokens


def _seen_words(tokens, chosen):
    return torch.where(chosen, -100, tokens)


def _zeros(tokens, chosen):
    return tokens * chosen


def _shifted_right(tokens, chosen):
    return targets_for(tokens, chosen).roll(1, 1)


def _next_words(tokens, chosen):
    return torch.where(chosen, tokens.roll(-1, 1), -100)


def _flat(tokens, chosen):
    return tokens[chosen]


def _by_masked_fill(tokens, chosen):
    return tokens.masked_fill(~chosen, -100)


def _as_lists(tokens, chosen):
    return [[t if c else -100 for t, c in zip(*row, strict=True)] for row in zip(tokens.tolist(), chosen.tolist(), strict=True)]


def _uphill(weight, inputs, targets, rate):
    return 2 * weight - masked_step(weight, inputs, targets, rate)


def _mean_over_all(weight, inputs, targets, rate):
    share = (targets != -100).float().mean()
    return weight + share * (masked_step(weight, inputs, targets, rate) - weight)


def _sum(weight, inputs, targets, rate):
    count = (targets != -100).sum()
    return weight + count * (masked_step(weight, inputs, targets, rate) - weight)


def _no_rate(weight, inputs, targets, rate):
    return masked_step(weight, inputs, targets, 1.0)


def _unchanged(weight, inputs, targets, rate):
    return weight


def _not_flattened(weight, inputs, targets, rate):
    leaf = weight.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(leaf[inputs], targets), leaf)
    return weight - rate * gradient


def _from_zero(weight, inputs, targets, rate):
    return masked_step(weight, inputs, targets, rate) - weight


def _by_backward(weight, inputs, targets, rate):
    leaf = torch.nn.Parameter(weight.clone())
    optimizer = torch.optim.SGD([leaf], lr=rate)
    F.cross_entropy(leaf[inputs].transpose(1, 2), targets).backward()
    optimizer.step()
    return leaf.detach()


def _by_formula(weight, inputs, targets, rate):
    kept = targets != -100
    push = weight.softmax(1)[inputs[kept]] - F.one_hot(targets[kept], weight.shape[1])
    return weight.index_add(0, inputs[kept], -rate * push / kept.sum())


WRONG = {
    "hide_words": (
        _all_blank, _not_only_chosen, _turned_round, _nobody_stays, _no_strangers, _blank_is_0, _border_hidden,
        _one_stranger,
    ),
    "targets_for": (_every_word, _seen_words, _zeros, _shifted_right, _flat),
    "masked_step": (_uphill, _mean_over_all, _sum, _no_rate, _unchanged, _not_flattened, _from_zero),
}  # fmt: skip
RIGHT = {
    "hide_words": (_word_by_word, _with_indices, _by_lists),
    "targets_for": (_by_masked_fill, _as_lists),
    "masked_step": (_by_backward, _by_formula),
}
