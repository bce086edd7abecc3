"""Attempts at the exercises in `exercises_layers`: wrong ones, each refused with a hint of its own, and right ones."""

from math import cos, sin

import numpy as np
import torch

from rlhf_lite.course.lesson_04.exercises_layers import layer_norm, wave_positions


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


def _bias_before_gain(x, gain, bias, epsilon):
    return (layer_norm(x, torch.ones_like(gain), torch.zeros_like(bias), epsilon) + bias) * gain


def _waves_by_loop(n, d):
    return [[f(p * 10000 ** (-2 * i / d)) for i in range(d // 2) for f in (sin, cos)] for p in range(n)]


def _waves_by_columns(n, d):
    table, angles = np.zeros((n, d)), np.arange(n)[:, None] / 10000 ** (np.arange(0, d, 2) / d)
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


def _norm_by_var(x, gain, bias, epsilon):
    return (x - x.mean(-1, keepdim=True)) * (x.var(-1, keepdim=True, correction=0) + epsilon).rsqrt() * gain + bias


def _norm_by_torch(x, gain, bias, epsilon):
    return torch.nn.functional.layer_norm(x, (x.shape[-1],), gain, bias, epsilon).tolist()


def _in_one_line(x, attention, attention_norm, feed_forward, feed_forward_norm):
    return (y := x + attention(attention_norm(x))) + feed_forward(feed_forward_norm(y))


def _by_a_loop(x, attention, attention_norm, feed_forward, feed_forward_norm):
    for part, norm in ((attention, attention_norm), (feed_forward, feed_forward_norm)):
        x = part(norm(x)) + x
    return x.numpy()


WRONG = {
    "wave_positions": (_sines_then_cosines, _cosine_first, _counts_from_one, _half_the_exponent, _rates_turned_round),
    "layer_norm": (
        _over_positions, _mean_stays, _divides_by_variance, _one_fewer, _forgets_gain, _epsilon_outside, _bias_before_gain,
    ),
    "pre_norm_block": (_nothing_added, _norm_after, _both_read_the_old_stream, _stream_is_normed, _no_norm),
}  # fmt: skip
RIGHT = {
    "wave_positions": (_waves_by_loop, _waves_by_columns),
    "layer_norm": (_norm_by_var, _norm_by_torch),
    "pre_norm_block": (_in_one_line, _by_a_loop),
}
