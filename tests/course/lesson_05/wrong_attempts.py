"""Attempts at the exercises in `exercises`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: B905, RUF007

from math import log

import numpy as np
import torch

from rlhf_lite.course.lesson_05.exercises import gpt_logits, shifted_loss


def _only_the_last(tokens):
    return [(tokens[:-1], tokens[-1])]


def _neighbours(tokens):
    return [([first], second) for first, second in zip(tokens, tokens[1:])]


def _predicts_what_it_has_read(tokens):
    return [(tokens[:end], tokens[end - 1]) for end in range(1, len(tokens))]


def _begins_with_nothing(tokens):
    return [(tokens[:end], tokens[end]) for end in range(len(tokens))]


def _no_positions(tokens, embedding, positions, blocks, norm):
    return gpt_logits(tokens, embedding, torch.zeros_like(positions), blocks, norm)


def _position_of_the_token(tokens, embedding, positions, blocks, norm):
    return gpt_logits(tokens, embedding, positions[tokens], blocks, norm)


def _no_norm(tokens, embedding, positions, blocks, norm):
    return gpt_logits(tokens, embedding, positions, blocks, lambda x: x)


def _norm_first(tokens, embedding, positions, blocks, norm):
    return gpt_logits(tokens, embedding, positions, [norm, *blocks], lambda x: x)


def _blocks_side_by_side(tokens, embedding, positions, blocks, norm):
    x = embedding[tokens] + positions[: len(tokens)]
    return norm(sum(block(x) for block in blocks)) @ embedding.T


def _forgets_to_unembed(tokens, embedding, positions, blocks, norm):
    x = embedding[tokens] + positions[: len(tokens)]
    for block in blocks:
        x = block(x)
    return norm(x)


def _not_shifted(probabilities, tokens):
    return sum(-log(row[token]) for row, token in zip(probabilities, tokens)) / len(tokens)


def _shifted_the_other_way(probabilities, tokens):
    return shifted_loss(probabilities[1:], [0, *tokens[:-1]])


def _sum_of_surprises(probabilities, tokens):
    return shifted_loss(probabilities, tokens) * (len(tokens) - 1)


def _divides_by_all(probabilities, tokens):
    return shifted_loss(probabilities, tokens) * (len(tokens) - 1) / len(tokens)


def _any_change(outputs, tokens):
    return any(outputs([*tokens[:t], tokens[t] + 1, *tokens[t + 1 :]]) != outputs(tokens) for t in range(len(tokens)))


def _changes_only_the_last(outputs, tokens):
    return outputs([*tokens[:-1], tokens[-1] + 1])[:-1] != outputs(tokens)[:-1]


def _changes_only_the_second(outputs, tokens):
    return outputs([tokens[0], tokens[1] + 1, *tokens[2:]])[:1] != outputs(tokens)[:1]


def _sets_to_zero(outputs, tokens):
    return any(outputs([*tokens[:t], 0, *tokens[t + 1 :]])[:t] != outputs(tokens)[:t] for t in range(len(tokens)))


def _pairs_by_loop(tokens):
    pairs, seen = [], []
    for token in tokens:
        if seen:
            pairs.append([list(seen), token])
        seen.append(token)
    return pairs


def _pairs_by_numpy(tokens):
    row = np.array(tokens)
    return [(row[: i + 1], row[i + 1]) for i in range(len(row) - 1)]


def _logits_by_lookup(tokens, embedding, positions, blocks, norm):
    x = torch.nn.functional.embedding(torch.tensor(tokens), embedding) + positions[torch.arange(len(tokens))]
    for block in blocks:
        x = block(x)
    return torch.einsum("tc,vc->tv", norm(x), embedding)


def _logits_as_lists(tokens, embedding, positions, blocks, norm):
    return gpt_logits(tokens, embedding, positions, blocks, norm).tolist()


def _loss_by_torch(probabilities, tokens):
    rows = torch.tensor(probabilities)[:-1]
    return torch.nn.functional.nll_loss(rows.log(), torch.tensor(tokens[1:]))


def _loss_by_numpy(probabilities, tokens):
    return -np.log(np.array(probabilities)[np.arange(len(tokens) - 1), tokens[1:]]).mean()


def _looks_by_place(outputs, tokens):
    for t in range(1, len(tokens)):
        changed = list(tokens)
        changed[t] += 7
        if any(a != b for a, b in zip(outputs(changed)[:t], outputs(tokens)[:t])):
            return np.bool_(True)
    return np.bool_(False)


def _looks_by_tensor(outputs, tokens):
    before = torch.tensor(outputs(tokens), dtype=torch.float64)
    seen = torch.tensor(False)
    for t in range(len(tokens)):
        changed = torch.tensor(outputs([x + 1 if i >= t else x for i, x in enumerate(tokens)]), dtype=torch.float64)
        seen = seen | (changed[:t] != before[:t]).any()
    return seen


WRONG = {
    "next_token_pairs": (_only_the_last, _neighbours, _predicts_what_it_has_read, _begins_with_nothing),
    "gpt_logits": (_no_positions, _position_of_the_token, _no_norm, _norm_first, _blocks_side_by_side, _forgets_to_unembed),
    "shifted_loss": (_not_shifted, _shifted_the_other_way, _sum_of_surprises, _divides_by_all),
    "looks_ahead": (_any_change, _changes_only_the_last, _changes_only_the_second, _sets_to_zero),
}  # fmt: skip
RIGHT = {
    "next_token_pairs": (_pairs_by_loop, _pairs_by_numpy),
    "gpt_logits": (_logits_by_lookup, _logits_as_lists),
    "shifted_loss": (_loss_by_torch, _loss_by_numpy),
    "looks_ahead": (_looks_by_place, _looks_by_tensor),
}
