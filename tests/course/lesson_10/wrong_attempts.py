"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import exp, log

from torch.nn import functional as F

from rlhf_lite.course.lesson_10.exercises import better_pairs, preference, prompt_loss, train_on_pairs


def _other_way_round(score_a, score_b):
    return preference(score_b, score_a)


def _certain(score_a, score_b):
    return 1.0 if score_a > score_b else 0.0


def _odds(score_a, score_b):
    return exp(score_a - score_b)


def _with_ties(ranking):
    places = range(len(ranking))
    return [(i, j) for i in places for j in places if i != j and ranking[i] <= ranking[j]]


def _worse_first(ranking):
    return [(j, i) for i, j in better_pairs(ranking)]


def _neighbours(ranking):
    return [(i, j) for i, j in better_pairs(ranking) if ranking[j] - ranking[i] == 1]


def _sum(scores, ranking):
    return prompt_loss(scores, ranking) * len(better_pairs(ranking))


def _wrong_sign(scores, ranking):
    return prompt_loss([-score for score in scores], ranking)


def _no_minus(scores, ranking):
    return -prompt_loss(scores, ranking)


def _last_column(numbers, lengths):
    return [row[-1] for row in numbers]


def _first_padding(numbers, lengths):
    return [row[min(length, len(row) - 1)] for row, length in zip(numbers, lengths)]


def _mean(numbers, lengths):
    return [sum(row[:length]) / length for row, length in zip(numbers, lengths)]


def _unsorted(ranking):
    return better_pairs(ranking)[::-1]


def _some_pairs(choose):
    def attempt(scores, ranking):
        pairs = choose(better_pairs(ranking), ranking)
        return sum(log(1 + exp(scores[j] - scores[i])) for i, j in pairs) / len(pairs)

    return attempt


_best_against_rest = _some_pairs(lambda pairs, ranking: [(i, j) for i, j in pairs if ranking[i] == min(ranking)])
_neighbours_only = _some_pairs(lambda pairs, ranking: [(i, j) for i, j in pairs if ranking[j] - ranking[i] == 1])
_best_against_last = _some_pairs(
    lambda pairs, ranking: [(i, j) for i, j in pairs if ranking[i] == min(ranking) and ranking[j] == max(ranking)]
)


def _listed_best_first(scores, ranking):
    places = range(len(scores))
    pairs = [(i, j) for i in places for j in places if i < j and ranking[i] != ranking[j]]
    return sum(log(1 + exp(scores[j] - scores[i])) for i, j in pairs) / len(pairs)


def _log_of_the_mean(scores, ranking):
    pairs = better_pairs(ranking)
    return -log(sum(preference(scores[i], scores[j]) for i, j in pairs) / len(pairs))


def _largest(numbers, lengths):
    return [max(row[:length]) for row, length in zip(numbers, lengths)]


def _steps(loss_of, *, zero=True, after=False):
    def attempt(model, optimizer, better, worse, steps):
        losses = []
        for _ in range(steps + after):
            loss = loss_of(model(better), model(worse))
            if zero:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses[after:]

    return attempt


def _right_loss(a, b):
    return -F.logsigmoid(a[:, -1] - b[:, -1]).mean()


def _step_forgotten(model, optimizer, better, worse, steps):
    return [_right_loss(model(better), model(worse)).item() for _ in range(steps)]


WRONG = {
    "preference": (_other_way_round, _certain, _odds),
    "better_pairs": (_with_ties, _worse_first, _neighbours, _unsorted),
    "prompt_loss": (
        _sum, _wrong_sign, _no_minus, _best_against_rest, _neighbours_only, _best_against_last, _listed_best_first,
        _log_of_the_mean,
    ),
    "read_scores": (_last_column, _mean, _first_padding, _largest),
    "train_on_pairs": (
        _steps(_right_loss, zero=False), _step_forgotten, _steps(lambda a, b: -F.logsigmoid(a[:, -1] - b[:, -1]).sum()),
        _steps(lambda a, b: -F.logsigmoid(b[:, -1] - a[:, -1]).mean()), _steps(_right_loss, after=True),
    ),
}  # fmt: skip
"""Attempts by exercise."""


def _by_softplus(model, optimizer, better, worse, steps):
    found = []
    while len(found) < steps:
        model.zero_grad()
        loss = F.softplus(model(worse)[:, -1] - model(better)[:, -1]).mean()
        loss.backward()
        found.append(loss)
        optimizer.step()
    return [each.item() for each in found]


RIGHT = {"train_on_pairs": (_by_softplus, lambda *given: tuple(train_on_pairs(*given)))}
"""Right attempts, written differently."""
