"""Plausible wrong attempts at the exercises in `exercises_updates`, each to be refused with a hint of its own."""

import torch
from torch import nn
from torch.nn import functional as F

from rlhf_lite.likelihood import language_model_loss, next_token_log_probs
from rlhf_lite.ppo import policy_loss, value_loss


def _values(first=0, half=0.5, masked=True, zero=True, cut=True, move=True, after=False):
    """A version of `fit_values` with a fault."""

    def fit(model, optimizer, tokens, mask, returns, steps):
        def error():
            values = model(tokens)[:, first : first + mask.shape[1]]
            squares = (values - returns) ** 2
            return half * (squares[mask] if masked else squares).mean()

        losses = []
        for _ in range(steps):
            loss = error()
            if zero:
                optimizer.zero_grad()
            loss.backward()
            if cut:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if move:
                optimizer.step()
            losses.append(error().item() if after else loss.item())
        return losses

    return fit


def _values_by_sums(model, optimizer, tokens, mask, returns, steps):
    losses = []
    for _ in range(steps):
        model.zero_grad()
        errors = (model(tokens)[:, :-1] - returns).masked_fill(~mask, 0.0)
        loss = (errors**2).sum() / (2 * mask.sum())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        losses.append(loss.detach())
    return losses


def _values_with_the_library(model, optimizer, tokens, mask, returns, steps):
    losses = []
    for _ in range(steps):
        values = model(tokens)[:, :-1]
        loss = value_loss(values, values.detach(), returns, mask, 1e9)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def _policy(sign=1.0, text_sign=1.0, clip=0.2, masked=True, zero=True, cut=True, move=True, smaller=False):
    """A version of `improve_policy` with a fault; `text_sign` None forgets `ptx_coef`."""

    def improve(policy, optimizer, batch, text, ptx_coef, steps):
        losses = []
        for _ in range(steps):
            ratio = (next_token_log_probs(policy(batch["tokens"]), batch["tokens"]) - batch["old_log_probs"]).exp()
            gain = -sign * batch["advantages"]
            choose = torch.min if smaller else torch.max
            each = choose(gain * ratio, gain * ratio.clamp(1 - clip, 1 + clip))
            ptx = language_model_loss(policy(text), text)
            coef = ptx_coef if text_sign is not None else 1.0
            loss = (each[batch["mask"]] if masked else each).mean() + (text_sign or 1.0 if text_sign != 0 else 0.0) * coef * ptx
            if zero:
                optimizer.zero_grad()
            loss.backward()
            if cut:
                nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            if move:
                optimizer.step()
            losses.append(loss.item())
        return losses

    return improve


def _policy_with_the_library(policy, optimizer, batch, text, ptx_coef, steps):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        log_probs = next_token_log_probs(policy(batch["tokens"]), batch["tokens"])
        ours, _ = policy_loss(log_probs, batch["old_log_probs"], batch["advantages"], batch["mask"], 0.2)
        for_text = ptx_coef * language_model_loss(policy(text), text)
        ours.backward()
        for_text.backward()  # gradients add up
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append((ours + for_text).detach())
    return losses


def _policy_by_cases(policy, optimizer, batch, text, ptx_coef, steps):
    losses, mask = [], batch["mask"].float()
    for _ in range(steps):
        logits = policy(batch["tokens"])[:, :-1]
        log_probs = -F.cross_entropy(logits.transpose(1, 2), batch["tokens"][:, 1:], reduction="none")
        ratio, advantages = torch.exp(log_probs - batch["old_log_probs"]), batch["advantages"]
        gain = torch.min(ratio * advantages, torch.clamp(ratio, 0.8, 1.2) * advantages)
        loss = -(gain * mask).sum() / mask.sum() - ptx_coef * next_token_log_probs(policy(text), text).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


WRONG = {
    "fit_values": (
        _values(first=1), _values(half=1.0), _values(masked=False), _values(zero=False), _values(cut=False), _values(move=False),
        _values(after=True),
    ),
    "improve_policy": (
        _policy(sign=-1.0), _policy(text_sign=0.0), _policy(text_sign=-1.0), _policy(text_sign=None), _policy(clip=1e9),
        _policy(masked=False), _policy(zero=False), _policy(cut=False), _policy(move=False),
    ),
}  # fmt: skip
RIGHT = {
    "fit_values": (_values_by_sums, _values_with_the_library),
    "improve_policy": (_policy_with_the_library, _policy_by_cases),
}
