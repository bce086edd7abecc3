"""Characters of Shakespeare to a given validation loss: the library against the same model trained in plain PyTorch.

Both sides get the same text, split alike, a model of the same size and the same threads, and take turns, seed by seed. Each
trains a number of steps that is fixed beforehand, and is then measured once on all held-out characters; the seconds count
training and that one measurement, on both sides. How the library trains may differ, and does:

1. Muon for the matrices inside the blocks, which needs far fewer steps than AdamW;
2. larger batches: Muon's own work is per step, not per character;
3. a schedule that ends where the run ends, nearly at 0;
4. positions that start as sinusoids, weights that start wider than GPT-2's (see `gpt`).

The text is not part of this repository: tinyshakespeare is 1,115,394 characters, and any other UTF-8 text will do.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checkpoint import TrainingRun
from ..evaluate import mean_interval
from ..files import write_atomically
from ..gpt import GPT, GPTConfig
from ..optim import OptimConfig
from ..pretrain import PretrainConfig, pretrain
from .machine import machine
from .plain_gpt import PlainConfig, train_plain

TARGET = 1.88
"""Validation loss to reach, in nats a character (the recipe's published one)."""
HELD_OUT = 0.1
"""Share of the text, at its end, that is never trained on."""
MODEL = GPTConfig(vocab_size=65, context_length=64, d_model=128, n_layers=4, n_heads=4)
"""The recipe's size; the text decides the vocabulary."""
OURS = PretrainConfig(
    steps=300, batch_size=24, sequence_length=64, eval_every=0,
    optim=OptimConfig(learning_rate=4e-3, muon_learning_rate=4e-2, warmup_steps=20, final_fraction=0.05),
)  # fmt: skip
"""How the library trains; tuned on seed 0."""


@dataclass(frozen=True, kw_only=True)
class ShakespeareTest:
    """Train the same small model in plain PyTorch and with the library, and compare seconds and validation loss."""

    text: Path
    """UTF-8 text to learn, such as tinyshakespeare; its last tenth is held out."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each seed is one run of both sides; the settings were tuned on 0."""
    output: Path | None = None
    """Write the results here too, after every seed, as JSON with a description of the machine."""


def read_characters(text: str) -> tuple[Tensor, Tensor, int]:
    """Turn a text into numbers, one a character, and split it.

    Returns: the stream to train on and the held-out one, (N,) and (M,) long, and how many characters there are.

    Raises: ValueError if either part is shorter than two windows.
    """
    number = {character: i for i, character in enumerate(sorted(set(text)))}
    stream = torch.tensor([number[character] for character in text])
    n_train = int((1 - HELD_OUT) * len(stream))
    if len(stream) - n_train < 2 * MODEL.context_length:
        raise ValueError(f"a text of {len(text)} characters is too short: give at least {20 * MODEL.context_length + 10}")
    return stream[:n_train], stream[n_train:], len(number)


@torch.no_grad()
def held_out_surprise(model: nn.Module, stream: Tensor, length: int) -> float:
    """Average surprise over every held-out character but the first, in nats a character.

    The stream (N,) is cut into neighbouring windows of `length`, each predicting its characters' next ones; the last window
    may be shorter.
    """
    n_full = (len(stream) - 1) // length * length
    inputs, targets = list(stream[:n_full].view(-1, length).split(32)), list(stream[1 : n_full + 1].view(-1, length).split(32))
    if n_full < len(stream) - 1:
        inputs, targets = [*inputs, stream[None, n_full:-1]], [*targets, stream[None, n_full + 1 :]]
    model.eval()
    losses = [F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") for x, y in zip(inputs, targets, strict=True)]
    return torch.stack(losses).sum().item() / (len(stream) - 1)


def train_ours(stream: Tensor, vocab_size: int, config: PretrainConfig, seed: int) -> GPT:
    """Train the library's GPT of the recipe's size on a stream of characters (N,) long."""
    torch.manual_seed(seed)
    model = GPT(replace(MODEL, vocab_size=vocab_size))
    pretrain(model, stream, config, seed=seed, run=TrainingRun(None, show_progress=False))
    return model


def measure_side(train: Callable[[], nn.Module], held_out: Tensor) -> dict[str, float]:
    """Train and evaluate once.

    Returns: `training_seconds` and `evaluation_seconds` by the clock, `seconds` their sum, `processor_seconds` the same of
    all threads together (what other work on the machine takes is not in it), `validation_loss` (nats a character), `parameters`.
    """
    start, busy = time.perf_counter(), time.process_time()
    model = train()
    trained = time.perf_counter()
    loss = held_out_surprise(model, held_out, MODEL.context_length)
    end, busy = time.perf_counter(), time.process_time() - busy
    return {
        "training_seconds": trained - start, "evaluation_seconds": end - trained, "seconds": end - start,
        "processor_seconds": busy, "validation_loss": loss, "parameters": sum(p.numel() for p in model.parameters()),
    }  # fmt: skip


def measure_seed(text: str, seed: int, plain: PlainConfig, ours: PretrainConfig) -> dict[str, Any]:
    """Run both sides with one seed, one after the other."""
    stream, held_out, vocab_size = read_characters(text)
    return {
        "seed": seed,
        "plain": measure_side(lambda: train_plain(stream, vocab_size, plain, seed), held_out),
        "ours": measure_side(lambda: train_ours(stream, vocab_size, ours, seed), held_out),
    }


def times_faster(row: dict[str, Any], clock: str = "seconds") -> float:
    """Return how many times the library's seconds the plain side took."""
    return row["plain"][clock] / row["ours"][clock]


def meets_bar(found: dict[str, Any], clock: str = "seconds") -> bool:
    """Tell whether every seed reached the target, in at most half of the plain side's seconds."""
    return all(row["ours"]["validation_loss"] <= TARGET and times_faster(row, clock) >= 2 for row in found["seeds"])


def table(found: dict[str, Any]) -> str:
    """Write the results for reading: a line a seed, then means with 95 % intervals over seeds."""
    lines = [", ".join(f"{key} {value}" for key, value in found["machine"].items())]
    steps = {side: found[side]["steps"] for side in ("plain", "ours")}
    titles = f"{'seed':<6}{'side':<8}{'steps':>6}{'seconds':>10}{'processor':>11}{'loss':>8}"
    lines.append(titles + f"{'times faster':>14}{'processor':>11}")
    for row in found["seeds"]:
        for side in ("plain", "ours"):
            part = row[side]
            numbers = f"{part['seconds']:>10.1f}{part['processor_seconds']:>11.1f}{part['validation_loss']:>8.4f}"
            ratios = f"{times_faster(row):>14.2f}{times_faster(row, 'processor_seconds'):>11.2f}" if side == "ours" else ""
            lines.append(f"{row['seed']:<6}{side:<8}{steps[side]:>6}{numbers}{ratios}")
    for clock in ("seconds", "processor_seconds"):
        lines.append(f"times faster, {clock}: " + _interval([times_faster(row, clock) for row in found["seeds"]]))
    for side in ("plain", "ours"):
        lines.append(f"validation loss, {side}: " + _interval([row[side]["validation_loss"] for row in found["seeds"]], 4))
    verdict = "met" if meets_bar(found) else "not met"
    lines.append(f"loss of {TARGET} or less with every seed in at most half of the seconds: {verdict}")
    return "\n".join(lines)


def _interval(values: list[float], digits: int = 2) -> str:
    mean, low, high = mean_interval(values)
    return f"{mean:.{digits}f}" + (f" ({low:.{digits}f} to {high:.{digits}f})" if len(values) > 1 else "")


def run_shakespeare(command: ShakespeareTest, plain: PlainConfig | None = None, ours: PretrainConfig = OURS) -> dict[str, Any]:
    """Measure every seed, print the table, and write it where asked."""
    if not command.seeds:
        raise ValueError("seeds is empty: give at least one")
    plain, text = plain or PlainConfig(), command.text.read_text(encoding="utf-8")
    found = {"machine": machine(torch.device("cpu")), "plain": asdict(plain), "ours": asdict(ours), "seeds": []}
    for seed in command.seeds:
        found["seeds"].append(measure_seed(text, seed, plain, ours))
        print(f"seed {seed}: " + ", ".join(f"{side} {found['seeds'][-1][side]['seconds']:.0f} s" for side in ("plain", "ours")))
        if command.output:
            command.output.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(command.output, json.dumps(found, indent=1) + "\n")
    print(table(found))
    return found
