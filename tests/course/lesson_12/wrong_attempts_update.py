"""Plausible wrong attempts at the exercise in `exercises_update`, each to be refused with a hint of its own, and right ones."""

# ruff: noqa: B905

import torch
from torch import nn
from torch.nn import functional as F

from rlhf_lite.ppo import policy_loss, value_loss


def _log_probs(policy, rollout):
    return policy(rollout.tokens)[:, :-1].log_softmax(-1).gather(2, rollout.tokens[:, 1:, None]).squeeze(2)


def _gain(log_probs, rollout, clip):
    ratio = (log_probs - rollout.old_log_probs).exp()
    return torch.min(ratio * rollout.advantages, ratio.clamp(1 - clip, 1 + clip) * rollout.advantages)


def _gain_unclipped(log_probs, rollout, clip):
    return (log_probs - rollout.old_log_probs).exp() * rollout.advantages


def _gain_larger(log_probs, rollout, clip):
    ratio = (log_probs - rollout.old_log_probs).exp()
    return torch.max(ratio * rollout.advantages, ratio.clamp(1 - clip, 1 + clip) * rollout.advantages)


def _gain_upside_down(log_probs, rollout, clip):
    ratio = (rollout.old_log_probs - log_probs).exp()
    return torch.min(ratio * rollout.advantages, ratio.clamp(1 - clip, 1 + clip) * rollout.advantages)


def _clipped_only(log_probs, rollout, clip):
    return (log_probs - rollout.old_log_probs).exp().clamp(1 - clip, 1 + clip) * rollout.advantages


def _passes(gain=_gain, *, masked=True, sign=-1.0, half=0.5, reduce=torch.mean, zero=True, cut=True, step=True, after=False):
    def attempt(policy, value_model, optimizers, rollout, clip, passes):
        found = []
        for _ in range(passes + after):
            mask = rollout.mask if masked else torch.ones_like(rollout.mask)
            error = value_model(rollout.tokens)[:, :-1] - rollout.returns
            losses = [sign * reduce(gain(_log_probs(policy, rollout), rollout, clip)[mask]), half * reduce(error[mask] ** 2)]
            for model, optimizer, loss in zip((policy, value_model), optimizers, losses):
                if zero:
                    optimizer.zero_grad()
                loss.backward()
                if cut:
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                if step:
                    optimizer.step()
            found.append([loss.item() for loss in losses])
        return found[after:]

    return attempt


def _clips_values(policy, value_model, optimizers, rollout, clip, passes):
    found = []
    for _ in range(passes):
        values = value_model(rollout.tokens)[:, :-1]
        first = -_gain(_log_probs(policy, rollout), rollout, clip)[rollout.mask].mean()
        second = value_loss(values, rollout.old_values, rollout.returns, rollout.mask, 0.2)
        for model, optimizer, loss in zip((policy, value_model), optimizers, (first, second)):
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        found.append((first.item(), second.item()))
    return found


def _with_the_library_s_losses(policy, value_model, optimizers, rollout, clip, passes):
    found = []
    for _ in range(passes):
        logits = policy(rollout.tokens)[:, :-1]
        log_probs = -F.cross_entropy(logits.transpose(1, 2), rollout.tokens[:, 1:], reduction="none")
        first, _ = policy_loss(log_probs, rollout.old_log_probs, rollout.advantages, rollout.mask, clip)
        values = value_model(rollout.tokens)[:, :-1]
        second = value_loss(values, rollout.old_values, rollout.returns, rollout.mask, 1e9)
        for model in (policy, value_model):
            model.zero_grad()
        (first + second).backward()  # they share no parameter
        for model, optimizer in zip((policy, value_model), optimizers):
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
        found.append(torch.stack([first, second]).detach())
    return torch.stack(found)


def _by_sums(policy, value_model, optimizers, rollout, clip, passes):
    count, found = rollout.mask.sum(), []
    for _ in range(passes):
        losses = (
            -(_gain(_log_probs(policy, rollout), rollout, clip) * rollout.mask).sum() / count,
            ((value_model(rollout.tokens)[:, :-1] - rollout.returns) * rollout.mask).square().sum() / (2 * count),
        )
        for model, optimizer, loss in zip((policy, value_model), optimizers, losses):
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            length = torch.stack([each.norm() for each in gradients]).norm()
            for parameter, each in zip(model.parameters(), gradients):
                parameter.grad = each / max(1.0, length)
            optimizer.step()
        found.append(tuple(loss.item() for loss in losses))
    return tuple(found)


WRONG = {
    "learn_from_rollout": (
        _passes(_gain_unclipped), _passes(_gain_larger), _passes(_gain_upside_down), _passes(_clipped_only),
        _passes(masked=False), _passes(sign=1.0), _passes(half=1.0), _passes(reduce=torch.sum), _passes(zero=False),
        _passes(cut=False),
        _passes(step=False), _passes(after=True), _clips_values,
    ),
}  # fmt: skip
RIGHT = {"learn_from_rollout": (_with_the_library_s_losses, _by_sums)}
