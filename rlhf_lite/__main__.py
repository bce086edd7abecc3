"""The command line: `python -m rlhf_lite --help`."""

import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from .benchmarks.against_transformers import SpeedTest, run_bench
from .benchmarks.machine import peak_memory_bytes
from .benchmarks.plan_check import GPUCheck, PlanCheck, run_plan_check
from .benchmarks.shakespeare import ShakespeareTest, run_shakespeare
from .engine import Engine, EngineConfig, end_process
from .files import course_folder
from .gpt2_recipe.recipe import GPT2Recipe, run_gpt2_recipe
from .pipeline import STAGES, Pipeline
from .planning.tables import Plan, Presets, run_plan, run_presets
from .presets import PRESETS, Preset
from .real_data.hub_datasets import Fetch, run_fetch
from .reports.run_report import write_report
from .studies.claims import results_table, study, write_results
from .studies.ship import ship
from .tinyworld.evaluation import MODELS, Evaluation, load_models, reward_model_accuracy
from .tinyworld.own_data import OwnData
from .tinyworld.prompts import USE_CASE_SHARES

SHIPPED = course_folder() / "data" / "checkpoints"
SAMPLES = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """Say which run to work on, and with what."""

    preset: Literal["tiny", "nano"] = "tiny"
    """Where the settings below start from."""
    seed: int = 0
    """Decides everything random: texts, prompts, labelers' moods, initial weights, sampling."""
    name: str = ""
    """Folder under `runs`; by default PRESET-SEED. A run that exists goes on where it was."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    start_from: Path | None = None
    """Take the tokenizer and the earlier stages (pipeline: the base model) from this folder: a run, or data/checkpoints."""
    text: Path | None = None
    """Pretrain on this UTF-8 text file; its last tenth is held out."""
    demonstrations: Path | None = None
    """Fine-tune on these rows: {"prompt", "response"} or {"messages"}; JSON lines or parquet."""
    comparisons: Path | None = None
    """Train the reward model on these rows: {"prompt", "responses", "ranking"} or {"chosen", "rejected"}."""
    prompts: Path | None = None
    """Run PPO on these rows: {"prompt"}."""
    score_fn: str | None = None
    """MODULE:FUNCTION with your own score_fn(prompts, responses) -> scores, in place of the reward model."""
    skip_bad_rows: bool = False
    """Leave out rows that are wrong, count and list them, instead of stopping at the first."""
    save_every_seconds: float = 15.0
    """How much work a stop at any moment may cost."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """What to take of the machine; several processes are started by torchrun."""
    config: Annotated[Preset, tyro.conf.arg(name="")] = field(default_factory=Preset)
    """Every setting of every stage."""

    def pipeline(self) -> Pipeline:
        """Open the run's folder."""
        world = OwnData(
            self.seed, text=self.text, demonstrations=self.demonstrations, comparisons=self.comparisons, prompts=self.prompts,
            score_fn=self.score_fn, skip_bad_rows=self.skip_bad_rows,
        )  # fmt: skip
        config = self.config
        if self.text is not None:  # the primer is the tiny world's, and short windows are for its short texts
            config = replace(config, pretrain=replace(config.pretrain, primer_steps=0, short_steps=0))
        folder = self.runs / (self.name or f"{self.preset}-{self.seed}")
        return Pipeline(folder, config, self.seed, world, save_every_seconds=self.save_every_seconds, engine=Engine(self.engine))


def run_pipeline(run: Run) -> None:
    """Do all stages, evaluate, and write report.md."""
    pipeline = run.pipeline()
    if run.start_from:
        copy_earlier_stages(run.start_from, pipeline, "sft")  # the base model; the rest is this run's to make
    pipeline.run()
    if not pipeline.engine.is_main:
        return
    folder, start = pipeline.folder, time.monotonic()
    evaluation = Evaluation(load_models(folder), run.seed, run.config.evaluation_prompts, show_progress=True)
    accuracies, bins = reward_model_accuracy(evaluation.models, run.seed, min(200, run.config.evaluation_prompts))
    results = {
        "preset": run.preset, "seed": run.seed, "summary": evaluation.summary(), "use_cases": stratified(folder, run.seed),
        "reward_model": accuracies, "calibration": bins, "samples": samples(evaluation),
        "cleaning": asdict(pipeline.world.cleaning_report(run.config.incoming_prompts)),
        "seconds": pipeline.seconds() | {"evaluation": time.monotonic() - start},
        "peak_memory_gb": (peak := peak_memory_bytes()) and peak / 1e9,
    }  # fmt: skip
    print(f"wrote {write_report(folder, results)}")


def stratified(folder: Path, seed: int, each: int = 30) -> dict[str, dict[str, float]]:
    """Mean gold score of each model by use case, on as many prompts (`each`) of the rare ones as of the common."""
    return Evaluation(load_models(folder), seed, each * len(USE_CASE_SHARES), use_cases=list(USE_CASE_SHARES)).use_case_rows()


def samples(evaluation: Evaluation) -> list[dict]:
    """The first prompts of the evaluation with every model's answer, good and bad, not chosen."""
    return [
        {
            "use_case": request.use_case, "prompt": request.prompt,
            "answers": {name: evaluation.answers[name][i] for name in MODELS},
            "gold": {name: evaluation.verdicts[name][i].gold for name in MODELS},
        }
        for i, request in enumerate(evaluation.requests[:SAMPLES])
    ]  # fmt: skip


def run_stage(stage: str, run: Run) -> None:
    """Do one stage (reward: with its comparisons), from what earlier stages of the run, or `start_from`, left."""
    other = {"ppo": "ppo_ptx", "ppo_ptx": "ppo"}.get(stage)  # like names, and nothing else would tell them apart
    if other and getattr(run.config, other) != getattr(PRESETS[run.preset], other):
        options = f"--{stage.replace('_', '-')}."
        print(f"note: settings of {other} do not act on {stage}, whose options begin with {options}")
    pipeline = run.pipeline()
    if stage == "reward" and run.comparisons:
        pipeline.world.warn_of_few_steps(run.config.reward)
    wanted = ["comparisons", "reward"] if stage == "reward" else [stage]
    if run.start_from:
        copy_earlier_stages(run.start_from, pipeline, wanted[0])
    needed = STAGES[: STAGES.index(wanted[0])]
    needed = [s for s in needed if s in {"pretrain", "sft", "reward"} and not (s == "reward" and run.score_fn)]
    missing = [s for s in needed if not pipeline.is_done(s)]
    if missing:
        raise FileNotFoundError(
            f"{pipeline.folder} has no finished stage {missing[0]!r}: run it first, or give --start-from data/checkpoints"
        )
    for each in wanted:
        if pipeline.is_done(each):
            told = f"{each} is done already: {pipeline.output(each)}"
        else:
            getattr(pipeline, each)()
            told = f"wrote {pipeline.output(each)}"
        if pipeline.engine.is_main:
            print(told)


def copy_earlier_stages(source: Path, pipeline: Pipeline, stage: str) -> None:
    """Copy the tokenizer and the stages before `stage` from another folder, where they are there; the main process does it."""
    if not (source / "tokenizer.json").is_file():
        raise FileNotFoundError(f"{source} holds no tokenizer.json: give the folder of a run, or data/checkpoints")
    if pipeline.engine.is_main:
        pipeline.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "tokenizer.json", pipeline.folder / "tokenizer.json")
        for earlier in STAGES[: STAGES.index(stage)]:
            model = source / earlier / "model.safetensors"
            if model.is_file() and not pipeline.is_done(earlier):
                pipeline.output(earlier).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(model, pipeline.output(earlier))
    pipeline.engine.barrier()


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Let all models answer held-out prompts drawn from a seed, and judge them."""

    seed: int = 0
    """Decides the prompts and the sampling."""
    prompts: int = 300
    """Number of prompts."""
    checkpoints: Path = SHIPPED
    """Folder of a run, or the shipped checkpoints."""
    json: bool = False
    """Print one JSON object on stdout and nothing else."""


def run_evaluate(command: Evaluate) -> None:
    """Evaluate checkpoints and print a table, or JSON."""
    evaluation = Evaluation(load_models(command.checkpoints), command.seed, command.prompts, show_progress=not command.json)
    summary = evaluation.summary()
    if command.json:
        print(json.dumps(summary))
        return
    print(f"{'model':<15}" + "".join(f"{key:>18}" for key in summary["models"]["sft"]))
    for name, row in summary["models"].items():
        print(f"{name:<15}" + "".join(f"{value:>18.3f}" for value in row.values()))
    print(f"\n{'pair':<25}{'wins':>6}{'losses':>8}{'ties':>6}{'rate':>8}   95 % interval")
    for pair, row in summary["pairs"].items():
        counts = f"{pair:<25}{row['wins']:>6}{row['losses']:>8}{row['ties']:>6}"
        print(f"{counts}{row['rate']:>8.3f}   {row['low']:.3f} to {row['high']:.3f}")
    for title in ("reward_model", "kl_from_sft"):
        print(f"\n{title}: " + ", ".join(f"{key} {value:.3f}" for key, value in summary[title].items()))


@dataclass(frozen=True, kw_only=True)
class Study:
    """Measure the claims over several seeds, and write the table into the README."""

    preset: Literal["tiny", "nano"] = "tiny"
    """Settings of every run."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One whole run each; runs that exist go on where they were."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    output: Path = SHIPPED.parent / "study"
    """Where each seed's measurements are kept."""
    readme: Path = SHIPPED.parents[1] / "README.md"
    """Page with the two marks between which the table stands."""
    extras: bool = True
    """Also measure over-optimization and steps 2 and 3 again."""


def run_study(command: Study) -> None:
    """Run and measure every seed; then the table."""
    runs = [Run(preset=command.preset, seed=s, runs=command.runs, config=PRESETS[command.preset]) for s in command.seeds]
    results = []
    for run in runs:
        pipeline = run.pipeline()
        if not (pipeline.folder / "report.json").exists():
            run_pipeline(run)
        results += study([pipeline], command.output, extras=command.extras)
        print(results_table(results))
    write_results(command.readme, command.output, results)


@dataclass(frozen=True, kw_only=True)
class Ship:
    """Put a finished run's models under data/checkpoints, with a manifest."""

    name: str = "tiny-0"
    """Folder of the run under `runs`."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    target: Path = SHIPPED
    """Where the models go."""


def run_ship(command: Ship) -> None:
    """Ship a run, and print what its files are."""
    print(json.dumps(ship(command.runs / command.name, command.target)["files"], indent=1))


COMMANDS = {
    "evaluate": (Evaluate, run_evaluate), "study": (Study, run_study), "ship": (Ship, run_ship), "fetch": (Fetch, run_fetch),
    "gpt2": (GPT2Recipe, run_gpt2_recipe), "presets": (Presets, run_presets), "bench": (SpeedTest, run_bench),
    "shakespeare": (ShakespeareTest, run_shakespeare), "plan": (Plan, run_plan), "plan-check": (PlanCheck, run_plan_check),
    "gpu-check": (GPUCheck, run_plan_check),
}  # fmt: skip
STAGE_COMMANDS = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
USAGE = f"""usage: python -m rlhf_lite COMMAND [--help]

  pipeline     all stages in order, then a report; goes on where it was stopped
  {"  ".join(STAGE_COMMANDS)}
               one stage alone, with any setting changed and with your own data
  evaluate     judge checkpoints on held-out prompts
  study        the README's results table: whole runs over several seeds
  ship         put a run's models under data/checkpoints
  fetch        a public data set (hh-rlhf, tldr, tinystories, fineweb-edu) as files for the stages above
  gpt2         a released GPT-2 through all stages on people's comparisons (hh-rlhf, tldr), judged by a second reward model
  presets      every size up to InstructGPT's 175B; presets NAME: each setting, with its source
  bench        speed of this machine, against transformers
  shakespeare  seconds to a validation loss on characters, against plain PyTorch
  plan         memory, time and money of a preset on your GPUs, before it starts
  plan-check   some steps of each stage on this machine: memory beside the plan, seconds, share of the matrix peak
  gpu-check    the same with GPT-2's stages on a GPU
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    command, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        if command in COMMANDS:
            settings, run_command = COMMANDS[command]
            run_command(tyro.cli(settings, args=rest, prog=f"python -m rlhf_lite {command}"))
        elif command == "pipeline" or command in STAGE_COMMANDS:
            run = tyro.cli(Run, args=rest, default=Run(config=_chosen_preset(rest)), prog=f"python -m rlhf_lite {command}")
            run_pipeline(run) if command == "pipeline" else run_stage(command, run)
        else:
            print(USAGE)
            return 0 if command in ("-h", "--help") else 2
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _chosen_preset(arguments: list[str]) -> Preset:
    """Find --preset before the other options are read, since their defaults depend on it."""
    for i, argument in enumerate(arguments):
        name = argument.partition("=")[2] if argument.startswith("--preset=") else "".join(arguments[i + 1 : i + 2])
        if argument.split("=")[0] == "--preset" and name in PRESETS:
            return PRESETS[name]
    return PRESETS["tiny"]


if __name__ == "__main__":
    end_process(main())
