"""Plausible wrong attempts at the exercises in `exercises_training`, each to be refused with a hint of its own."""

from math import cos, pi

import torch
import torch.nn.functional as F

from rlhf_lite.course.lesson_06.exercises_training import rate_at, which_run


def _no_warmup(step, steps, peak, warmup, final_fraction):
    return rate_at(step, steps, peak, 0, final_fraction)


def _first_step_idle(step, steps, peak, warmup, final_fraction):
    return peak * step / warmup if step < warmup else rate_at(step, steps, peak, warmup, final_fraction)


def _down_to_zero(step, steps, peak, warmup, final_fraction):
    return rate_at(step, steps, peak, warmup, 0)


def _one_step_too_long(step, steps, peak, warmup, final_fraction):
    return rate_at(step, steps + 1, peak, warmup, final_fraction)


def _cosine_from_the_start(step, steps, peak, warmup, final_fraction):
    return peak * (step + 1) / warmup if step < warmup else rate_at(step, steps, peak, 0, final_fraction)


def _straight(step, steps, peak, warmup, final_fraction):
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (steps - 1 - warmup)
    return peak * (final_fraction + (1 - final_fraction) * (1 - done))


def _too_high(step, steps, peak, warmup, final_fraction):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (final_fraction + 0.5 * (1 + cos(pi * (step - warmup) / (steps - 1 - warmup))))


def _no_pi(step, steps, peak, warmup, final_fraction):
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (steps - 1 - warmup)
    return peak * (final_fraction + (1 - final_fraction) * 0.5 * (1 + cos(done if done < 1 else pi)))


def _divides_by_no_warmup(step, steps, peak, warmup, final_fraction):
    return rate_at(step, steps, peak, warmup, final_fraction) if peak * (step + 1) / warmup else 0.0


def _warmup_too_long(step, steps, peak, warmup, final_fraction):
    if warmup and step <= warmup:
        return peak * (step + 1) / warmup
    return rate_at(step, steps, peak, warmup, final_fraction)


def _loop(loss_of, *, empty=True, move=True):
    def train_on(model, optimizer, batches):
        losses = []
        for tokens in batches:
            loss = loss_of(model(tokens), tokens)
            if empty:
                optimizer.zero_grad()
            loss.backward()
            if move:
                optimizer.step()
            losses.append(loss.item())
        return losses

    return train_on


def _shifted(logits, tokens):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def _same(logits, tokens):
    return F.cross_entropy(logits.flatten(0, 1), tokens.flatten())


def _before(logits, tokens):
    return F.cross_entropy(logits[:, 1:].flatten(0, 1), tokens[:, :-1].flatten())


def _rolled(logits, tokens):
    return F.cross_entropy(logits.flatten(0, 1), tokens.roll(-1, 1).flatten())


def _rows_joined(logits, tokens):
    return F.cross_entropy(logits.flatten(0, 1)[:-1], tokens.flatten()[1:])


def _sum(logits, tokens):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="sum")


def _not_flattened(logits, tokens):
    return F.cross_entropy(logits[:, :-1], tokens[:, 1:])


def _uphill(logits, tokens):
    return -_shifted(logits, tokens)


def _uphill_true_loss(model, optimizer, batches):
    return [-loss for loss in _loop(_uphill)(model, optimizer, batches)]


def _all_normal(letter):
    return "normal"


def _stuck_swapped(letter):
    """Take the two runs that stay near the unigram entropy for each other."""
    return {"B": "rate x 100", "C": "targets shuffled"}.get(letter, which_run(letter))


def _gaps_swapped(letter):
    """Take the run whose held-out loss lies above for the one whose held-out loss lies below."""
    return {"A": "leak, 16 copies", "D": "16 epochs"}.get(letter, which_run(letter))


def _splendid(letter):
    """Take a loss of nearly 0 for a good run."""
    return {"E": "normal", "F": "16 epochs"}.get(letter, which_run(letter))


def _own_words(letter):
    return "overfitting" if letter == "A" else which_run(letter)


def _sign_error(model, optimizer, batches):
    losses = []
    for tokens in batches:
        loss = _shifted(model(tokens), tokens)
        optimizer.zero_grad()
        (-loss).backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _after_the_step(model, optimizer, batches):
    found = []
    for tokens in batches:
        _loop(_shifted)(model, optimizer, [tokens])
        with torch.no_grad():
            found.append(_shifted(model(tokens), tokens).item())
    return found


WRONG = {
    "rate_at": (
        _no_warmup, _first_step_idle, _down_to_zero, _one_step_too_long, _cosine_from_the_start, _straight, _too_high, _no_pi,
        _divides_by_no_warmup, _warmup_too_long,
    ),
    "train_on": (
        _loop(_same), _loop(_before), _loop(_rolled), _loop(_rows_joined), _loop(_sum), _loop(_shifted, empty=False),
        _loop(_shifted, move=False), _sign_error, _after_the_step, _loop(_not_flattened),
    ),
    "which_run": (_all_normal, _stuck_swapped, _gaps_swapped, _splendid, _own_words),
}  # fmt: skip
