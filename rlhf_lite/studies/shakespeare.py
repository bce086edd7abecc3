"""Characters of Shakespeare to a given validation loss: the library against the same model trained in plain PyTorch.

Both sides get the same text, split alike, a model of the same size and the same threads, and take turns, seed by seed. Each
trains a number of steps that is fixed beforehand, and is then measured once on all held-out characters; the seconds count
training and that one measurement, on both sides. The library trains with Muon, which needs far fewer steps than AdamW, in
larger batches, since Muon's own work is per step, with a learning rate that ends nearly at 0, and from other initial weights
(see `gpt`).

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

from ..benchmarks.machine import machine
from ..checkpoint import TrainingRun
from ..evaluate import mean_interval
from ..files import write_atomically
from ..gpt import GPT, GPTConfig
from ..optim import OptimConfig
from ..pretrain import PretrainConfig, pretrain
from .plain_gpt import PlainConfig, train_plain

TARGET = 1.88
"""Validation loss to reach, in nats per character (the recipe's published one)."""
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
    """Turn a text into numbers, one per character, and split it.

    Returns: the stream to train on and the held-out one, (N,) and (M,) long, and the number of different characters.

    Raises: ValueError if either part is shorter than two windows.
    """
    number = {character: i for i, character in enumerate(sorted(set(text)))}
    stream = torch.tensor([number[character] for character in text])
    n_train = int((1 - HELD_OUT) * len(stream))
    if len(stream) - n_train < 2 * MODEL.context_length:
        raise ValueError(f"a text of {len(text)} characters is too short: give at least {20 * MODEL.context_length + 10}")
    return stream[:n_train], stream[n_train:], len(number)


@torch.no_grad()
def validation_loss(model: nn.Module, stream: Tensor, length: int) -> float:
    """Return the mean cross-entropy of every held-out character but the first, in nats per character.

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
    """Train and evaluate once; return the seconds of both together and the validation loss in nats per character."""
    start = time.perf_counter()
    loss = validation_loss(train(), held_out, MODEL.context_length)
    return {"seconds": time.perf_counter() - start, "validation_loss": loss}


def meets_bar(found: dict[str, Any]) -> bool:
    """Whether every seed reached the target, in at most half of the plain side's seconds."""
    return all(row["ours"]["validation_loss"] <= TARGET and 2 * row["ours"]["seconds"] <= row["plain"]["seconds"]
               for row in found["seeds"])  # fmt: skip


def results_text(found: dict[str, Any]) -> str:
    """Write the results for reading: one line per seed and side, then the mean with its 95 % interval over seeds."""
    lines = [", ".join(f"{key} {value}" for key, value in found["machine"].items()), f"{'seed':<6}side     seconds    loss"]
    lines += [f"{row['seed']:<6}{side:<8}{row[side]['seconds']:>8.1f}{row[side]['validation_loss']:>8.4f}"
              for row in found["seeds"] for side in ("plain", "ours")]  # fmt: skip
    mean, low, high = mean_interval([row["plain"]["seconds"] / row["ours"]["seconds"] for row in found["seeds"]])
    lines.append(f"times faster: {mean:.2f} ({low:.2f} to {high:.2f})")
    verdict = "met" if meets_bar(found) else "not met"
    return "\n".join([*lines, f"loss of {TARGET} or less with every seed in at most half of the seconds: {verdict}"])


def run_shakespeare(command: ShakespeareTest, plain: PlainConfig | None = None, ours: PretrainConfig = OURS) -> dict[str, Any]:
    """Measure every seed, print the results, and write them where asked."""
    if not command.seeds:
        raise ValueError("seeds is empty: give at least one")
    plain = plain or PlainConfig()
    stream, held_out, vocab_size = read_characters(command.text.read_text(encoding="utf-8"))
    found = {"machine": machine(torch.device("cpu")), "plain": asdict(plain), "ours": asdict(ours), "seeds": []}
    for seed in command.seeds:
        by_plain = measure_side(lambda seed=seed: train_plain(stream, vocab_size, plain, seed), held_out)
        by_ours = measure_side(lambda seed=seed: train_ours(stream, vocab_size, ours, seed), held_out)
        found["seeds"].append({"seed": seed, "plain": by_plain, "ours": by_ours})
        print(f"seed {seed}: plain {by_plain['seconds']:.0f} s, ours {by_ours['seconds']:.0f} s")
        if command.output:
            command.output.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(command.output, json.dumps(found, indent=1) + "\n")
    print(results_text(found))
    return found
