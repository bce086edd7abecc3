"""Measure speed on this machine: training steps and sampling against `transformers`, on the same work, in one run.

Both sides get the same shape, the same random weights, the same tokens and the same number of threads, and are measured in
turn, several times; the fastest time of each counts, since other work on the machine only ever slows down. bfloat16 is
measured where the processor gains from it, and training with compiled blocks on a GPU.

Sampling is measured twice: with answers that all reach the limit, and with answers that end as those of a trained model do.
There the end comes after each token with the same probability, which the model's weights fix, so that it is the same on both
sides.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..engine import Engine, EngineConfig, bfloat16_gain, has_compiler
from ..files import write_atomically
from ..generate import generate
from ..gpt import GPT, GPT2, TINY, GPTConfig
from ..optim import OptimConfig, build_optimizer
from ..planning.costs import attention_flops, training_flops
from ..planning.plan import USABLE
from ..pretrain import pretrain_loss
from .machine import fastest, gpu_memory, machine, matrix_peak

SHAPES = {
    "tiny": TINY,
    "10M": GPTConfig(vocab_size=1024, context_length=256, d_model=320, n_layers=8, n_heads=8),
    "124M": GPT2,
}
BATCH = {"tiny": (16, 128), "10M": (16, 128), "124M": (4, 128)}
"""Sequences per training step and their tokens."""
GPU_BATCH = {"tiny": (128, 128), "10M": (128, 128), "124M": (32, 1024)}
"""On a GPU, which needs more to be busy; one of little memory gets fewer sequences."""
BYTES_PER_LOGIT, BYTES_PER_PARAMETER = 38, 16
"""What training GPT-2 takes of a GPU at most: per logit, activations included; and per parameter of a model, with Adam."""
ANSWERS, PROMPT, NEW = 64, 16, 48
"""Sampling: answers at once, tokens of a prompt, tokens of the longest answer."""
MEAN_LENGTH = 17
"""Mean number of tokens of an answer that ends: about as many as the course's own model writes (`data/dashboard.json`)."""
END = 1
"""The token that ends it."""


@dataclass(frozen=True, kw_only=True)
class SpeedTest:
    """Measure speed against transformers."""

    shapes: tuple[str, ...] = ("tiny", "10M", "124M")
    """Which models: tiny, 10M, 124M."""
    repeats: int = 5
    """Measurements of each; the fastest counts."""
    output: Path | None = None
    """Write the results here too, as JSON with a description of the machine."""


def gpt2_of(model: GPT) -> nn.Module:
    """Return transformers' GPT-2 with the same shape, dropout and weights."""
    from transformers import GPT2Config, GPT2LMHeadModel  # here and not above: they take time to import

    from ..hf import gpt2_settings, to_gpt2_names

    other = GPT2LMHeadModel(GPT2Config(**gpt2_settings(model.config), bos_token_id=None, eos_token_id=None))
    other.transformer.load_state_dict(to_gpt2_names(model))
    return other


def ways_of(device: torch.device) -> list[str]:
    """List the ways that are worth measuring: float32, and bfloat16 where it is faster; on a GPU that alone, and compiled."""
    gains = bfloat16_gain(device) > 1
    if device.type == "cuda":
        way = "bfloat16" if gains else "float32"
        return [way, f"{way} compiled"] if has_compiler() else [way]
    return ["float32", "bfloat16"] if gains else ["float32"]


def engine_of(device: torch.device, way: str) -> Engine:
    """Return the engine of one way: "float32", "bfloat16 compiled"."""
    return Engine(EngineConfig(device=device.type, bfloat16="bfloat16" in way, compile="compiled" in way))


def batch_of(name: str, device: torch.device) -> tuple[int, int]:
    """Return the sequences and tokens of a training step; on a GPU, as many sequences as fit beside four models."""
    if device.type != "cuda":
        return BATCH[name]
    (sequences, length), config = GPU_BATCH[name], SHAPES[name]
    free = USABLE * gpu_memory(device) - 4 * BYTES_PER_PARAMETER * config.n_parameters
    while sequences > 1 and sequences * length * config.vocab_size * BYTES_PER_LOGIT > free:
        sequences //= 2
    return sequences, length


def training_step(model: nn.Module, loss_of: Callable[[], torch.Tensor], engine: Engine) -> Callable[[], None]:
    """Return one whole training step: forward, backward, clip, Adam."""
    ours, config = isinstance(model, GPT), OptimConfig()
    optimizer = build_optimizer(model, config) if ours else torch.optim.AdamW(model.parameters(), fused=True)
    model.train()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with engine.precision():
            loss = loss_of()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()

    return step


def measure_training(name: str, device: torch.device, repeats: int, ways: list[str]) -> dict[str, float]:
    """Return tokens per second of a training step, ours and theirs, in each way."""
    torch.manual_seed(0)
    works, tokens = {}, torch.randint(SHAPES[name].vocab_size, batch_of(name, device), device=device)
    for way in ways:
        engine, model = engine_of(device, way), GPT(SHAPES[name])
        other = gpt2_of(model).to(device)
        if engine.config.compile:
            other.compile()
        engine.prepare(model)
        works[f"ours {way}"] = training_step(model, lambda model=model: pretrain_loss(model, tokens)[0], engine)
        their_loss = lambda other=other: other(input_ids=tokens, labels=tokens).loss  # noqa: E731
        works[f"transformers {way}"] = training_step(other, their_loss, engine)
    return {work: tokens.numel() / seconds for work, seconds in fastest(works, repeats).items()}


@torch.no_grad()
def let_answers_end(model: GPT, mean_length: float) -> None:
    """Change a model with random weights so that END follows every token with a probability of about 1 / `mean_length`.

    The last LayerNorm's first number becomes 1 everywhere, and only END's embedding has a weight for it.
    """
    embeddings = model.token_embedding.weight
    model.final_norm.weight[0], model.final_norm.bias[0] = 0.0, 1.0
    embeddings[:, 0], embeddings[END] = 0.0, 0.0
    logits = model(torch.randint(model.config.vocab_size, (8, PROMPT), device=embeddings.device))
    embeddings[END, 0] = logits.logsumexp(-1).mean() - math.log(mean_length - 1)


def measure_sampling(name: str, device: torch.device, repeats: int, ways: list[str], *, ending: bool) -> dict[str, float]:
    """Return sampled tokens per second, of answers that all reach the limit, or that end by themselves."""
    torch.manual_seed(0)
    model = GPT(SHAPES[name]).eval()
    if ending:
        let_answers_end(model, MEAN_LENGTH)
    other = gpt2_of(model).to(device).eval()
    model, generator = model.to(device), torch.Generator().manual_seed(0)
    prompts = torch.randint(END + 1, SHAPES[name].vocab_size, (ANSWERS, PROMPT))
    ids, end = prompts.to(device), END if ending else -1  # no token is -1

    def ours(engine: Engine) -> int:
        with engine.precision():
            found = generate(model, prompts.tolist(), max_new_tokens=NEW, end_id=end, pad_id=0, generator=generator)
        return int((found.lengths - found.prompt_lengths).sum())

    def theirs(engine: Engine) -> int:
        how = {"eos_token_id": END} if ending else {"min_new_tokens": NEW}
        with torch.no_grad(), engine.precision():
            found = other.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, top_k=0, max_new_tokens=NEW,
                                   pad_token_id=0, use_cache=True, **how)[:, PROMPT:]  # fmt: skip
        is_end = (found == END).long() if ending else torch.zeros_like(found)
        return int((is_end.cumsum(1) - is_end == 0).sum())  # tokens with no end before them

    works = {}
    for way in ways:
        engine = engine_of(device, way)
        works |= {f"ours {way}": partial(ours, engine), f"transformers {way}": partial(theirs, engine)}
    return {work: 1 / seconds for work, seconds in fastest(works, repeats).items()}


def measure_speed(command: SpeedTest) -> dict[str, Any]:
    """Measure every shape."""
    device, shapes = Engine(EngineConfig()).device, {}
    ways = ways_of(device)
    dtypes = [way for way in ways if " " not in way]
    peaks = {name: matrix_peak(device, getattr(torch, name)) for name in dtypes}
    for name in command.shapes:
        training = measure_training(name, device, command.repeats, ways)
        batch = batch_of(name, device)
        flops = training_flops(SHAPES[name], 1) + 3 * attention_flops(SHAPES[name], 1, batch[1])
        ended = measure_sampling(name, device, command.repeats, dtypes, ending=True)
        shapes[name] = {
            "parameters": SHAPES[name].n_parameters, "sequences and tokens per training step": batch,
            "training": training, "sampling": measure_sampling(name, device, command.repeats, dtypes, ending=False),
            "sampling, answers that end": ended,
            "share of the matrix peak": {way: training[f"ours {way}"] * flops / peaks[way.split()[0]] for way in ways},
        }  # fmt: skip
    return {"machine": machine(device), "FLOPs per second of a matrix product": peaks, "shapes": shapes}


def ratios(work: str, speeds: dict[str, float]) -> str:
    """Write how many times as fast as `transformers` our side is: in float32, in the same dtype, and in the same way."""
    side, _, way = work.partition(" ")
    others = dict.fromkeys(["float32", way.split()[0], way]) if side == "ours" else {}
    found = {f"transformers {each}": speeds.get(f"transformers {each}") for each in others}
    return ",".join(f"{speeds[work] / speed:>6.2f} x {other}" for other, speed in found.items() if speed)


def speed_text(found: dict[str, Any]) -> str:
    """Write the results for reading: tokens per second, ratios, and the share of the peak."""
    lines = [", ".join(f"{key} {value}" for key, value in found["machine"].items())]
    lines += [f"matrix product, {name}: {value / 1e9:,.0f} GFLOP/s"
              for name, value in found["FLOPs per second of a matrix product"].items()]  # fmt: skip
    for name, row in found["shapes"].items():
        lines.append(f"\n{name} ({row['parameters']:,} parameters), tokens per second")
        for title in ("training", "sampling", "sampling, answers that end"):
            for work, speed in row[title].items():
                share = row["share of the matrix peak"].get(work.removeprefix("ours "))
                of_peak = f"{share:8.0%} of the matrix peak" if title == "training" and share else ""
                lines.append(f"  {title:<28}{work:<32}{speed:>12,.0f}{ratios(work, row[title])}{of_peak}")
    return "\n".join(lines)


def run_bench(command: SpeedTest) -> None:
    """Measure, print the table, and write it where asked."""
    if set(command.shapes) - set(SHAPES) or command.repeats < 1:
        raise ValueError(f"shapes {command.shapes}, repeats {command.repeats}: expected {', '.join(SHAPES)}, and at least 1")
    found = measure_speed(command)
    print(speed_text(found))
    if command.output:
        write_atomically(command.output, json.dumps(found, indent=1) + "\n")
