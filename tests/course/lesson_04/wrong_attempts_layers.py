"""Plausible wrong attempts at the exercises in `exercises_layers`, each to be refused with a hint of its own."""

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


WRONG = {
    "wave_positions": (_sines_then_cosines, _cosine_first, _counts_from_one, _half_the_exponent, _rates_turned_round),
    "layer_norm": (_over_positions, _mean_stays, _divides_by_variance, _one_fewer, _forgets_gain, _epsilon_outside),
    "pre_norm_block": (_nothing_added, _norm_after, _both_read_the_old_stream, _stream_is_normed, _no_norm),
}
