"""Plan a run before it starts: what each stage needs in memory, time and money, and whether it fits.

The plan is of a run under FSDP: every GPU holds a shard of every model, gathers the parameters of a block when it comes to
it, and works on sequences of its own. So three things can set the time of a stage: computing, FLOPs / (peak x efficiency);
the network, over which all parameters pass at every micro-batch and, when sampling, at every token; and the memory's
bandwidth, when sampling on one GPU. The largest of the three counts, as if the others hid behind it. GPUs wait where a batch
has fewer sequences than there are GPUs.

Lengths are upper bounds: every sequence is as long as the context, every answer as long as it may be. With that rule
InstructGPT's 175B comes to 5.1 PF-days for SFT and 64 for PPO-ptx, where the paper states 4.9 and 60.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from ..gpt import GPTConfig
from .cluster import Cluster
from .costs import GB, PF_DAY, Memory, attention_flops, forward_flops, kv_cache_bytes, training_flops
from .peak_memory import stage_memory
from .recipes import Recipe
from .workload import Job, Stage, stages

USABLE = 0.9
"""Share of a GPU's memory that can be planned with; the rest goes to the driver and to gaps between tensors (ours)."""
MOST_GPUS = 2**20
"""Where the search for enough GPUs ends."""


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """What one stage needs on one cluster."""

    stage: Stage
    """What was planned."""
    at_once: int
    """Items that a GPU takes at once: its micro-batch, or the answers that it samples and reads."""
    memory: dict[str, Memory]
    """Bytes on the fullest GPU, by the role of the model."""
    flops: float
    """2 N D of reading and sampling, 6 N D of training; attention left out, as papers do."""
    attention_flops: float
    """FLOPs of attention, on top."""
    is_sharded: bool
    """Whether parameters are sharded over more than one GPU."""
    seconds: float
    """Time, with all lengths at their upper bounds."""
    limit: str
    """What most of the time goes to: computing, network or memory bandwidth."""
    busy: float
    """Share of the GPUs' time in which they have sequences to work on."""
    advice: tuple[str, ...] = ()
    """What would make it fit; empty where it does."""

    @property
    def total_memory(self) -> float:
        """Bytes on the fullest GPU. A step trains all its models at once, but models read, write and gather one by one."""
        parts = list(self.memory.values())
        working = [max(part.activations, part.kv_cache) for part in parts]
        gathered = [part.gathered for part in parts]
        return self.held_memory + (sum if self.stage.trains else max)(working) + (max if self.is_sharded else sum)(gathered)

    @property
    def held_memory(self) -> float:
        """Bytes of weights, gradients and optimizers."""
        return sum(part.weights + part.gradients + part.optimizer for part in self.memory.values())

    @property
    def pf_days(self) -> float:
        """FLOPs in petaflop/s-days."""
        return self.flops / PF_DAY

    def fits(self, cluster: Cluster) -> bool:
        """Whether the stage's models fit into the usable memory of a GPU."""
        return self.total_memory <= USABLE * cluster.gpu_memory * GB


def plan(recipe: Recipe, cluster: Cluster) -> list[StagePlan]:
    """Plan every stage of a recipe on a cluster."""
    return [plan_stage(stage, cluster) for stage in stages(recipe)]


def plan_stage(stage: Stage, cluster: Cluster) -> StagePlan:
    """Plan one stage, with advice where it does not fit."""
    made = _with_largest_batch(stage, cluster)
    return made if made.fits(cluster) else replace(made, advice=tuple(_advice(stage, cluster, made)))


def _with_largest_batch(stage: Stage, cluster: Cluster) -> StagePlan:
    """Plan with the batch asked for; else with the largest that fits, the whole share or a power of two; else with 1."""
    asked = cluster.engine.micro_batch_size if stage.trains else cluster.engine.sampling_batch_size
    share = max(ceil(job.items / cluster.gpus) for job in stage.jobs)
    sizes = [asked] if asked else [share, *(2**k for k in reversed(range(share.bit_length())) if 2**k < share)]
    for size in sizes:
        made = _add_up(stage, cluster, min(size, share))
        if made.fits(cluster):
            break
    return made


def _add_up(stage: Stage, cluster: Cluster, at_once: int) -> StagePlan:
    """Add up a stage's jobs."""
    flops = attention = computing = seconds = 0.0
    spent: dict[str, float] = {}
    for job in stage.jobs:
        config = stage.config_of(job)
        of_parameters, of_attention = job_flops(job, config)
        times = _times(job, config, cluster, at_once, (of_parameters + of_attention) / job.sequences)
        longest = max(times, key=times.get)
        spent[longest] = spent.get(longest, 0.0) + times[longest]
        flops, attention, seconds = flops + of_parameters, attention + of_attention, seconds + times[longest]
        computing += times["computing"]
    ideal = (flops + attention) / (cluster.gpus * cluster.peak_tflops * 1e12 * cluster.efficiency)
    return StagePlan(
        stage=stage, at_once=at_once, memory=stage_memory(stage, cluster, at_once),
        flops=stage.steps * flops, attention_flops=stage.steps * attention, seconds=stage.steps * seconds,
        limit=max(spent, key=spent.get), busy=ideal / computing, is_sharded=cluster.gpus > 1,
    )  # fmt: skip


def job_flops(job: Job, config: GPTConfig) -> tuple[float, float]:
    """FLOPs of one step's job: those of parameters, those of attention."""
    tokens = job.sequences * job.length
    attention = attention_flops(config, tokens, job.length)
    if job.kind == "train":
        return training_flops(config, tokens), 3 * attention
    return forward_flops(config, tokens), attention


def _times(job: Job, config: GPTConfig, cluster: Cluster, at_once: int, sequence_flops: float) -> dict[str, float]:
    """Seconds that the fullest GPU needs for one step's job, by what could set them."""
    mine = ceil(job.items / cluster.gpus)
    portions, size = ceil(mine / at_once), cluster.compute_bytes * config.n_parameters
    passes = {"train": 3, "read": 1, "sample": max(1, job.new_tokens)}[job.kind]  # a backward pass gathers, then scatters
    moved = portions * passes * size * (cluster.gpus - 1) / cluster.gpus
    cached = kv_cache_bytes(config, min(mine, at_once) * (job.length - job.new_tokens / 2), cluster.compute_bytes)
    read = portions * job.new_tokens * (size + cached)
    return {
        "computing": mine * job.sequences_per_item * sequence_flops / (cluster.peak_tflops * 1e12 * cluster.efficiency),
        "network": moved / (cluster.network * GB),
        "memory bandwidth": read / (cluster.memory_bandwidth * GB),
    }


def _advice(stage: Stage, cluster: Cluster, made: StagePlan) -> Iterator[str]:
    """Name each single change that would make a stage fit."""
    changes: dict[str, dict[str, Any]] = {
        "--engine.bfloat16: less memory for activations": {"bfloat16": True},
        "--engine.activation-checkpointing: recompute activations instead of keeping them": {"activation_checkpointing": True},
        f"leave out --engine.{'micro' if stage.trains else 'sampling'}-batch-size: fewer sequences at once": {
            "micro_batch_size": 0, "sampling_batch_size": 0
        },
    }  # fmt: skip
    for text, change in changes.items():
        changed = replace(cluster, engine=replace(cluster.engine, **change))
        if changed != cluster and _with_largest_batch(stage, changed).fits(changed):
            yield text
    for k in range(1, MOST_GPUS.bit_length()):
        more = replace(cluster, gpus=cluster.gpus * 2**k)
        if _with_largest_batch(stage, more).fits(more):
            yield f"--gpus {more.gpus}: each then holds a smaller shard"
            break
    yield f"--gpu-memory {ceil(made.total_memory / USABLE / GB)}: a larger GPU"
