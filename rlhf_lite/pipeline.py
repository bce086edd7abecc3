"""All stages in order, each done once; stopped at any moment, a run goes on where it was."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from .checkpoint import TrainingRun, load_model, save_model
from .comparisons import draw_answers, in_order, ranked_rows, written_rows
from .data import pack_documents
from .engine import Engine
from .evaluate import watched
from .files import fingerprint, load_tensors, lock_folder, read_json, write_atomically
from .gpt import GPT, GPTConfig, ScalarModel, copy_gpt, copy_scalar
from .ppo import PPOConfig, train_ppo
from .presets import Preset, World, differences, differences_of_base, read_record, used_by
from .pretrain import encode_term, held_out_loss, pretrain
from .records import EncodedComparison, Example, encode_comparisons, encode_demonstrations, encode_prompts
from .reward import center_on_demonstrations, load_rankings, train_reward_model
from .rollout import ScoreFunction, reward_model_score
from .sft import train_sft
from .tokenizer import Tokenizer

STAGES = ("pretrain", "sft", "comparisons", "reward", "ppo", "ppo_ptx")
CENTERED_ON = 500  # demonstrations: enough for a mean score within a few hundredths


class Pipeline:
    """One run: its folder, preset, seed and world. Each stage is a method that loads what earlier stages wrote.

    `defaults` are settings, by their dotted names, that nobody asked for: stages that are done may have had others.
    """

    stages = STAGES

    def __init__(
        self, folder: str | Path, preset: Preset, seed: int, world: World, *, defaults: dict[str, Any] | None = None,
        show_progress: bool = True, save_every_seconds: float = 15.0, engine: Engine | None = None,
    ):  # fmt: skip
        self.folder, self.preset, self.seed, self.world, self.defaults = Path(folder), preset, seed, world, defaults or {}
        self.engine = engine or Engine()
        self.show_progress, self.save_every_seconds = show_progress and self.engine.is_main, save_every_seconds
        self._lock: Any = None
        self._rows: dict[str, dict[str, int]] = {}  # how many rows of each kind fit into the model
        self.has_tokenizer = False  # whether it was given, so that none is learnt

    def recorded(self) -> dict[str, dict[str, Any]]:
        """Return what each stage that has begun here used; a stage that was copied has no record."""
        return read_record(self.folder, self.stages)

    def check(self, *wanted: str) -> None:
        """Compare what these stages, and those that they build on, used with what is asked for now.

        Raises: ValueError naming what differs; `defaults` were not asked for, and do not matter to a stage that is done.
        """
        recorded = self.recorded()
        for stage in self.stages[: max(map(self.stages.index, wanted)) + 1]:
            if stage == "ppo" and stage not in wanted:
                continue  # nothing builds on it
            found, done = [], self.is_done(stage)
            if stage in recorded:
                uses = used_by(stage, self.preset, self.world.describe())
                found = differences(recorded[stage], uses, self.defaults if done else None)
                found += [f"seed was {recorded[stage]['seed']}, now {self.seed}"] * (recorded[stage]["seed"] != self.seed)
            elif stage == "pretrain" and done and self.defaults:
                found = differences_of_base(self.base_config, self.preset, self.defaults)
            if found:
                raise ValueError(
                    f"{self.folder} holds a run whose stage {stage} had other settings or data ({'; '.join(found)}): ask for "
                    f"the old ones, choose another --name, or delete {self.folder / stage} and the stages after it"
                )

    def lock(self) -> None:
        """Keep other commands out of this folder until this process ends. Raises: ValueError, if one is in there."""
        if self.engine.is_main and self._lock is None:
            self._lock = lock_folder(self.folder)

    def _claim_folder(self, stage: str = "pretrain") -> None:
        """Note in run.json what a stage uses, if the run may go on with that."""
        self.check(stage)
        self.lock()
        self._note(stage)

    def _note(self, stage: str) -> None:
        recorded, base = self.recorded(), {"model": asdict(self.base_config)} if self.is_done("pretrain") else {}
        rows, self._rows = recorded.get(stage, {}).get("rows", {}) | self._rows, {}
        stages = recorded | {stage: used_by(stage, self.preset, self.world.describe()) | base | {"rows": rows, "seed": self.seed}}
        about = {"seed": self.seed, "preset": asdict(self.preset), "stages": stages}
        self._write(self.folder / "run.json", json.dumps(about, indent=1))

    def _write(self, path: Path, text: str) -> None:
        """Write a file that every process may read from then on."""
        if self.engine.is_main:
            write_atomically(path, text)
        self.engine.barrier()

    def run(self, until: str = STAGES[-1]) -> None:
        """Do every stage up to and with `until` that is not done yet, and note how long each took."""
        wanted = self.stages[: self.stages.index(until) + 1]
        if self.world.given_score() and self.world.given_comparisons() is None:
            wanted = [stage for stage in wanted if stage not in ("comparisons", "reward")]  # nothing to train one on, nor to do
        self.check(*wanted)
        self.seconds()  # a damaged file is told before the work
        for stage in wanted:
            if self.is_done(stage):
                continue
            if self.show_progress:
                print(f"{stage} (stage {wanted.index(stage) + 1} of {len(wanted)})")
            start = time.monotonic()
            getattr(self, stage)()
            self._write(self.folder / "seconds.json", json.dumps(self.seconds() | {stage: time.monotonic() - start}, indent=1))

    def seconds(self) -> dict[str, float]:
        """Return how long each stage took; of a stage that was stopped, its last part."""
        path, advice = self.folder / "seconds.json", "delete that file; it tells only how long stages took"
        return read_json(path, dict, advice, of=float | int) if path.exists() else {}

    def output(self, stage: str) -> Path:
        """Path of what a stage leaves for the others; it appears when the stage is done."""
        return self.folder / stage / ("comparisons.json" if stage == "comparisons" else "model.safetensors")

    def is_done(self, stage: str) -> bool:
        """Whether a stage has left its output."""
        return self.output(stage).exists()

    def _training_run(self, stage: str) -> TrainingRun:
        self._claim_folder(stage)
        torch.manual_seed(self.seed)  # initial weights, dropout
        return TrainingRun(self.folder / stage, show_progress=self.show_progress, name=stage, engine=self.engine,
                           save_every_seconds=self.save_every_seconds)  # fmt: skip

    def _finish(self, stage: str, run: TrainingRun, model: GPT | ScalarModel, **about: Any) -> None:
        self._note(stage)
        save_model(self.output(stage), model, stage=stage, seed=self.seed, given=sorted(self.world.describe()), **about)
        run.forget_state()
        self.engine.barrier()

    @property
    def base_config(self) -> GPTConfig:
        """Shape of the base model: its own, once it is there, whatever the settings ask for."""
        return self.model("pretrain").config if self.is_done("pretrain") else self.preset.model

    @property
    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer; deleted, it is learnt again from the documents of its base model. Raises: as `Tokenizer.load`."""
        path, again = self.folder / "tokenizer.json", "the same command, with its --text or --start-from, makes it anew"
        if not path.exists() and self.is_done("pretrain"):
            about, documents = load_tensors(self.output("pretrain"))[1], self.world.documents(self.preset.documents)
            if fingerprint(documents) != about.get("data"):
                raise FileNotFoundError(f"there is no {path}: {again}")
            self._write(path, Tokenizer.train(documents, about["config"]["vocab_size"]).to_json())
        try:
            return Tokenizer.load(path)
        except ValueError as error:
            raise ValueError(f"{path} is damaged ({error.__cause__}): delete it; {again}") from None

    def _ids(self) -> dict[str, int]:
        tokenizer = self.tokenizer
        return {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}

    def model(self, stage: str) -> GPT | ScalarModel:
        """Load what a stage trained."""
        kind, size = ScalarModel if stage == "reward" else GPT, self.tokenizer.vocab_size
        return load_model(self.output(stage), stage=stage, kind=kind, vocab_size=size)

    def _fitting(self, what: str, rows: Sequence[Any], encode: Callable[..., tuple[list, int]], limit: int) -> list:
        """Encode rows, and say and note how many are left out, being too long."""
        encoded, dropped = encode(rows, self.tokenizer, limit)
        self._rows[what] = {"used": len(encoded), "left_out": dropped, "most_tokens": limit}
        if dropped and self.engine.is_main:
            print(f"left out {dropped} of {len(rows)} {what}: longer than {limit} tokens")
        return encoded

    def pretrain(self) -> None:
        """Stage 0: a tokenizer and a base model from nothing."""
        begun, documents = "pretrain" in self.recorded(), self.world.documents(self.preset.documents)
        run = self._training_run("pretrain")  # run.json is written before the tokenizer, which may be of a run that was given up
        if not ((self.folder / "tokenizer.json").exists() and (begun or self.has_tokenizer)):
            self._write(self.folder / "tokenizer.json", Tokenizer.train(documents, self.preset.model.vocab_size).to_json())
        tokenizer, length = self.tokenizer, self.preset.pretrain.sequence_length
        tokens, held_out = (pack_documents(texts, tokenizer) for texts in (documents, self.world.held_out_documents()))
        model = GPT(GPTConfig(**(asdict(self.preset.model) | {"vocab_size": tokenizer.vocab_size})))
        terms = [encode_term(term, tokenizer) for term in self.world.primer_terms(self.preset.primer_documents)]
        primer = pack_documents(pages, tokenizer) if (pages := self.world.primer(self.preset.primer_documents)) else None
        pretrain(model, tokens, self.preset.pretrain, seed=self.seed, run=run, primer=primer, terms=terms,
                 end_id=tokenizer.end_id, evaluate=lambda m: {"held_out_loss": held_out_loss(m, held_out, length)})  # fmt: skip
        self._finish("pretrain", run, model, data=fingerprint(documents))

    def sft(self) -> None:
        """Stage 1: the base model learns from demonstrations; of many, some are kept for the validation loss."""
        demonstrations = self.world.demonstrations(self.preset.incoming_prompts)
        if not demonstrations:
            raise ValueError("there are no demonstrations to learn from: give --demonstrations")
        examples = self._fitting("demonstrations", demonstrations, encode_demonstrations, self.base_config.context_length)
        run = self._training_run("sft")
        model = copy_gpt(self.model("pretrain"), dropout=self.preset.sft.dropout)
        text = self.world.text_to_mix_in(self.preset.documents) if self.preset.sft.pretraining_share else []
        train_sft(model, examples, self.preset.sft, pad_id=self._ids()["pad_id"], seed=self.seed, run=run,
                  pretraining_tokens=pack_documents(text, self.tokenizer) if text else None)  # fmt: skip
        self._finish("sft", run, copy_gpt(model, dropout=self.preset.model.dropout), data=fingerprint(demonstrations))

    def collect_answers(self, prompts: list[str], sources: list[tuple[GPT, float]]) -> list[list[list[int]]]:
        """Let every (model, temperature) answer every prompt; identical answers are kept once. Token ids."""
        config, length = self.preset.comparisons, self.preset.ppo.max_new_tokens
        encoded = [self.tokenizer.encode_prompt(prompt) for prompt in prompts]
        return draw_answers(sources, encoded, config.off_topic_answers, seed=self.seed, max_new_tokens=length,
                            engine=self.engine, **self._ids())  # fmt: skip

    def comparison_sources(self, newest: GPT | None = None) -> list[tuple[GPT, float]]:
        """Where ranked answers come from; `newest` replaces half of the SFT model's answers (steps 2 and 3 again)."""
        config, place = self.preset.comparisons, self.engine.prepare_to_sample
        sft, base = (place(self.model(stage)) for stage in ("sft", "pretrain"))
        cool = [(sft, 1.0)] * config.sft_answers
        if newest is not None:
            cool[: (config.sft_answers + 1) // 2] = [(newest, 1.0)] * ((config.sft_answers + 1) // 2)
        return cool + [(sft, config.high_temperature)] * config.high_temperature_answers + [(base, 1.0)] * config.base_answers

    def comparisons(self) -> None:
        """Collect rankings: answers from several sources, ranked by labelers; or take those that are given."""
        given, context = self.world.given_comparisons(), self.base_config.context_length
        if given is not None:
            encoded = self._fitting("comparisons", given, encode_comparisons, context)
            rows = [{"ids": list(c.ids), "ranks": list(c.ranks)} for c in encoded]
        else:
            asked = self.world.comparison_prompts(self.preset.incoming_prompts, self.preset.comparisons.prompts)
            room = context - self.preset.ppo.max_new_tokens  # so that the answer fits too
            self._fitting("prompts to compare answers to", asked, encode_prompts, room)
            prompts = [prompt for prompt in asked if len(self.tokenizer.encode_prompt(prompt)) <= room]
            sampled, rounds, newest = [], self.preset.comparisons.rounds, None
            written = written_rows(self.world, self.tokenizer, self.preset.comparisons.written_pairs, context - room)
            for k in range(rounds):
                part = prompts[k::rounds]
                answers = self.collect_answers(part, self.comparison_sources(newest))
                sampled += ranked_rows(self.world, self.tokenizer, part, answers)
                rows = in_order(written, sampled, self.seed)
                newest = self.policy_so_far(rows) if k + 1 < rounds else None
        self._claim_folder("comparisons")
        self._write(self.output("comparisons"), json.dumps(rows))

    def policy_so_far(self, rows: list[dict[str, Any]]) -> GPT:
        """Train a policy for a while against a reward model on the rankings so far; neither is kept."""
        config = replace(self.preset.ppo, iterations=self.preset.comparisons.iterations_between, eval_every=0)
        unsaved = partial(TrainingRun, None, show_progress=self.show_progress, engine=self.engine)
        return self.train_policy(config, self.train_reward_on(rows, unsaved(name="reward so far")), unsaved(name="ppo so far"))

    def reward(self) -> None:
        """Stage 2: the SFT model, its head replaced, learns to score from the rankings."""
        rows = load_rankings(self.output("comparisons"), self.tokenizer.vocab_size)
        run = self._training_run("reward")
        self._finish("reward", run, self.train_reward_on(rows, run), data=fingerprint(rows))

    def train_reward_on(self, rows: list[dict[str, Any]], run: TrainingRun) -> ScalarModel:
        """Train a reward model on ranked rows; centre it on the demonstrations or, where there is none, on the best answers."""
        comparisons = [EncodedComparison(ids=tuple(row["ids"]), ranks=tuple(row["ranks"])) for row in rows]
        model, pad_id = ScalarModel(copy_gpt(self.model("sft"))), self._ids()["pad_id"]
        centre = [Example(row["ids"][row["ranks"].index(min(row["ranks"]))], 0) for row in rows]
        if demonstrations := self.world.demonstrations(self.preset.incoming_prompts):
            centre = encode_demonstrations(demonstrations, self.tokenizer, model.config.context_length)[0]
        train_reward_model(model, comparisons, self.preset.reward, pad_id=pad_id, seed=self.seed, run=run)
        center_on_demonstrations(model, centre[:CENTERED_ON], pad_id)
        return model.eval()

    def ppo(self, stage: str = "ppo") -> None:
        """Stage 3: the SFT model answers prompts and learns from the scores."""
        run = self._training_run(stage)
        critic = self.model("reward") if self.world.given_score() is None else ScalarModel(copy_gpt(self.model("sft")))
        self._finish(stage, run, self.train_policy(getattr(self.preset, stage), critic, run))

    def ppo_ptx(self) -> None:
        """Stage 3 with pretraining text mixed in."""
        self.ppo("ppo_ptx")

    def train_policy(
        self, config: PPOConfig, critic: ScalarModel, run: TrainingRun, *, score_fn: ScoreFunction | None = None
    ) -> GPT:
        """Run PPO from the SFT model; return the averaged policy.

        `critic` starts the value model, and scores too, unless there is a `score_fn` or the world's own score.
        """
        policy, tokenizer, given = self.model("sft"), self.tokenizer, self.world.given_score()
        context = policy.config.context_length
        if config.ptx_coef and (window := config.ptx_sequence_length) > context:
            raise ValueError(f"ptx_sequence_length is {window}, but the model's context {context} tokens: lower it")
        asked = self.world.ppo_prompts(self.preset.incoming_prompts)
        prompts = self._fitting("prompts", asked, encode_prompts, context - config.max_new_tokens)
        value_model = copy_scalar(critic)
        if given:
            score_fn = given(tokenizer, {tuple(tokenizer.encode_prompt(prompt)): prompt for prompt in asked})
        score_fn = score_fn or reward_model_score(self.engine.prepare(critic))
        text = pack_documents(self.world.documents(self.preset.documents), tokenizer) if config.ptx_coef else None
        return train_ppo(
            policy, value_model, score_fn, prompts, config, seed=self.seed, run=run, pretraining_tokens=text,
            evaluate=watched(self.world, policy, tokenizer, tell=print if self.engine.is_main else None), **self._ids(),
        )  # fmt: skip
