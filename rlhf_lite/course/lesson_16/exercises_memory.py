"""Exercises of lesson 16 on memory: parameters, training state, KV cache, GPUs that hold it, a layer in parts."""

from math import ceil

import torch
from torch import Tensor

from ..checks import Case, Exercise


def parameters_of(n_layers: int, d_model: int, vocab_size: int, context_length: int) -> int:
    """Return every parameter of a GPT with tied output layer and d_ff = 4 * d_model, biases and LayerNorms included."""
    matrices, biases, norms = 12 * d_model**2, 9 * d_model, 4 * d_model
    embeddings = (vocab_size + context_length) * d_model
    return n_layers * (matrices + biases + norms) + embeddings + 2 * d_model


def state_bytes(n_parameters: float, mixed: bool) -> dict[str, float]:
    """Return the bytes of weights, gradients, master weights and Adam's moments, in float32 or in mixed precision."""
    compute = 2 if mixed else 4
    return {
        "weights": compute * n_parameters,
        "gradients": compute * n_parameters,
        "master": 4 * n_parameters if mixed else 0,
        "moments": 8 * n_parameters,
    }


def cache_bytes(n_layers: int, d_model: int, tokens: int, bytes_each: int) -> int:
    """Return the bytes of keys and values of so many tokens, `bytes_each` per number."""
    return 2 * n_layers * d_model * tokens * bytes_each


def gpus_needed(n_parameters: float, bytes_each: float, gpu_gb: float, usable: float) -> int:
    """Return the fewest GPUs whose usable memory holds the training state, `bytes_each` per parameter; 1 GB = 10^9 bytes."""
    return ceil(n_parameters * bytes_each / (gpu_gb * 1e9 * usable))


def split_feed_forward(x: Tensor, up: Tensor, down: Tensor, n: int) -> Tensor:
    """Return what each of n processes computes, (n, B, C), with its columns of `up` and its rows of `down`."""
    shares = zip(up.chunk(n, dim=1), down.chunk(n, dim=0))
    return torch.stack([torch.relu(x @ mine) @ back for mine, back in shares])


def _state(weights: float, gradients: float, master: float, moments: float) -> dict[str, float]:
    return {"weights": weights, "gradients": gradients, "master": master, "moments": moments}


_X = torch.tensor([[1.0, 2.0], [0.0, 1.0], [-1.0, 1.0]])
_UP = torch.tensor([[1.0, -1.0, 2.0, 0.0], [0.0, 1.0, -2.0, 1.0]])
_DOWN = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0], [1.0, -1.0]])
_WIDE = torch.arange(12.0).view(2, 6) % 5 - 2
_BACK = torch.arange(12.0).view(6, 2) % 7 - 3

_SMALLER = parameters_of(1, 1600, 50257, 1024)
"""GPT-2 XL with a single layer."""

EXERCISES = (
    Exercise(
        solution=parameters_of,
        cases=(
            Case(  # 12 * 4 + 13 * 2 = 74 in the block, 14 in the embeddings, 4 in the last LayerNorm
                arguments=(1, 2, 3, 4), expected=92,
                hint="a block: 12 d^2 in matrices, 9 d in biases, 4 d in two LayerNorms; then (V + T) d, and 2 d at the end",
                mistakes=(
                    (62, "biases and LayerNorms are missing: 13 d in each block, and 2 d in the last LayerNorm"),
                    (88, "a LayerNorm is missing: each has a gain and a bias, 2 d; two in each block, and one at the end"),
                    (74, "the biases are missing: 9 d in each block, for every output of every matrix"),
                    (98, "the output layer is tied to the token embedding: count V d once"),
                    (78, "the embeddings are missing: (V + T) d"),
                ),
            ),
            Case(
                arguments=(48, 1600, 50257, 1024), expected=1_557_611_200,
                hint="GPT-2 XL has 48 blocks of 12 d^2 + 13 d",
                mistakes=(
                    (_SMALLER, "every layer has parameters of its own: multiply the block by the number of layers"),
                    (48 * _SMALLER, "embeddings and the last LayerNorm stand there once, however many layers there are"),
                ),
            ),
            Case(arguments=(96, 12288, 50257, 2048), expected=174_604_259_328, hint="GPT-3: the same formula, other numbers"),
        ),
    ),
    Exercise(
        solution=state_bytes,
        cases=(
            Case(
                arguments=(10.0, True), expected=_state(20.0, 20.0, 40.0, 80.0),
                hint="2 bytes per weight and per gradient; 4 per master weight; 4 and 4 for Adam's two moments",
                mistakes=(
                    (_state(20.0, 20.0, 0.0, 80.0), "in mixed precision a master copy of the weights stays in float32: 4 bytes"),
                    (_state(20.0, 20.0, 40.0, 40.0), "Adam keeps two moments per parameter, each in 4 bytes"),
                    (_state(20.0, 20.0, 20.0, 40.0), "master weights and moments stay in float32: 4 bytes per number"),
                    (_state(20.0, 40.0, 40.0, 80.0), "the gradients come in the precision of the weights: 2 bytes"),
                    (_state(40.0, 40.0, 0.0, 80.0), "this is plain float32; here `mixed` is True"),
                ),
            ),
            Case(
                arguments=(3.0, False), expected=_state(12.0, 12.0, 0.0, 24.0),
                hint="everything in float32, 4 bytes; the weights are their own master copy",
                mistakes=(
                    (_state(12.0, 12.0, 12.0, 24.0), "in plain float32 no second copy is needed: master is 0"),
                    (_state(6.0, 6.0, 12.0, 24.0), "this is mixed precision; here `mixed` is False"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=cache_bytes,
        cases=(
            Case(
                arguments=(3, 5, 7, 4), expected=840,
                hint="each token leaves a key and a value of width d_model in every layer",
                mistakes=(
                    (420, "keys and values: two numbers where you count one"),
                    (280, "every layer has keys and values of its own: multiply by n_layers"),
                    (210, "these are numbers: multiply by the bytes of each"),
                    (5880, "one key per token, not one per pair of tokens: the cache grows with T, not with T squared"),
                ),
            ),
            Case(
                arguments=(96, 12288, 2048, 2), expected=9_663_676_416,
                hint="GPT-3 175B: 2 * 96 * 12,288 numbers per token",
                mistakes=((19_327_352_832, "bytes_each is an argument: here it is 2"),),
            ),
            Case(arguments=(2, 4, 1, 2), expected=32, hint="one token: 2 * 2 * 4 numbers"),
        ),
    ),
    Exercise(
        solution=gpus_needed,
        cases=(
            Case(
                arguments=(1e9, 16, 10.0, 0.9), expected=2,  # 16 GB into 9 GB
                hint="bytes of the state, divided by the usable bytes of one GPU, rounded up",
                mistakes=(
                    (1, "one GPU is too few: 16 GB do not fit into 9. Round up"),
                    (16 / 9, "a part of a GPU cannot be had: round up"),
                    (1_777_777_778, "gpu_gb is in GB: multiply it by 10^9 bytes"),
                ),
            ),
            Case(
                arguments=(4.5e9, 18, 10.0, 0.75), expected=11,  # 81 GB into 7.5 GB
                hint="81 GB into 7.5 GB each: a little under 11",
                mistakes=(
                    (9, "only a part of each GPU's memory is usable: multiply by `usable`"),
                    (7, "divide by `usable`: with less room on each, more GPUs are needed"),
                    (10, "bytes_each is an argument: here it is 18, not 16. Or you rounded down"),
                    (12, "ceil rounds up by itself: do not add 1"),
                ),
            ),
            Case(
                arguments=(1e9, 18, 9.0, 1.0), expected=2, hint="18 GB fit into two GPUs of 9 GB exactly",
                mistakes=((3, "what fits exactly needs no further GPU: round up, do not add 1"),),
            ),
        ),
    ),
    Exercise(
        solution=split_feed_forward,
        cases=(
            Case(
                arguments=(_X, _UP, _DOWN, 2), expected=split_feed_forward(_X, _UP, _DOWN, 2),
                hint="process 0 has the first half of the columns of up and rows of down: relu(x @ mine) @ back; then stack",
                mistakes=(
                    (torch.relu(_X @ _UP) @ _DOWN, "this is the sum over processes; return what each computes, stacked"),
                    (split_feed_forward(_X, _UP, _DOWN, 2).flip(0), "process 0 has the first columns and the first rows"),
                    (torch.stack([_X @ _UP[:, :2] @ _DOWN[:2], _X @ _UP[:, 2:] @ _DOWN[2:]]), "relu is missing, between the two"),
                    (
                        torch.stack([torch.relu(_X @ _UP[:, :2] @ _DOWN[:2]), torch.relu(_X @ _UP[:, 2:] @ _DOWN[2:])]),
                        "relu stands between the two products, not after them",
                    ),
                    (
                        torch.stack([torch.relu(_X @ _UP[:, ::2]) @ _DOWN[::2], torch.relu(_X @ _UP[:, 1::2]) @ _DOWN[1::2]]),
                        "neighbouring columns stay together: chunk, not every second one",
                    ),
                    (RuntimeError, "up (C, F) is cut along its columns, dim=1; down (F, C) along its rows, dim=0"),
                ),
            ),
            Case(
                arguments=(_X[:2], _WIDE, _BACK, 3), expected=split_feed_forward(_X[:2], _WIDE, _BACK, 3),
                hint="n is an argument: here three processes, two columns each",
            ),
            Case(
                arguments=(torch.ones(1, 1), torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), 2),
                expected=torch.tensor([[[3.0]], [[8.0]]]), hint="process 0: relu(1 * 1) * 3; process 1: relu(1 * 2) * 4",
            ),
        ),
    ),
)  # fmt: skip
