"""Sweeps of PPO's two coefficients: what each buys, and what it costs.

From one run's SFT model and reward model many short PPO runs start, each with another `kl_coef` or `ptx_coef` and all
else equal; every one is measured on the same held-out prompts and texts. The course ships the measurements of several
seeds in `data/sweeps/`; they are made by `python -m rlhf_lite.studies.ppo_sweeps data/checkpoints data/sweeps 0 1 2`, which goes
on where it was stopped. A seed decides PPO's prompts and random numbers, the pretraining text and the held-out prompts; the SFT
model and the reward model are the same.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from ..checkpoint import TrainingRun
from ..data import pack_documents
from ..evaluate import kl_from, sample, win_rate
from ..files import read_json, write_atomically
from ..gpt import GPT, copy_gpt, copy_scalar
from ..ppo import PPOConfig, train_ppo
from ..presets import PRESETS
from ..pretrain import held_out_loss
from ..records import encode_prompts
from ..reward import score_sequences
from ..rollout import Rollout, reward_model_score
from ..tinyworld.corpus import documents
from ..tinyworld.evaluation import Models, load_models
from ..tinyworld.judge import TIE, judge
from ..tinyworld.prompts import draw_requests
from ..tinyworld.world import TinyWorld
from .exercises import exercise_shares, source_losses
from .stored import read_measured, rounded

ITERATIONS = 16
"""About a quarter of a normal run, in which most of the gold score's rise lies (ours)."""
MEASURED_EVERY = 8
"""Iterations between measurements, so that a run of 8 may be compared with others of 8 (ours)."""
KL_COEFS = (0.05, 0.5, 5.0, 0.0, 0.2)
"""With ptx_coef 0; from 0.05, the course's, 100-fold up, as the paper's sweep went. The telling ones come first."""
PTX_COEFS = (0.5, 0.05, 1.5, 0.15)
"""With kl_coef 0.05; 0.5 is the course's."""
EPISODES = 128
"""Half of a normal run's per iteration, in as many updates (ours)."""
HELD_OUT_PROMPTS = 300


def sweep_configs(base: PPOConfig) -> list[PPOConfig]:
    """Return the settings of a whole sweep, those of both coefficients in turn."""
    base = replace(base, iterations=ITERATIONS, episodes=EPISODES, minibatch_size=EPISODES // 2, eval_every=MEASURED_EVERY)
    by_kl = [replace(base, kl_coef=c, ptx_coef=0.0) for c in KL_COEFS]
    by_ptx = [replace(base, ptx_coef=c) for c in PTX_COEFS]
    return [config for i, kl in enumerate(by_kl) for config in (kl, *by_ptx[i : i + 1])]


class Bench:
    """What all runs of a sweep share: where they start, what they read, and how they are measured."""

    def __init__(
        self, models: Models, seed: int, *, n_prompts: int = HELD_OUT_PROMPTS, n_documents: int | None = None,
        incoming: int | None = None,
    ):  # fmt: skip
        preset, world, tokenizer = PRESETS["tiny"], TinyWorld(seed, drills=True), models.tokenizer
        self.models, self.seed, self.sft = models, seed, models.policies["sft"]
        self.ids = {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}
        room = self.sft.config.context_length - preset.ppo.max_new_tokens
        self.train_prompts, _ = encode_prompts(world.ppo_prompts(incoming or preset.incoming_prompts), tokenizer, room)
        self.pretraining_tokens = pack_documents(world.documents(n_documents or preset.documents), tokenizer)
        self.held_out_tokens = pack_documents(documents("held out", 1000), tokenizer)
        self.requests = draw_requests(f"sweep {seed}", n_prompts, held_out=True)
        self.prompts = [tokenizer.encode_prompt(request.prompt) for request in self.requests]
        self.sft_gold = self._gold(self._answers(self.sft))
        self.sft_loss = held_out_loss(self.sft, self.held_out_tokens)

    def train(
        self, config: PPOConfig, *, run: TrainingRun | None = None, evaluate: Callable[[GPT, Rollout], dict] | None = None
    ) -> tuple[GPT, list[dict[str, Any]]]:
        """Run PPO from the SFT model, the value model from the reward model; return the averaged policy and the log."""
        critic, run = self.models.reward_model, run or TrainingRun(None, show_progress=False)
        policy = train_ppo(
            copy_gpt(self.sft), copy_scalar(critic), reward_model_score(critic), self.train_prompts, config, **self.ids,
            seed=self.seed, run=run, pretraining_tokens=self.pretraining_tokens, evaluate=evaluate,
        )  # fmt: skip
        return policy, run.history

    def measure(self, policy: GPT, abilities: Mapping[str, float] | None = None) -> dict[str, float]:
        """Measure a policy on held-out prompts and texts; a row of `data/sweeps` says the same of each run.

        `abilities` are what `exercise_shares` found, where that is known already.
        """
        tokenizer, answers = self.models.tokenizer, self._answers(policy)
        gold = self._gold(answers)
        sequences = [prompt + ids for prompt, ids in zip(self.prompts, answers, strict=True)]
        loss = held_out_loss(policy, self.held_out_tokens)
        return {
            "gold": fmean(gold),
            "win_rate": win_rate(gold, self.sft_gold, TIE).rate,
            "score": score_sequences(self.models.reward_model, sequences, tokenizer.pad_id).mean().item(),
            "kl": kl_from(policy, self.sft, self.prompts, seed=self.seed, **self.ids),
            "pretraining_loss": loss,
            "loss_rise": loss - self.sft_loss,
            "exercises": fmean((abilities or exercise_shares(policy, tokenizer)).values()),
            "length": fmean(len(tokenizer.decode_response(ids).split()) for ids in answers),
        }

    def point(self, config: PPOConfig, run: TrainingRun | None = None) -> list[dict[str, float]]:
        """Train one point of the sweep; return its rows, one a measurement."""
        _, history = self.train(config, run=run, evaluate=lambda policy, _: {"held_out": self.measure(policy)})
        about = {"kl_coef": config.kl_coef, "ptx_coef": config.ptx_coef, "seed": self.seed}
        return [
            {**about, "iterations": row["step"] + 1, **row["held_out"], "entropy": row["entropy"],
             "gradient_ratio": row.get("ptx_gradient_ratio", 0.0)}
            for row in history if "held_out" in row
        ]  # fmt: skip

    def stage_rows(self) -> dict[str, dict[str, Any]]:
        """Measure the run's own four models, with all abilities and all sources told apart."""
        tokenizer, rows = self.models.tokenizer, {}
        for name, policy in self.models.policies.items():
            abilities = exercise_shares(policy, tokenizer)
            rows[name] = self.measure(policy, abilities) | {"abilities": abilities, "sources": source_losses(policy, tokenizer)}
        return rows

    def _answers(self, policy: GPT) -> list[list[int]]:
        return sample(policy, self.prompts, seed=self.seed, **self.ids)

    def _gold(self, answers: list[list[int]]) -> list[float]:
        texts = map(self.models.tokenizer.decode_response, answers)
        return [judge(request, text).gold for request, text in zip(self.requests, texts, strict=True)]


def sweep(folder: Path, seed: int, output: Path) -> dict[str, Any]:
    """Measure the models of a run and every point of the sweep that `output` does not hold yet, writing after each."""
    bench = Bench(load_models(folder), seed)
    found = {"seed": seed, "stages": {}, "rows": []}
    found = read_json(output, dict, "delete it, and measure again") if output.exists() else found
    if not found["stages"]:
        found["stages"] = bench.stage_rows()
        write_rows(output, found)
    for config in sweep_configs(PRESETS["tiny"].ppo):
        if any((row["kl_coef"], row["ptx_coef"]) == (config.kl_coef, config.ptx_coef) for row in found["rows"]):
            continue
        rows = bench.point(config)
        found["rows"] += rows
        write_rows(output, found)
        print(rows[-1], flush=True)
    return found


def write_rows(path: Path, found: dict[str, Any]) -> None:
    """Write one seed's measurements, a line a row."""
    lines = ",\n".join("  " + json.dumps(row) for row in rounded(found["rows"]))
    stages = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rounded(found["stages"]).items())
    write_atomically(path, f'{{\n "seed": {found["seed"]},\n "stages": {{\n{stages}\n }},\n "rows": [\n{lines}\n ]\n}}\n')


def load_sweeps(folder: str | Path) -> list[dict[str, Any]]:
    """Read all seeds' measurements.

    Raises:
        FileNotFoundError: where the folder holds none.
    """
    return read_measured(folder, "it comes with the course; see data/README.md for how it is made")


if __name__ == "__main__":
    for number in map(int, sys.argv[3:]):
        sweep(Path(sys.argv[1]), number, Path(sys.argv[2]) / f"seed-{number}.json")
