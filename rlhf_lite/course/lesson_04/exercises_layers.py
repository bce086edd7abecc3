"""Exercises of lesson 04 on what surrounds attention: positions, LayerNorm, and the block that holds them together."""

from math import cos, sin

import torch
from torch import Tensor, nn

from ..checks import Case, Exercise


def wave_positions(n: int, d: int) -> Tensor:
    """Return (n, d): at position p, for each of d / 2 rates, the sine and the cosine of p times the rate."""
    rates = 10000 ** (-torch.arange(0, d, 2) / d)
    angles = torch.arange(n)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).reshape(n, d)


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Return each row of x with mean 0 and variance 1, times the gain, plus the bias."""
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    return centred / (variance + epsilon).sqrt() * gain + bias


def pre_norm_block(
    x: Tensor, attention: nn.Module, attention_norm: nn.Module, feed_forward: nn.Module, feed_forward_norm: nn.Module
) -> Tensor:
    """Return the stream after one block: each part reads the normed stream, and its result is added to the stream."""
    x = x + attention(attention_norm(x))
    return x + feed_forward(feed_forward_norm(x))


class _Linear(nn.Module):
    """A part of a toy block, which a message can name: factor * x + shift."""

    def __init__(self, name: str, factor: float = 1.0, shift: float = 0.0):
        super().__init__()
        self.name, self.factor, self.shift = name, factor, shift

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        return self.factor * x + self.shift

    def __repr__(self) -> str:
        """Give the name."""
        return self.name


_NORM = (torch.tensor([[1.0, 3.0], [10.0, 30.0]]), torch.tensor([2.0, 1.0]), torch.tensor([0.0, 5.0]), 0.0)
_SMALL = (torch.tensor([[-1.0, 1.0]]), torch.ones(2), torch.zeros(2), 3.0)
_BLOCK = (
    torch.tensor([1.0]),
    _Linear("triple", 3.0), _Linear("double", 2.0), _Linear("add_one", 1.0, 1.0), _Linear("add_ten", 1.0, 10.0),
)  # fmt: skip

LAYERS = (
    Exercise(
        solution=wave_positions,
        cases=(
            Case(
                arguments=(2, 2), expected=torch.tensor([[0.0, 1.0], [sin(1), cos(1)]]),
                hint="d = 2 leaves one rate, which is 1: sine and cosine of 0, then of 1",
                mistakes=(
                    (torch.tensor([[1.0, 0.0], [0.5403023, 0.841471]]), "the sine comes first in each pair, then the cosine"),
                    (torch.tensor([[0.841471, 0.5403023], [0.9092974, -0.4161468]]), "positions count from 0"),
                ),
            ),
            Case(
                arguments=(3, 4),
                expected=torch.tensor([[f(p * rate) for rate in (1, 0.01) for f in (sin, cos)] for p in range(3)]),
                hint="d = 4 leaves two rates, 1 and 10000 ** (-2 / 4) = 1 / 100",
                mistakes=(
                    (
                        torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.841471, 0.009999833, 0.5403023, 0.99995],
                                      [0.9092974, 0.01999867, -0.4161468, 0.9998]]),
                        "each rate's sine and cosine stand beside each other: sin, cos, sin, cos",
                    ),
                    (
                        torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.841471, 0.5403023, 0.09983342, 0.9950042],
                                      [0.9092974, -0.4161468, 0.1986693, 0.9800666]]),
                        "the rates fall too slowly: rate i is 10000 ** (-2 * i / d)",
                    ),
                    (
                        torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.841471, 0.5403023, -0.5063657, 0.8623189],
                                      [0.9092974, -0.4161468, -0.8732973, 0.4871877]]),
                        "the rates must fall from 1 on: the exponent is negative",
                    ),
                ),
            ),
        ),
    ),
    Exercise(
        solution=layer_norm,
        cases=(
            Case(
                arguments=_NORM, expected=torch.tensor([[-2.0, 6.0], [-2.0, 6.0]]),
                hint="rows 1, 3 and 10, 30 both become -1, 1; then times the gain, plus the bias",
                mistakes=(
                    (
                        torch.tensor([[-2.0, 4.0], [2.0, 6.0]]),
                        "every position on its own: mean and variance along the last dimension",
                    ),
                    (torch.tensor([[2.0, 8.0], [2.0, 8.0]]), "subtract the mean first, so that each row's mean is 0"),
                    (torch.tensor([[-2.0, 6.0], [-0.2, 5.1]]), "divide by the square root of the variance"),
                    (
                        torch.tensor([[-1.414214, 5.707107], [-1.414214, 5.707107]]),
                        "the variance is the mean of the squares: divide by how many numbers there are, not by one fewer "
                        "(torch's var does that unless correction=0)",
                    ),
                    (torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]), "at the end, times the gain and plus the bias"),
                ),
            ),
            Case(
                arguments=_SMALL, expected=torch.tensor([[-0.5, 0.5]]),  # variance 1: divide by the root of 1 + 3
                hint="epsilon keeps the division safe where all numbers of a row are equal",
                mistakes=((torch.tensor([[-0.25, 0.25]]), "epsilon is added to the variance, before the square root"),),
            ),
            Case(
                arguments=(torch.tensor([[1.0, 3.0]]), torch.ones(2), torch.zeros(2), 0.0), expected=torch.tensor([[-1.0, 1.0]]),
                hint="mean 2, variance 1",
            ),
            Case(
                arguments=(torch.tensor([[1.0, 3.0]]), torch.tensor([2.0, 3.0]), torch.tensor([1.0, 5.0]), 0.0),
                expected=torch.tensor([[-1.0, 8.0]]),
                hint="-1 * 2 + 1 and 1 * 3 + 5",
                mistakes=((torch.tensor([[0.0, 18.0]]), "first times the gain, then plus the bias"),),
            ),
        ),
    ),
    Exercise(
        solution=pre_norm_block,
        cases=(
            Case(
                arguments=_BLOCK, expected=torch.tensor([25.0]),  # 1 + 3 * 2 = 7; 7 + (7 + 10) + 1 = 25
                hint="1 + triple(double(1)) = 7, then 7 + add_one(add_ten(7)) = 25",
                mistakes=(
                    (torch.tensor([17.0]), "what a part finds is added to the stream: x = x + ..."),
                    (torch.tensor([27.0]), "this norms after each part; here the norm stands before it"),
                    (torch.tensor([19.0]), "feed_forward reads the stream to which attention has added already"),
                    (torch.tensor([37.0]), "only what a part reads is normed; the stream itself is passed on as it is"),
                    (torch.tensor([9.0]), "each part reads the normed stream: attention(attention_norm(x))"),
                ),
            ),
            Case(
                arguments=(torch.tensor([1.0]), *[_Linear("same") for _ in range(4)]), expected=torch.tensor([4.0]),
                hint="1 + 1 = 2, then 2 + 2 = 4",
            ),
        ),
    ),
)  # fmt: skip
