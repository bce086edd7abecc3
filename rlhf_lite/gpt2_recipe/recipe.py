"""One command: a released GPT-2 through SFT, reward model, judge, PPO and PPO-ptx on people's comparisons.

Memory is planned before anything is trained, and everything that can be wrong with files, names and sizes is found then.
Stopped at any moment, the same command goes on. The base model stands in the place of the stage `pretrain`; what it is
belongs to run.json, so that runs do not mix.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from ..benchmarks.machine import gpu_memory
from ..checkpoint import load_model, save_model
from ..engine import Engine, EngineConfig
from ..evaluate import sample
from ..files import fingerprint, load_tensors
from ..gpt import GPT, ScalarModel, copy_gpt
from ..hf import fit_vocabulary, load_gpt2, load_gpt2_tokenizer
from ..pipeline import Pipeline
from ..planning.memory_fit import Fit, check_fit, fit, fit_text, rows_of
from ..planning.recipes import Recipe
from ..presets import PRESETS, Preset
from ..real_data.hub_datasets import SOURCES, fetch
from ..records import encode_comparisons
from ..reward import train_reward_model
from ..tokenizer import Tokenizer
from .preference_data import Limits, Preferences
from .report import write_judged_report
from .reward_model_judge import HeldOut, judge_models, score_answers

JUDGE_SEED = 1000
"""Added to the run's seed for the judge."""
MONITOR_PROMPTS = 64
"""Held-out prompts, at most, on which PPO is watched; the comparison at the end has others (ours)."""
ACCURACY_COMPARISONS = 1000
"""Held-out comparisons, at most, on which judge and reward model are measured (ours)."""


@dataclass(frozen=True, kw_only=True)
class Released:
    """Train a released GPT-2 on people's comparisons: SFT, reward model, judge, PPO and PPO-ptx, then a report."""

    base: str = "openai-community/gpt2"
    """A GPT-2: its name on the Hugging Face hub, or a folder."""
    data: str = "hh-rlhf"
    """A folder that `fetch` wrote, or hh-rlhf or tldr, which are then fetched."""
    count: int = 20_000
    """Rows to fetch: of each part of a set about as many."""
    text: str = ""
    """Text to mix into PPO-ptx and to measure the alignment tax on: a file, or tinystories or fineweb-edu; none: no PPO-ptx."""
    text_count: int = 5_000
    """Documents of text to fetch."""
    gpu_memory: float = 0.0
    """GB of one GPU to plan for; 0 = that of the GPU that is there."""
    plan_only: bool = False
    """Check data and memory, print the plan, and stop."""
    seed: int = 0
    """Decides everything random but the judge's rows."""
    name: str = ""
    """Folder under `runs`; by default gpt2-DATA-SEED. A run that exists goes on where it was."""
    runs: Path = Path("runs")
    """Folder of all runs, and of fetched data."""
    skip_bad_rows: bool = False
    """Leave out rows that are wrong, and count them, instead of stopping at the first."""
    save_every_seconds: float = 600.0
    """How much work a stop may cost; a state of GPT-2's PPO has 3.5 GB."""
    limits: Annotated[Limits, tyro.conf.arg(name="")] = field(default_factory=Limits)
    """Which rows are used."""
    engine: EngineConfig = field(default_factory=lambda: EngineConfig(bfloat16=torch.cuda.is_available()))
    """What to take of the machine; micro_batch_size, sampling_batch_size and activation_checkpointing are chosen where they are not set."""
    config: Annotated[Preset, tyro.conf.arg(name="")] = field(default_factory=lambda: PRESETS["gpt2"])
    """Every setting of every stage; the model's shape is the base model's."""

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.runs / (self.name or f"gpt2-{Path(self.data).name}-{self.seed}")


class ReleasedPipeline(Pipeline):
    """A run that begins with a given base model and has a judge: there before PPO, which is watched with it."""

    stages = ("pretrain", "sft", "comparisons", "reward", "judge", "ppo", "ppo_ptx")

    def install(self, base: str, model: GPT | None, tokenizer: Tokenizer, mark: str) -> None:
        """Put the base model in the place of the stage `pretrain`, unless it is there."""
        self._claim_folder()
        if self.engine.is_main and not self.is_done("pretrain"):
            tokenizer.save(self.folder / "tokenizer.json")
            save_model(self.output("pretrain"), model, stage="pretrain", base=base, mark=mark)
        self.engine.wait()

    def judge(self) -> None:
        """Train the judge: a reward model from the base model, with another seed, on comparisons set apart."""
        run, seed = self._training_run("judge"), self.seed + JUDGE_SEED
        torch.manual_seed(seed)  # its head
        model, rows = ScalarModel(copy_gpt(self.model("pretrain"))), self.world.judge_comparisons
        comparisons, _ = encode_comparisons(rows, self.tokenizer, self.preset.model.context_length)
        train_reward_model(model, comparisons, self.preset.reward, pad_id=self._ids()["pad_id"], seed=seed, run=run)
        self._finish("judge", run, model.eval(), data=fingerprint([asdict(row) for row in rows]))

    def train_policy(self, *arguments: Any, **more: Any) -> GPT:
        """Run PPO; on the way the judge scores answers to some held-out prompts."""
        judge, watched = load_model(self.output("judge")).to(self.engine.device), held_out_of(self, watched=True)

        def watch(policy: GPT) -> dict[str, Any]:
            answers = sample(policy, watched.encoded_prompts, seed="monitor", max_new_tokens=watched.max_new_tokens,
                             batch_size=watched.batch_size, **watched.ids)  # fmt: skip
            texts = [watched.tokenizer.decode_response(ids) for ids in answers]
            scores = score_answers(judge, watched, watched.prompts, texts)
            return {"gold": sum(scores) / len(scores)}

        self.world.watch = watch
        return super().train_policy(*arguments, **more)


def run_released(command: Released) -> None:
    """Do everything that is not done yet, then compare the models and write report.md.

    Raises: FileNotFoundError, ValueError before anything is trained, naming what is wrong and what to do.
    """
    engine = Engine(command.engine)
    tell = print if engine.is_main else lambda text: None
    data = fetched(command.data, command.count, command.runs, engine)
    text = text_file(command.text, command.text_count, command.runs, engine)
    model, tokenizer, mark = open_base(command)
    pretrain = replace(command.config.pretrain, sequence_length=model.config.context_length)  # not run, but must be possible
    config = replace(command.config, model=model.config, pretrain=pretrain)
    longest = command.limits.max_prompt_tokens + config.ppo.max_new_tokens
    check_lengths(config, longest, has_text=bool(text))
    world = Preferences(data, tokenizer, limits=command.limits, max_answer_tokens=config.ppo.max_new_tokens, text=text, base=mark,
                        skip_bad_rows=command.skip_bad_rows, tell=tell)  # fmt: skip
    if text:
        world.check_text(64, config.ppo_ptx.ptx_sequence_length)
    for name, counts in world.counts.items():
        tell(f"{name}: " + ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in asdict(counts).items()))
    made = plan_memory(command, engine, recipe_of(config, world, longest))
    tell(fit_text(made) if made else "no GPU here: memory is not planned (--gpu-memory 24 plans for one)")
    if command.plan_only:
        return
    if made:
        engine.config = made.engine
    pipeline = ReleasedPipeline(command.folder, config, command.seed, world, save_every_seconds=command.save_every_seconds,
                                engine=engine)  # fmt: skip
    pipeline.install(command.base, model, tokenizer, mark)
    pipeline.run(until="ppo_ptx" if text else "ppo")
    if engine.is_main:
        tell(f"wrote {report(pipeline, command, rows_of(made) if made else [])}")


def held_out_of(pipeline: Pipeline, *, watched: bool = False) -> HeldOut:
    """Return what models are compared on; `watched`: other prompts, which PPO is watched on."""
    world: Preferences = pipeline.world
    different = list({json.dumps(row.prompt): row for row in world.held_out}.values())
    n = min(MONITOR_PROMPTS, len(different) // 4)
    prompts = different[:n] or different if watched else different[n : n + pipeline.preset.evaluation_prompts]
    return HeldOut(pipeline.tokenizer, world.held_out[:ACCURACY_COMPARISONS], prompts, world.held_out_documents(),
                   pipeline.preset.ppo.max_new_tokens, pipeline.seed)  # fmt: skip


def report(pipeline: Pipeline, command: Released, planned: list[dict[str, Any]]) -> Path:
    """Compare the models and write the page."""
    start, device, world = time.monotonic(), pipeline.engine.device, pipeline.world
    names = {"base": "pretrain", "sft": "sft", "ppo": "ppo", "ppo_ptx": "ppo_ptx"}
    done = [name for name, stage in names.items() if pipeline.is_done(stage)]
    judge, reward_model = (load_model(pipeline.output(stage)).to(device) for stage in ("judge", "reward"))
    found = judge_models(lambda name: pipeline.model(names[name]).to(device), done, judge, reward_model, held_out_of(pipeline))
    used = {"demonstrations": world.own_demonstrations, "comparisons": world.comparisons, "prompts": world.own_prompts,
            "comparisons_of_the_judge": world.judge_comparisons, "held_out_comparisons": world.held_out}  # fmt: skip
    return write_judged_report(pipeline.folder, found | {
        "title": pipeline.folder.name, "base": command.base, "comparisons": len(world.judge_comparisons), "plan": planned,
        "cleaning": {name: asdict(counts) for name, counts in world.counts.items()}, "seed": command.seed,
        "used": {name: len(rows) for name, rows in used.items()},
        "memory": torch.cuda.max_memory_reserved(device) / 1e9 if device.type == "cuda" else None,
        "seconds": pipeline.seconds() | {"evaluation": time.monotonic() - start},
    })  # fmt: skip


def open_base(command: Released) -> tuple[GPT, Tokenizer, str]:
    """Load the base model: from the run's folder where it is already, so that a run goes on without a network."""
    path = command.folder / "pretrain" / "model.safetensors"
    if path.exists():
        about = load_tensors(path)[1]
        if about.get("base") == command.base:
            return load_model(path), Tokenizer.load(command.folder / "tokenizer.json"), about["mark"]
    tokenizer = load_gpt2_tokenizer(command.base)
    model = fit_vocabulary(load_gpt2(command.base), tokenizer)
    digest = hashlib.sha256(tokenizer.fingerprint.encode())
    for tensor in model.state_dict().values():
        digest.update(tensor.contiguous().numpy().data)
    return model, tokenizer, digest.hexdigest()[:16]


def fetched(name: str, count: int, runs: Path, engine: Engine) -> Path:
    """Return a folder of comparisons: the one that is named, or a public data set's, fetched where it is not there."""
    return _source(name, count, runs, engine, "comparisons")


def text_file(name: str, count: int, runs: Path, engine: Engine) -> Path | None:
    """Return a file of text: the one that is named, or a public data set's; None for none."""
    if not name or Path(name).is_file():
        return Path(name) if name else None
    return _source(name, count, runs, engine, "text") / "text.txt"


def _source(name: str, count: int, runs: Path, engine: Engine, kind: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    if name not in SOURCES or SOURCES[name].kind != kind:
        names = ", ".join(key for key, source in SOURCES.items() if source.kind == kind)
        raise FileNotFoundError(f"no {kind} at {name}: give a folder that `python -m rlhf_lite fetch` wrote, or one of {names}")
    folder = runs / "data" / f"{name}-{count}"
    if engine.is_main and not (folder / "about.json").exists():
        fetch(name, folder, count)
    engine.wait()
    return folder


def check_lengths(config: Preset, longest: int, *, has_text: bool) -> None:
    """Check that prompts, answers and text fit into the model. Raises: ValueError."""
    room, window = config.model.context_length, config.ppo_ptx.ptx_sequence_length
    if longest > room:
        raise ValueError(
            f"prompt and answer of {longest} tokens do not fit into the base model's context of {room}: lower "
            "--max-prompt-tokens or --ppo.max-new-tokens"
        )
    if has_text and window > room:
        raise ValueError(
            f"windows of {window} tokens of text do not fit into the base model's context of {room}: lower "
            "--ppo-ptx.ptx-sequence-length"
        )
    if has_text and config.ppo_ptx.max_new_tokens != config.ppo.max_new_tokens:
        raise ValueError("--ppo.max-new-tokens and --ppo-ptx.max-new-tokens must be the same: models are compared with one")


def recipe_of(config: Preset, world: Preferences, longest: int) -> Recipe:
    """Describe the run to the planner: the lengths, rows and answers that it really has."""
    answers = [len(row.responses) for row in (*world.comparisons, *world.judge_comparisons)]
    config = replace(config, comparisons=replace(config.comparisons, prompts=len(world.comparisons)))
    config = config if world.text is not None else replace(config, ppo_ptx=config.ppo)
    return Recipe(name="gpt2", preset=config, critic=config.model, demonstrations=len(world.own_demonstrations),
                  answers=(min(answers), max(answers)), longest=longest)  # fmt: skip


def plan_memory(command: Released, engine: Engine, recipe: Recipe) -> Fit | None:
    """Choose the engine's settings for the GPU; None where there is none to plan for. Raises: ValueError if nothing fits."""
    memory = command.gpu_memory
    if not memory and engine.device.type == "cuda":
        memory = gpu_memory(engine.device) / 1e9
    if not memory:
        return None
    made = fit(recipe, engine.config, gpu_memory=memory, gpus=engine.n_processes)
    check_fit(made)
    return made
