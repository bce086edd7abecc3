"""All stages in order, each done once; stopped at any moment, a run goes on where it was."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch

from .checkpoint import TrainingRun, load_model, save_model
from .data import pack_documents
from .engine import Engine
from .evaluate import sample
from .files import fingerprint, read_json, write_atomically
from .gpt import GPT, GPTConfig, ScalarModel, copy_gpt, copy_scalar
from .ppo import PPOConfig, train_ppo
from .presets import Preset
from .pretrain import held_out_loss, pretrain
from .records import Comparison, Demonstration, EncodedComparison, encode_comparisons, encode_demonstrations, encode_prompts
from .reward import center_on_demonstrations, load_rankings, train_reward_model
from .rollout import ScoreFunction, reward_model_score, text_score
from .sft import train_sft
from .tokenizer import Tokenizer

STAGES = ("pretrain", "sft", "comparisons", "reward", "ppo", "ppo_ptx")
SECONDS = "seconds.json"
CENTERING_DEMONSTRATIONS = 500  # enough for a mean score within a few hundredths


class World(Protocol):
    """What a run needs to know about the world it trains in; the tiny world is one."""

    def describe(self) -> dict[str, str]:
        """Name what makes this world another one than its seed alone would: kept with the run, so that runs do not mix."""

    def documents(self, count: int) -> list[str]:
        """Return pretraining documents."""

    def primer(self, count: int) -> list[str]:
        """Return documents to begin pretraining with."""

    def held_out_documents(self) -> list[str]:
        """Return documents never trained on."""

    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Return what labelers wrote."""

    def comparison_prompts(self, incoming: int, count: int) -> list[str]:
        """Return prompts whose answers are to be ranked."""

    def given_comparisons(self) -> list[Comparison] | None:
        """Return comparisons that exist already; None: sample answers and let labelers rank them."""

    def given_score(self) -> Callable[[list[str], list[str]], list[float]] | None:
        """Return a score_fn(prompts, responses) to use instead of a reward model, or None."""

    def rank(self, prompts: list[str], answers: list[list[str]]) -> list[list[int]]:
        """Let labelers rank the answers to each prompt, 0 = best."""

    def ppo_prompts(self, incoming: int) -> list[str]:
        """Return prompts for PPO, nobody's answers needed."""

    def monitor(self, model: GPT, tokenizer: Tokenizer) -> dict[str, float]:
        """Measure a policy on held-out prompts; nothing is trained on the result."""


class Pipeline:
    """One run: its folder, preset, seed and world. Each stage is a method that loads what earlier stages wrote."""

    stages = STAGES

    def __init__(
        self,
        folder: str | Path,
        preset: Preset,
        seed: int,
        world: World,
        *,
        show_progress: bool = True,
        save_every_seconds: float = 15.0,
        engine: Engine | None = None,
    ):
        self.folder, self.preset, self.seed, self.world = Path(folder), preset, seed, world
        self.engine = engine or Engine()
        self.show_progress, self.save_every_seconds = show_progress and self.engine.is_main, save_every_seconds
        self._check_folder()

    @property
    def _about(self) -> dict[str, Any]:
        about = {"preset": asdict(self.preset), "seed": self.seed, "data": self.world.describe()}
        return json.loads(json.dumps({key: value for key, value in about.items() if value != {}}))

    def _check_folder(self) -> None:
        path = self.folder / "run.json"
        if path.exists() and read_json(path, dict, "delete that file if this is the run with these settings") != self._about:
            raise ValueError(
                f"{self.folder} holds a run with another preset or seed, or other data: "
                f"choose another --name, or delete that folder (what it is stands in {path})"
            )

    def _claim_folder(self) -> None:
        self._check_folder()
        self._write(self.folder / "run.json", json.dumps(self._about, indent=1))

    def _write(self, path: Path, text: str) -> None:
        """Write a file that every process may read from then on."""
        if self.engine.is_main:
            write_atomically(path, text)
        self.engine.barrier()

    def run(self, until: str = STAGES[-1]) -> None:
        """Do every stage up to and with `until` that is not done yet, and note how long each took."""
        wanted = self.stages[: self.stages.index(until) + 1]
        self.seconds()  # a damaged file is told before the work
        for stage in wanted:
            if self.is_done(stage):
                continue
            if self.show_progress:
                print(f"{stage} (stage {wanted.index(stage) + 1} of {len(wanted)})")
            start = time.monotonic()
            getattr(self, stage)()
            self._write(self.folder / SECONDS, json.dumps(self.seconds() | {stage: time.monotonic() - start}, indent=1))

    def seconds(self) -> dict[str, float]:
        """Return how long each stage took; of a stage that was stopped, its last part."""
        path, advice = self.folder / SECONDS, "delete that file; it tells only how long stages took"
        return read_json(path, dict, advice, of=float | int) if path.exists() else {}

    def output(self, stage: str) -> Path:
        """Path of what a stage leaves for the others; it appears when the stage is done."""
        return self.folder / stage / ("comparisons.json" if stage == "comparisons" else "model.safetensors")

    def is_done(self, stage: str) -> bool:
        """Tell whether a stage has left its output."""
        return self.output(stage).exists()

    def _training_run(self, stage: str) -> TrainingRun:
        self._claim_folder()
        torch.manual_seed(self.seed)  # initial weights, dropout
        return TrainingRun(self.folder / stage, show_progress=self.show_progress, name=stage, engine=self.engine,
                           save_every_seconds=self.save_every_seconds)  # fmt: skip

    def _finish(self, stage: str, run: TrainingRun, model: GPT | ScalarModel, **about: Any) -> None:
        save_model(self.output(stage), model, stage=stage, seed=self.seed, **about)
        run.forget_state()
        self.engine.barrier()

    @property
    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer."""
        return Tokenizer.load(self.folder / "tokenizer.json")

    def _ids(self) -> dict[str, int]:
        tokenizer = self.tokenizer
        return {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}

    def model(self, stage: str) -> GPT | ScalarModel:
        """Load what a stage trained."""
        kind, size = ScalarModel if stage == "reward" else GPT, self.tokenizer.vocab_size
        return load_model(self.output(stage), stage=stage, kind=kind, vocab_size=size)

    def pretraining_tokens(self) -> tuple[torch.Tensor, torch.Tensor, str]:
        """Return the packed training stream, the held-out one, and a fingerprint of the training documents."""
        documents = self.world.documents(self.preset.documents)
        if self.engine.is_main and not (self.folder / "tokenizer.json").exists():
            Tokenizer.train(documents, self.preset.model.vocab_size).save(self.folder / "tokenizer.json")
        self.engine.barrier()
        tokenizer = self.tokenizer
        held_out = pack_documents(self.world.held_out_documents(), tokenizer)
        return pack_documents(documents, tokenizer), held_out, fingerprint(documents)

    def pretrain(self) -> None:
        """Stage 0: a tokenizer and a base model from nothing."""
        tokens, held_out, data = self.pretraining_tokens()
        run = self._training_run("pretrain")
        model = GPT(GPTConfig(**(asdict(self.preset.model) | {"vocab_size": self.tokenizer.vocab_size})))
        length = self.preset.pretrain.sequence_length
        primer = pack_documents(self.world.primer(self.preset.primer_documents), self.tokenizer)
        pretrain(model, tokens, self.preset.pretrain, seed=self.seed, run=run, primer=primer,
                 evaluate=lambda m: {"held_out_loss": held_out_loss(m, held_out, length)})  # fmt: skip
        self._finish("pretrain", run, model, data=data)

    def _examples(self) -> tuple[list, str]:
        demonstrations = self.world.demonstrations(self.preset.incoming_prompts)
        examples, _ = encode_demonstrations(demonstrations, self.tokenizer, self.preset.model.context_length)
        return examples, fingerprint([asdict(d) for d in demonstrations])

    def sft(self) -> None:
        """Stage 1: the base model learns from demonstrations; a tenth is kept for the validation loss."""
        examples, data = self._examples()
        run = self._training_run("sft")
        model = copy_gpt(self.model("pretrain"), dropout=self.preset.sft.dropout)
        train_sft(model, examples, self.preset.sft, pad_id=self._ids()["pad_id"], seed=self.seed, run=run)
        self._finish("sft", run, copy_gpt(model, dropout=self.preset.model.dropout), data=data)

    def collect_answers(self, prompts: list[str], sources: list[tuple[GPT, float]]) -> list[list[list[int]]]:
        """Let every (model, temperature) answer every prompt; identical answers to a prompt are kept once. Token ids."""
        encoded, _ = encode_prompts(prompts, self.tokenizer, self.preset.model.context_length)
        length, answers = self.preset.ppo.max_new_tokens, [{} for _ in prompts]
        for k, (model, temperature) in enumerate(sources):
            with self.engine.unsharded(model):
                drawn = sample(model, encoded, seed=f"{self.seed} source {k}", temperature=temperature, max_new_tokens=length,
                               engine=self.engine, **self._ids())  # fmt: skip
            for kept, ids in zip(answers, drawn, strict=True):
                kept[tuple(ids)] = None
        for k in range(self.preset.comparisons.off_topic_answers):  # the last source's first answers would be of the base model
            for i, kept in enumerate(answers):
                kept[next(iter(answers[(i + 1 + k) % len(answers)]))] = None
        return [[list(ids) for ids in kept] for kept in answers]

    def comparison_sources(self, newest: GPT | None = None) -> list[tuple[GPT, float]]:
        """Where ranked answers come from; `newest` replaces half of the SFT model's answers (steps 2 and 3 again)."""
        config, place = self.preset.comparisons, self.engine.prepare_to_sample
        sft, base = (place(self.model(stage)) for stage in ("sft", "pretrain"))
        cool = [(sft, 1.0)] * config.sft_answers
        if newest is not None:
            cool[: (config.sft_answers + 1) // 2] = [(newest, 1.0)] * ((config.sft_answers + 1) // 2)
        return cool + [(sft, config.high_temperature)] * config.high_temperature_answers + [(base, 1.0)] * config.base_answers

    def rank_answers(self, prompts: list[str], answers: list[list[list[int]]]) -> list[dict[str, Any]]:
        """Let labelers rank; return rows with prompt, token ids of the sequences, and ranks. Ids are never re-tokenised."""
        tokenizer = self.tokenizer
        ranks = self.world.rank(prompts, [[tokenizer.decode_response(ids) for ids in kept] for kept in answers])
        return [
            {"prompt": prompt, "ids": [tokenizer.encode_prompt(prompt) + ids for ids in kept], "ranks": rank}
            for prompt, kept, rank in zip(prompts, answers, ranks, strict=True)
            if len(set(rank)) > 1
        ]

    def comparisons(self) -> None:
        """Collect rankings: answers from several sources, ranked by labelers; or take those that are given."""
        self._claim_folder()
        given = self.world.given_comparisons()
        if given is not None:
            encoded, _ = encode_comparisons(given, self.tokenizer, self.preset.model.context_length)
            rows = [{"ids": list(c.ids), "ranks": list(c.ranks)} for c in encoded]
            return self._write(self.output("comparisons"), json.dumps(rows))
        prompts = self.world.comparison_prompts(self.preset.incoming_prompts, self.preset.comparisons.prompts)
        answers = self.collect_answers(prompts, self.comparison_sources())
        self._write(self.output("comparisons"), json.dumps(self.rank_answers(prompts, answers)))

    def reward(self) -> None:
        """Stage 2: the SFT model, its head replaced, learns to score from the rankings."""
        rows = load_rankings(self.output("comparisons"), self.tokenizer.vocab_size)
        run = self._training_run("reward")
        model = self.train_reward_on(rows, run)
        self._finish("reward", run, model, data=fingerprint(rows))

    def train_reward_on(self, rows: list[dict[str, Any]], run: TrainingRun) -> ScalarModel:
        """Train a reward model on ranked rows and centre it on the demonstrations."""
        comparisons = [EncodedComparison(ids=tuple(row["ids"]), ranks=tuple(row["ranks"])) for row in rows]
        model = ScalarModel(copy_gpt(self.model("sft")))
        pad_id = self._ids()["pad_id"]
        train_reward_model(model, comparisons, self.preset.reward, pad_id=pad_id, seed=self.seed, run=run)
        center_on_demonstrations(model, self._examples()[0][:CENTERING_DEMONSTRATIONS], pad_id)
        return model.eval()

    def ppo(self) -> None:
        """Stage 3 without pretraining text."""
        self._reinforce("ppo", self.preset.ppo)

    def ppo_ptx(self) -> None:
        """Stage 3 with pretraining text mixed in."""
        self._reinforce("ppo_ptx", self.preset.ppo_ptx)

    def _reinforce(self, stage: str, config: PPOConfig) -> None:
        run = self._training_run(stage)
        given = self.world.given_score()
        critic = self.model("reward") if given is None else ScalarModel(copy_gpt(self.model("sft")))
        policy = self.train_policy(config, critic, run, score_fn=text_score(given, self.tokenizer) if given else None)
        self._finish(stage, run, policy)

    def train_policy(
        self, config: PPOConfig, critic: ScalarModel, run: TrainingRun, *, score_fn: ScoreFunction | None = None
    ) -> GPT:
        """Run PPO from the SFT model; return the averaged policy.

        `critic` is the reward model: it scores, unless a `score_fn` is given, and the value model starts as its copy.
        """
        prompts, _ = encode_prompts(self.world.ppo_prompts(self.preset.incoming_prompts), self.tokenizer,
                                    self.preset.model.context_length - config.max_new_tokens)  # fmt: skip
        value_model = copy_scalar(critic)
        ids, tokenizer = self._ids(), self.tokenizer
        return train_ppo(
            self.model("sft"),
            value_model,
            score_fn or reward_model_score(self.engine.prepare(critic)),
            prompts,
            config,
            seed=self.seed,
            run=run,
            pretraining_tokens=self.pretraining_tokens()[0] if config.ptx_coef else None,
            evaluate=lambda policy, rollout: self.world.monitor(policy, tokenizer),
            **ids,
        )
