"""Run a few steps of each stage for real and measure them: the most memory in use, and the seconds of a step.

The stages' own code runs, on made-up tokens that fill every sequence: no token ends an answer, so lengths are those that a
plan reckons with. Memory is what PyTorch's allocator has given out since before the first model existed; on a CPU its
profiler counts each piece, on a GPU the allocator itself. Time is the process's own on a CPU, so that other work on the
machine counts little.

Time is to be measured in a process that keeps memory which it has freed (see `KEEP_MEMORY`), as PyTorch does on a GPU: else
a CPU spends up to a third of a large model's time on getting the same memory from the system again and again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from ..checkpoint import TrainingRun
from ..data import seeded_generator
from ..engine import Engine, EngineConfig
from ..gpt import GPT, ScalarModel, copy_gpt
from ..planning.recipes import Recipe
from ..ppo import PPOUpdater
from ..pretrain import pretrain
from ..records import EncodedComparison, Example
from ..reward import train_reward_model
from ..rollout import Rollout, collect_rollout, reward_model_score
from ..sft import train_sft

MEASURED = ("pretrain", "sft", "reward", "ppo")
"""What is run; of "ppo", rollouts and updates in turn, which are two stages of a plan."""
ROLLOUT, UPDATE = "ppo_ptx rollout", "ppo_ptx update"
"""Names of these in a plan."""
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "30000000000", "MALLOC_TOP_PAD_": "67108864"}
"""Environment of glibc's allocator in which freed memory is used again."""
NO_END = -1
"""An end token that no model draws."""


class Watch:
    """Note how long each piece of work takes and, on a GPU, the most memory that it had; mark it in a profile."""

    def __init__(self, device: torch.device):
        self.on_gpu = device.type == "cuda"
        self.seconds: dict[str, list[float]] = {}
        self.peaks: dict[str, float] = {}
        """Bytes; of the last turn, on a GPU."""

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        """Do the work, and note its time."""
        with self.piece(name):
            return work()

    @contextmanager
    def piece(self, name: str) -> Iterator[None]:
        """Watch what is done inside."""
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        start = self.now()
        with record_function(f"measured {name}"):
            yield
        self.seconds.setdefault(name, []).append(self.now() - start)
        if self.on_gpu:
            self.peaks[name] = torch.cuda.max_memory_allocated()

    def now(self) -> float:
        """Seconds so far: the process's own on a CPU."""
        if self.on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() if self.on_gpu else time.process_time()


class WatchedRun(TrainingRun):
    """Keep no state; let each step be watched."""

    def __init__(self, name: str, watch: Watch, engine: Engine):
        super().__init__(None, show_progress=False, engine=engine)
        self.stage, self.watch = name, watch

    def steps(self, total: int, *args: Any, **named: Any) -> Iterator[int]:
        """Yield the steps, each under watch."""
        for step in super().steps(total, *args, **named):
            with self.watch.piece(self.stage):
                yield step


def run_stage(name: str, recipe: Recipe, steps: int, watch: Watch, engine: Engine) -> None:
    """Take some steps of a stage, from new models on; of PPO, iterations."""
    torch.manual_seed(0)
    if name == "ppo":
        _run_ppo(recipe, steps, watch, engine)
        return
    preset, length, run = recipe.preset, recipe.model.context_length, WatchedRun(name, watch, engine)
    rows = _rows(recipe.model.vocab_size, length, max(preset.sft.batch_size, preset.pretrain.batch_size, recipe.answers[1]))
    if name == "pretrain":
        stream = torch.cat([torch.tensor(row) for row in rows])
        pretrain(GPT(recipe.model), stream, replace(preset.pretrain, steps=steps), seed=0, run=run)
    elif name == "sft":
        examples = [Example(ids=row, prompt_length=1) for row in rows[: preset.sft.batch_size]]
        config = replace(preset.sft, epochs=float(steps))
        train_sft(GPT(recipe.model), examples, config, pad_id=0, seed=0, run=run)
    else:
        k = recipe.answers[1]
        ranked = [EncodedComparison(ids=tuple(rows[:k]), ranks=tuple(range(k))) for _ in range(preset.reward.batch_size)]
        config = replace(preset.reward, epochs=float(steps))
        train_reward_model(ScalarModel(GPT(recipe.critic)), ranked, config, pad_id=0, seed=0, run=run)


def _rows(vocab_size: int, length: int, count: int) -> list[list[int]]:
    return torch.randint(vocab_size, (count, length), generator=seeded_generator("rows")).tolist()


def _run_ppo(recipe: Recipe, iterations: int, watch: Watch, engine: Engine) -> None:
    config, prompt_length = recipe.preset.ppo_ptx, recipe.model.context_length - recipe.preset.ppo_ptx.max_new_tokens
    policy = GPT(recipe.model)
    reward_model, value_model = (ScalarModel(GPT(recipe.critic)) for _ in range(2))
    ref_policy, ema_policy = copy_gpt(policy), copy_gpt(policy)
    for model in (policy, ref_policy, ema_policy, reward_model, value_model):
        engine.prepare(model).eval()
    prompts = _rows(recipe.model.vocab_size, prompt_length, config.episodes)
    text = torch.cat([torch.tensor(row) for row in _rows(recipe.model.vocab_size, 1024, 64)])
    updater = PPOUpdater(policy, value_model, ema_policy, config, 0, text, engine)
    score, generator = reward_model_score(reward_model), seeded_generator("rollout", 0)

    def collect() -> Rollout:
        return collect_rollout(policy, ref_policy, value_model, score, prompts, config, end_id=NO_END, pad_id=0,
                               generator=generator, engine=engine)  # fmt: skip

    for iteration in range(iterations):
        rollout = watch(ROLLOUT, collect)
        watch(UPDATE, lambda r=rollout, i=iteration: updater.update(r, i))


def measure_seconds(name: str, recipe: Recipe, steps: int, config: EngineConfig | None = None) -> dict[str, float]:
    """Return the seconds of one step, the fastest after one to warm up; of "ppo", of its two stages."""
    engine = Engine(config or EngineConfig())
    watch = Watch(engine.device)
    run_stage(name, recipe, steps + 1, watch, engine)
    return {stage: min(seconds[1:]) for stage, seconds in seconds_a_step(watch, recipe).items()}


def seconds_a_step(watch: Watch, recipe: Recipe) -> dict[str, list[float]]:
    """Return what was watched as seconds of a plan's step: PPO's update has several."""
    parts = {UPDATE: recipe.preset.ppo_ptx.minibatches}
    return {stage: [each / parts.get(stage, 1) for each in seconds] for stage, seconds in watch.seconds.items()}


def measure_memory(name: str, recipe: Recipe, config: EngineConfig | None = None) -> dict[str, float]:
    """Return the bytes in use at the peak of the second step of a stage, when Adam has its averages; of "ppo", of its two."""
    engine = Engine(config or EngineConfig())
    watch = Watch(engine.device)
    if watch.on_gpu:
        run_stage(name, recipe, 2, watch, engine)
        return watch.peaks
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run_stage(name, recipe, 2, watch, engine)
    return {stage: peak_between(profiled, f"measured {stage}") for stage in watch.seconds}


def peak_between(profiled: profile, marked: str) -> float:
    """Return the most bytes given out by the allocator while the last work with a mark was done."""
    events = profiled.profiler.kineto_results.events()
    marks = [(e.start_ns(), e.start_ns() + e.duration_ns()) for e in events if e.name() == marked]
    start, end = max(marks)
    held = peak = 0.0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()
        if start <= event.start_ns() <= end:
            peak = max(peak, held)
    return peak
