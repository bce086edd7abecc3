"""What optimizing against a reward model gives and then takes: best-of-n and PPO without a KL penalty, for reward models that
learnt from few labels or many, with few layers or all (Gao 2022, with the judge as gold).

`python -m rlhf_lite.studies.over_optimization data/over_optimization --work runs/over_optimization` starts from the course's
models in data/checkpoints, and draws the comparisons of their run anew. Of these each seed takes one in 64, 16 or 4, no two
seeds the same ones, trains a reward model on them, lets it pick among answers of the SFT model, and optimizes that model
against it. All comparisons have made the course's own reward model: there the seed is PPO's alone. Every point is stored as
soon as it is measured; stopped, the command goes on where it was.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from ..checkpoint import TrainingRun, load_model, save_model
from ..evaluate import kl_from, sample
from ..files import read_json, replacing, write_atomically
from ..gpt import GPT, ScalarModel, copy_gpt, copy_scalar
from ..pipeline import CENTERED_ON, Pipeline
from ..ppo import train_ppo
from ..presets import PRESETS
from ..records import EncodedComparison, encode_demonstrations, encode_prompts
from ..reward import center_on_demonstrations, load_rankings, score_sequences, train_reward_model
from ..rollout import reward_model_score
from ..tinyworld.evaluation import Models, load_models
from ..tinyworld.judge import judge
from ..tinyworld.runs import SHIPPED
from ..tinyworld.world import TinyWorld
from .best_of_n import Answers, text_scores
from .stored import rounded

FOLDER = SHIPPED.parent / "over_optimization"
ONE_IN = (64, 16, 4, 1)
"""A reward model learns from one in so many of a run's 38,000 comparisons, once each (ours)."""
SEEDS = (0, 1, 2)
PROMPTS = 160
"""Held-out prompts on which everything is measured (ours)."""
ITERATIONS, EPISODES, MINIBATCH, EVERY = 32, 64, 32, 2
"""PPO without a penalty: iterations, answers in each, answers per step, and iterations between measurements (ours)."""
PRESET = PRESETS["tiny"]


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Which reward model: how many comparisons it learnt from, how many layers it has, and the seed of both."""

    one_in: int
    layers: int
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"one-in-{self.one_in}-layers-{self.layers}-seed-{self.seed}"


class OverOptimization:
    """The models that all share, and the rows measured so far."""

    def __init__(self, output: Path, work: Path, models: Models):
        self.output, self.work, self.models, self.sft = output, work, models, models.policies["sft"]
        self.tokenizer, self.manners = models.tokenizer, load_models(SHIPPED.parent / "manners")
        self.ids = {"end_id": self.tokenizer.end_id, "pad_id": self.tokenizer.pad_id}
        self.rows = {name: self._read(name) for name in ("reward_models", "ppo")}

    def _read(self, name: str) -> list[dict[str, Any]]:
        path = self.output / f"{name}.json"
        return read_json(path, list, "delete it, and measure again") if path.exists() else []

    def store(self, name: str, row: dict[str, Any]) -> None:
        """Add a row and write the file, a line a row."""
        self.rows[name].append(rounded(row))
        text = ",\n".join(json.dumps(each) for each in self.rows[name])
        write_atomically(self.output / f"{name}.json", f"[\n{text}\n]\n")
        print(json.dumps({key: value for key, value in row.items() if not isinstance(value, list)}), flush=True)

    def has(self, name: str, about: dict[str, Any]) -> bool:
        """Whether a row says the same about what it measured."""
        return any(about.items() <= row.items() for row in self.rows[name])

    @cached_property
    def pipeline(self) -> Pipeline:
        """A run that starts from the course's base and SFT model, with their seed."""
        folder = self.work / "labels"
        for name in ("tokenizer.json", "pretrain/model.safetensors", "sft/model.safetensors"):
            if not (folder / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with replacing(folder / name) as part:
                    part.write_bytes((SHIPPED / name).read_bytes())
        return Pipeline(folder, PRESET, 0, TinyWorld(0, drills=True), show_progress=False)

    @cached_property
    def comparisons(self) -> list[dict[str, Any]]:
        """All comparisons, ranked by labelers or written by them, in the order in which the run learnt them."""
        if not self.pipeline.is_done("comparisons"):
            self.pipeline.comparisons()
        return load_rankings(self.pipeline.output("comparisons"), self.tokenizer.vocab_size)

    def learnt_by(self, which: Scorer) -> list[dict[str, Any]]:
        """Return the comparisons that a reward model learns from: other ones for every seed."""
        first = which.seed * which.one_in // len(SEEDS) if which.one_in > 1 else 0
        return self.comparisons[first :: which.one_in]

    @cached_property
    def answers(self) -> Answers:
        """The SFT model's answers, drawn once for all."""
        return Answers(self.sft, self.tokenizer, seed="over-optimization", n_prompts=PROMPTS)

    def reward_model(self, which: Scorer) -> ScalarModel:
        """Return a reward model, trained if it is not there yet; on all comparisons, whatever the seed, the course's own."""
        if which.one_in == 1 and which.layers == self.sft.config.n_layers:
            return self.models.reward_model
        path = self.work / which.name / "model.safetensors"
        if not path.exists():
            rows = self.learnt_by(which)
            learnt = [EncodedComparison(ids=tuple(row["ids"]), ranks=tuple(row["ranks"])) for row in rows]
            torch.manual_seed(which.seed)
            model = ScalarModel(first_layers(self.sft, which.layers))
            train_reward_model(model, learnt, PRESET.reward, pad_id=self.tokenizer.pad_id, seed=which.seed,
                               run=TrainingRun(None, show_progress=False))  # fmt: skip
            written = self.pipeline.world.demonstrations(PRESET.incoming_prompts)
            shown = encode_demonstrations(written, self.tokenizer, model.config.context_length)[0]
            center_on_demonstrations(model, shown[:CENTERED_ON], self.tokenizer.pad_id)
            save_model(path, model.eval())
        return load_model(path, kind=ScalarModel)

    def best_of_n(self, which: Scorer) -> None:
        """Store what one reward model's picks are worth."""
        about = asdict(which)
        if not self.has("reward_models", about):
            model = self.reward_model(which)
            found = self.answers.pick(self.answers.scores(model))
            size = sum(p.numel() for p in model.parameters())
            about |= {"comparisons": len(self.learnt_by(which)), "parameters": size}
            self.store("reward_models", about | asdict(found))

    def others(self) -> None:
        """Store the same of what is no reward model of today: the judge itself, chance, and the course's first reward model."""
        answers, old = self.answers, self.manners
        ways = {
            "judge": lambda: answers.gold_of,
            "manners": lambda: text_scores(old.reward_model, old.tokenizer, answers.requests, answers.texts),
            "length": lambda: [[float(len(text.split())) for text in texts] for texts in answers.texts],
        }
        for name, scores in ways.items():
            if not self.has("reward_models", {"name": name}):
                self.store("reward_models", {"name": name, **asdict(answers.pick(scores()))})

    def measure(self, policy: GPT, model: ScalarModel) -> dict[str, float]:
        """One answer of a policy to every prompt: gold, scores of three reward models, KL from SFT in nats per answer, words.

        "score" is that of the reward model optimized against; "score_all" and "score_manners" are those of the course's own
        and of its first one, which saw other labels.
        """
        prompts, requests = self.answers.prompts, self.answers.requests
        drawn = sample(policy, prompts, seed="over-optimization", **self.ids)
        texts = [self.tokenizer.decode_response(ids) for ids in drawn]
        sequences, old = [p + ids for p, ids in zip(prompts, drawn, strict=True)], self.manners
        by_old = text_scores(old.reward_model, old.tokenizer, requests, [[text] for text in texts])
        return {
            "kl": kl_from(policy, self.sft, prompts, seed="over-optimization", **self.ids),
            "score": score_sequences(model, sequences, self.tokenizer.pad_id).mean().item(),
            "score_all": score_sequences(self.models.reward_model, sequences, self.tokenizer.pad_id).mean().item(),
            "score_manners": fmean(score for (score,) in by_old),
            "gold": fmean(judge(r, text).gold for r, text in zip(requests, texts, strict=True)),
            "length": fmean(len(text.split()) for text in texts),
        }

    def optimize(self, which: Scorer) -> None:
        """Store PPO's way without a KL penalty from the SFT model against one reward model, measured every second iteration."""
        about = asdict(which)
        if self.has("ppo", about):
            return
        model = self.reward_model(which)
        config = replace(PRESET.ppo, kl_coef=0.0, iterations=ITERATIONS, episodes=EPISODES, minibatch_size=MINIBATCH,
                         eval_every=EVERY)  # fmt: skip
        room = self.sft.config.context_length - config.max_new_tokens
        prompts, _ = encode_prompts(self.pipeline.world.ppo_prompts(PRESET.incoming_prompts), self.tokenizer, room)
        run = TrainingRun(None, show_progress=False)
        train_ppo(copy_gpt(self.sft), copy_scalar(model), reward_model_score(model), prompts, config, **self.ids, seed=which.seed,
                  run=run, evaluate=lambda policy, _: {"held_out": self.measure(policy, model)})  # fmt: skip
        way = [{"iteration": 0, **self.measure(self.sft, model)}]
        way += [{"iteration": row["step"] + 1, **row["held_out"]} for row in run.history if "held_out" in row]
        self.store("ppo", {**about, "rows": way})


def first_layers(model: GPT, n_layers: int) -> GPT:
    """Return a model of the first layers of another, with its embeddings and its last normalisation."""
    if not 1 <= n_layers <= model.config.n_layers:
        raise ValueError(f"{n_layers} layers of a model that has {model.config.n_layers}")
    part, wanted = GPT(replace(model.config, n_layers=n_layers)), model.state_dict()
    part.load_state_dict({name: wanted[name] for name in part.state_dict()})
    return part


def jobs(layers: int, seeds: Sequence[int]) -> list[tuple[str, Scorer]]:
    """List what to measure. On all labels there is one reward model, the course's: there the seed is PPO's alone."""
    todo = []
    for seed in seeds:
        whole, *few = [Scorer(one_in=k, layers=layers, seed=seed) for k in reversed(ONE_IN)]
        todo += [("best_of_n", each) for each in ([whole] if seed == 0 else []) + few]
        todo += [("optimize", each) for each in (whole, *few[:2])]
    half = [Scorer(one_in=16, layers=layers // 2, seed=seed) for seed in seeds]
    return todo + [("best_of_n", each) for each in half]


def load_over_optimization(folder: str | Path = FOLDER) -> dict[str, list[dict[str, Any]]]:
    """Read the rows: "reward_models" and "ppo". Raises: FileNotFoundError where there are none."""
    found = {}
    for name in ("reward_models", "ppo"):
        path = Path(folder) / f"{name}.json"
        if not path.exists():
            raise FileNotFoundError(f"no {path}: it comes with the course; its README.md says how it is made")
        found[name] = read_json(path, list, "it comes with the course", of=dict)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n")[0])
    parser.add_argument("output", nargs="?", type=Path, default=FOLDER, help="folder of the rows")
    parser.add_argument("--work", type=Path, default=Path("runs/over_optimization"), help="folder of labels and reward models")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="seeds to measure")
    given = parser.parse_args(arguments)
    study = OverOptimization(given.output, given.work, load_models(SHIPPED))
    study.others()
    for what, which in jobs(study.sft.config.n_layers, given.seeds):
        getattr(study, what)(which)


if __name__ == "__main__":
    main()
