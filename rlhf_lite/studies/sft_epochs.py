"""What fine-tuning does as it goes on: losses, the judge's score and forgetting, over epochs, settings and seeds.

`python -m rlhf_lite.studies.sft_epochs data/sft_epochs runs/manners-0 runs/manners-1 runs/manners-2` measures the base model of
each run under every setting that is not measured yet, one file per seed; `--settings NAME ...` measures only those named.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..checkpoint import TrainingRun, load_model
from ..data import pack_documents
from ..evaluate import sample, win_rate
from ..files import read_json, write_atomically
from ..gpt import GPT, ScalarModel, copy_gpt
from ..optim import OptimConfig
from ..pretrain import held_out_loss
from ..records import Demonstration, Example, collate_examples, encode_demonstrations
from ..reward import score_sequences
from ..sft import SFTConfig, sft_loss, train_sft
from ..tinyworld.corpus import documents
from ..tinyworld.judge import TIE, judge
from ..tinyworld.labelers import demonstrate
from ..tinyworld.prompts import Request, draw_requests
from ..tinyworld.world import TinyWorld
from ..tokenizer import Tokenizer
from .stored import read_measured, rounded

INCOMING = 16_000
"""Prompts before cleaning, as in the presets tiny and manners."""
HELD_OUT = 300
"""Demonstrations, for users whose prompts train nothing here, on which the validation loss is taken (ours)."""
PROMPTS = 200
"""Held-out prompts whose answers the judge scores (ours)."""
BATCH_SIZE = 32
"""Demonstrations per step (paper)."""
MOMENTS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Epochs after which a long run is measured (ours)."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to fine-tune."""

    demonstrations: int = 320
    """How many to learn from (ours; paper: 12,725)."""
    epochs: float = 16
    """Passes over them (paper)."""
    learning_rate: float = 6e-4
    """Peak rate (ours)."""
    masked: bool = True
    """Learn the answers only; False = the prompts as well."""
    dropout: float = 0.0
    """Share of activations dropped (ours; paper: 0.2)."""

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return round(self.epochs * self.demonstrations / BATCH_SIZE)


STEPS = 96
"""Optimizer steps of the settings that differ in their demonstrations or rate, so that only these differ (ours)."""
LONG = {"mask": Setting(), "no mask": Setting(masked=False)}
AMOUNTS = {f"{n} demonstrations": Setting(demonstrations=n, epochs=STEPS * BATCH_SIZE / n) for n in (32, 128, 512, 3072)}
RATES = {f"rate {rate:g}": Setting(demonstrations=3072, epochs=1, learning_rate=rate) for rate in (6e-5, 6e-3)}
SETTINGS = LONG | AMOUNTS | RATES


@dataclass(frozen=True)
class Subject:
    """What one seed's runs share: the base model, a reward model, and what they are trained and measured on."""

    seed: int
    base: GPT
    reward_model: ScalarModel
    tokenizer: Tokenizer
    examples: list[Example]
    held_out: list[Example]
    requests: list[Request]
    pretraining: torch.Tensor
    """(N,) a packed stream of texts never trained on."""


def load_subject(folder: str | Path) -> Subject:
    """Load the base and reward model of a finished run, and draw the demonstrations of its world."""
    folder = Path(folder)
    about = read_json(folder / "run.json", dict, "train the run again")
    seed, drills = about["seed"], about.get("preset", {}).get("drills", False)
    tokenizer, world = Tokenizer.load(folder / "tokenizer.json"), TinyWorld(seed, drills=drills)
    base = load_model(folder / "pretrain" / "model.safetensors")
    length = base.config.context_length
    rng = random.Random(f"held-out demonstrations {seed}")
    strangers = [Demonstration(prompt=request.prompt, response=demonstrate(rng.choice(world.training_labelers), request, rng))
                 for request in world.requests(INCOMING)["reward"][:HELD_OUT]]  # fmt: skip
    return Subject(
        seed=seed,
        base=base,
        reward_model=load_model(folder / "reward" / "model.safetensors"),
        tokenizer=tokenizer,
        examples=encode_demonstrations(world.demonstrations(INCOMING), tokenizer, length)[0],
        held_out=encode_demonstrations(strangers, tokenizer, length)[0],
        requests=draw_requests(f"sft epochs {seed}", PROMPTS, held_out=True),
        pretraining=pack_documents(documents("held out", 300), tokenizer),
    )


def without_mask(examples: Sequence[Example]) -> list[Example]:
    """Call every prompt a part of the answer, so that it is learnt too."""
    return [Example(example.ids, prompt_length=0) for example in examples]


@torch.no_grad()
def answer_loss(model: GPT, examples: Sequence[Example], pad_id: int, batch_size: int = 100) -> float:
    """Cross-entropy of the tokens of all answers, dropout off, in nats per token."""
    was_training = model.training
    model.eval()
    total = count = 0.0
    for start in range(0, len(examples), batch_size):
        batch = collate_examples(examples[start : start + batch_size], pad_id)
        n = int(batch.response_mask[:, 1:].sum())
        total, count = total + sft_loss(model, batch)[0].item() * n, count + n
    model.train(was_training)
    return total / count


def measure_model(model: GPT, subject: Subject, trained_on: Sequence[Example]) -> tuple[dict[str, float], list[float]]:
    """Measure a model as it is; return one row of numbers, and the judge's score of each held-out prompt's answer."""
    tokenizer, pad_id = subject.tokenizer, subject.tokenizer.pad_id
    prompts = [tokenizer.encode_prompt(request.prompt) for request in subject.requests]
    answers = sample(model, prompts, seed=subject.seed, end_id=tokenizer.end_id, pad_id=pad_id)
    texts = [tokenizer.decode_response(ids) for ids in answers]
    gold = [judge(request, text).gold for request, text in zip(subject.requests, texts, strict=True)]
    learnt = {tuple(example.ids[example.prompt_length :]) for example in trained_on}
    sequences = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    return {
        "train_loss": answer_loss(model, trained_on, pad_id),
        "validation_loss": answer_loss(model, subject.held_out, pad_id),
        "gold": sum(gold) / len(gold),
        "reward": score_sequences(subject.reward_model, sequences, pad_id).mean().item(),
        "pretraining_loss": held_out_loss(model, subject.pretraining),
        "finished": sum(tokenizer.end_id in ids for ids in answers) / len(answers),
        "copied": sum(tuple(ids) in learnt for ids in answers) / len(answers),
    }, gold


def measure(
    subject: Subject, setting: Setting, *, moments: Sequence[int] = MOMENTS, show_progress: bool = True
) -> list[dict[str, float]]:
    """Fine-tune the base model; return a row at the start, at each of `moments` that lies within, and at the end."""
    chosen = subject.examples[: setting.demonstrations]
    if len(chosen) < setting.demonstrations:
        raise ValueError(f"only {len(chosen)} of {setting.demonstrations} demonstrations fit: ask for fewer")
    golds: dict[float, list[float]] = {}
    row, golds[0] = measure_model(subject.base, subject, chosen)
    rows = [{"epoch": 0, **row}]
    per_epoch = setting.demonstrations / BATCH_SIZE
    due = {round(moment * per_epoch): moment for moment in moments if moment < setting.epochs} | {setting.steps: setting.epochs}
    taken = iter(range(1, setting.steps + 1))

    def look(model: GPT) -> dict[str, float]:
        step = next(taken)
        if step in due:
            row, golds[due[step]] = measure_model(model, subject, chosen)
            first = golds.get(1)
            against = {"against_first": win_rate(golds[due[step]], first, TIE).to_row()} if first and due[step] > 1 else {}
            rows.append({"epoch": due[step], **row, **against})
        return {}

    torch.manual_seed(subject.seed)  # dropout
    config = SFTConfig(epochs=setting.epochs, batch_size=BATCH_SIZE, dropout=setting.dropout, eval_every=1,
                       optim=OptimConfig(learning_rate=setting.learning_rate))  # fmt: skip
    train_sft(copy_gpt(subject.base, dropout=setting.dropout), chosen if setting.masked else without_mask(chosen), config,
              pad_id=subject.tokenizer.pad_id, seed=subject.seed, run=TrainingRun(None, show_progress=show_progress),
              evaluate=look)  # fmt: skip
    return rows


def measure_missing(
    folder: Path, subject: Subject, names: Sequence[str], measured: Callable[..., list[dict[str, float]]] = measure
) -> dict[str, Any]:
    """Measure the named settings that FOLDER/seed-N.json does not hold yet, and store each at once; return what it holds."""
    path = folder / f"seed-{subject.seed}.json"

    def stored() -> dict[str, Any]:
        return read_json(path, dict, "delete it, and measure again") if path.exists() else {"seed": subject.seed, "settings": {}}

    for name in names:
        if name not in stored()["settings"]:
            rows = measured(subject, SETTINGS[name], moments=MOMENTS if name in LONG else ())
            found = stored()  # again: another process may have stored its own in the meantime
            found["settings"][name] = {**asdict(SETTINGS[name]), "rows": rounded(rows)}
            write_atomically(path, json.dumps(found, indent=1) + "\n")
    return stored()


def load_measured(folder: str | Path) -> list[dict[str, Any]]:
    """Read what `measure_missing` stored, a dictionary a seed, in the order of seeds."""
    return read_measured(folder, f"measure with `python -m rlhf_lite.studies.sft_epochs {folder} RUN`")


def main() -> None:
    """Measure the runs named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    arguments = parser.parse_args()
    for run in arguments.runs:
        measure_missing(arguments.output, load_subject(run), arguments.settings)


if __name__ == "__main__":
    main()
