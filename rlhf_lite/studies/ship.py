"""Put a finished run's models under data/checkpoints, with a model card and a manifest that a test can check."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..checkpoint import load_model, save_model
from ..data import pack_documents
from ..files import load_tensors, read_json, write_atomically
from ..gpt import GPT
from ..presets import PRESETS
from ..pretrain import held_out_loss
from ..tinyworld.corpus import documents
from ..tinyworld.evaluation import load_models, reward_model_accuracy
from ..tinyworld.runs import SHIPPED, run_folder
from ..tokenizer import Tokenizer
from .model_card import model_card

SHIPPED_STAGES = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
ACCURACY_PROMPTS = 100


def metric_of(folder: Path, stage: str) -> dict[str, float]:
    """Measure one shipped model anew: held-out pretraining loss (nats per token), or the reward model's accuracy."""
    model = load_model(folder / stage / "model.safetensors")
    if isinstance(model, GPT):
        tokens = pack_documents(documents("held out", 300), Tokenizer.load(folder / "tokenizer.json"))
        return {"pretraining_loss": held_out_loss(model, tokens)}
    return {"accuracy_judge": reward_model_accuracy(load_models(folder), 0, ACCURACY_PROMPTS)[0]["accuracy_judge"]}


def made_by(settings: dict[str, Any]) -> str:
    """Return the command that trains such a run, or say that its settings are no preset's."""
    same = (name for name, preset in PRESETS.items() if json.loads(json.dumps(asdict(preset))) == settings["preset"])
    name = next(same, None)
    return f"python -m rlhf_lite pipeline --preset {name} --seed {settings['seed']}" if name else "a run with settings of its own"


def ship(run: Path, target: Path) -> dict[str, Any]:
    """Copy tokenizer and models (as float16) of a run, measure what was written, and write the card and manifest.json."""
    settings = read_json(run / "run.json", dict, "train the run again")
    settings.pop("stages", None)  # what each stage used: of such a run all the same settings
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").unlink(missing_ok=True)
    shutil.copy(run / "tokenizer.json", target / "tokenizer.json")
    for stage in SHIPPED_STAGES:
        _, about = load_tensors(run / stage / "model.safetensors")
        notes = {key: value for key, value in about.items() if key not in ("model", "config")}
        save_model(
            target / stage / "model.safetensors", load_model(run / stage / "model.safetensors"), dtype=torch.float16, **notes
        )
    files = {
        stage: {
            "sha256": hashlib.sha256((target / stage / "model.safetensors").read_bytes()).hexdigest(),
            "data": load_tensors(target / stage / "model.safetensors")[1].get("data", "prompts of the reward model's run"),
            "metrics": metric_of(target, stage),
        }
        for stage in SHIPPED_STAGES
    }
    manifest = {"made_by": made_by(settings), **settings,
                "tokenizer": Tokenizer.load(target / "tokenizer.json").fingerprint, "files": files}  # fmt: skip
    write_atomically(target / "README.md", str(model_card(manifest)))
    write_atomically(target / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    return manifest


@dataclass(frozen=True, kw_only=True)
class Ship:
    """Put a finished run's models under data/checkpoints, with a model card and a manifest."""

    name: str = "tiny-0"
    """Folder of the run under `runs`."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    target: Path = SHIPPED
    """Where the models go."""


def run_ship(command: Ship) -> None:
    """Ship a run, and print what its files are."""
    print(json.dumps(ship(run_folder(command.runs, command.name), command.target)["files"], indent=1))
