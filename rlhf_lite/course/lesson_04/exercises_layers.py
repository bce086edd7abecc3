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


def _sines_then_cosines(n, d):
    return wave_positions(n, d).reshape(n, -1, 2).mT.reshape(n, d)


def _cosine_first(n, d):
    return wave_positions(n, d).reshape(n, -1, 2).flip(-1).reshape(n, d)


def _counts_from_one(n, d):
    return wave_positions(n + 1, d)[1:]


def _half_the_exponent(n, d):
    angles = torch.arange(n)[:, None] * 10000 ** (-torch.arange(d // 2) / d)
    return torch.stack([angles.sin(), angles.cos()], -1).reshape(n, d)


def _rates_turned_round(n, d):
    angles = torch.arange(n)[:, None] * 10000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angles.sin(), angles.cos()], -1).reshape(n, d)


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Return each row of x with mean 0 and variance 1, times the gain, plus the bias."""
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    return centred / (variance + epsilon).sqrt() * gain + bias


def _over_positions(x, gain, bias, epsilon):
    return layer_norm(x.T, torch.ones(len(x)), torch.zeros(len(x)), epsilon).T * gain + bias


def _mean_stays(x, gain, bias, epsilon):
    return x / (x.var(-1, keepdim=True, correction=0) + epsilon).sqrt() * gain + bias


def _divides_by_variance(x, gain, bias, epsilon):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + epsilon) * gain + bias


def _one_fewer(x, gain, bias, epsilon):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + epsilon).sqrt() * gain + bias


def _forgets_gain(x, gain, bias, epsilon):
    return layer_norm(x, torch.ones_like(gain), torch.zeros_like(bias), epsilon)


def _epsilon_outside(x, gain, bias, epsilon):
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True, correction=0) + epsilon) * gain + bias


def pre_norm_block(
    x: Tensor, attention: nn.Module, attention_norm: nn.Module, feed_forward: nn.Module, feed_forward_norm: nn.Module
) -> Tensor:
    """Return the stream after one block: each part reads the normed stream, and its result is added to the stream."""
    x = x + attention(attention_norm(x))
    return x + feed_forward(feed_forward_norm(x))


def _nothing_added(x, attention, attention_norm, feed_forward, feed_forward_norm):
    return feed_forward(feed_forward_norm(attention(attention_norm(x))))


def _norm_after(x, attention, attention_norm, feed_forward, feed_forward_norm):
    x = attention_norm(x + attention(x))
    return feed_forward_norm(x + feed_forward(x))


def _both_read_the_old_stream(x, attention, attention_norm, feed_forward, feed_forward_norm):
    return x + attention(attention_norm(x)) + feed_forward(feed_forward_norm(x))


def _stream_is_normed(x, attention, attention_norm, feed_forward, feed_forward_norm):
    x = attention_norm(x) + attention(attention_norm(x))
    return feed_forward_norm(x) + feed_forward(feed_forward_norm(x))


def _no_norm(x, attention, attention_norm, feed_forward, feed_forward_norm):
    x = x + attention(x)
    return x + feed_forward(x)


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
                    (_cosine_first(2, 2), "the sine comes first in each pair, then the cosine"),
                    (_counts_from_one(2, 2), "positions count from 0"),
                ),
            ),
            Case(
                arguments=(3, 4),
                expected=torch.tensor([[f(p * rate) for rate in (1, 0.01) for f in (sin, cos)] for p in range(3)]),
                hint="d = 4 leaves two rates, 1 and 10000 ** (-2 / 4) = 1 / 100",
                mistakes=(
                    (_sines_then_cosines(3, 4), "each rate's sine and cosine stand beside each other: sin, cos, sin, cos"),
                    (_half_the_exponent(3, 4), "the rates fall too slowly: rate i is 10000 ** (-2 * i / d)"),
                    (_rates_turned_round(3, 4), "the rates must fall from 1 on: the exponent is negative"),
                ),
            ),
        ),
        wrong=(_sines_then_cosines, _cosine_first, _counts_from_one, _half_the_exponent, _rates_turned_round),
    ),
    Exercise(
        solution=layer_norm,
        cases=(
            Case(
                arguments=_NORM, expected=torch.tensor([[-2.0, 6.0], [-2.0, 6.0]]),
                hint="rows 1, 3 and 10, 30 both become -1, 1; then times the gain, plus the bias",
                mistakes=(
                    (_over_positions(*_NORM), "every position on its own: mean and variance along the last dimension"),
                    (_mean_stays(*_NORM), "subtract the mean first, so that each row's mean is 0"),
                    (_divides_by_variance(*_NORM), "divide by the square root of the variance"),
                    (_one_fewer(*_NORM), "the variance is the mean of the squares: divide by how many numbers there are, not by "
                                         "one fewer (torch's var does that unless correction=0)"),
                    (_forgets_gain(*_NORM), "at the end, times the gain and plus the bias"),
                ),
            ),
            Case(
                arguments=_SMALL, expected=torch.tensor([[-0.5, 0.5]]),  # variance 1: divide by the root of 1 + 3
                hint="epsilon keeps the division safe where all numbers of a row are equal",
                mistakes=((_epsilon_outside(*_SMALL), "epsilon is added to the variance, before the square root"),),
            ),
        ),
        wrong=(_over_positions, _mean_stays, _divides_by_variance, _one_fewer, _forgets_gain, _epsilon_outside),
    ),
    Exercise(
        solution=pre_norm_block,
        cases=(
            Case(
                arguments=_BLOCK, expected=torch.tensor([25.0]),  # 1 + 3 * 2 = 7; 7 + (7 + 10) + 1 = 25
                hint="1 + triple(double(1)) = 7, then 7 + add_one(add_ten(7)) = 25",
                mistakes=(
                    (_nothing_added(*_BLOCK), "what a part finds is added to the stream: x = x + ..."),
                    (_norm_after(*_BLOCK), "this norms after each part; here the norm stands before it"),
                    (_both_read_the_old_stream(*_BLOCK), "feed_forward reads the stream to which attention has added already"),
                    (_stream_is_normed(*_BLOCK), "only what a part reads is normed; the stream itself is passed on as it is"),
                    (_no_norm(*_BLOCK), "each part reads the normed stream: attention(attention_norm(x))"),
                ),
            ),
        ),
        wrong=(_nothing_added, _norm_after, _both_read_the_old_stream, _stream_is_normed, _no_norm),
    ),
)  # fmt: skip
