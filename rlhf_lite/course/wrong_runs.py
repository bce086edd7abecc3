"""Runs of PPO that went wrong, one for each of `faults`, beside sound ones: trained for real, stored, drawn to be diagnosed.

`python -m rlhf_lite.course.wrong_runs` trains them all anew into data/wrong_runs (about 20 minutes on one core); with names
of faults, those.
"""

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from .. import ppo
from ..checkpoint import TrainingRun, write_atomically
from ..gpt import GPT, copy_gpt
from ..ppo import PPOConfig
from ..rollout import Rollout, reward_model_score
from ..tinyworld.evaluation import Models, load_models
from ..tinyworld.world import TinyWorld
from .faults import FAULTS, SOUND, Fault, injected
from .live_ppo import training_prompts, value_model_from

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS, FOLDER = ROOT / "data" / "checkpoints", ROOT / "data" / "wrong_runs"
CONFIG = PPOConfig(iterations=21, episodes=64, minibatch_size=32, eval_every=3)
"""The course's settings of PPO at half its episodes, so that an iteration takes two seconds (ours)."""
SEEDS = (0, 1, 2)
KEPT = ("score", "gold", "kl", "entropy", "clip_fraction", "length", "finished", "ratio", "approx_kl", "explained_variance",
        "value_loss", "grad_norm")  # fmt: skip
"""What is stored of each iteration."""
DIGITS = 4


def train_with(fault: Fault, models: Models, seed: int, config: PPOConfig = CONFIG, *, show_progress: bool = True) -> list[dict]:
    """Train PPO from the SFT model with a fault; return its log, a row an iteration. The models are left as they are."""
    policy = copy_gpt(models.policies["sft"], dropout=fault.dropout)
    tokenizer, world = models.tokenizer, TinyWorld(seed)
    run = TrainingRun(None, show_progress=show_progress, name=f"{fault.name}, seed {seed}")

    def watch(average: GPT, _: Rollout) -> dict[str, Any]:
        return world.monitor(average, tokenizer)

    with injected(fault):
        ppo.train_ppo(
            policy, value_model_from(models.reward_model), reward_model_score(deepcopy(models.reward_model)),
            training_prompts(models, seed), config, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id, seed=seed,
            run=run, evaluate=watch,
        )  # fmt: skip
    return run.history


def columns(history: list[dict]) -> dict[str, list[float | None]]:
    """Turn a log into a list a metric, rounded; None where it was not measured.

    Example: [{"score": 0.123456}, {"score": 1.0}] -> {"score": [0.1235, 1.0]}.
    """

    def rounded(row: dict, name: str) -> float | None:
        return float(f"{row[name]:.{DIGITS}g}") if name in row else None

    return {name: [rounded(row, name) for row in history] for name in KEPT if any(name in row for row in history)}


def file_of(name: str, folder: Path = FOLDER) -> Path:
    """Path of a fault's stored runs."""
    return folder / f"{name.replace(' ', '_').lower()}.json"


def record(fault: Fault, folder: Path = FOLDER) -> None:
    """Train one fault's runs, a seed after the other, and store the curves after each."""
    models, runs = load_models(CHECKPOINTS), {}
    about = {"made_by": f"python -m rlhf_lite.course.wrong_runs {fault.name!r}", "fault": fault.name}
    for seed in SEEDS:
        runs[seed] = columns(train_with(fault, models, seed))
        write_atomically(file_of(fault.name, folder), json.dumps({**about, "runs": runs}) + "\n")


def main() -> None:
    """Train the runs named on the command line, or all."""
    known = {SOUND.name: SOUND, **FAULTS}
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"no run {name!r}: choose among {', '.join(map(repr, known))}")
        record(known[name])
        print(f"stored {file_of(name).relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
