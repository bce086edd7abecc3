"""Loss curves of one small GPT: sound settings, faults, and a grid of learning-rate schedules; what several seeds gave.

All runs read as many windows of the same texts with the same model; only the setting differs. The seed decides texts, first
weights and order. What is measured on held-out text is always the right thing: the next token, never shifted or shuffled.

`python -m rlhf_lite.course.lesson_06.loss_curves data/pretraining_study 0 1 2 3 4` measures what is not yet stored.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...data import pack_documents, seeded_generator, window_batch
from ...files import course_folder, write_atomically
from ...gpt import GPT, GPTConfig
from ...likelihood import language_model_loss
from ...optim import OptimConfig, build_optimizer, optimizer_step
from ...pretrain import held_out_loss
from ...studies.stored import read_measured, rounded
from ...tinyworld.corpus import DRILLED_WEIGHTS, documents
from ...tokenizer import Tokenizer

STEPS, BATCH, LENGTH = 400, 16, 64
"""Steps per run, windows per step, tokens per window."""
DOCUMENTS = 9000
"""Documents per seed: a little more text than a run reads, so that no token is read twice."""
UNSEEN = 100
"""Documents of each of the two held-out sets."""
AVERAGED, LOOK_EVERY = 5, 20
"""Steps that one number of a training curve is the mean of, and steps between two looks at held-out text."""
RATE, WARMUP = 4e-3, 40
"""Peak learning rate and steps of warm-up of a sound run."""
TIMES = (0.1, 1.0, 10.0, 100.0)
"""Peak rates of the grid of schedules, as multiples of RATE."""


@dataclass(frozen=True, kw_only=True)
class CurveSetting:
    """What one run of the gallery does; as it stands, a sound run."""

    times_rate: float = 1.0
    """Peak learning rate, as a multiple of RATE."""
    warmup_steps: int = WARMUP
    final_fraction: float = 0.1
    """Share of the peak that a cosine leaves at the end; 1: the rate stays."""
    targets: str = "next"
    """What each position is asked for: the "next" token, the "same" one, or the next one of a "shuffled" place."""
    leaked_copies: int = 0
    """How often the held-out text stands in the training text."""
    epochs: int = 1
    """How often the run reads its text, which is so many times shorter."""


GALLERY: dict[str, CurveSetting] = {
    "normal": CurveSetting(),
    "rate x 10": CurveSetting(times_rate=10.0),
    "rate x 100": CurveSetting(times_rate=100.0),
    "no warm-up": CurveSetting(warmup_steps=0),
    "targets not shifted": CurveSetting(targets="same"),
    "targets shuffled": CurveSetting(targets="shuffled"),
    "leak, 1 copy": CurveSetting(leaked_copies=1),
    "leak, 16 copies": CurveSetting(leaked_copies=16),
    "16 epochs": CurveSetting(epochs=16),
}
"""The runs of the gallery by name."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How the losses of one run went, in nats per token."""

    first: float
    """Of the very first step, before anything is learnt."""
    train: list[float] = field(default_factory=list)
    """What the run itself printed: means of AVERAGED steps; of what its targets were, right or wrong."""
    held_out: list[float] = field(default_factory=list)
    """Every LOOK_EVERY steps, the next token of held-out text, which a leak puts into the training text."""
    fresh: list[float] = field(default_factory=list)
    """The same on text that no run ever read."""


def course_tokenizer() -> Tokenizer:
    """Load the tokenizer of the shipped models."""
    return Tokenizer.load(course_folder() / "data" / "checkpoints" / "tokenizer.json")


def texts_of(seed: int | str, count: int = DOCUMENTS) -> list[str]:
    """Draw a seed's training documents, mixed as the shipped models' were."""
    return list(documents(f"lesson 06, seed {seed}", count, DRILLED_WEIGHTS))


def unseen_texts(name: str, count: int = UNSEEN) -> list[str]:
    """Draw documents that no seed trains on: "held out" or "fresh"."""
    return list(documents(f"lesson 06, {name}", count, DRILLED_WEIGHTS))


def training_stream(texts: list[str], setting: CurveSetting, tokenizer: Tokenizer, leaked: list[str]) -> Tensor:
    """Pack what a run reads: its texts, fewer where it reads them often, between them the copies that leaked."""
    if setting.epochs > 1:
        return pack_documents(texts, tokenizer)[: STEPS * BATCH * LENGTH // setting.epochs]
    every = max(1, len(texts) // max(1, setting.leaked_copies))
    mixed = []
    for start in range(0, len(texts), every):
        mixed += texts[start : start + every]
        mixed += leaked if start // every < setting.leaked_copies else []
    return pack_documents(mixed, tokenizer)


def build_model(vocab_size: int, seed: int, d_model: int = 64) -> GPT:
    """Make a small GPT of two blocks with new weights."""
    torch.manual_seed(seed)
    return GPT(GPTConfig(vocab_size=vocab_size, context_length=LENGTH, d_model=d_model, n_layers=2, n_heads=d_model // 16))


def loss_of(model: GPT, tokens: Tensor, targets: str, generator: torch.Generator) -> Tensor:
    """Cross-entropy of what a setting takes for the target: tokens (B, T) -> nats per token."""
    logits = model(tokens)  # (B, T, V)
    if targets == "same":
        return F.cross_entropy(logits.flatten(0, 1), tokens.flatten())
    if targets == "shuffled":
        asked = tokens[:, 1:].flatten()
        asked = asked[torch.randperm(len(asked), generator=generator)]  # (B * (T - 1),), each with another's target
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), asked)
    return language_model_loss(logits, tokens)


def run_curve(setting: CurveSetting, stream: Tensor, unseen: Mapping[str, Tensor], vocab_size: int, *, seed: int) -> Curve:
    """Train one model; a loss that is not finite ends the run."""
    model = build_model(vocab_size, seed)
    optim = OptimConfig(
        learning_rate=setting.times_rate * RATE, warmup_steps=setting.warmup_steps, final_fraction=setting.final_fraction
    )
    optimizer, losses, looks = build_optimizer(model, optim), [], {"held out": [], "fresh": []}
    for step in range(STEPS):
        tokens = window_batch(stream, step, BATCH, LENGTH, seed)  # batch
        loss = loss_of(model, tokens, setting.targets, seeded_generator("shuffle", seed, step))  # loss
        try:
            optimizer_step(optimizer, {"loss": loss}, step, STEPS, optim)  # step
        except FloatingPointError:
            break
        losses.append(loss.item())  # record
        if (step + 1) % LOOK_EVERY == 0:  # sometimes evaluate
            for name, text in unseen.items():
                looks[name].append(held_out_loss(model, text, LENGTH))
    means = [sum(part) / len(part) for part in (losses[i : i + AVERAGED] for i in range(0, len(losses), AVERAGED))]
    return Curve(first=losses[0] if losses else float("nan"), train=means, held_out=looks["held out"], fresh=looks["fresh"])


def schedule_name(times: float, warmup_steps: int, final_fraction: float) -> str:
    """Name a schedule of the grid. Example: (3.0, 40, 0.1) -> "rate x 3, warm-up 40, to 10 %"."""
    return f"rate x {times:g}, warm-up {warmup_steps}, to {final_fraction:.0%}".replace("%", " %")


def schedule_grid() -> dict[str, CurveSetting]:
    """Return the schedules of the grid by name: every peak rate with and without warm-up and with both ends."""
    grid = product(TIMES, (0, WARMUP), (0.1, 1.0))
    return {schedule_name(*each): CurveSetting(times_rate=each[0], warmup_steps=each[1], final_fraction=each[2]) for each in grid}


def same_in_gallery() -> dict[str, str]:
    """Return which schedules of the grid are runs of the gallery: name in the grid -> name there."""
    grid, gallery = schedule_grid(), GALLERY.items()
    return {name: other for name, setting in grid.items() for other, same in gallery if same == setting}


def measure_seed(seed: int, settings: Mapping[str, CurveSetting]) -> dict[str, Curve]:
    """Run every setting on the seed's texts."""
    tokenizer, texts, leaked = course_tokenizer(), texts_of(seed), unseen_texts("held out")
    unseen = {"held out": pack_documents(leaked, tokenizer), "fresh": pack_documents(unseen_texts("fresh"), tokenizer)}
    return {
        name: run_curve(
            setting, training_stream(texts, setting, tokenizer, leaked), unseen, tokenizer.vocab_size, seed=seed
        )
        for name, setting in settings.items()
    }  # fmt: skip


def stored_curves(folder: str | Path, kind: str = "gallery") -> list[dict[str, Curve]]:
    """Read what was measured of the "gallery" or of the "schedules", one entry per seed.

    Raises: FileNotFoundError where nothing is stored.
    """
    how = f"run `python -m rlhf_lite.course.lesson_06.loss_curves {folder} 0 1 2 3 4`"
    stored = read_measured(folder, how, f"{kind}-seed-*.json")
    curves = [{name: Curve(**curve) for name, curve in each["curves"].items()} for each in stored]
    if kind == "schedules":
        for each, gallery in zip(curves, stored_curves(folder), strict=False):  # the first seeds of the gallery
            each |= {name: gallery[other] for name, other in same_in_gallery().items()}
    return curves


def main() -> None:
    """Measure the seeds named on the command line that are not yet stored: the gallery, and schedules for the first three."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seeds", type=int, nargs="+")
    chosen = parser.parse_args()
    jobs = [("gallery", seed, GALLERY) for seed in chosen.seeds]
    grid = {name: setting for name, setting in schedule_grid().items() if name not in same_in_gallery()}
    jobs += [("schedules", seed, grid) for seed in chosen.seeds[:3]]
    for kind, seed, settings in jobs:
        path = chosen.folder / f"{kind}-seed-{seed}.json"
        curves = json.loads(path.read_text(encoding="utf-8"))["curves"] if path.exists() else {}
        missing = {name: setting for name, setting in settings.items() if name not in curves}
        if missing:
            curves |= {name: rounded(asdict(curve), 3) for name, curve in measure_seed(seed, missing).items()}
            ordered = {name: curves[name] for name in settings}
            write_atomically(path, json.dumps({"seed": seed, "curves": ordered}) + "\n")
            print(path, flush=True)


if __name__ == "__main__":
    main()
