"""Describe a machine by how fast it does the pieces that models are made of, and tell from that how long a pass takes.

A GPU's data sheet and one share of its peak are enough for a first guess: `plan` takes them. A CPU's share depends on the
shape: in a narrow model attention and the bend (GELU) take a third of the time, and sampling waits for weights and for each
operation's start. So each piece is measured once, alone and without a model, at sizes that no shape decides; all else is
counted from the shape.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..attention import ROOM, KeyValueCache
from ..files import read_json
from ..generate import draw, next_token_probs
from ..gpt import GPTConfig
from ..kernels.packed_weights import LARGE, can_pack, is_worth_it, packed_layers, packed_linear
from ..likelihood import entropy, next_token_log_probs
from ..transformer import Block, FeedForward
from .costs import matrices

Pair = tuple[float, float]
FAR, NEAR = 2**26, 2**25
"""Bytes that no processor's share of a cache holds, and bytes up to which it may."""
LENGTHS = (127, 511)
"""Tokens of sequences by which attention is measured: as most lengths, no whole tiles of its kernel, which are a fifth faster."""


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """Hold the seconds that pieces of work take, in fp32; pairs: forward only, and forward and backward together."""

    product: float
    """A FLOP of a matrix product, forward and backward alike."""
    operand: float
    """A number of its operands: of what goes in, of what comes out, and of the weights."""
    few: tuple[Pair, Pair]
    """A product of few rows, as when sampling: each number of the weights, and each FLOP; of a small model, whose weights stay
    in the processor's caches, and of one that is large enough to be `packed_weights`, whose weights come from memory."""
    single: float
    """A product of one row: each number of a large model's weights."""
    byte: float
    """A byte read or written by an operation that only passes over numbers, of tensors too large for caches."""
    near_byte: float
    """The same of tensors of 4 MB, as a small model's are."""
    block: Pair
    """A block with next to nothing to do, of width 8 on one token: Python, and the start of each operation."""
    cached_block: Pair
    """The same when sampling: forward, with a cache; by weights as they lie, and by packed_weights ones."""
    block_again: float
    """What computing a block again takes besides its forward pass: leaving it out, and taking it up in the backward pass."""
    bend: Pair
    """One number through the activation function."""
    norm: Pair
    """One number through LayerNorm."""
    query: tuple[Pair, Pair]
    """A query's own part of attention, such as the rest of its tile, and its answer's way back to the stream: of each head,
    and of each number of its width."""
    look: tuple[Pair, Pair]
    """The part of each key that it looks at, likewise."""
    look_back: Pair
    """The same of one query a sequence, at keys and values that lie in memory: of each head, and of each number of its width."""
    surprise: Pair
    """A logit on its way to the loss."""
    uncertainty: float
    """A logit on its way to the entropy."""
    drawn: float
    """A logit when a token is drawn."""


def speeds_of(path: Path) -> Speeds:
    """Read the speeds of a machine from what `plan-check` wrote.

    Raises: FileNotFoundError, ValueError: naming the file.
    """
    advice = "write one with plan-check --output"
    try:
        return Speeds(**read_json(path, dict, advice)["speeds"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no speeds of a machine ({error}): {advice}") from None


def fastest(work: Callable[[], Any]) -> float:
    """Return the least seconds of some work, the process's own on a CPU: of six turns, or of as many as take 0.1 s."""
    on_gpu, found = torch.cuda.is_available(), []
    clock = time.perf_counter if on_gpu else time.process_time
    while len(found) < 6 or sum(found) < 0.1:
        start = clock()
        work()
        if on_gpu:
            torch.cuda.synchronize()
        found.append(clock() - start)
    return min(found)


def _both(work: Callable[..., Tensor], *inputs: Tensor) -> Pair:
    """Time a function of tensors forward, without gradients, and forward and backward."""
    with torch.no_grad():
        forward = fastest(lambda: work(*inputs))
    learnt = [tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor for tensor in inputs]
    grad = torch.ones_like(work(*inputs))
    return forward, fastest(lambda: torch.autograd.grad(work(*learnt), [t for t in learnt if t.requires_grad], grad))


def _by_width(narrow: float, wide: float) -> Pair:
    """Split times at head widths 16 and 64 into a part of each head and one of each number of the width."""
    slope = max(0.0, (wide - narrow) / 48)
    return narrow - 16 * slope, slope


def _by_length(short: float, long: float) -> Pair:
    """Split a query's times at two lengths into its own part and one of each key that it looks at."""
    few, many = ((length + 1) / 2 for length in LENGTHS)  # keys that a query looks at, on average
    look = (long - short) / (many - few)
    return max(0.0, short - few * look), look


def measure_speeds(device: torch.device | str = "cpu") -> Speeds:
    """Measure all pieces; takes some seconds."""
    rows, inner, outer = 1024, 512, 2048
    x, wide = (torch.randn(rows, width, device=device) for width in (inner, outer))
    far, near = (torch.randn(n, device=device) for n in (2**25, 2**20))
    product, operand = _products(device)
    bend, norm = _both(FeedForward(4, 4).activation, wide), _both(lambda t: F.layer_norm(t, t.shape[1:]), x)
    logits, tokens = torch.randn(8, 64, 8192, device=device), torch.zeros(8, 64, dtype=torch.long, device=device)
    surprise = _both(next_token_log_probs, logits, tokens)
    with torch.no_grad():
        uncertainty = fastest(lambda: entropy(logits))
        sampled, uniform = logits[:, :4].flatten(0, 1).contiguous(), torch.rand(32, device=device)
        drawn = fastest(lambda: draw(next_token_probs(sampled), uniform))
    query, look = _looks(device)
    nothing, token = Block(8, 1, 32).to(device), torch.randn(1, 1, 8, device=device)
    block = _both(lambda x: nothing(x, is_causal=True), token)
    again = _both(lambda x: checkpoint(nothing, x, use_reentrant=False, is_causal=True), token)
    return Speeds(
        product=product, operand=operand,
        few=(_few_rows(device, NEAR // 8, is_prepacked=False), _few_rows(device, FAR, is_prepacked=can_pack(device))),
        byte=fastest(lambda: torch.add(far, 1.0, out=far)) / (8 * far.numel()),
        near_byte=fastest(lambda: torch.add(near, 1.0, out=near)) / (8 * near.numel()),
        block=block,
        cached_block=_cached(nothing, token),
        block_again=max(0.0, again[1] - sum(block)),
        bend=(bend[0] / wide.numel(), bend[1] / wide.numel()),
        norm=(norm[0] / x.numel(), norm[1] / x.numel()),
        query=query, look=look, look_back=_looks_back(device),
        single=_product_seconds(device, FAR, 2048, 1, False) / (2048 * 512),
        surprise=(surprise[0] / logits.numel(), surprise[1] / logits.numel()),
        uncertainty=uncertainty / logits.numel(), drawn=drawn / sampled.numel(),
    )  # fmt: skip


def _products(device: torch.device | str) -> tuple[float, float]:
    """Split the times of a narrow and a wide layer, forward and backward, into a part of each FLOP and one of each operand."""
    rows, found = 2048, []
    for width in (128, 768):
        x, weight, bias = (torch.randn(*shape, device=device) for shape in ((rows, width), (width, width), (width,)))
        found.append((2 * rows * width**2, 2 * rows * width + width**2, _both(F.linear, x, weight, bias)[1] / 3))
    (few, small, quick), (many, large, slow) = found
    flop = (slow * small - quick * large) / (many * small - few * large)
    return flop, max(0.0, (quick - few * flop) / small)


def _few_rows(device: torch.device | str, size: int, *, is_prepacked: bool) -> Pair:
    """Split the times of products of 4 and of 32 rows, their start left out, into a part of each number and one of each FLOP."""
    start = _product_seconds(device, 0, 1, 4, is_prepacked)
    few, more = (_product_seconds(device, size, 2048, rows, is_prepacked) for rows in (4, 32))
    flop = max(0.0, (more - few) / (56 * 2048 * 512))  # 2 * (32 - 4) more for each number
    return (few - start) / (2048 * 512) - 8 * flop, flop


@torch.no_grad()
def _product_seconds(device: torch.device | str, size: int, outputs: int, rows: int, is_prepacked: bool) -> float:
    """Time products by matrices (outputs, 512) of so many bytes together, one after the other."""
    weights = [torch.randn(outputs, 512, device=device) for _ in range(max(1, size // (4 * 512 * outputs)))]
    x, bias = torch.randn(rows, 512, device=device), torch.randn(outputs, device=device)
    lay_out = packed_linear if is_prepacked else lambda weight, bias: partial(F.linear, weight=weight, bias=bias)
    products = [lay_out(weight, bias) for weight in weights]
    return fastest(lambda: [product(x) for product in products]) / len(weights)


def _looks(device: torch.device | str) -> tuple[tuple[Pair, Pair], tuple[Pair, Pair]]:
    """Measure whole sequences that look back: a query's own part, forward and with backward, and the part of each look."""
    queries, heads = 2048, 8

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return rearrange(mixed, "b h t d -> b t (h d)")

    def times(width: int, length: int) -> Pair:
        shape = (queries // length, length, heads, width)
        found = _both(attend, *(torch.randn(shape, device=device).transpose(1, 2) for _ in range(3)))
        return tuple(seconds / math.prod(shape[:3]) for seconds in found)

    narrow, wide = ([times(width, length) for length in LENGTHS] for width in (16, 64))
    own, each = [], []
    for train in range(2):
        split = [_by_length(*(seconds[train] for seconds in found)) for found in (narrow, wide)]
        own.append(_by_width(split[0][0], split[1][0]))
        each.append(_by_width(split[0][1], split[1][1]))
    return tuple(own), tuple(each)


@torch.no_grad()
def _cached(block: Block, token: Tensor) -> Pair:
    """Time a block that has one position in its cache and adds another, the same again and again; then with packed_weights weights."""
    cache = KeyValueCache()

    def step() -> None:
        cache.length = 1
        block(token, cache=cache)

    block(token, cache=cache)
    plain = fastest(step)
    with packed_layers(block) if can_pack(token.device) else nullcontext():
        return plain, fastest(step)


def _looks_back(device: torch.device | str) -> Pair:
    """Let one query a sequence look at caches, one after the other, as in layers: none stays near."""
    sequences, heads, length = 32, 8, 3 * ROOM

    def seconds(width: int) -> float:
        shape = (2, sequences, heads, length, width)
        query = torch.randn(sequences, heads, 1, width, device=device)
        caches = [KeyValueCache() for _ in range(math.ceil(FAR / (4 * math.prod(shape))))]
        for cache in caches:
            cache.append(*torch.randn(shape, device=device))
        work = fastest(lambda: [cache.look_back(query) for cache in caches])
        return work / (len(caches) * sequences * heads * length)

    with torch.no_grad():
        return _by_width(seconds(16), seconds(64))


def pass_seconds(
    config: GPTConfig, speeds: Speeds, *, sequences: float, length: int, predicted: float, train: bool, entropy: bool = False
) -> float:
    """Seconds of a forward pass, or of one and its backward pass; `predicted` tokens have logits (0: a scalar model).

    A block passes over the stream eight times besides: two sums of two in, one out, and what its gradients need as often again.
    """
    n, times = sequences * length, 3 if train else 1
    c, layers, heads, d_head = config.d_model, config.n_layers, config.n_heads, config.d_model // config.n_heads
    flops = 2 * (n * matrices(config) + predicted * c * config.vocab_size)
    queries = n * heads * layers
    near = 4 * n * c <= 2**23
    operands = n * layers * (9 * c + 2 * config.d_ff) + matrices(config) + predicted * (c + config.vocab_size)
    return (
        times * (flops * speeds.product + operands * speeds.operand)
        + queries * max(0.0, speeds.query[train][0] + d_head * speeds.query[train][1])
        + queries * (length + 1) / 2 * (speeds.look[train][0] + d_head * speeds.look[train][1])
        + n * layers * config.d_ff * speeds.bend[train]
        + n * (2 * layers + 1) * c * speeds.norm[train]
        + predicted * config.vocab_size * (speeds.surprise[train] + entropy * speeds.uncertainty)
        + times * 4 * n * layers * 6 * c * (speeds.near_byte if near else speeds.byte)
        + layers * speeds.block[train]
    )


def sampling_seconds(config: GPTConfig, speeds: Speeds, *, sequences: int, length: int, new_tokens: int) -> float:
    """Seconds of sampling: the prompts are read, then each new token passes alone, and all matrices pass by it."""
    c, layers, heads, d_head = config.d_model, config.n_layers, config.n_heads, config.d_model // config.n_heads
    reading = pass_seconds(config, speeds, sequences=sequences, length=length - new_tokens, predicted=0, train=False)
    weights = matrices(config) + c * config.vocab_size
    laid_out, alone = is_worth_it(weights, sequences), sequences == 1 and weights >= LARGE
    number, flop = (speeds.single, 0.0) if alone else speeds.few[laid_out]
    looked_at = length - new_tokens / 2 + ROOM / 2  # with the free room behind
    step = (
        weights * (number + 2 * sequences * flop)
        + sequences * looked_at * heads * layers * (speeds.look_back[0] + d_head * speeds.look_back[1])
        + 16 * sequences * layers * c * looked_at / ROOM * speeds.byte  # keys and values are copied as their room grows
        + sequences * layers * (config.d_ff * speeds.bend[0] + 2 * c * speeds.norm[0])
        + sequences * config.vocab_size * speeds.drawn
        + layers * speeds.cached_block[laid_out] + speeds.block[0]
    )  # fmt: skip
    return reading + new_tokens * step


def update_seconds(
    config: GPTConfig, speeds: Speeds, *, averaged: bool = False, scalar: bool = False, backward_passes: int = 1
) -> float:
    """Seconds of an optimizer step: the norm (4 bytes a parameter), the clip (8), Adam (28), and the average (12).

    Before it, in each backward pass, the embedding's gradient is made of zeros (8) and, where it is tied, summed from two (12);
    all gradients are added to those of the passes before (12).
    """
    embedding, added = config.vocab_size * config.d_model * (8 + (0 if scalar else 12)), 12 * config.n_parameters
    moved = config.n_parameters * (40 + 12 * averaged) + backward_passes * embedding + (backward_passes - 1) * added
    return moved * (speeds.near_byte if 16 * config.n_parameters <= NEAR else speeds.byte)
