"""Measure on the reader's machine what lesson 16 predicts: seconds, bytes and FLOPs of a training step of several sizes.

Seconds are those that the processor worked for this process, on one thread: other programs then hardly count.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...benchmarks.plan_check import as_planned, measured_memory
from ...data import seeded_generator
from ...engine import Engine, EngineConfig
from ...gpt import GPT, NANO, SMALL, TINY, GPTConfig
from ...optim import OptimConfig, build_optimizer
from ...planning.cluster import Cluster
from ...planning.costs import attention_flops, training_flops
from ...planning.plan import plan_stage
from ...planning.recipes import Recipe, recipe_named
from ...planning.workload import stages
from ...pretrain import pretrain_loss

LADDER: dict[str, GPTConfig] = {
    "nano": NANO,
    "tiny": TINY,
    "3M": GPTConfig(d_model=192, n_layers=6, n_heads=8),
    "10M": GPTConfig(d_model=320, n_layers=8, n_heads=8),
    "small": SMALL,
}
"""Sizes that a laptop can train, smallest first."""
WINDOWS, LENGTH = 4, 128
"""A step reads so many windows of so many tokens, at every size."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute on one thread, and as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def processor_seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Return the least seconds of processor time of a piece of work on one thread, after one run to warm up."""
    found = []
    with one_thread():
        work()
        for _ in range(repeats):
            start = time.process_time()
            work()
            found.append(time.process_time() - start)
    return max(min(found), 1e-6)  # a clock may stand still


@contextmanager
def quiet_errors() -> Iterator[None]:
    """Throw away what is written to the process's standard error: PyTorch's profiler says there when it begins and ends."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def matrix_speed(rows: int = 1024, width: int = 1024, repeats: int = 5) -> float:
    """Measure the FLOPs per second, on one thread, of a product of `rows` vectors with a square matrix of weights."""
    a, b = torch.randn(rows, width), torch.randn(width, width)
    times = max(1, 2**28 // (rows * width**2))  # long enough for the clock

    def work() -> None:
        for _ in range(times):
            a @ b

    return 2 * rows * width**2 * times / processor_seconds(work, repeats)


def memory_bandwidth(megabytes: int = 256) -> float:
    """Measure the bytes per second that one thread reads from memory and sums up."""
    numbers = torch.ones(megabytes * 2**18)
    return 4 * numbers.numel() / processor_seconds(numbers.sum, 5)


def batch_of(shape: GPTConfig) -> Tensor:
    """Return WINDOWS rows of LENGTH random tokens: (B, T)."""
    return torch.randint(shape.vocab_size, (WINDOWS, LENGTH), generator=seeded_generator("rows"))


def training_step(shape: GPTConfig, *, activation_checkpointing: bool = False) -> Callable[[], None]:
    """Return a function that takes one whole training step with Adam, of a new model."""
    engine = Engine(EngineConfig(device="cpu", activation_checkpointing=activation_checkpointing))
    torch.manual_seed(0)
    model, tokens = engine.prepare(GPT(shape)), batch_of(shape)
    optimizer = build_optimizer(model, OptimConfig())

    def step() -> None:
        optimizer.zero_grad()
        loss, _ = pretrain_loss(model, tokens, n_valid=tokens.numel() - len(tokens))
        loss.backward()
        optimizer.step()

    return step


def step_flops(shape: GPTConfig) -> tuple[float, float]:
    """Return the FLOPs of such a step: 6 N D, and that with attention added."""
    tokens = WINDOWS * LENGTH
    plain = training_flops(shape, tokens)
    return plain, plain + 3 * attention_flops(shape, tokens, LENGTH)


@dataclass(frozen=True)
class StepMemory:
    """Bytes of a training step at its peak."""

    planned: dict[str, float]
    """By purpose: weights, gradients, optimizer, activations."""
    measured: float
    """What PyTorch's allocator had given out."""

    @property
    def total(self) -> float:
        """Planned bytes in all."""
        return sum(self.planned.values())


def step_memory(shape: GPTConfig, *, activation_checkpointing: bool = False) -> StepMemory:
    """Plan and measure the memory of a training step at its peak."""
    engine = EngineConfig(device="cpu", activation_checkpointing=activation_checkpointing)
    recipe = _recipe_of(shape)
    plan = plan_stage(stages(recipe)[0], Cluster(gpu_memory=1e6, engine=engine)).memory["policy"]
    planned = {name: getattr(plan, name) for name in ("weights", "gradients", "optimizer", "activations")}
    with one_thread(), quiet_errors():
        return StepMemory(planned, measured_memory("pretrain", recipe, Engine(engine))["pretrain"])


def _recipe_of(shape: GPTConfig) -> Recipe:
    recipe = as_planned(recipe_named("tiny"))
    first = replace(recipe.preset.pretrain, batch_size=WINDOWS, sequence_length=LENGTH, short_steps=0)
    return replace(recipe, preset=replace(recipe.preset, model=shape, pretrain=first))
