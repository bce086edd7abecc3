"""Exercises of lesson 06 on training: the schedule, the training step, and which run has which fault."""

from math import cos, log, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import Case, Exercise, HiddenName
from .fault_signs import FEATURES, RUNS


def rate_at(step: int, steps: int, peak: float, warmup: int, final_fraction: float) -> float:
    """Return the learning rate of a step, from 0 to steps - 1: linear warm-up, then a cosine to final_fraction * peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (steps - 1 - warmup)
    return peak * (final_fraction + (1 - final_fraction) * 0.5 * (1 + cos(pi * done)))


def train_on(model: nn.Module, optimizer: torch.optim.Optimizer, batches: list[Tensor]) -> list[float]:
    """Take one step per batch of tokens (B, T), to predict each next token; return the loss of each batch, before its step."""
    losses = []
    for tokens in batches:
        logits = model(tokens)
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def which_run(letter: str) -> str:
    """Return the name of run "A" to "F"."""
    found = {"A": "16 epochs", "B": "targets shuffled", "C": "rate x 100", "D": "leak, 16 copies",
             "E": "targets not shifted", "F": "normal"}  # fmt: skip
    return found[letter]


class BigramTable(nn.Module):
    """A model that needs no more than a table: row a holds the logits of what follows a; tokens (B, T) -> (B, T, V)."""

    def __init__(self, vocab_size: int):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(vocab_size, vocab_size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Look the logits up."""
        return self.table[tokens]

    def __repr__(self) -> str:
        return f"a table {len(self.table)} x {len(self.table)}"


class PlainDescent(torch.optim.SGD):
    """Gradient descent that has a short name in a message."""

    def __repr__(self) -> str:
        return "SGD"


def _job(vocab_size: int, rate: float, rows: list[list[list[int]]]) -> tuple[nn.Module, torch.optim.Optimizer, list[Tensor]]:
    model = BigramTable(vocab_size)
    return model, PlainDescent(model.parameters(), lr=rate), [torch.tensor(row) for row in rows]


def _losses(vocab_size: int, rate: float, rows: list[list[list[int]]], fault: str = "") -> list[float]:
    """Train as a reader with a fault would."""
    model, optimizer, batches = _job(vocab_size, rate, rows)
    losses = []
    for tokens in batches:
        logits = model(tokens)
        inputs, targets = logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
        if fault == "same":
            inputs, targets = logits.flatten(0, 1), tokens.flatten()
        if fault == "before":
            inputs, targets = logits[:, 1:].flatten(0, 1), tokens[:, :-1].flatten()
        if fault == "rolled":
            inputs, targets = logits.flatten(0, 1), tokens.roll(-1, 1).flatten()
        if fault == "rows joined":
            inputs, targets = logits.flatten(0, 1)[:-1], tokens.flatten()[1:]
        loss = F.cross_entropy(inputs, targets, reduction="sum" if fault == "sum" else "mean")
        if fault != "adds up":
            optimizer.zero_grad()
        (-loss if fault == "uphill" else loss).backward()
        if fault != "no step":
            optimizer.step()
        losses.append(loss.item())
    return losses


_FIRST = (3, 1.0, [[[0, 1, 1, 2, 1]]] * 3)
"""Four pairs and three tokens, so that `cross_entropy` refuses logits that were not flattened."""
_SECOND = (5, 0.5, [[[0, 1, 2, 4], [3, 3, 1, 0]], [[1, 2, 0, 4], [0, 3, 3, 1]], [[2, 4, 1, 2], [1, 0, 3, 3]]])
_HINTS = {
    "same": "the targets are not shifted: position t is asked for token t + 1, so logits[:, :-1] belong to tokens[:, 1:]",
    "before": "shifted the wrong way: this asks for the token before; logits[:, :-1] belong to tokens[:, 1:]",
    "rolled": "the last position of a row has no next token: leave it out, instead of asking for the first one",
    "rows joined": "rows are different windows: shift within each row, then flatten; the last of one row is not before the next",
    "adds up": "from the third loss on it is wrong: gradients add up unless optimizer.zero_grad() empties them before backward",
    "no step": "the loss does not move: is optimizer.step() or loss.backward() missing, or does zero_grad() stand between them?",
    "uphill": "the loss rises: an optimizer goes downhill by itself, without a minus",
    "sum": "take the mean over all predicted tokens, which F.cross_entropy does by itself",
}


def _case_of(job: tuple, hint: str) -> Case:
    mistakes = [(_losses(*job, fault), says) for fault, says in _HINTS.items()]
    mistakes += [(error, "flatten: cross_entropy wants (N, V) and (N,)") for error in (RuntimeError, ValueError)]
    return Case(arguments=_job(*job), expected=_losses(*job), mistakes=mistakes, hint=hint)


def _run_case(letter: str) -> Case:
    right = RUNS[letter]
    says = {name: f'"{name}" would look like this: {sign}. Compare that with run {letter}' for name, sign in FEATURES.items()}
    return Case(
        arguments=(letter,), expected=HiddenName(right), mistakes=[each for each in says.items() if each[0] != right],
        hint=f"return one of these names: {', '.join(map(repr, FEATURES))}",
    )  # fmt: skip


EXERCISES = (
    Exercise(
        solution=rate_at,
        cases=(
            Case(
                arguments=(1, 12, 8.0, 4, 0.25), expected=4.0,
                hint="warm-up: step 0 has 1/4 of the peak, step 1 has 2/4",
                mistakes=(
                    (2.0, "step 0 learns too: it has 1/4 of the peak, so step 1 has 2/4; use (step + 1) / warmup"),
                    (0.5, "multiply by the peak"),
                    (8.0, "the warm-up is missing: the rate rises for the first 4 steps"),
                    (2 + 6 * 0.5 * (1 + cos(pi / 11)), "the warm-up is missing: the rate rises for the first 4 steps"),
                ),
            ),
            Case(
                arguments=(11, 12, 8.0, 4, 0.25), expected=2.0,
                hint="the last step has final_fraction * peak",
                mistakes=(
                    (0.0, "the cosine ends at final_fraction * peak, not at 0"),
                    (2 + 6 * 0.5 * (1 + cos(pi * 7 / 8)), "the last step is steps - 1: divide by steps - 1 - warmup"),
                    (2 + 6 * 0.5 * (1 + cos(pi * 11 / 12)), "count from the end of the warm-up, and the last step is steps - 1"),
                ),
            ),
            Case(
                arguments=(9, 18, 3.0, 5, 0.1), expected=0.3 + 2.7 * 0.5 * (1 + cos(pi * 4 / 12)),
                hint="a third of the way from step 5 to step 17: 0.1 + 0.9 * (1 + cos(pi / 3)) / 2 of the peak",
                mistakes=(
                    (0.3 + 2.7 * 0.5 * (1 + cos(pi * 9 / 17)), "the cosine begins when the warm-up ends: count steps from there"),
                    (0.3 + 2.7 * 2 / 3, "this is a straight line; a cosine leaves the peak slowly"),
                    (3.0 * 0.5 * (1 + cos(pi * 4 / 12)), "the cosine ends at final_fraction * peak, not at 0"),
                    (0.3 + 3.0 * 0.5 * (1 + cos(pi * 4 / 12)), "what the cosine spans is 1 - final_fraction of the peak"),
                    (0.3 + 2.7 * 0.5 * (1 + cos(4 / 12)), "multiply by pi inside the cosine"),
                    (0.3 + 2.7 * 0.5 * (1 + cos(60)), "math.cos takes radians"),
                ),
            ),
            Case(arguments=(0, 7, 5.0, 0, 0.5), expected=5.0, hint="without a warm-up step 0 has the peak",
                 mistakes=((ZeroDivisionError, "with warmup 0 there is nothing to divide by: step < warmup is never true"),)),
            Case(arguments=(4, 12, 8.0, 4, 0.25), expected=8.0, hint="step 4 has the peak",
                 mistakes=((10.0, "the warm-up is over at step 4: step < warmup"),)),
        ),
    ),
    Exercise(
        solution=train_on,
        cases=(
            _case_of(_FIRST, f"a model that knows nothing begins at ln 3 = {log(3):.4f}; each step lowers the loss"),
            _case_of(_SECOND, "two rows now, and other batches"),
        ),
    ),
    Exercise(solution=which_run, cases=tuple(map(_run_case, RUNS))),
)  # fmt: skip
