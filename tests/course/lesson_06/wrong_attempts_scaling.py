"""Plausible wrong attempts at the exercises in `exercises_scaling`, each to be refused with a hint of its own."""

from math import exp, log

import numpy as np

from rlhf_lite.course.lesson_06.exercises_scaling import pf_days, predict_loss


def _straight_in_n(sizes, losses, larger):
    return np.polyval(np.polyfit(sizes, losses, 1), larger)


def _loss_not_logged(sizes, losses, larger):
    return np.polyval(np.polyfit(np.log(sizes), losses, 1), log(larger))


def _still_a_logarithm(sizes, losses, larger):
    return log(predict_loss(sizes, losses, larger))


def _rises(sizes, losses, larger):
    slope, start = np.polyfit(np.log(sizes), np.log(losses), 1)
    return exp(start - slope * log(larger))


def _last_two(sizes, losses, larger):
    return predict_loss(sizes[-2:], losses[-2:], larger)


def _first_and_last(sizes, losses, larger):
    return predict_loss([sizes[0], sizes[-1]], [losses[0], losses[-1]], larger)


def _flops(parameters, tokens):
    return 6 * parameters * tokens


def _forward_only(parameters, tokens):
    return pf_days(parameters, tokens) / 3


def _no_six(parameters, tokens):
    return pf_days(parameters, tokens) / 6


def _seconds(parameters, tokens):
    return 6 * parameters * tokens / 1e15


def _hours(parameters, tokens):
    return 6 * parameters * tokens / (1e15 * 60 * 60)


def _tera(parameters, tokens):
    return pf_days(parameters, tokens) * 1000


WRONG = {
    "predict_loss": (_straight_in_n, _loss_not_logged, _still_a_logarithm, _rises, _last_two, _first_and_last),
    "pf_days": (_flops, _forward_only, _no_six, _seconds, _hours, _tera),
}
