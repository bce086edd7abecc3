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

from ..benchmarks.machine import gpu_memory, peak_memory_bytes
from ..checkpoint import load_model, save_model
from ..engine import Engine, EngineConfig
from ..files import fingerprint, load_tensors
from ..gpt import GPT, ScalarModel, copy_gpt
from ..hf import load_gpt2
from ..pipeline import Pipeline
from ..planning.cluster import Cluster
from ..planning.costs import GB
from ..planning.memory_fit import fit_memory
from ..planning.recipes import Recipe
from ..planning.tables import plan_text
from ..presets import PRESETS, Preset
from ..real_data.hub_datasets import SOURCES, fetch
from ..records import encode_comparisons
from ..reports.comparison import mean
from ..reports.run_report import write_report
from ..reward import train_reward_model
from ..tokenizer import Tokenizer
from .preference_data import Limits, Preferences
from .reward_model_judge import HeldOut, introduction, judge_models, score_with_end

JUDGE_SEED = 1000
"""Added to the run's seed for the judge."""
MONITOR_PROMPTS = 64
"""Most held-out prompts on which PPO is watched; the comparison at the end has others (ours)."""
ACCURACY_COMPARISONS = 1000
"""Most held-out comparisons on which judge and reward model are measured (ours)."""


@dataclass(frozen=True, kw_only=True)
class GPT2Recipe:
    """Train a released GPT-2 on people's comparisons: SFT, reward model, judge, PPO and PPO-ptx, then a report."""

    base: str = "openai-community/gpt2"
    """A GPT-2: its name on the Hugging Face hub, or a folder."""
    data: str = "hh-rlhf"
    """A folder that `fetch` wrote, or hh-rlhf or tldr, which are then fetched."""
    count: int = 20_000
    """Rows to fetch: about as many from each part of a data set."""
    text: str = ""
    """Text to mix into PPO-ptx and to measure the alignment tax on: a file, or tinystories or fineweb-edu; none: no PPO-ptx."""
    text_count: int = 5_000
    """Documents of text to fetch."""
    gpu_memory: float = 0.0
    """GB of one GPU to plan for; 0 = that of the GPU that is there."""
    plan_only: bool = False
    """Check data and memory, print the plan, and stop."""
    seed: int = 0
    """Decides everything random but which rows are the judge's."""
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
    """What to take of the machine; batch sizes and activation checkpointing are chosen for the GPU where they are not set."""
    config: Annotated[Preset, tyro.conf.arg(name="")] = field(default_factory=lambda: PRESETS["gpt2"])
    """Every setting of every stage; the model's shape is the base model's."""

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.runs / (self.name or f"gpt2-{Path(self.data).name}-{self.seed}")


class GPT2Pipeline(Pipeline):
    """A run that begins with a given base model and trains a judge before PPO, which is watched with it."""

    stages = ("pretrain", "sft", "comparisons", "reward", "judge", "ppo", "ppo_ptx")

    def install(self, base: str, model: GPT, tokenizer: Tokenizer, mark: str) -> None:
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
        train_reward_model(model, comparisons, self.preset.reward, pad_id=self.tokenizer.pad_id, seed=seed, run=run)
        self._finish("judge", run, model.eval(), data=fingerprint([asdict(row) for row in rows]))

    def train_policy(self, *arguments: Any, **more: Any) -> GPT:
        """Run PPO; every answer is scored with an end token, and on the way the judge scores answers to held-out prompts."""
        judge, watched = load_model(self.output("judge")).to(self.engine.device), self.held_out(watched=True)

        def watch(policy: GPT) -> dict[str, Any]:
            return {"gold": mean(watched.scores_of(judge, watched.prompts, watched.answers_of(policy, "monitor")[0]))}

        self.world.watch = watch
        score_fn = score_with_end(self.engine.prepare(self.model("reward")), self.tokenizer.end_id)
        return super().train_policy(*arguments, **more | {"score_fn": score_fn})

    def held_out(self, *, watched: bool = False) -> HeldOut:
        """Return what models are compared on; `watched`: other prompts, which PPO is watched on."""
        rows = self.world.held_out
        different = list({json.dumps(row.prompt): row for row in rows}.values())
        n = min(MONITOR_PROMPTS, len(different) // 4)
        prompts = different[:n] or different if watched else different[n : n + self.preset.evaluation_prompts]
        return HeldOut(self.tokenizer, rows[:ACCURACY_COMPARISONS], prompts, self.world.held_out_documents(),
                       self.preset.ppo.max_new_tokens, self.seed)  # fmt: skip


def run_gpt2_recipe(command: GPT2Recipe) -> None:
    """Do everything that is not done yet, then compare the models and write report.md.

    Raises: FileNotFoundError, ValueError before anything is trained, naming what is wrong and what to do.
    """
    engine = Engine(command.engine)
    show = print if engine.is_main else lambda text: None
    data = data_folder(command.data, command.count, command.runs, engine, "comparisons")
    text = Path(command.text) if command.text else None
    if text and not text.is_file():
        text = data_folder(command.text, command.text_count, command.runs, engine, "text") / "text.txt"
    model, tokenizer, mark = open_base(command)
    pretrain = replace(command.config.pretrain, sequence_length=model.config.context_length)  # not run, but must be possible
    config = replace(command.config, model=model.config, pretrain=pretrain)
    longest = command.limits.max_prompt_tokens + config.ppo.max_new_tokens
    check_lengths(config, longest, has_text=bool(text))
    world = Preferences(data, tokenizer, limits=command.limits, max_answer_tokens=config.ppo.max_new_tokens, text=text, base=mark,
                        skip_bad_rows=command.skip_bad_rows, show=show)  # fmt: skip
    if text:
        world.check_text(64, config.ppo_ptx.ptx_sequence_length)
    for name, counts in world.counts.items():
        show(f"{name}: " + ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items()))
    memory = command.gpu_memory or (gpu_memory(engine.device) / GB if engine.device.type == "cuda" else 0.0)
    if memory:
        cluster = Cluster(gpus=engine.n_processes, gpu_memory=memory, engine=engine.config)
        recipe = recipe_of(config, world, longest)
        cluster, plans = fit_memory(recipe, cluster)
        engine.config = cluster.engine
    show(plan_text(recipe, cluster, plans) if memory else "no GPU here: memory is not planned (--gpu-memory 24 plans for one)")
    if command.plan_only:
        return
    pipeline = GPT2Pipeline(command.folder, config, command.seed, world, save_every_seconds=command.save_every_seconds,
                            engine=engine)  # fmt: skip
    pipeline.install(command.base, model, tokenizer, mark)
    pipeline.run(until="ppo_ptx" if text else "ppo")
    if engine.is_main:
        show(f"wrote {report(pipeline, command.base)}")


def report(pipeline: GPT2Pipeline, base: str) -> Path:
    """Compare the models and write the page."""
    start, device, world = time.monotonic(), pipeline.engine.device, pipeline.world
    names = {"base": "pretrain", "sft": "sft", "ppo": "ppo", "ppo_ptx": "ppo_ptx"}
    done = [name for name, stage in names.items() if pipeline.is_done(stage)]
    judge, reward_model = (load_model(pipeline.output(stage)).to(device) for stage in ("judge", "reward"))
    found = judge_models(lambda name: pipeline.model(names[name]).to(device), done, judge, reward_model, pipeline.held_out())
    used = {"demonstrations": world.own_demonstrations, "comparisons": world.comparisons, "prompts": world.own_prompts,
            "comparisons of the judge": world.judge_comparisons, "held-out comparisons": world.held_out}  # fmt: skip
    memory = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else peak_memory_bytes()
    intro = introduction(found["reward_model"], len(world.judge_comparisons), has_text=world.text is not None)
    return write_report(pipeline.folder, found | {
        "title": f"{pipeline.folder.name}, base model {base}", "intro": list(intro),
        "cleaning": world.counts, "used": {name: len(rows) for name, rows in used.items()},
        "peak_memory_gb": memory and memory / GB,
        "seconds": pipeline.seconds() | {"evaluation": time.monotonic() - start},
    })  # fmt: skip


def open_base(command: GPT2Recipe) -> tuple[GPT, Tokenizer, str]:
    """Load the base model, its tokenizer and a fingerprint of both: from the run's folder where they are already."""
    path = command.folder / "pretrain" / "model.safetensors"
    if path.exists():
        about = load_tensors(path)[1]
        if about.get("base") == command.base:
            return load_model(path), Tokenizer.load(command.folder / "tokenizer.json"), about["mark"]
    model, tokenizer = load_gpt2(command.base)
    digest = hashlib.sha256(tokenizer.fingerprint.encode())
    for tensor in model.state_dict().values():
        digest.update(tensor.contiguous().numpy().data)
    return model, tokenizer, digest.hexdigest()[:16]


def data_folder(name: str, count: int, runs: Path, engine: Engine, kind: str) -> Path:
    """Return the folder that is named, or a public data set's of that kind, fetched where it is not there."""
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
    context, window = config.model.context_length, config.ppo_ptx.ptx_sequence_length
    for what, tokens, options in (
        ("a prompt and an answer", longest, "--max-prompt-tokens or --ppo.max-new-tokens"),
        ("a window of text", window if has_text else 0, "--ppo-ptx.ptx-sequence-length"),
    ):
        if tokens > context:
            raise ValueError(f"{what} of {tokens} tokens do not fit into the base model's context of {context}: lower {options}")
    if has_text and config.ppo_ptx.max_new_tokens != config.ppo.max_new_tokens:
        raise ValueError("--ppo.max-new-tokens and --ppo-ptx.max-new-tokens must be the same: models are compared with one")


def recipe_of(config: Preset, world: Preferences, longest: int) -> Recipe:
    """Describe the run to the planner: the lengths, rows and answers that it really has."""
    answers = [len(row.responses) for row in (*world.comparisons, *world.judge_comparisons)]
    config = replace(config, comparisons=replace(config.comparisons, prompts=len(world.comparisons)))
    config = config if world.text is not None else replace(config, ppo_ptx=config.ppo)
    return Recipe(name="gpt2", preset=config, critic=config.model, demonstrations=len(world.own_demonstrations),
                  answers=(min(answers), max(answers)), longest=longest)  # fmt: skip
