"""Plausible wrong attempts at the exercises in `exercises_judging`, each to be refused with a hint of its own."""

from itertools import combinations
from math import comb, log, log2, log10

import numpy as np
import torch

from rlhf_lite.course.lesson_14.exercises_judging import asked_twice, best_of_n_gold, fit_curve, logistic_step


def _other_places(ours_first, ours_second):
    return sum(a != b for a, b in zip(ours_first, ours_second, strict=True)) / len(ours_first)


def _place_is_answer(ours_first, ours_second):
    return _other_places(ours_first, ours_second), asked_twice(ours_first, ours_second)[1]


def _place_everywhere(ours_first, ours_second):
    places = [*ours_first, *ours_second]
    return _other_places(ours_first, ours_second), places.count("first") / len(places)


def _first_order_only(ours_first, ours_second):
    return asked_twice(ours_first, ours_second)[0], ours_first.count("first") / len(ours_first)


def _changed_is_lost(ours_first, ours_second):
    both = [a == "first" and b == "second" for a, b in zip(ours_first, ours_second, strict=True)]
    return asked_twice(ours_first, ours_second)[0], sum(both) / len(both)


def _count(ours_first, ours_second):
    changed, rate = asked_twice(ours_first, ours_second)
    return changed * len(ours_first), rate


def _up(weights, features, preferred, rate):
    return 2 * weights - logistic_step(weights, features, preferred, rate)


def _sum_of_gradients(weights, features, preferred, rate):
    return logistic_step(weights, features, preferred, rate * len(preferred))


def _no_rate(weights, features, preferred, rate):
    return logistic_step(weights, features, preferred, 1.0)


def _no_sigmoid(weights, features, preferred, rate):
    return weights - rate * features.T @ (features @ weights + 0.5 * (weights == 0).all() - preferred) / len(preferred)


def _wrong_way_round(weights, features, preferred, rate):
    return weights - rate * features @ ((features @ weights).sigmoid() - preferred)


def _by_gold(scores, gold, n):
    return best_of_n_gold(gold, gold, n)


def _mean(scores, gold, n):
    return sum(gold) / len(gold)


def _of_all(scores, gold, n):
    return gold[scores.index(max(scores))]


def _put_back(scores, gold, n):
    total = len(gold)
    ordered = [value for _, value in sorted(zip(scores, gold, strict=True))]
    return sum(value * ((i + 1) ** n - i**n) / total**n for i, value in enumerate(ordered))


def _one_more_below(scores, gold, n):
    ordered = [value for _, value in sorted(zip(scores, gold, strict=True))]
    return sum(value * comb(i + 1, n - 1) for i, value in enumerate(ordered)) / comb(len(gold), n)


def _base_10(n):
    return log10(n) - (n - 1) / n


def _base_2(n):
    return log2(n) - (n - 1) / n


def _plus(n):
    return log(n) + (n - 1) / n


def _one_nth(n):
    return log(n) - 1 / n


def _bare(n):
    return log(n)


def _plus_beta(d, gain):
    return torch.linalg.lstsq(torch.stack([d, d * d.log()], 1), gain[:, None]).solution[:, 0]


def _beta_first(d, gain):
    return fit_curve(d, gain).flip(0)


def _column(d, gain):
    return fit_curve(d, gain)[:, None]


def _of_best_of_n(d, gain):
    return torch.linalg.lstsq(torch.stack([d, -d * d], 1), gain[:, None]).solution[:, 0]


def _no_d(d, gain):
    return torch.linalg.lstsq(torch.stack([torch.ones_like(d), -d.log()], 1), gain[:, None]).solution[:, 0]


WRONG = {
    "asked_twice": (_place_is_answer, _place_everywhere, _first_order_only, _changed_is_lost, _count),
    "logistic_step": (_up, _sum_of_gradients, _no_rate, _no_sigmoid, _wrong_way_round),
    "best_of_n_gold": (_by_gold, _mean, _of_all, _put_back, _one_more_below),
    "kl_of_best": (_base_10, _base_2, _plus, _one_nth, _bare),
    "fit_curve": (_plus_beta, _beta_first, _column, _of_best_of_n, _no_d),
}


def _counted(ours_first, ours_second):
    won = [(a == "first") + (b == "second") for a, b in zip(ours_first, ours_second, strict=True)]
    return [won.count(1) / len(won), sum(won) / len(won) / 2]


def _arrays(ours_first, ours_second):
    a, b = np.array(ours_first) == "first", np.array(ours_second) != "first"
    return (a ^ b).mean(), np.concatenate([a, b]).mean()


def _by_autograd(weights, features, preferred, rate):
    leaf = weights.clone().requires_grad_()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(features @ leaf, preferred)
    return weights - rate * torch.autograd.grad(loss, leaf)[0]


def _row_by_row(weights, features, preferred, rate):
    gradient = torch.zeros_like(weights)
    for row, y in zip(features, preferred, strict=True):
        gradient += row * (1 / (1 + (-(row @ weights)).exp()) - y)
    return (weights - rate * gradient / len(features)).tolist()


def _all_sets(scores, gold, n):
    sets = list(combinations(range(len(scores)), n))
    return sum(gold[max(each, key=lambda i: scores[i])] for each in sets) / len(sets)


def _weights(scores, gold, n):
    order = torch.tensor(scores).argsort()
    share = torch.tensor([comb(i, n - 1) / comb(len(gold), n) for i in range(len(gold))])
    return (torch.tensor(gold)[order] * share).sum()


def _other_form(n):
    return log(n) - 1 + 1 / n


def _tensor_form(n):
    n = torch.tensor(float(n))
    return n.log() - (n - 1) / n


def _normal_equations(d, gain):
    x = torch.stack([d, -d * d.log()], 1)
    return torch.linalg.solve(x.T @ x, x.T @ gain)


def _numpy_fit(d, gain):
    d, gain = d.numpy(), gain.numpy()
    return np.linalg.lstsq(np.stack([d, -d * np.log(d)], 1), gain, rcond=None)[0]


RIGHT = {
    "asked_twice": (_counted, _arrays),
    "logistic_step": (_by_autograd, _row_by_row),
    "best_of_n_gold": (_all_sets, _weights),
    "kl_of_best": (_other_form, _tensor_form),
    "fit_curve": (_normal_equations, _numpy_fit),
}
