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
import traceback

import tyro
from tqdm.auto import tqdm

from .benchmarks.against_transformers import SpeedTest, run_bench
from .benchmarks.plan_check import GPUCheck, PlanCheck, run_plan_check
from .engine import end_process
from .gpt2_recipe.recipe import GPT2Recipe, run_gpt2_recipe
from .planning.tables import Plan, Presets, run_plan, run_presets
from .presets import PRESETS
from .real_data.hub_datasets import Fetch, run_fetch
from .real_data.score_functions import ScoreFunctionError
from .studies.claims import Study, run_study
from .studies.shakespeare import ShakespeareTest, run_shakespeare
from .studies.ship import Ship, run_ship
from .tinyworld.runs import Evaluate, Run, run_evaluate, run_pipeline, run_stage

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
  study        whole runs over several seeds: the table of claims in data/study
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
