"""The plan beside what really happens: some steps of each stage on this machine, their memory, seconds and efficiency.

The stages' own code runs, on random tokens that fill every sequence: no token ends an answer, so lengths are those that a
plan assumes. Memory is what PyTorch's allocator has given out at the peak of the second step, when Adam has its averages; on
a CPU its profiler counts each piece, on a GPU the allocator itself. A step's FLOPs over its seconds and over the FLOPs per
second of a large matrix product are the share of the peak: what a plan calls efficiency.
"""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from ..checkpoint import TrainingRun
from ..data import seeded_generator
from ..engine import Engine, EngineConfig
from ..files import write_atomically
from ..gpt import GPT, ScalarModel, copy_gpt
from ..planning.cluster import Cluster
from ..planning.costs import GB
from ..planning.plan import plan_stage
from ..planning.recipes import Recipe, recipe_named
from ..planning.workload import stages
from ..ppo import PPOUpdater
from ..pretrain import pretrain
from ..records import EncodedComparison, Example
from ..reward import train_reward_model
from ..rollout import collect_rollout, reward_model_score
from ..sft import train_sft
from .machine import gpu_memory, machine, matrix_peak

RUNS = {"pretrain": ("pretrain",), "sft": ("sft",), "reward": ("reward",), "ppo": ("ppo_ptx rollout", "ppo_ptx update")}
"""What is run -> the stages of a plan that this measures."""
NO_END = -1
"""An end token that no model samples."""


class Meter(TrainingRun):
    """A run that keeps no state and measures its steps."""

    def __init__(self, engine: Engine, stage: str):
        super().__init__(None, show_progress=False, engine=engine)
        self.stage = stage
        self.seconds: dict[str, list[float]] = {}
        self.peaks: dict[str, float] = {}
        """Bytes at the peak of each stage's last step, on a GPU."""

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        """Measure what is done inside, and mark it in a profile."""
        on_gpu, start = self.engine.device.type == "cuda", time.perf_counter()
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        _mark(stage, 0)
        yield
        _mark(stage, 1)
        if on_gpu:
            torch.cuda.synchronize()
            self.peaks[stage] = torch.cuda.max_memory_allocated()
        self.seconds.setdefault(stage, []).append(time.perf_counter() - start)

    def steps(self, total: int, *args: Any, **named: Any) -> Iterator[int]:
        """Yield the steps, each measured."""
        for step in super().steps(total, *args, **named):
            with self.measured(self.stage):
                yield step


def _mark(stage: str, end: int) -> int:
    """Give out, for a moment, a number of bytes that nothing else does: a mark in the list of what was given out; return it."""
    size = 1_000_003 + 2 * [each for stages in RUNS.values() for each in stages].index(stage) + end
    torch.empty(size, dtype=torch.uint8)
    return size


def run_steps(name: str, recipe: Recipe, steps: int, engine: Engine) -> Meter:
    """Take some steps of one of RUNS from random weights on; of PPO, iterations."""
    torch.manual_seed(0)
    preset, meter = recipe.preset, Meter(engine, name)
    if name == "ppo":
        _run_ppo(recipe, steps, meter, engine)
    elif name == "pretrain":
        config = replace(preset.pretrain, steps=steps)
        stream = _random_tokens(recipe, config.batch_size + 1, config.sequence_length).flatten()
        pretrain(GPT(recipe.model), stream, config, seed=0, run=meter)
    elif name == "sft":
        examples = [Example(ids=row, prompt_length=1) for row in _random_tokens(recipe, preset.sft.batch_size).tolist()]
        train_sft(GPT(recipe.model), examples, replace(preset.sft, epochs=float(steps)), pad_id=0, seed=0, run=meter)
    else:
        answers = tuple(_random_tokens(recipe, recipe.answers[1]).tolist())
        ranked = [EncodedComparison(ids=answers, ranks=tuple(range(len(answers))))] * preset.reward.batch_size
        config = replace(preset.reward, epochs=float(steps))
        train_reward_model(ScalarModel(GPT(recipe.critic)), ranked, config, pad_id=0, seed=0, run=meter)
    return meter


def _random_tokens(recipe: Recipe, rows: int, length: int = 0) -> torch.Tensor:
    size = (rows, length or recipe.dialogue_length)
    return torch.randint(recipe.model.vocab_size, size, generator=seeded_generator("rows"))  # (B, T)


def _run_ppo(recipe: Recipe, iterations: int, meter: Meter, engine: Engine) -> None:
    config, policy = recipe.preset.ppo_ptx, GPT(recipe.model)
    reward_model, value_model = (ScalarModel(GPT(recipe.critic)) for _ in range(2))
    ref_policy, ema_policy = copy_gpt(policy), copy_gpt(policy)
    for model in (policy, ref_policy, ema_policy, reward_model, value_model):
        engine.prepare(model).eval()
    prompts = _random_tokens(recipe, config.episodes)[:, config.max_new_tokens :].tolist()
    text = _random_tokens(recipe, config.ptx_batch_size + 1, config.ptx_sequence_length).flatten()
    updater = PPOUpdater(policy, value_model, ema_policy, config, 0, text, engine)
    score, generator = reward_model_score(reward_model), seeded_generator("rollout", 0)
    for iteration in range(iterations):
        with meter.measured("ppo_ptx rollout"):
            rollout = collect_rollout(policy, ref_policy, value_model, score, prompts, config, end_id=NO_END, pad_id=0,
                                      generator=generator, engine=engine)  # fmt: skip
        with meter.measured("ppo_ptx update"):
            updater.update(rollout, iteration)


def measured_memory(name: str, recipe: Recipe, engine: Engine) -> dict[str, float]:
    """Return the bytes at the peak of a second step, by stage."""
    if engine.device.type == "cuda":
        return run_steps(name, recipe, 2, engine).peaks
    gc.collect()  # what earlier work left would be given back within the profile, and count as less than nothing
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run_steps(name, recipe, 2, engine)
    return {stage: _peak_within(profiled, stage) for stage in RUNS[name]}


def _peak_within(profiled: profile, stage: str) -> float:
    """Return the most bytes that were given out while the last work between a stage's marks was done."""
    events = profiled.profiler.kineto_results.events()  # the public list puts allocations where their operator begins
    given = [e.nbytes() for e in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns())]
    first, last = (max(place for place, size in enumerate(given) if size == _mark(stage, end)) for end in (0, 1))
    held = list(accumulate(given))
    return max(held[first + 1 : last])  # behind the first mark, which was given back


def as_planned(recipe: Recipe) -> Recipe:
    """Leave out what no plan counts: the tiny world's windows, Muon, cross-entropy in ranking, prompts with fewer answers."""
    preset, most = recipe.preset, recipe.answers[1]
    first = replace(preset.pretrain, primer_steps=0, short_steps=0, copying_start=False, whole_documents=False,
                    optim=replace(preset.pretrain.optim, muon_learning_rate=0.0))  # fmt: skip
    reward = replace(preset.reward, text_coef=0.0, optim=replace(preset.reward.optim, muon_learning_rate=0.0))
    return replace(recipe, preset=replace(preset, pretrain=first, reward=reward), answers=(most, most))


def check(recipe: Recipe, cluster: Cluster, peak_flops: float, steps: int) -> Iterator[dict[str, Any]]:
    """Measure all stages with the cluster's engine, in batches of the planned size; what does not fit is left out.

    Yields a row per stage: planned and measured GB, FLOPs and seconds of the fastest of `steps` steps after one to warm up,
    and the share of the peak.
    """
    plans = {stage.name: plan_stage(stage, cluster) for stage in stages(recipe)}
    for name, parts in RUNS.items():
        if not all(plans[stage].fits(cluster) for stage in parts):
            print(f"{name} needs {max(plans[stage].total_memory for stage in parts) / GB:.1f} GB and is left out")
            continue
        sizes = {"micro_batch_size": plans[parts[-1]].at_once, "sampling_batch_size": plans[parts[0]].at_once}
        engine = Engine(replace(cluster.engine, **sizes))
        memory = measured_memory(name, recipe, engine)
        gc.collect()  # else these models may still be there when the next ones are made
        measured = run_steps(name, recipe, steps + 1, engine).seconds
        gc.collect()
        for stage in parts:
            planned = plans[stage]
            times = recipe.preset.ppo_ptx.minibatches if "update" in stage else 1  # steps of a plan per measured one
            flops, seconds = (planned.flops + planned.attention_flops) / planned.stage.steps, min(measured[stage][1:]) / times
            yield {"stage": stage, "at once": planned.at_once, "planned GB": planned.total_memory / GB,
                   "measured GB": memory[stage] / GB, "FLOPs": flops, "seconds": seconds,
                   "share of the peak": flops / seconds / peak_flops}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PlanCheck:
    """Run some steps of each stage, on the GPU if there is one; compare memory with the plan and speed with the matrix peak."""

    preset: str = "tiny"
    """One that `python -m rlhf_lite presets` lists, and that this machine can hold."""
    steps: int = 3
    """Steps that are timed, after one to warm up; the fastest counts, since other work only ever slows down."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """What to take of the machine; a batch size of 0 is the largest that fits."""
    output: Path | None = None
    """Write the results here too, as JSON with a description of the machine."""


@dataclass(frozen=True, kw_only=True)
class GPUCheck(PlanCheck):
    """Run some steps of GPT-2 124M's stages in bfloat16 on a GPU; compare memory with the plan and speed with the peak."""

    preset: str = "gpt2"
    engine: EngineConfig = field(default_factory=lambda: EngineConfig(bfloat16=True))


def run_plan_check(command: PlanCheck) -> None:
    """Measure, print, and write where asked. Raises: ValueError where gpu-check finds no GPU."""
    if isinstance(command, GPUCheck) and (command.engine.device == "cpu" or not torch.cuda.is_available()):
        raise ValueError("gpu-check needs a GPU and PyTorch finds none; plan-check measures on a CPU")
    device = Engine(command.engine).device
    peak = matrix_peak(device, torch.bfloat16 if command.engine.bfloat16 else torch.float32)
    memory = gpu_memory(device) / GB if device.type == "cuda" else 1e6  # a CPU's is not asked for
    cluster = Cluster(gpu_memory=memory, engine=replace(command.engine, device=device.type))
    print(f"{command.preset}; a matrix product reaches {peak / 1e12:.3g} TFLOP/s")
    print(f"{'stage':<17}{'at once':>8}{'GB: plan':>10}{'measured':>10}{'ratio':>7}{'s per step':>12}{'of peak':>9}")
    rows = []
    for row in check(as_planned(recipe_named(command.preset)), cluster, peak, command.steps):
        rows.append(row)
        memories = f"{row['planned GB']:>10.3f}{row['measured GB']:>10.3f}{row['planned GB'] / row['measured GB']:>7.2f}"
        speed = f"{row['seconds']:>12.4f}{row['share of the peak']:>9.0%}"
        print(f"{row['stage']:<17}{row['at once']:>8}{memories}{speed}", flush=True)
    if command.output:
        found = {"machine": machine(device), "preset": command.preset, "engine": asdict(command.engine),
                 "FLOPs per second of a matrix product": peak, "rows": rows}  # fmt: skip
        write_atomically(command.output, json.dumps(found, indent=1) + "\n")
