"""Exercise of lesson 05: whole training steps of a language model, on tensors."""

from collections.abc import Callable
from math import exp, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..checks import Case, Exercise, PlainSGD


def train_on_text(model: nn.Module, optimizer: Optimizer, tokens: Tensor, steps: int) -> list[float]:
    """Take some optimizer steps on one batch (B, T) of whole texts; return the loss before each step."""
    losses = []
    for _ in range(steps):
        logits = model(tokens)[:, :-1]
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class NextOfEach(nn.Module):
    """A bigram as a model: a row of logits per token, at first log(2) for the next id and 0 for all others."""

    def __init__(self, vocab_size: int = 6):
        super().__init__()
        self.logits = nn.Embedding.from_pretrained(torch.eye(vocab_size).roll(1, 1) * log(2), freeze=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> logits (B, T, V)."""
        return self.logits(tokens)

    def __repr__(self) -> str:
        """Name it in messages."""
        return "model"


def _batch(tokens: list[list[int]], rate: float, steps: int, vocab_size: int = 6) -> tuple:
    model = NextOfEach(vocab_size)
    return model, PlainSGD(model.parameters(), lr=rate), torch.tensor(tokens), steps


def table_losses(pairs: int, rate: float, steps: int, vocab_size: int = 6) -> list[float]:
    """Losses where each of so many pairs is a token and the next id, and no token comes first twice."""
    others, gap, found = vocab_size - 1, log(2), []
    for _ in range(steps):
        p = 1 / (1 + others * exp(-gap))
        found.append(-log(p))
        gap += rate * (1 - p) * (1 + 1 / others) / pairs
    return found


_ROWS = [[0, 1, 2], [3, 4, 5]], 1.0, 3


def _with(loss_of: Callable[[Tensor, Tensor], Tensor], *, zero: bool = True, step: bool = True) -> list[float]:
    """What a wrong attempt gives in the first case."""
    model, optimizer, tokens, steps = _batch(*_ROWS)
    return wrongly_trained(optimizer, steps, lambda: loss_of(model(tokens), tokens), zero=zero, step=step)


def wrongly_trained(
    optimizer: torch.optim.Optimizer, steps: int, loss_of: Callable[[], Tensor], *, zero: bool, step: bool
) -> list[float]:
    """Return the losses of training in which gradients may never be cleared, or no step taken."""
    found = []
    for _ in range(steps):
        loss = loss_of()
        if zero:
            optimizer.zero_grad()
        loss.backward()
        if step:
            optimizer.step()
        found.append(loss.item())
    return found


def _shifted(logits: Tensor, tokens: Tensor, reduction: str = "mean") -> Tensor:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction=reduction)


EXERCISES = (
    Exercise(
        solution=train_on_text,
        cases=(
            Case(
                arguments=_batch(*_ROWS), expected=table_losses(4, 1.0, 3),  # 0 -> 1, 1 -> 2, 3 -> 4, 4 -> 5
                hint="per step: cross-entropy of logits[:, :-1] at tokens[:, 1:], zero_grad, backward, step; keep loss.item()",
                mistakes=(
                    (_with(lambda x, t: F.cross_entropy(x.flatten(0, 1), t.flatten())),
                     "each token is asked to predict itself: logits[:, :-1] predict tokens[:, 1:]"),
                    (_with(lambda x, t: F.cross_entropy(x[:, 1:].flatten(0, 1), t[:, :-1].flatten())),
                     "this predicts the token before: logits at t speak of token t + 1"),
                    (_with(lambda x, t: _shifted(x, t, "sum")), "take the mean over all predictions, not the sum"),
                    (_with(lambda x, t: _shifted(x[-1:], t[-1:])), "all texts of the batch count, not one of them"),
                    (_with(_shifted, zero=False), "gradients of earlier steps are left: zero_grad() in each step"),
                    (_with(_shifted, step=False), "nothing is learnt: is there an optimizer.step()?"),
                    (table_losses(4, 1.0, 3)[-1:], "return the loss of every step, in a list"),
                    (table_losses(4, 1.0, 4)[1:], "return the loss *before* each step: no second forward is needed"),
                ),
            ),
            Case(
                arguments=_batch([[2, 3]], 0.5, 2, 5), expected=table_losses(1, 0.5, 2, 5),
                hint="one text of two tokens is one prediction",
            ),
        ),
    ),
)  # fmt: skip
