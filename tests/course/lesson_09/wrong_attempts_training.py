"""Plausible wrong attempts at the exercises in `exercises_training`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import log

from rlhf_lite.course.lesson_09.exercises_training import best_epoch, expected_surprise, rate_of_each


def _one_epoch(n_demonstrations, epochs, batch_size):
    return max(1, round(n_demonstrations / batch_size))


def _drops_the_rest(n_demonstrations, epochs, batch_size):
    return max(1, epochs * (n_demonstrations // batch_size))


def _fills_up_each_epoch(n_demonstrations, epochs, batch_size):
    return epochs * -(-n_demonstrations // batch_size)


def _no_step_at_all(n_demonstrations, epochs, batch_size):
    return round(epochs * n_demonstrations / batch_size)


def _counts_demonstrations(n_demonstrations, epochs, batch_size):
    return epochs * n_demonstrations


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
    "training_steps": (_one_epoch, _drops_the_rest, _fills_up_each_epoch, _no_step_at_all, _counts_demonstrations),
    "best_epoch": (_returns_the_value, _always_lowest, _always_highest, lambda measured, key, lowest: list(measured).index(
            best_epoch(measured, key, lowest))),
    "expected_surprise": (_only_of_what_is_written, _the_other_way_round, _plus, _not_weighted, _log_of_the_mean),
    "rate_of_each": (_swapped, _finds_head_anywhere, _same_for_all, _head_only),
}
