"""Measure speed on this machine: training steps and sampling against `transformers`, on the same work, in one run.

Both sides get the same shape, the same random weights, the same tokens and the same number of threads, and are measured in
turn, several times; the fastest time of each counts, since other work on the machine only ever slows down. bfloat16 is
measured where the processor gains from it, and training with compiled blocks on a GPU.

Sampling is measured twice: with answers that all reach the limit, and with answers that end as those of a trained model do.
There the end comes after each token with the same chance, which the model's weights fix, so that it is the same on both sides.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from ..engine import Engine, EngineConfig, bfloat16_gain, has_compiler
from ..files import write_atomically
from ..generate import generate
from ..gpt import GPT, GPT2, TINY, GPTConfig
from ..optim import OptimConfig, build_optimizer, optimizer_step
from ..planning.costs import attention_flops, training_flops
from ..planning.plan import SLACK
from ..pretrain import pretrain_loss
from .bench_table import table
from .machine import gpu_memory, machine

SHAPES = {
    "tiny": TINY,
    "10M": GPTConfig(vocab_size=1024, context_length=256, d_model=320, n_layers=8, n_heads=8),
    "124M": GPT2,
}
BATCH = {"tiny": (16, 128), "10M": (16, 128), "124M": (4, 128)}
"""Sequences and tokens a training step."""
GPU_BATCH = {"tiny": (128, 128), "10M": (128, 128), "124M": (32, 1024)}
"""The same on a GPU, which needs more to be busy; of a small one's memory fewer sequences are asked."""
BYTES_A_LOGIT, BYTES_A_PARAMETER = 38, 16
"""What training GPT-2 takes of a GPU at most: all that goes with a logit, activations too; and each model, with Adam."""
ANSWERS, PROMPT, NEW = 64, 16, 48
"""Sampling: answers at once, tokens of a prompt, tokens of the longest answer."""
MEAN_LENGTH = 17
"""Tokens of an answer that ends, on average: about as many as the course's own model writes (`data/dashboard.json`)."""
END = 1
"""The token that ends it."""
PEAK_SIZE, GPU_PEAK_SIZE = 2048, 8192
"""Rows of the square matrices whose product gives the machine's peak."""


@dataclass(frozen=True, kw_only=True)
class SpeedTest:
    """Measure speed against transformers."""

    shapes: tuple[str, ...] = ("tiny", "10M", "124M")
    """Which models: tiny, 10M, 124M."""
    repeats: int = 5
    """Measurements of each; the fastest counts."""
    output: Path | None = None
    """Write the results here too, as JSON with a description of the machine."""


def fastest(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the least seconds of each piece of work, after one to warm up; they take turns.

    Work that returns an int, how much of it there was, counts by its seconds a unit.
    """
    best = {}
    for turn in range(repeats + 1):
        for name, work in works.items():
            start = time.perf_counter()
            amount = work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                seconds = (time.perf_counter() - start) / (amount if isinstance(amount, int) else 1)
                best[name] = min(best.get(name, float("inf")), seconds)
    return best


def gpt2_of(model: GPT) -> nn.Module:
    """Return transformers' GPT-2 with the same shape, dropout and weights."""
    from transformers import GPT2Config, GPT2LMHeadModel  # here and not above: they take time to import

    from ..hf import gpt2_settings, to_gpt2_names

    other = GPT2LMHeadModel(GPT2Config(**gpt2_settings(model.config), bos_token_id=None, eos_token_id=None))
    other.transformer.load_state_dict(to_gpt2_names(model))
    return other


def precisions(device: torch.device) -> list[str]:
    """List the types of number in which matrix products are worth measuring here; on a GPU the faster one will do."""
    found = ["float32", "bfloat16"] if bfloat16_gain(device) > 1 else ["float32"]
    return found[-1:] if device.type == "cuda" else found


def ways_to_train(device: torch.device, dtypes: list[str]) -> list[str]:
    """List the ways in which training is worth measuring here: in each type of number, and on a GPU compiled too."""
    can_compile = device.type == "cuda" and has_compiler()
    return dtypes + [f"{dtypes[-1]} compiled"] * can_compile


def in_way(engine: Engine, way: str) -> Engine:
    """Return an engine for the same device that multiplies matrices in this type of number, or compiles too."""
    return Engine(EngineConfig(device=engine.device.type, bfloat16="bfloat16" in way, compile="compiled" in way))


def batch_of(name: str, device: torch.device, models: int = 4) -> tuple[int, int]:
    """Return the sequences and tokens of a training step; on a GPU, of as many as fit beside these models."""
    if device.type != "cuda":
        return BATCH[name]
    (sequences, length), config = GPU_BATCH[name], SHAPES[name]
    room = SLACK * gpu_memory(device) - models * BYTES_A_PARAMETER * config.n_parameters
    while sequences > 1 and sequences * length * config.vocab_size * BYTES_A_LOGIT > room:
        sequences //= 2
    return sequences, length


def matrix_peaks(device: torch.device, repeats: int, dtypes: list[str]) -> dict[str, float]:
    """Return FLOPs a second of a large matrix product, by type of number."""
    peaks, size = {}, GPU_PEAK_SIZE if device.type == "cuda" else PEAK_SIZE
    for name in dtypes:
        a, b = (torch.randn(size, size, device=device).to(getattr(torch, name)) for _ in range(2))
        peaks[name] = 2 * size**3 / fastest({"product": lambda a=a, b=b: a @ b}, 5 * repeats)["product"]
    return peaks


def training_work(model: nn.Module, loss_of: Callable[[], torch.Tensor]) -> Callable[[], None]:
    """Return one whole training step: forward, backward, clip, Adam."""
    config = OptimConfig()
    optimizer = build_optimizer(model, config) if isinstance(model, GPT) else torch.optim.AdamW(model.parameters(), fused=True)
    model.train()

    def ours() -> None:
        optimizer_step(optimizer, {"loss": loss_of()}, 0, 10, config)

    def theirs() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of().backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()

    return ours if isinstance(model, GPT) else theirs


def our_loss(model: GPT, tokens: torch.Tensor, run: Engine) -> torch.Tensor:
    """Compute our side's loss of a training step."""
    with run.precision():
        return pretrain_loss(model, tokens)[0]


def measure_training(name: str, engine: Engine, repeats: int, ways: list[str]) -> dict[str, float]:
    """Return tokens a second of a training step, ours and theirs, in each way."""
    torch.manual_seed(0)
    config, works = SHAPES[name], {}
    tokens = torch.randint(config.vocab_size, batch_of(name, engine.device), device=engine.device)
    for way in ways:
        run = in_way(engine, way)
        model = GPT(config)
        other = gpt2_of(model).to(engine.device)
        if run.config.compile:
            other.compile()
        run.prepare(model)

        def theirs(other: nn.Module = other, run: Engine = run) -> torch.Tensor:
            with run.precision():
                return other(input_ids=tokens, labels=tokens).loss

        works[f"ours {way}"] = training_work(model, partial(our_loss, model, tokens, run))
        works[f"transformers {way}"] = training_work(other, theirs)
    return {work: tokens.numel() / seconds for work, seconds in fastest(works, repeats).items()}


@torch.no_grad()
def let_answers_end(model: GPT, mean_length: float) -> None:
    """Change a model with random weights so that END follows every token with a chance of about 1 in `mean_length`.

    The last LayerNorm's first number becomes 1 everywhere, and only END's embedding looks at it.
    """
    embeddings = model.token_embedding.weight
    model.final_norm.weight[0], model.final_norm.bias[0] = 0.0, 1.0
    embeddings[:, 0], embeddings[END] = 0.0, 0.0
    logits = model(torch.randint(model.config.vocab_size, (8, PROMPT), device=embeddings.device))
    embeddings[END, 0] = logits.logsumexp(-1).mean() - math.log(mean_length - 1)


def measure_sampling(name: str, engine: Engine, repeats: int, dtypes: list[str], *, ending: bool) -> dict[str, float]:
    """Return sampled tokens a second, of answers that all reach the limit, or that end by themselves."""
    torch.manual_seed(0)
    model = GPT(SHAPES[name]).eval()
    if ending:
        let_answers_end(model, MEAN_LENGTH)
    other = gpt2_of(model).to(engine.device).eval()
    model, generator = model.to(engine.device), torch.Generator().manual_seed(0)
    prompts = torch.randint(END + 1, SHAPES[name].vocab_size, (ANSWERS, PROMPT))
    ids, end = prompts.to(engine.device), END if ending else -1  # no token is -1

    def ours(half: Engine) -> int:
        with half.precision():
            found = generate(model, prompts.tolist(), max_new_tokens=NEW, end_id=end, pad_id=0, generator=generator)
        return int((found.lengths - found.prompt_lengths).sum())

    def theirs(half: Engine) -> int:
        how = {"eos_token_id": END} if ending else {"min_new_tokens": NEW}
        with torch.no_grad(), half.precision():
            found = other.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, top_k=0, max_new_tokens=NEW,
                                   pad_token_id=0, use_cache=True, **how)[:, PROMPT:]  # fmt: skip
        is_end = (found == END).long() if ending else torch.zeros_like(found)
        return int((is_end.cumsum(1) - is_end == 0).sum())  # tokens with no end before them

    works = {}
    for precision in dtypes:
        half = in_way(engine, precision)
        works |= {f"ours {precision}": partial(ours, half), f"transformers {precision}": partial(theirs, half)}
    return {work: 1 / taken for work, taken in fastest(works, repeats).items()}


def where_time_goes(name: str, engine: Engine, way: str, most: int = 6) -> dict[str, float]:
    """Return the share of a training step's time that each of the largest operations takes by itself."""
    run, config = in_way(engine, way), SHAPES[name]
    model = run.prepare(GPT(config))
    tokens = torch.randint(config.vocab_size, batch_of(name, engine.device), device=engine.device)

    step, on_gpu = training_work(model, partial(our_loss, model, tokens, run)), engine.device.type == "cuda"
    step()
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as profiled:
        step()
    key = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    spent = {event.key: getattr(event, key) for event in profiled.key_averages()}
    largest = sorted(spent.items(), key=lambda item: -item[1])[:most]
    return {operation: time / sum(spent.values()) for operation, time in largest}


def measure(command: SpeedTest) -> dict[str, Any]:
    """Run all measurements."""
    engine = Engine(EngineConfig())
    dtypes, results = precisions(engine.device), {}
    ways = ways_to_train(engine.device, dtypes)
    peaks = matrix_peaks(engine.device, command.repeats, dtypes)
    sampling = partial(measure_sampling, engine=engine, repeats=command.repeats, dtypes=dtypes)
    for name in command.shapes:
        training = measure_training(name, engine, command.repeats, ways)
        batch = batch_of(name, engine.device)
        flops = training_flops(SHAPES[name], 1) + 3 * attention_flops(SHAPES[name], 1, batch[1])
        shares = {way: training[f"ours {way}"] * flops / peaks[way.split()[0]] for way in ways}
        results[name] = {
            "parameters": SHAPES[name].n_parameters, "sequences and tokens a training step": batch,
            "training tokens a second": training, "share of the matrix peak": shares,
            "sampled tokens a second": sampling(name, ending=False),
            "sampled tokens a second, answers that end": sampling(name, ending=True),
            "where a step's time goes": where_time_goes(name, engine, ways[-1]),
        }  # fmt: skip
    return {"machine": machine(engine.device), "matrix product, FLOPs a second": peaks, "shapes": results}


def run_bench(command: SpeedTest) -> None:
    """Measure, print the table, and write it where asked."""
    unknown = set(command.shapes) - set(SHAPES)
    if unknown or command.repeats < 1:
        raise ValueError(f"shapes {command.shapes}, repeats {command.repeats}: expected {', '.join(SHAPES)}, and at least 1")
    found = measure(command)
    print(table(found))
    if command.output:
        write_atomically(command.output, json.dumps(found, indent=1) + "\n")
