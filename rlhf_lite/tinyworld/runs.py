"""The commands that train, in the tiny world or on the reader's own data: `pipeline`, all stages, each stage alone; `evaluate`."""

import filecmp
import json
import re
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from ..benchmarks.machine import peak_memory_bytes
from ..checkpoint import load_model
from ..engine import Engine, EngineConfig
from ..files import course_folder, load_tensors, replacing
from ..pipeline import STAGES, Pipeline
from ..presets import PRESETS, Preset, differences_of_base, dotted
from ..reports.run_report import write_report
from ..reward import load_rankings
from ..tokenizer import Tokenizer
from .evaluation import MODELS, Evaluation, Models, load_models, reward_model_accuracy
from .own_data import OwnData
from .prompts import USE_CASE_SHARES

SAMPLES = 20
SHIPPED = course_folder() / "data" / "checkpoints"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Which run to work on, and with what."""

    preset: Literal["tiny", "nano", "manners"] | None = None
    """Where the settings below start from; tiny, where none is given; manners is what tiny was at first (see data/README.md)."""
    seed: int = 0
    """Decides everything random: texts, prompts, labelers' moods, initial weights, sampling."""
    name: str | None = None
    """Folder under `runs`; PRESET-SEED, where none is given. A run that exists goes on where it was."""
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
    """MODULE:FUNCTION or FILE.py:FUNCTION with your own score_fn(prompts, responses) -> scores, in place of the reward model:
    prompts as you gave them, texts or lists of messages; scores one number per response."""
    skip_bad_rows: bool = False
    """Leave out rows that are wrong, count and list them, instead of stopping at the first."""
    save_every_seconds: float = 15.0
    """How much work a stop at any moment may cost."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """What to take of the machine; several processes are started by torchrun."""
    config: Annotated[Preset, tyro.conf.arg(name="")] = field(default_factory=Preset)
    """Every setting of every stage."""

    @property
    def defaults(self) -> Preset:
        """The settings before any was changed."""
        return PRESETS[self.preset or "tiny"]

    def open(self, *stages: str) -> Pipeline:
        """Open the run's folder for these stages, after checking all that can be wrong with what is asked for.

        Raises: FileNotFoundError, ValueError: naming what is wrong and what to do; nothing is written before.
        """
        folder = run_folder(self.runs, f"{self.preset or 'tiny'}-{self.seed}" if self.name is None else self.name)
        engine = Engine(self.engine)
        world = OwnData(
            self.seed, text=self.text, demonstrations=self.demonstrations, comparisons=self.comparisons, prompts=self.prompts,
            score_fn=self.score_fn, skip_bad_rows=self.skip_bad_rows, tell=print if engine.is_main else lambda text: None,
            drills=self.config.drills,
        )  # fmt: skip
        config = self.config
        if self.text is not None:  # the primer is the tiny world's, and short windows and the start are for its short texts
            plain = replace(config.pretrain, primer_steps=0, short_steps=0, copying_start=False, whole_documents=False)
            config = replace(config, pretrain=plain)
        if self.comparisons is not None:  # the reader's rows stand in no terms
            config = replace(config, reward=replace(config.reward, in_order=False))
        named = {"model." + key for key in asdict(config.model) if key != "vocab_size"} if self.preset else set()
        defaults = {key: value for key, value in dotted(asdict(self.defaults)).items() if key not in named}
        pipeline = Pipeline(folder, config, self.seed, world, defaults=defaults, engine=engine,
                            save_every_seconds=self.save_every_seconds)  # fmt: skip
        pipeline.check(*stages)
        first = "sft" if len(stages) > 2 else stages[0]  # all stages: only the base model is taken, the rest is this run's to make
        copies = earlier_files(pipeline, self.start_from, first) if self.start_from else {}
        world.before = parts_before(pipeline, stages[-1], copies)
        world.check(stage for stage in stages if not pipeline.is_done(stage) and pipeline.output(stage) not in copies)
        copy_files(pipeline, copies)
        return pipeline


def run_folder(runs: Path, name: str) -> Path:
    """Return the folder of a run. Raises: ValueError where its name could lead out of `runs`, or is no good name of a folder."""
    if not re.fullmatch(r"\w([\w.-]{0,58}\w)?", name):
        raise ValueError(
            f"--name is {name[:80]!r}, expected 1 to 60 letters, digits, and . _ - between them, such as my-run-2: "
            "the folder of all runs is given by --runs"
        )
    return runs / name


def earlier_files(pipeline: Pipeline, source: Path, stage: str) -> dict[Path, Path]:
    """Name what a run takes from another folder: the tokenizer and the stages before `stage`, but for those that it made itself.

    Returns: where each file goes, and where it lies.
    Raises: FileNotFoundError, ValueError: where one is damaged, or is not what was asked for, or what this run began with.
    """
    if not (source / "tokenizer.json").is_file():
        raise FileNotFoundError(f"{source} holds no tokenizer.json: give the folder of a run, or data/checkpoints")
    Tokenizer.load(source / "tokenizer.json")
    recorded, files = pipeline.recorded(), {pipeline.folder / "tokenizer.json": source / "tokenizer.json"}
    for earlier in STAGES[: STAGES.index(stage)]:
        path = source / earlier / "model.safetensors"
        if path.is_file() and earlier not in recorded:
            model, files[pipeline.output(earlier)] = load_model(path, stage=earlier), path
            if found := differences_of_base(model.config, pipeline.preset, pipeline.defaults):
                raise ValueError(f"{path} is no such model ({'; '.join(found)}): leave these options out; its shape is then used")
    others = [target for target, given in files.items() if target.exists() and not filecmp.cmp(target, given, shallow=False)]
    if others and (recorded or any(map(pipeline.is_done, STAGES))):
        raise ValueError(f"{others[0]} belongs to a run that has begun, and {files[others[0]]} is another: "
                         "choose another --name, or the --start-from that this run began with")  # fmt: skip
    return files


def copy_files(pipeline: Pipeline, copies: dict[Path, Path]) -> None:
    """Copy what a run takes from another folder, each file whole or not at all; the main process does it."""
    if not copies:
        return
    pipeline.lock()
    for target, given in copies.items() if pipeline.engine.is_main else ():
        with replacing(target) as part:
            shutil.copyfile(given, part)
    pipeline.engine.barrier()
    pipeline.has_tokenizer = True


def parts_before(pipeline: Pipeline, stage: str, copies: dict[Path, Path]) -> set[str]:
    """Name what was the reader's own in the stages before this one, whether they were done here or elsewhere."""
    found = {key for record in pipeline.recorded().values() for key in record["data"]}
    for earlier in STAGES[: STAGES.index(stage)]:
        path = copies.get(pipeline.output(earlier), pipeline.output(earlier))
        if earlier != "comparisons" and path.exists():
            found |= {*load_tensors(path)[1].get("given", [])}
    return found


def run_pipeline(run: Run) -> None:
    """Do all stages, evaluate, and write report.md."""
    pipeline = run.open(*STAGES)
    pipeline.run()
    if not pipeline.engine.is_main:
        return
    start, results = time.monotonic(), {"preset": run.preset or "tiny", "seed": run.seed}
    if not pipeline.world.is_own:  # else there is no truth to judge by
        results |= evaluated(pipeline)
        results["seconds"] = {"evaluation": time.monotonic() - start}
    peak = peak_memory_bytes()
    results |= {"seconds": pipeline.seconds() | results.get("seconds", {}), "peak_memory_gb": peak and peak / 1e9}
    print(f"wrote {write_report(pipeline.folder, results)}")


def evaluated(pipeline: Pipeline) -> dict[str, Any]:
    """Judge all models of a run in the tiny world."""
    folder, seed, n = pipeline.folder, pipeline.seed, pipeline.preset.evaluation_prompts
    evaluation = Evaluation(load_models(folder), seed, n, show_progress=True)
    accuracies, bins = reward_model_accuracy(evaluation.models, seed, min(200, n))
    return {
        "summary": evaluation.summary(), "use_cases": stratified(evaluation.models, seed), "reward_model": accuracies, "calibration": bins,
        "samples": samples(evaluation), "cleaning": asdict(pipeline.world.cleaning_report(pipeline.preset.incoming_prompts)),
    }  # fmt: skip


def stratified(models: Models, seed: int, each: int = 30) -> dict[str, dict[str, float]]:
    """Mean gold score of each model by use case, on as many prompts (`each`) of the rare ones as of the common."""
    return Evaluation(models, seed, each * len(USE_CASE_SHARES), use_cases=list(USE_CASE_SHARES)).use_case_rows()


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
    if other and getattr(run.config, other) != getattr(run.defaults, other):
        options = f"--{stage.replace('_', '-')}."
        print(f"note: settings of {other} do not act on {stage}, whose options begin with {options}")
    wanted = ["comparisons", "reward"] if stage == "reward" else [stage]
    pipeline = run.open(*wanted)
    check_earlier_stages(pipeline, wanted[0], scored=bool(run.score_fn))
    for each in wanted:
        if pipeline.is_done(each):
            told = f"{each} is done already: {pipeline.output(each)}"
        else:
            getattr(pipeline, each)()
            told = f"wrote {pipeline.output(each)}"
        if pipeline.engine.is_main:
            print(told)
        if each == "comparisons" and not pipeline.is_done("reward"):
            rows = load_rankings(pipeline.output(each), pipeline.tokenizer.vocab_size)
            pipeline.world.warn_of_few_steps(run.config.reward, len(rows))


def check_earlier_stages(pipeline: Pipeline, stage: str, *, scored: bool) -> None:
    """Check that the models are there that a stage builds on. Raises: FileNotFoundError, naming the one to train first."""
    for needed in STAGES[: STAGES.index(stage)]:
        if needed in {"pretrain", "sft"} | ({"reward"} if not scored else set()) and not pipeline.is_done(needed):
            raise FileNotFoundError(
                f"{pipeline.folder} has no finished stage {needed!r}: run it first, or give --start-from data/checkpoints"
            )


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
    summary = evaluation.summary() | {"use_cases": stratified(evaluation.models, command.seed)}
    if command.json:
        print(json.dumps(summary))
        return
    print(f"{'model':<15}" + "".join(f"{key:>18}" for key in summary["models"]["sft"]))
    for name, row in summary["models"].items():
        print(f"{name:<15}" + "".join(f"{value:>18.3f}" for value in row.values()))
    fair = summary["best_temperature"]
    _print_pairs("all prompts", summary["pairs"])
    _print_pairs("both answers with good manners", summary["pairs_equal_manners"])
    _print_pairs("at temperatures " + ", ".join(f"{name} {t}" for name, t in fair["temperatures"].items()), fair["pairs"])
    _print_shares("gold by use case", summary["use_cases"])
    _print_shares("abilities", _turned(summary["abilities"]))
    told = {name: {f"{town}, {kind}": share for town, kinds in groups.items() for kind, share in kinds.items()}
            for name, groups in summary["facts"].items()}  # fmt: skip
    _print_shares("facts told of towns", _turned(told))
    for title, row in {"gold at best temperature": fair["gold"], **summary["minimal_pairs"],
                       **{key: summary[key] for key in ("reward_model", "kl_from_sft")}}.items():  # fmt: skip
        print(f"\n{title}: " + ", ".join(f"{key} {value:.3f}" for key, value in row.items()))


def _turned(table: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Make rows of columns: {"sft": {"who": 1.0}} -> {"who": {"sft": 1.0}}."""
    return {row: {column: table[column][row] for column in table} for row in next(iter(table.values()))}


def _print_pairs(title: str, pairs: dict[str, dict[str, float]]) -> None:
    print(f"\n{title:<25}{'wins':>6}{'losses':>8}{'ties':>6}{'rate':>8}   95 % interval    ties half")
    for pair, row in pairs.items():
        counts = f"{pair:<25}{row['wins']:>6}{row['losses']:>8}{row['ties']:>6}"
        print(f"{counts}{row['rate']:>8.3f}   {row['low']:.3f} to {row['high']:.3f}{row['with_ties']:>13.3f}")


def _print_shares(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{title:<25}" + "".join(f"{name:>15}" for name in next(iter(rows.values()))))
    for name, row in rows.items():
        print(f"{name:<25}" + "".join(f"{value:>15.2f}" for value in row.values()))
