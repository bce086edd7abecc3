"""Check the plan's memory on a GPU, and measure what share of the card's peak each stage reaches: `--efficiency` of a plan.

Each stage of GPT-2 124M takes some steps in bfloat16, every sequence 1,024 tokens long: whole batches, batches in quarters with
blocks computed again, and whole batches with compiled blocks, for which no smaller memory is planned.
"""

import gc
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..engine import Engine, EngineConfig, has_compiler
from ..files import write_atomically
from ..gpt import GPT2
from ..planning.costs import GB
from ..planning.memory_fit import needed_gb
from ..planning.plan import SLACK, Cluster, StagePlan, plan_stage
from ..planning.workload import stages
from .against_transformers import matrix_peaks
from .machine import gpu_memory, machine
from .plan_check import WAYS, CheckedShape
from .stage_timing import MEASURED, ROLLOUT, Watch, run_stage, seconds_a_step

SHAPE = CheckedShape(model=GPT2, batch=32, new_tokens=128)
STEPS = 2
"""Steps that are timed, after one to warm up; the fastest counts."""


@dataclass(frozen=True, kw_only=True)
class GPUCheck:
    """Run some steps of each stage of GPT-2 124M on a GPU, and compare memory with the plan."""

    output: Path | None = None
    """Write the results here too, as JSON with a description of the machine."""


def ways(device: torch.device) -> dict[str, tuple[Cluster, EngineConfig]]:
    """Say, for the plan and for the engine, how stages are run."""
    found = {}
    for way in WAYS:
        cluster, engine = SHAPE.machines(way)
        found[way] = replace(cluster, precision="bf16"), replace(engine, device=device.type, bfloat16=True)
    if has_compiler():
        cluster, engine = found[WAYS[0]]
        found["compiled"] = cluster, replace(engine, compile=True)
    return found


def check(device: torch.device) -> Iterator[dict[str, Any]]:
    """Measure all stages in all ways: seconds of a step, the first one's too, GB (on a GPU), and the share of the peak."""
    peak = matrix_peaks(device, 1, ["bfloat16"])["bfloat16"]
    recipe = SHAPE.recipe()
    for way, (cluster, config) in ways(device).items():
        plans = {stage.name: plan_stage(stage, cluster) for stage in stages(recipe)}
        for name in MEASURED:
            if needed := too_much(name, plans, device):
                print(f"{way:<15}{name:<17}left out: needs {needed:.0f} GB")
                continue
            watch = Watch(device)
            run_stage(name, recipe, STEPS + 1, watch, Engine(config))
            gc.collect()  # else this stage's models may still be there when the next one begins
            for stage, (first, *later) in seconds_a_step(watch, recipe).items():
                plan = plans[stage]
                flops = (plan.flops + plan.attention_flops) / plan.stage.steps
                yield {"way": way, "stage": stage, "first step": first, "seconds": min(later),
                       "share of the peak": flops / min(later) / peak,
                       "measured GB": watch.peaks.get(stage, 0.0) / GB, "planned GB": needed_gb(plan)}  # fmt: skip


def too_much(name: str, plans: dict[str, StagePlan], device: torch.device) -> float:
    """Return the GB of what is measured together, a stage or PPO's two, where that is more than the GPU has; else 0."""
    needed = max(needed_gb(plan) for stage, plan in plans.items() if stage.startswith(name))
    return needed if device.type == "cuda" and needed * GB > SLACK * gpu_memory(device) else 0.0


def row_text(row: dict[str, Any]) -> str:
    """Write one line."""
    planned, measured = row["planned GB"], row["measured GB"]
    share = "" if row["stage"] == ROLLOUT else f"{row['share of the peak']:>7.0%} of the peak"
    memory = f"{planned:>9.2f} {measured:>7.2f} GB" + (f"{planned / measured:>7.2f}" if measured else "")
    return f"{row['way']:<15}{row['stage']:<17}{memory}{row['first step']:>9.2f} {row['seconds']:>7.3f} s{share}"


def run_gpu_check(command: GPUCheck) -> None:
    """Measure, print, and write where asked. Raises: ValueError where there is no GPU."""
    if not torch.cuda.is_available():
        raise ValueError("gpu-check needs a GPU and PyTorch finds none; plan-check measures on a CPU")
    print(f"{'way':<15}{'stage':<17}memory: planned, measured, ratio   a step: the first, others")
    rows = []
    for row in check(torch.device("cuda")):
        rows.append(row)
        print(row_text(row), flush=True)
    if command.output:
        found = {"machine": machine(torch.device("cuda")), "rows": rows}
        write_atomically(command.output, json.dumps(found, indent=1) + "\n")
