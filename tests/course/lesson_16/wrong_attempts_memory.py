"""Wrong attempts at the exercises in `exercises_memory`, each to be refused with a hint of its own, and right ones."""

# ruff: noqa: B905

import math
from fractions import Fraction

import numpy as np
import torch

from rlhf_lite.course.lesson_16.exercises_memory import (
    cache_bytes,
    gpus_needed,
    parameters_of,
    split_feed_forward,
    state_bytes,
)
from rlhf_lite.gpt import GPTConfig


def _matrices_only(n_layers, d_model, vocab_size, context_length):
    return 12 * n_layers * d_model**2 + (vocab_size + context_length) * d_model


def _untied(n_layers, d_model, vocab_size, context_length):
    return parameters_of(n_layers, d_model, vocab_size, context_length) + vocab_size * d_model


def _no_embeddings(n_layers, d_model, vocab_size, context_length):
    return parameters_of(n_layers, d_model, 0, 0)


def _no_last_norm(n_layers, d_model, vocab_size, context_length):
    return parameters_of(n_layers, d_model, vocab_size, context_length) - 2 * d_model


def _no_biases(n_layers, d_model, vocab_size, context_length):
    return parameters_of(n_layers, d_model, vocab_size, context_length) - 9 * n_layers * d_model


def _one_layer(n_layers, d_model, vocab_size, context_length):
    return parameters_of(1, d_model, vocab_size, context_length)


def _embeddings_in_each(n_layers, d_model, vocab_size, context_length):
    return n_layers * parameters_of(1, d_model, vocab_size, context_length)


def _by_config(n_layers, d_model, vocab_size, context_length):
    shape = {"vocab_size": vocab_size, "context_length": context_length, "d_model": d_model, "n_layers": n_layers}
    return GPTConfig(**shape, n_heads=1).n_parameters


def _in_numpy(n_layers, d_model, vocab_size, context_length):
    d = np.int64(d_model)
    block = 4 * (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d) + 4 * d
    return np.int64(n_layers) * block + vocab_size * d + context_length * d + 2 * d


def _no_master(n_parameters, mixed):
    return state_bytes(n_parameters, mixed) | {"master": 0}


def _one_moment(n_parameters, mixed):
    return state_bytes(n_parameters, mixed) | {"moments": 4 * n_parameters}


def _all_in_two(n_parameters, mixed):
    n = n_parameters
    return {"weights": 2 * n, "gradients": 2 * n, "master": 2 * n, "moments": 4 * n}


def _gradients_in_four(n_parameters, mixed):
    return state_bytes(n_parameters, mixed) | {"gradients": 4 * n_parameters}


def _never_mixed(n_parameters, mixed):
    return state_bytes(n_parameters, False)


def _always_mixed(n_parameters, mixed):
    return state_bytes(n_parameters, True)


def _master_always(n_parameters, mixed):
    return state_bytes(n_parameters, mixed) | {"master": 4 * n_parameters}


def _state_by_tensors(n_parameters, mixed):
    sizes = torch.tensor([2.0, 2.0, 4.0, 8.0] if mixed else [4.0, 4.0, 0.0, 8.0], dtype=torch.float64) * n_parameters
    return dict(zip(("weights", "gradients", "master", "moments"), sizes))


def _state_in_another_order(n_parameters, mixed):
    n = np.float64(n_parameters)
    each = 4 - 2 * mixed
    return {"moments": n * 8, "master": n * (4 * mixed), "gradients": n * each, "weights": n * each}


def _keys_only(n_layers, d_model, tokens, bytes_each):
    return n_layers * d_model * tokens * bytes_each


def _one_layer_s(n_layers, d_model, tokens, bytes_each):
    return 2 * d_model * tokens * bytes_each


def _numbers(n_layers, d_model, tokens, bytes_each):
    return 2 * n_layers * d_model * tokens


def _of_pairs(n_layers, d_model, tokens, bytes_each):
    return cache_bytes(n_layers, d_model, tokens**2, bytes_each)


def _always_four(n_layers, d_model, tokens, bytes_each):
    return cache_bytes(n_layers, d_model, tokens, 4)


def _summed(n_layers, d_model, tokens, bytes_each):
    return sum(bytes_each * d_model * tokens for _ in range(n_layers) for _ in "kv")


def _cache_in_numpy(n_layers, d_model, tokens, bytes_each):
    return np.prod(np.array([2, n_layers, d_model, tokens, bytes_each], dtype=np.int64))


def _rounded_down(n_parameters, bytes_each, gpu_gb, usable):
    return int(n_parameters * bytes_each // (gpu_gb * 1e9 * usable))


def _part_of_a_gpu(n_parameters, bytes_each, gpu_gb, usable):
    return n_parameters * bytes_each / (gpu_gb * 1e9 * usable)


def _gb_as_bytes(n_parameters, bytes_each, gpu_gb, usable):
    return math.ceil(n_parameters * bytes_each / (gpu_gb * usable))


def _all_usable(n_parameters, bytes_each, gpu_gb, usable):
    return gpus_needed(n_parameters, bytes_each, gpu_gb, 1.0)


def _usable_turned_round(n_parameters, bytes_each, gpu_gb, usable):
    return math.ceil(n_parameters * bytes_each * usable / (gpu_gb * 1e9))


def _always_sixteen(n_parameters, bytes_each, gpu_gb, usable):
    return gpus_needed(n_parameters, 16, gpu_gb, usable)


def _one_more(n_parameters, bytes_each, gpu_gb, usable):
    return int(n_parameters * bytes_each / (gpu_gb * 1e9 * usable)) + 1


def _counted_up(n_parameters, bytes_each, gpu_gb, usable):
    gpus = 1
    while gpus * gpu_gb * 1e9 * usable < n_parameters * bytes_each:
        gpus += 1
    return gpus


def _exactly(n_parameters, bytes_each, gpu_gb, usable):
    return np.ceil(float(Fraction(n_parameters) * bytes_each / (Fraction(gpu_gb) * 10**9 * Fraction(usable))))


def _the_sum(x, up, down, n):
    return torch.relu(x @ up) @ down


def _last_first(x, up, down, n):
    return split_feed_forward(x, up, down, n).flip(0)


def _no_relu(x, up, down, n):
    return torch.stack([x @ a @ b for a, b in zip(up.chunk(n, 1), down.chunk(n, 0))])


def _relu_last(x, up, down, n):
    return torch.stack([torch.relu(x @ a @ b) for a, b in zip(up.chunk(n, 1), down.chunk(n, 0))])


def _every_nth(x, up, down, n):
    return torch.stack([torch.relu(x @ up[:, i::n]) @ down[i::n] for i in range(n)])


def _other_way(x, up, down, n):
    return torch.stack([torch.relu(x @ a) @ b for a, b in zip(up.chunk(n, 0), down.chunk(n, 1))])


def _always_two(x, up, down, n):
    return split_feed_forward(x, up, down, 2)


def _by_reshaping(x, up, down, n):
    wide = up.T.reshape(n, -1, len(up)).transpose(1, 2)
    return torch.relu(x @ wide) @ down.reshape(n, -1, down.shape[1])


def _in_lists(x, up, down, n):
    width = up.shape[1] // n
    cuts = [slice(i * width, (i + 1) * width) for i in range(n)]
    return [(np.maximum(x.numpy() @ up[:, cut].numpy(), 0) @ down[cut].numpy()).tolist() for cut in cuts]


WRONG = {
    "parameters_of": (
        _matrices_only, _untied, _no_embeddings, _no_last_norm, _no_biases, _one_layer, _embeddings_in_each,
    ),
    "state_bytes": (
        _no_master, _one_moment, _all_in_two, _gradients_in_four, _never_mixed, _always_mixed, _master_always,
    ),
    "cache_bytes": (_keys_only, _one_layer_s, _numbers, _of_pairs),
    "gpus_needed": (
        _rounded_down, _part_of_a_gpu, _gb_as_bytes, _all_usable, _usable_turned_round, _always_sixteen, _one_more,
    ),
    "split_feed_forward": (_the_sum, _last_first, _no_relu, _relu_last, _every_nth, _other_way, _always_two),
}  # fmt: skip
RIGHT = {
    "parameters_of": (_by_config, _in_numpy),
    "state_bytes": (_state_by_tensors, _state_in_another_order),
    "cache_bytes": (_summed, _cache_in_numpy),
    "gpus_needed": (_counted_up, _exactly),
    "split_feed_forward": (_by_reshaping, _in_lists),
}
