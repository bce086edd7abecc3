"""The command line: `python -m rlhf_lite --help`."""
# ruff: noqa: E402

import os
import signal
import sys

STOPPED = "\nstopped; the same command goes on from here"


def stop(number: int, frame: object) -> None:
    """End this process on a signal: what was saved last stands, and nothing is half-written."""
    if os.environ.get("RANK", "0") == "0":
        print(STOPPED, file=sys.stderr, flush=True)
    os._exit(128 + number)


if __name__ == "__main__":  # before the imports below, which take seconds
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)

import argparse
import json
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from tqdm.auto import tqdm

from .benchmarks.against_transformers import SpeedTest, run_bench
from .benchmarks.plan_check import GPUCheck, PlanCheck, run_plan_check
from .engine import end_process
from .gpt2_recipe.recipe import GPT2Recipe, run_gpt2_recipe
from .pipeline import STAGES
from .planning.tables import Plan, Presets, run_plan, run_presets
from .presets import PRESETS
from .real_data.hub_datasets import Fetch, run_fetch
from .real_data.score_functions import ScoreFunctionError
from .studies.claims import results_table, study, write_results
from .studies.shakespeare import ShakespeareTest, run_shakespeare
from .studies.ship import ship
from .tinyworld.runs import SHIPPED, Evaluate, Run, run_evaluate, run_folder, run_pipeline, run_stage


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
        pipeline = run.open(*STAGES)
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
    print(json.dumps(ship(run_folder(command.runs, command.name), command.target)["files"], indent=1))


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
            asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
            asked.add_argument("--preset")  # read first: the other settings' defaults depend on it
            preset = PRESETS.get(asked.parse_known_args(rest)[0].preset, PRESETS["tiny"])
            run = tyro.cli(Run, args=rest, default=Run(config=preset), prog=f"python -m rlhf_lite {command}")
            run_pipeline(run) if command == "pipeline" else run_stage(command, run)
        else:
            print(USAGE)
            return 0 if command in ("-h", "--help") else 2
    except (ValueError, OSError, FloatingPointError, ScoreFunctionError) as error:
        for bar in list(getattr(tqdm, "_instances", ())):
            bar.close()  # else its line would run into this one
        is_theirs = isinstance(error, ScoreFunctionError)
        print(f"error: {error}" + "; its own traceback:" * is_theirs, file=sys.stderr)
        if is_theirs:
            traceback.print_exception(error.__cause__)
        return 1
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    end_process(main())
