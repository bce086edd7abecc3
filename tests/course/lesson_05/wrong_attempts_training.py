"""Attempts at the exercise in `exercises_training`: wrong ones, each refused with a hint of its own, and right ones."""

import torch
from torch.nn import functional as F

from rlhf_lite.course.lesson_05.exercises_training import train_on_text
from rlhf_lite.likelihood import language_model_loss


def _train(model, optimizer, tokens, steps, loss_of, *, zero=True, step=True):
    losses = []
    for _ in range(steps):
        loss = loss_of(model(tokens))
        if zero:
            optimizer.zero_grad()
        loss.backward()
        if step:
            optimizer.step()
        losses.append(loss.item())
    return losses


def _predicts_itself(model, optimizer, tokens, steps):
    return _train(model, optimizer, tokens, steps, lambda x: F.cross_entropy(x.flatten(0, 1), tokens.flatten()))


def _predicts_the_one_before(model, optimizer, tokens, steps):
    before = tokens[:, :-1].flatten()
    return _train(model, optimizer, tokens, steps, lambda x: F.cross_entropy(x[:, 1:].flatten(0, 1), before))


def _sum_not_mean(model, optimizer, tokens, steps):
    after = tokens[:, 1:].flatten()
    return _train(
        model, optimizer, tokens, steps, lambda x: F.cross_entropy(x[:, :-1].flatten(0, 1), after, reduction="sum")
    )


def _last_text_only(model, optimizer, tokens, steps):
    return train_on_text(model, optimizer, tokens[-1:], steps)


def _never_zeroes(model, optimizer, tokens, steps):
    return _train(model, optimizer, tokens, steps, lambda x: language_model_loss(x, tokens), zero=False)


def _never_steps(model, optimizer, tokens, steps):
    return _train(model, optimizer, tokens, steps, lambda x: language_model_loss(x, tokens), step=False)


def _last_loss_only(model, optimizer, tokens, steps):
    return train_on_text(model, optimizer, tokens, steps)[-1:]


def _loss_after_each_step(model, optimizer, tokens, steps):
    losses = train_on_text(model, optimizer, tokens, steps)
    return [*losses[1:], language_model_loss(model(tokens), tokens).item()]


def _by_the_library(model, optimizer, tokens, steps):
    return torch.tensor(_train(model, optimizer, tokens, steps, lambda x: language_model_loss(x, tokens)))


def _by_transposing(model, optimizer, tokens, steps):
    losses = []
    while len(losses) < steps:
        optimizer.zero_grad()
        losses.append(F.cross_entropy(model(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:]))
        losses[-1].backward()
        optimizer.step()
    return losses


WRONG = {
    "train_on_text": (
        _predicts_itself, _predicts_the_one_before, _sum_not_mean, _last_text_only, _never_zeroes, _never_steps,
        _last_loss_only, _loss_after_each_step,
    ),
}  # fmt: skip
RIGHT = {"train_on_text": (_by_the_library, _by_transposing)}
