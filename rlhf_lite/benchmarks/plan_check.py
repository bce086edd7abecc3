"""Check the plan against runs: each stage for some steps, really, beside what `plan` says of the same shape and batch.

Each measurement has a process of its own, of one thread. The machine's `Speeds` are measured first, without a model; from
them and the shape alone comes the planned time, from the shape alone the planned memory.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import torch

from ..engine import EngineConfig
from ..files import write_atomically
from ..gpt import GPT2, SMALL, TINY, GPTConfig
from ..planning.machine_speed import Speeds, measure_speeds
from ..planning.plan import Cluster, plan_stage
from ..planning.recipes import RECIPES, Recipe
from ..planning.workload import stages
from .against_transformers import SHAPES
from .machine import machine
from .stage_timing import KEEP_MEMORY, MEASURED, measure_memory, measure_seconds

ALONE = Cluster(gpu_memory=1e6, micro_batch=10**6, sampling_batch=10**6, checkpointing=False, precision="fp32")
"""One machine that takes every batch at once."""
WAYS = ("all at once", "saving memory")
"""How stages are run: each batch whole, or in quarters (answers of a rollout too) and with blocks computed again."""


@dataclass(frozen=True, kw_only=True)
class CheckedShape:
    """Fix a shape and the batches of its stages."""

    model: GPTConfig
    """Shape of all models; its context is the length of every sequence."""
    batch: int
    """Sequences a step of pretraining and of fine-tuning, and answers a minibatch of PPO; the reward model has half as
    many prompts with four answers each, a rollout has twice as many answers."""
    new_tokens: int
    """Of a PPO answer."""
    steps: int = 3
    """Steps that are timed, after one to warm up, more where they are short; the fastest counts, since other work only ever
    slows down."""

    def machines(self, way: str) -> tuple[Cluster, EngineConfig]:
        """Tell the plan and the engine the same: which parts of a batch are taken at once, and what is computed again."""
        if way == "all at once":
            return ALONE, EngineConfig()
        part, answers = max(1, self.batch // 4), max(1, self.batch // 2)
        saving = replace(ALONE, micro_batch=part, sampling_batch=answers, checkpointing=True)
        return saving, EngineConfig(micro_batch_size=part, sampling_batch_size=answers, activation_checkpointing=True)

    def recipe(self) -> Recipe:
        """Put the course's stages on this shape."""
        base, length = RECIPES["tiny"], self.model.context_length
        preset, batch = base.preset, self.batch
        ppo = replace(preset.ppo_ptx, episodes=2 * batch, minibatch_size=batch, inner_epochs=1, ptx_batch_size=batch,
                      ptx_sequence_length=length, max_new_tokens=self.new_tokens)  # fmt: skip
        pretrain = replace(preset.pretrain, batch_size=batch, sequence_length=length, primer_steps=0, short_steps=0)
        pretrain = replace(pretrain, optim=replace(pretrain.optim, muon_learning_rate=0.0))
        preset = replace(preset, model=self.model, pretrain=pretrain, sft=replace(preset.sft, batch_size=batch), ppo_ptx=ppo,
                         reward=replace(preset.reward, batch_size=max(1, batch // 2)))  # fmt: skip
        return replace(base, name="checked", preset=preset, critic=self.model, answers=(4, 4))


CASES = {
    "tiny": CheckedShape(model=replace(TINY, context_length=128), batch=16, new_tokens=64, steps=12),
    "10M": CheckedShape(model=replace(SHAPES["10M"], context_length=128), batch=8, new_tokens=64, steps=6),
    "small": CheckedShape(model=replace(SMALL, context_length=128), batch=8, new_tokens=64),
    "gpt2": CheckedShape(model=replace(GPT2, context_length=128), batch=2, new_tokens=32),
}


@dataclass(frozen=True, kw_only=True)
class PlanCheck:
    """Run some steps of each stage on this machine, and compare memory and time with the plan."""

    cases: tuple[str, ...] = ("tiny", "10M", "small", "gpt2")
    """Which shapes: tiny, 10M, small (30M), gpt2 (124M)."""
    ways: tuple[str, ...] = WAYS
    """How they are run: 'all at once', 'saving memory'."""
    output: Path | None = None
    """Write the results here too, as JSON with a description of the machine."""


def planned(case: CheckedShape, speeds: Speeds | None, way: str = WAYS[0]) -> dict[str, dict[str, float]]:
    """Return what the plan says of a step of each stage: seconds (where speeds are known) and bytes."""
    found, cpu = {}, replace(case.machines(way)[0], packed_weights=True)
    for stage in stages(case.recipe()):
        made = plan_stage(stage, cpu, speeds)
        found[stage.name] = {"memory": made.total_memory} | ({"seconds": made.seconds / stage.steps} if speeds else {})
    return found


def measured(case: str, way: str, name: str, what: str) -> dict[str, float]:
    """Measure "seconds" or "memory" of the stages of one run, in this process."""
    shape = CASES[case]
    recipe, engine = shape.recipe(), shape.machines(way)[1]
    return measure_seconds(name, recipe, shape.steps, engine) if what == "seconds" else measure_memory(name, recipe, engine)


def in_fresh_process(*arguments: str) -> dict[str, Any]:
    """Run `_child` in a process of its own, with one thread; return what it prints."""
    kept = KEEP_MEMORY if "memory" not in arguments else {}
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} | kept
    command = [sys.executable, "-m", f"{__package__}.plan_check", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        raise RuntimeError(f"measuring {' '.join(arguments)} failed: {ended.stderr[-2000:]}")
    return json.loads(ended.stdout.rpartition("\nRESULT ")[2].splitlines()[0])


def _child(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    if arguments == ["speeds"]:
        found = {"machine": machine(torch.device("cpu")), "speeds": asdict(measure_speeds())}
    else:
        found = measured(*arguments)
    print(f"\nRESULT {json.dumps(found)}")


def check(cases: tuple[str, ...], ways: tuple[str, ...]) -> dict[str, Any]:
    """Measure and plan all cases: the machine, its speeds, and a row a way, case and stage."""
    found = in_fresh_process("speeds")
    speeds, rows = Speeds(**found["speeds"]), []
    for way, case, name in product(ways, cases, MEASURED):
        plans = planned(CASES[case], speeds, way)
        seconds, memory = (in_fresh_process(case, way, name, what) for what in ("seconds", "memory"))
        for stage in seconds:
            real = {"seconds": seconds[stage], "memory": memory[stage]}
            rows.append({"case": case, "way": way, "stage": stage, "measured": real, "planned": plans[stage]})
            print(row_text(rows[-1]), flush=True)
    shapes = {case: asdict(CASES[case]) | {"parameters": CASES[case].model.n_parameters} for case in cases}
    return found | {"cases": shapes, "rows": rows}


def row_text(row: dict[str, Any]) -> str:
    """Write one line: planned, measured and their ratio, of memory and of time."""
    (seconds, memory), (wait, room) = ((row[k]["seconds"], row[k]["memory"]) for k in ("planned", "measured"))
    memories = f"{memory / 1e6:>10,.1f} {room / 1e6:>10,.1f} MB {memory / room:>5.2f}"
    return f"{row['case']:<7}{row['way']:<15}{row['stage']:<17}{memories}{seconds:>12.4f} {wait:>8.4f} s {seconds / wait:>5.2f}"


def run_plan_check(command: PlanCheck) -> None:
    """Measure, print, and write where asked."""
    for name, asked, known in (("cases", command.cases, tuple(CASES)), ("ways", command.ways, WAYS)):
        if set(asked) - set(known) or not asked:
            raise ValueError(f"{name} {asked}: expected some of {', '.join(known)}")
    memory, seconds = "memory: planned, measured, ratio", "time of a step: planned, measured, ratio"
    print(f"{'case':<7}{'way':<15}{'stage':<17}{memory:>32}{seconds:>43}")
    found = check(command.cases, command.ways)
    if command.output:
        write_atomically(command.output, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    _child(sys.argv[1:])
