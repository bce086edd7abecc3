"""Exercises of lesson 13, the capstone's second half: one training step for each of the two models.

Expected losses are worked out in plain Python, number by number, without autograd.
"""

from collections.abc import Sequence
from math import exp, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..checks import Case, Exercise, PlainSGD
from ..lesson_05.exercises_training import NextOfEach
from ..lesson_10.exercises import NumberPerToken


def fit_values(
    value_model: nn.Module, optimizer: Optimizer, tokens: Tensor, mask: Tensor, returns: Tensor, steps: int
) -> list[float]:
    """Take steps towards the returns, gradients cut to length 1; return the loss before each step."""
    losses = []
    for _ in range(steps):
        values = value_model(tokens)[:, :-1]
        loss = 0.5 * ((values - returns)[mask] ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(value_model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def improve_policy(
    policy: nn.Module, optimizer: Optimizer, batch: dict[str, Tensor], text: Tensor, ptx_coef: float, steps: int
) -> list[float]:
    """Take steps on PPO's clipped loss plus ptx_coef times the text's, gradients cut to length 1; return the loss before each."""
    tokens, mask, advantages, losses = batch["tokens"], batch["mask"], batch["advantages"], []
    for _ in range(steps):
        log_probs = policy(tokens)[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None]).squeeze(2)
        ratio = (log_probs - batch["old_log_probs"]).exp()
        loss = torch.max(-advantages * ratio, -advantages * ratio.clamp(0.8, 1.2))[mask].mean()
        loss = loss + ptx_coef * F.cross_entropy(policy(text)[:, :-1].flatten(0, 1), text[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def _value_case(tokens: list, mask: list, returns: list, rate: float, steps: int) -> tuple:
    model = NumberPerToken()
    optimizer = PlainSGD(model.parameters(), lr=rate)
    return model, optimizer, torch.tensor(tokens), torch.tensor(mask), torch.tensor(returns), steps


def _value_losses(
    targets: Sequence[tuple[int, float]], rate: float, steps: int, *, kept: bool = False, longest: float = 1.0, half: float = 0.5
) -> list[float]:
    """Losses where each target is (id of the token whose number is the value, return); id i has log(3) / 3 times i at first.

    With `kept`, gradients of earlier steps are not zeroed.
    """
    numbers, gradient, found = {i: i * log(3) / 3 for i, _ in targets}, {i: 0.0 for i, _ in targets}, []
    for _ in range(steps):
        errors = [(i, numbers[i] - wanted) for i, wanted in targets]
        found.append(half * sum(error**2 for _, error in errors) / len(errors))
        gradient = dict(gradient) if kept else dict.fromkeys(gradient, 0.0)
        for i, error in errors:
            gradient[i] += 2 * half * error / len(errors)
        cut = min(1.0, longest / sum(g**2 for g in gradient.values()) ** 0.5)
        gradient = {i: cut * g for i, g in gradient.items()}
        numbers = {i: number - rate * gradient[i] for i, number in numbers.items()}
    return found


def _policy_case(tokens: list, mask: list, ratios: list, advantages: list, text: list, coef: float, rate: float, steps: int):
    """A case in which every sampled token has probability 1 / 7 now, and 1 / 7 divided by its ratio when it was drawn."""
    model, kept = NextOfEach(), torch.tensor(mask)
    old = (log(1 / 7) - torch.tensor(ratios).log()) * kept
    batch = {"tokens": torch.tensor(tokens), "mask": kept, "old_log_probs": old, "advantages": torch.tensor(advantages)}
    return model, PlainSGD(model.parameters(), lr=rate), batch, torch.tensor(text), coef, steps


def _policy_losses(
    draws: Sequence[tuple[int, int, float, float]], text: Sequence[tuple[int, int]], coef: float, rate: float, steps: int, *,
    clip: float = 0.2, longest: float = 1.0, kept: bool = False, count: int | None = None,
) -> list[float]:  # fmt: skip
    """Losses where each draw is (token before, token drawn, its ratio at first, advantage), each text a (token, next token).

    `clip`, `longest`, `kept` and `count`, the number that the draws' losses are divided by, serve to make mistakes.
    """
    logits = [[log(2) if j == (i + 1) % 6 else 0.0 for j in range(6)] for i in range(6)]
    gradient, found, n = [[0.0] * 6 for _ in range(6)], [], count or len(draws)
    for _ in range(steps):
        probs = [[exp(x) / sum(map(exp, row)) for x in row] for row in logits]
        gradient = gradient if kept else [[0.0] * 6 for _ in range(6)]
        loss = -coef * sum(log(probs[i][j]) for i, j in text) / len(text)
        weights = [(i, j, -coef / len(text)) for i, j in text]  # of each gradient of log p
        for i, j, first, advantage in draws:
            ratio = first * 7 * probs[i][j]
            clipped = min(max(ratio, 1 - clip), 1 + clip)
            loss += max(-advantage * ratio, -advantage * clipped) / n
            if -advantage * ratio >= -advantage * clipped:
                weights.append((i, j, -advantage * ratio / n))
        for i, j, weight in weights:
            for k in range(6):
                gradient[i][k] += weight * ((k == j) - probs[i][k])
        norm = sum(g**2 for row in gradient for g in row) ** 0.5
        gradient = [[g * min(1.0, longest / max(norm, 1e-9)) for g in row] for row in gradient]
        logits = [[x - rate * g for x, g in zip(*rows, strict=True)] for rows in zip(logits, gradient, strict=True)]
        found.append(loss)
    return found


_TARGETS = [(3, 2.0), (1, 0.5), (4, -1.0)]
_DRAWS, _TEXT = [(1, 3, 1.0, 4.5), (3, 5, 1.0, -1.5), (2, 4, 1.0, 3.0)], [(4, 5), (5, 0), (5, 0), (0, 1)]
_UP, _NEWS = [(0, 4, 1.3, 2.0), (4, 1, 0.7, -1.0)], [(2, 3), (3, 3), (3, 0)]

EXERCISES = (
    Exercise(
        solution=fit_values,
        cases=(
            Case(
                arguments=_value_case(
                    [[2, 3, 1, 0], [5, 1, 4, 2]], [[False, True, False], [False, True, True]],
                    [[9.0, 2.0, 7.0], [8.0, 0.5, -1.0]], 1.0, 3,
                ),
                expected=_value_losses(_TARGETS, 1.0, 3),
                hint="per step: value_model(tokens)[:, :-1], half the mean squared distance from the returns where the mask is "
                "True, zero_grad, backward, cut, step; keep loss.item()",
                mistakes=(
                    (_value_losses(_TARGETS, 1.0, 3, kept=True), "gradients of earlier steps are left: zero_grad() in each step"),
                    (_value_losses(_TARGETS, 1.0, 3, half=1.0), "half the mean: the gradient then is the error itself"),
                    (_value_losses([(2, 9.0), (3, 2.0), (1, 7.0), (5, 8.0), (1, 0.5), (4, -1.0)], 1.0, 3),
                     "places outside the mask must not count: take [mask] before the mean"),
                    (_value_losses([(1, 2.0), (4, 0.5), (2, -1.0)], 1.0, 3),
                     "the value before a token was drawn is read at the token before it: [:, :-1], not [:, 1:]"),
                    (_value_losses(_TARGETS, 0.0, 3), "the loss stays where it was: is there a step?"),
                    (_value_losses(_TARGETS, 1.0, 4)[1:], "give the loss before each step, not after it"),
                ),
            ),
            Case(
                arguments=_value_case([[1, 6]], [[True]], [[10.0]], 0.5, 2), expected=_value_losses([(1, 10.0)], 0.5, 2),
                hint="here the gradient is longer than 1, and is cut to 1",
                mistakes=((_value_losses([(1, 10.0)], 0.5, 2, longest=1e9),
                           "the gradient is not cut: clip_grad_norm_(value_model.parameters(), 1.0) between backward and step"),),
            ),
        ),
    ),
    Exercise(
        solution=improve_policy,
        cases=(
            Case(
                arguments=_policy_case(
                    [[0, 1, 3, 5], [2, 2, 4, 0]], [[False, True, True], [False, True, False]], [[1.0] * 3] * 2,
                    [[0.0, 4.5, -1.5], [0.0, 3.0, 0.0]], [[4, 5, 0], [5, 0, 1]], 0.5, 1.5, 4,
                ),
                expected=_policy_losses(_DRAWS, _TEXT, 0.5, 1.5, 4),
                hint="mean over the sampled tokens of max(-A * ratio, -A * clipped ratio), plus ptx_coef times the mean "
                "cross-entropy of the text; zero_grad, backward, cut, step; keep the whole loss",
                mistakes=(
                    (_policy_losses(_DRAWS, _TEXT, 0.0, 1.5, 4), "the text's loss is missing: add ptx_coef times it"),
                    (_policy_losses(_DRAWS, _TEXT, -0.5, 1.5, 4), "the text's loss is to fall too: add it, do not subtract it"),
                    (_policy_losses(_DRAWS, _TEXT, 1.0, 1.5, 4), "the text's loss counts ptx_coef times"),
                    (_policy_losses([(i, j, r, -a) for i, j, r, a in _DRAWS], _TEXT, 0.5, 1.5, 4),
                     "a good token must become likelier: the loss is minus advantage times ratio"),
                    (_policy_losses(_DRAWS, _TEXT, 0.5, 1.5, 4, kept=True), "gradients of earlier steps are left: zero_grad()"),
                    (_policy_losses(_DRAWS, _TEXT, 0.5, 1.5, 4, count=6), "the mean is over sampled tokens: [mask] before mean"),
                    (_policy_losses(_DRAWS, _TEXT, 0.5, 1.5, 4, longest=1e9),
                     "the gradient is not cut: clip_grad_norm_(policy.parameters(), 1.0) between backward and step"),
                    (_policy_losses(_DRAWS, _TEXT, 0.5, 1.5, 4, clip=1e9), "the ratio is not clipped: clamp it to 0.8 to 1.2"),
                    (_policy_losses(_DRAWS, _TEXT, 0.5, 0.0, 4), "the loss stays where it was: is there a step?"),
                ),
            ),
            Case(
                arguments=_policy_case(
                    [[0, 4, 1]], [[True, True]], [[1.3, 0.7]], [[2.0, -1.0]], [[2, 3, 3, 0]], 0.25, 1.0, 3,
                ),
                expected=_policy_losses(_UP, _NEWS, 0.25, 1.0, 3),
                hint="both ratios are past the clip already: only the text still moves the weights",
                mistakes=((_policy_losses(_UP, _NEWS, 0.25, 1.0, 3, clip=1e9),
                           "the ratio is not clipped: take the larger of -A * ratio and -A * clipped ratio"),),
            ),
        ),
    ),
)  # fmt: skip
