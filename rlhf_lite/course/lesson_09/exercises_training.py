"""Exercises of lesson 09, from the loss on: training steps, which epoch, what the loss asks for, a rate for body and head."""

from collections.abc import Callable
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..checks import Case, Exercise, PlainSGD
from ..lesson_05.exercises_training import NextOfEach, table_losses, wrongly_trained


def train_on_answers(
    model: nn.Module, optimizer: Optimizer, tokens: Tensor, response_mask: Tensor, steps: int
) -> list[float]:
    """Take some optimizer steps on one batch (B, T), answers only; return the loss before each step."""
    losses = []
    for _ in range(steps):
        targets = tokens[:, 1:].masked_fill(~response_mask[:, 1:], -100)
        loss = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def best_epoch(measured: dict[int, dict[str, float]], key: str, lowest: bool) -> int:
    """Return the epoch at which a measurement is lowest, or highest."""
    choose = min if lowest else max
    return choose(measured, key=lambda epoch: measured[epoch][key])


def expected_surprise(written: list[float], predicted: list[float]) -> float:
    """Return the mean surprise at answers that come with the shares `written`, where the model gave `predicted`."""
    return -sum(p * log(q) for p, q in zip(written, predicted) if p > 0)


def rate_of_each(names: list[str], body_rate: float, head_rate: float) -> dict[str, float]:
    """Return the learning rate of each parameter: the head's names begin with "scalar_head."."""
    return {name: head_rate if name.startswith("scalar_head.") else body_rate for name in names}


_RUN = {1: {"loss": 0.71, "gold": 0.10}, 2: {"loss": 0.58, "gold": 0.22}, 4: {"loss": 0.63, "gold": 0.35},
        8: {"loss": 0.80, "gold": 0.31}}  # fmt: skip
_NAMES = ["backbone.token_embedding.weight", "backbone.overhead.bias", "scalar_head.weight", "scalar_head.bias"]
_BODY, _HEAD = 1e-5, 0.02


def _batch(tokens: list[list[int]], mask: list[list[bool]], steps: int) -> tuple:
    model = NextOfEach()
    return model, PlainSGD(model.parameters(), lr=1.0), torch.tensor(tokens), torch.tensor(mask), steps


def _with(loss_of: Callable[[Tensor, Tensor, Tensor], Tensor], *, zero: bool = True, step: bool = True) -> list[float]:
    """What a wrong attempt gives in the first case."""
    model, optimizer, tokens, mask, steps = _batch(*_TWO_ROWS)
    return wrongly_trained(optimizer, steps, lambda: loss_of(model(tokens), tokens, mask), zero=zero, step=step)


def _counted(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    return F.cross_entropy(logits[mask], targets[mask])


_T, _F = True, False
_TWO_ROWS = [[0, 1, 2, 3], [3, 4, 5, 0]], [[_F, _F, _T, _T], [_F, _T, _T, _F]], 3


def _mean(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return _counted(logits[:, :-1], tokens[:, 1:], mask[:, 1:])


_STEP_MISTAKES = (
    (_with(lambda x, t, m: _mean(x, t, m | True)), "every token counts here: leave out those where the mask is False"),
    (_with(lambda x, t, m: _counted(x[:, :-1], t[:, 1:], m[:, :-1])),
     "the mask is not shifted: logits t predict token t + 1, so the mask must be response_mask[:, 1:]"),
    (_with(_counted), "each token is asked to predict itself: logits[:, :-1] predict tokens[:, 1:]"),
    (_with(lambda x, t, m: 4 * _mean(x, t, m)), "take the mean over the tokens that count, not the sum"),
    (_with(_mean, zero=False), "gradients of earlier steps are left: zero_grad() in each step"),
    (_with(_mean, step=False), "nothing is learnt: is there an optimizer.step()?"),
)  # fmt: skip

EXERCISES = (
    Exercise(
        solution=train_on_answers,
        cases=(
            Case(
                arguments=_batch(*_TWO_ROWS), expected=table_losses(4, 1.0, 3),  # 1 -> 2, 2 -> 3, 3 -> 4, 4 -> 5
                hint="per step: the cross-entropy of the counted tokens, zero_grad, backward, step; keep loss.item()",
                mistakes=_STEP_MISTAKES,
            ),
            Case(
                arguments=_batch([[2, 3, 4]], [[_F, _F, _T]], 2), expected=table_losses(1, 1.0, 2),
                hint="one token counts, the last; it is predicted one place earlier",
            ),
        ),
    ),
    Exercise(
        solution=best_epoch,
        cases=(
            Case(
                arguments=(_RUN, "loss", True), expected=2,
                hint="of 0.71, 0.58, 0.63 and 0.80 the lowest is 0.58, measured after epoch 2",
                mistakes=(
                    (0.58, "return the epoch, the key of the dictionary, not the value"),
                    (8, "`lowest` is True here: take the epoch with the lowest value, neither the highest nor the last"),
                ),
            ),
            Case(
                arguments=(_RUN, "gold", False), expected=4,
                hint="of 0.10, 0.22, 0.35 and 0.31 the highest is 0.35, measured after epoch 4",
                mistakes=((1, "`lowest` is False here: take the highest"), (8, "not the last epoch: the one that measured best")),
            ),
            Case(
                arguments=({3: {"loss": 0.5}, 9: {"loss": 0.4}, 20: {"loss": 0.6}}, "loss", True), expected=9,
                hint="any epochs may have been measured",
                mistakes=((20, "take the epoch that measured best, not the last one"),),
            ),
        ),
    ),
    Exercise(
        solution=expected_surprise,
        cases=(
            Case(
                arguments=([0.75, 0.25], [0.5, 0.25]), expected=0.75 * log(2) + 0.25 * log(4),
                hint="0.75 times the surprise -log(0.5), plus 0.25 times the surprise -log(0.25)",
                mistakes=(
                    (-0.75 * log(0.75) - 0.25 * log(0.25), "take the logarithm of what is predicted, not of what is written"),
                    (-0.5 * log(0.75) - 0.25 * log(0.25), "weigh by what is written; the logarithm is of what is predicted"),
                    (-0.75 * log(2) - 0.25 * log(4), "a surprise is minus a logarithm"),
                    (0.5 * log(2) + 0.5 * log(4), "weigh each surprise by how often that answer is written"),
                    (-log(0.4375), "first the logarithm of each prediction, then the mean"),
                ),
            ),
            Case(arguments=([1.0, 0.0], [0.5, 0.0]), expected=log(2), hint="leave out answers that nobody writes",
                 mistakes=((ValueError, "log(0) has no value; leave out the answers that are never written, where p is 0"),)),
        ),
    ),
    Exercise(
        solution=rate_of_each,
        cases=(
            Case(
                arguments=(_NAMES[::2], _BODY, _HEAD), expected={_NAMES[0]: _BODY, _NAMES[2]: _HEAD},
                hint="head_rate for names that begin with scalar_head., body_rate for all others",
                mistakes=(
                    ({_NAMES[0]: _HEAD, _NAMES[2]: _BODY}, "swapped: the new head needs the larger rate, it knows nothing yet"),
                    (dict.fromkeys(_NAMES[::2], _BODY), "the new head gets a rate of its own"),
                    ({_NAMES[2]: _HEAD}, "the body's parameters need an entry too, with body_rate (0 would freeze them)"),
                ),
            ),
            Case(
                arguments=(_NAMES, _BODY, _HEAD),
                expected={_NAMES[0]: _BODY, _NAMES[1]: _BODY, _NAMES[2]: _HEAD, _NAMES[3]: _HEAD},
                hint="look at the beginning of each name",
                mistakes=(({_NAMES[0]: _BODY, _NAMES[1]: _HEAD, _NAMES[2]: _HEAD, _NAMES[3]: _HEAD},
                           "`overhead` holds `head` and is none: name.startswith(...) looks at the beginning only"),),
            ),
        ),
    ),
)  # fmt: skip
