"""Exercises of lesson 16 on computing: attention's share, days on many GPUs, a published cost, and gradients in parts."""

import torch
from torch import Tensor

from ..checks import Case, Exercise


def equal_context(d_model: int, d_ff: int) -> int:
    """Return the context at which scores and mix take as many FLOPs as the feed-forward layer, under the causal mask."""
    feed_forward = 2 * (d_model * d_ff + d_ff * d_model)  # FLOPs per token and layer
    per_context = 2 * (d_model + d_model) / 2  # scores and mix: (T + 1) / 2 tokens on average
    return round(feed_forward / per_context - 1)


def training_days(n_parameters: float, tokens: float, gpus: int, peak_tflops: float, utilisation: float) -> float:
    """Return the days that 6 N D takes on so many GPUs at a share of their peak, given in 10^12 FLOPs per second."""
    speed = gpus * peak_tflops * 1e12 * utilisation
    return 6 * n_parameters * tokens / speed / 86_400


def tokens_each(pf_days: float, n_parameters: float, examples: int, epochs: float) -> float:
    """Return how many tokens each example has if this training took so many PF-days."""
    tokens = pf_days * 1e15 * 86_400 / (6 * n_parameters)
    return tokens / (examples * epochs)


def accumulate(weights: Tensor, parts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the gradient of the whole batch's mean of (inputs @ weights - targets)^2, one part in memory at a time."""
    leaf = weights.clone().requires_grad_()
    n_all = sum(len(targets) for _, targets in parts)
    for inputs, targets in parts:
        loss = ((inputs @ leaf - targets) ** 2).sum() / n_all
        loss.backward()
    return leaf.grad


_DAY = 86_400
_PARTS = [
    (torch.tensor([[1.0, 0.0]]), torch.tensor([0.0])),
    (torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]), torch.tensor([1.0, 0.0, 1.0])),
]
_WEIGHTS = torch.tensor([1.0, 2.0])
_MORE = [
    (torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), torch.tensor([1.0, -1.0])),
    (torch.tensor([[3.0, 0.0, 1.0]]), torch.tensor([2.0])),
    (torch.tensor([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 0.0, 4.0]]), torch.tensor([0.0, 1.0, 1.0])),
]
_EXAMPLE = [(torch.ones(1, 1), torch.tensor([0.0])), (torch.ones(2, 1), torch.tensor([0.0, 1.0]))]
_THREE = torch.tensor([0.5, -1.0, 2.0])


def _gradients(weights: Tensor, parts: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Return the gradient of each part's sum."""
    return [2 * inputs.T @ (inputs @ weights - targets) for inputs, targets in parts]


def _part_mistakes(weights: Tensor, parts: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, str]]:
    sums, sizes = _gradients(weights, parts), [len(targets) for _, targets in parts]
    means = [each / n for each, n in zip(sums, sizes, strict=True)]
    said = {
        "the mean of the parts' means weighs a small part as much as a large one: divide each sum by the number of all rows":
            sum(means) / len(means),
        "the parts' means are added up: divide each part's sum by the number of all rows": sum(means),
        "this is the gradient of the sum: divide by the number of all rows": sum(sums),
        "only the last part is left: gradients must add up, so do not empty them between parts": sums[-1] / sum(sizes),
        "divide by the number of rows, not by the number of parts": sum(sums) / len(parts),
        "only the first part was read": sums[0] / sum(sizes),
    }  # fmt: skip
    return [(value, hint) for hint, value in said.items()]


def _case_of(weights: Tensor, parts: list[tuple[Tensor, Tensor]], hint: str) -> Case:
    right = accumulate(weights, parts)
    return Case(arguments=(weights, parts), expected=right, mistakes=_part_mistakes(weights, parts), hint=hint)


EXERCISES = (
    Exercise(
        solution=equal_context,
        cases=(
            Case(  # 2 (T + 1) d = 4 d d_ff
                arguments=(5, 12), expected=23,
                hint="per token and layer: scores and mix 2 (T + 1) d_model, feed-forward 4 d_model d_ff; solve for T",
                mistakes=(
                    (24, "a token also attends to itself: (T + 1) / 2 tokens on average, so T + 1 = 2 d_ff"),
                    (12, "the causal mask halves the work: a token attends to (T + 1) / 2 tokens on average, not to T"),
                    (11, "the feed-forward layer has two matrices, d_model x d_ff and back: 4 d_model d_ff FLOPs"),
                    (47, "attention uses a pair of tokens twice, for the score and for the mix: 2 (T + 1) d_model"),
                    (9, "d_ff is the width of the feed-forward layer; d_model cancels"),
                    (39, "the width of the feed-forward layer is an argument, and need not be 4 * d_model"),
                ),
            ),
            Case(
                arguments=(8, 40), expected=79, hint="T + 1 = 2 d_ff",
                mistakes=((63, "d_ff is an argument, and need not be 4 * d_model"),),
            ),
            Case(arguments=(12288, 49152), expected=98_303, hint="GPT-3: 2 * 49,152 - 1"),
        ),
    ),
    Exercise(
        solution=training_days,
        cases=(
            Case(
                arguments=(1e9, 8.64e9, 10, 100.0, 0.5), expected=6 * 8.64e18 / 5e14 / _DAY,  # 1.2
                hint="6 N D FLOPs, divided by gpus * peak * utilisation FLOPs per second, divided by 86,400 seconds per day",
                mistakes=(
                    (0.4, "2 N D reads; learning takes 6 N D"),
                    (0.6, "GPUs do not reach their peak: multiply the speed by the utilisation"),
                    (0.3, "the speed is the peak times the utilisation: what is used less takes longer"),
                    (12.0, "all GPUs work at the same time: multiply the speed by their number"),
                    (28.8, "these are hours: a day has 86,400 seconds"),
                    (103_680.0, "these are seconds: a day has 86,400"),
                    (1.2e12, "peak_tflops is in 10^12 FLOPs per second"),
                    (1.2e-3, "T stands for 10^12, not for 10^15"),
                ),
            ),
            Case(
                arguments=(3e9, 2e9, 7, 50.0, 0.4), expected=3.6e19 / 1.4e14 / _DAY, hint="3.6e19 FLOPs at 1.4e14 per second",
                mistakes=((3.6e19 / (3.5e14 * 0.5) / _DAY, "utilisation is an argument: here it is 0.4"),),
            ),
        ),
    ),
    Exercise(
        solution=tokens_each,
        cases=(
            Case(
                arguments=(2.0, 1e12, 10_000, 4.0), expected=720.0,  # 1.728e20 / 6e12 = 2.88e7 tokens
                hint="PF-days to FLOPs (1e15 * 86,400 each), divided by 6 N: tokens. Divided by examples and epochs: per example",
                mistakes=(
                    (2160.0, "training takes 6 FLOPs per parameter and token, not 2"),
                    (2880.0, "each example is read once per epoch: divide by the epochs too"),
                    (11_520.0, "divide by the epochs, do not multiply: more readings, fewer tokens in each"),
                    (2.88e7, "these are all tokens: divide by how many examples were read"),
                    (30.0, "a PF-day lasts a day: 86,400 seconds, not an hour"),
                ),
            ),
            Case(
                arguments=(4.9, 174.6e9, 12_725, 16.0), expected=4.9 * 8.64e19 / (6 * 174.6e9) / (12_725 * 16),
                hint="InstructGPT's SFT: 4.9 PF-days, 12,725 demonstrations, 16 epochs",
            ),
        ),
    ),
    Exercise(
        solution=accumulate,
        cases=(
            _case_of(_WEIGHTS, _PARTS, "each part's sum of squares, divided by the number of all rows, then backward"),
            _case_of(_THREE, _MORE, "three parts of 2, 1 and 3 rows: every sum is divided by 6"),
            _case_of(torch.ones(1), _EXAMPLE, "2 * (1 + 1 + 0) / 3: three rows in all"),
        ),
    ),
)  # fmt: skip
