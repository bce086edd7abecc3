"""Plausible wrong attempts at the exercises in `exercises_training`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import log

from torch.nn import functional as F

from rlhf_lite.course.lesson_09.exercises_training import best_epoch, expected_surprise, rate_of_each


def _step_by(loss_of, *, zero=True, step=True):
    def attempt(model, optimizer, tokens, response_mask, steps):
        losses = []
        for _ in range(steps):
            loss = loss_of(model(tokens), tokens, response_mask)
            if zero:
                optimizer.zero_grad()
            loss.backward()
            if step:
                optimizer.step()
            losses.append(loss.item())
        return losses

    return attempt


def _right_loss(logits, tokens, mask):
    log_probs = logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None]).squeeze(2)
    return -(log_probs * mask[:, 1:]).sum() / mask[:, 1:].sum()


def _all_tokens(logits, tokens, mask):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def _mask_not_shifted(logits, tokens, mask):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].masked_fill(~mask[:, :-1], -100).flatten())


def _predicts_itself(logits, tokens, mask):
    return F.cross_entropy(logits.flatten(0, 1), tokens.masked_fill(~mask, -100).flatten())


def _sum_of_all(logits, tokens, mask):
    return _right_loss(logits, tokens, mask) * mask[:, 1:].sum()


def _returns_the_value(measured, key, lowest):
    return (min if lowest else max)(row[key] for row in measured.values())


def _always_lowest(measured, key, lowest):
    return best_epoch(measured, key, True)


def _always_highest(measured, key, lowest):
    return best_epoch(measured, key, False)


def _last_epoch(measured, key, lowest):
    return max(measured)


def _only_of_what_is_written(written, predicted):
    return expected_surprise(written, written)


def _the_other_way_round(written, predicted):
    return expected_surprise(predicted, written)


def _plus(written, predicted):
    return -expected_surprise(written, predicted)


def _not_weighted(written, predicted):
    return -sum(log(q) for q in predicted) / len(predicted)


def _log_of_the_mean(written, predicted):
    return -log(sum(p * q for p, q in zip(written, predicted)))


def _swapped(names, body_rate, head_rate):
    return rate_of_each(names, head_rate, body_rate)


def _finds_head_anywhere(names, body_rate, head_rate):
    return {name: head_rate if "head" in name else body_rate for name in names}


def _same_for_all(names, body_rate, head_rate):
    return dict.fromkeys(names, body_rate)


def _head_only(names, body_rate, head_rate):
    return {name: head_rate for name in names if name.startswith("scalar_head.")}


WRONG = {
    "train_on_answers": (
        _step_by(_all_tokens), _step_by(_mask_not_shifted), _step_by(_predicts_itself), _step_by(_sum_of_all),
        _step_by(_right_loss, zero=False), _step_by(_right_loss, step=False),
    ),
    "best_epoch": (_returns_the_value, _always_lowest, _always_highest, lambda measured, key, lowest: list(measured).index(
            best_epoch(measured, key, lowest))),
    "expected_surprise": (_only_of_what_is_written, _the_other_way_round, _plus, _not_weighted, _log_of_the_mean),
    "rate_of_each": (_swapped, _finds_head_anywhere, _same_for_all, _head_only),
}  # fmt: skip


RIGHT = {"train_on_answers": (_step_by(_right_loss),)}
"""Right attempts, written differently."""
