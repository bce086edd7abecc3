"""Plan a run before it starts: what each stage needs in memory, time and money, and whether it fits.

The plan is of a run under FSDP: every GPU holds a share of every model, gathers the parameters of a block
when it comes to it, and works on sequences of its own. So three things can set the time of a stage: computing; the network,
over which all parameters pass at every micro-batch and, when sampling, at every token; and the memory's speed, when
sampling on one GPU. The largest of the three counts, as if the others hid behind it. GPUs wait where a batch has fewer
sequences than there are GPUs.

Lengths are upper bounds: every sequence is as long as the context, every answer as long as it may be. With that rule
InstructGPT's 175B comes to 5.1 PF-days for SFT and 64 for PPO-ptx, where the paper states 4.9 and 60.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from ..gpt import GPTConfig
from .costs import GB, PF_DAY, Layout, Memory, attention_flops, forward_flops, kv_cache_bytes, training_flops
from .machine_speed import Speeds
from .peak_memory import stage_memory
from .recipes import Recipe
from .step_time import step_seconds
from .workload import Job, Stage, stages

SLACK = 0.9
"""Share of a GPU's memory that can be planned with; the rest goes to the driver and to gaps between tensors (ours)."""
MOST_GPUS = 2**20
"""Where the search for enough GPUs ends."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Say what a run has to work with. The numbers are an H100 SXM's; give your own."""

    gpus: int = 1
    """Number of GPUs; all models are shared out over all of them."""
    gpu_memory: float = 80.0
    """Memory of one, in GB of 1e9 bytes."""
    peak_tflops: float = 989.0
    """Its peak in 1e12 FLOPs a second, dense bf16 (NVIDIA's data sheet of the H100)."""
    efficiency: float = 0.4
    """Share of the peak that is reached while computing (ours; Llama 3 reports 38 to 43 %: Grattafiori 2024, table 4)."""
    memory_bandwidth: float = 3350.0
    """Its memory's speed, in GB a second (the same data sheet)."""
    network: float = 50.0
    """What one GPU sends or receives over the network, in GB a second (ours: 400 Gbit/s)."""
    price: float = 2.5
    """USD a GPU and hour (ours: prices differ by a factor of three; ask)."""
    micro_batch: int = 0
    """Sequences that a GPU trains on at a time; 0 = the largest power of two that fits."""
    sampling_batch: int = 16
    """Answers that a GPU samples and reads at a time, at most."""
    checkpointing: bool = True
    """Keep only the input of each block, and compute the rest again in the backward pass."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """Numbers in computing; what is trained is kept in fp32 beside."""
    packed_weights: bool = False
    """Sample by a copy of the weights, as a large model on a CPU does."""

    def __post_init__(self):
        if self.gpus < 1 or self.micro_batch < 0 or self.sampling_batch < 1:
            raise ValueError(f"gpus {self.gpus} and sampling_batch {self.sampling_batch} must be >= 1, micro_batch >= 0")
        numbers = (self.gpu_memory, self.peak_tflops, self.memory_bandwidth, self.network)
        if min(numbers) <= 0 or not 0 < self.efficiency <= 1 or self.price < 0:
            raise ValueError(f"expected memory, speeds > 0, 0 < efficiency <= 1 and price >= 0, got {self}")

    @property
    def layout(self) -> Layout:
        """How models lie on the GPUs."""
        number = 2 if self.precision == "bf16" else 4
        return Layout(gpus=self.gpus, compute_bytes=number, checkpointing=self.checkpointing, packed_weights=self.packed_weights)


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """Hold what one stage needs on one cluster."""

    stage: Stage
    """What was planned."""
    micro_batch: int
    """Sequences that a GPU trains on at a time; 0 where nothing is trained."""
    memory: dict[str, Memory]
    """Bytes on the fullest GPU, a model by its role."""
    flops: float
    """2 N D of reading and sampling, 6 N D of training; attention left out, as papers do."""
    attention_flops: float
    """FLOPs of attention, on top."""
    shared: bool
    """Whether parameters are shared out over more than one GPU."""
    seconds: float
    """Time, upper bounds of length taken."""
    limit: str
    """What most of the time goes to: computing, network or memory bandwidth."""
    busy: float
    """Share of the GPUs' time in which they have sequences to work on."""
    advice: tuple[str, ...] = ()
    """What would make it fit; empty where it does."""

    @property
    def total_memory(self) -> float:
        """Bytes on the fullest GPU. A step trains all its models at once, but models read, write and gather one by one."""
        parts, trains = list(self.memory.values()), self.micro_batch > 0
        passing = [max(part.activations, part.kv_cache) for part in parts]
        gathered = [part.gathered for part in parts]
        held = sum(part.weights + part.gradients + part.optimizer for part in parts)
        return held + (sum(passing) if trains else max(passing)) + (max(gathered) if self.shared else sum(gathered))

    @property
    def pf_days(self) -> float:
        """FLOPs in petaflop/s-days."""
        return self.flops / PF_DAY


def plan(recipe: Recipe, cluster: Cluster, speeds: Speeds | None = None) -> list[StagePlan]:
    """Plan every stage of a recipe on a cluster, or in time on one machine whose speeds have been measured."""
    return [plan_stage(stage, cluster, speeds) for stage in stages(recipe)]


def plan_stage(stage: Stage, cluster: Cluster, speeds: Speeds | None = None) -> StagePlan:
    """Plan one stage, with advice where it does not fit.

    Raises: ValueError where speeds, which are of one machine in fp32, are given for another cluster.
    """
    if speeds is not None:
        if cluster.gpus > 1 or cluster.precision != "fp32":
            raise ValueError(f"measured speeds are of one machine in fp32, not {cluster.gpus} in {cluster.precision}")
        cluster = replace(cluster, packed_weights=True)
    made = _with_micro_batch(stage, cluster)
    if speeds is not None:
        size = {"micro_batch": max(1, made.micro_batch), "sampling_batch": cluster.sampling_batch}
        seconds = stage.steps * step_seconds(stage, speeds, checkpointing=cluster.checkpointing, **size)
        made = replace(made, seconds=seconds, limit="computing", busy=1.0)
    return made if fits(made, cluster) else replace(made, advice=tuple(_advice(stage, cluster, made)))


def fits(planned: StagePlan, cluster: Cluster) -> bool:
    """Tell whether a stage's models fit into a GPU, some slack left."""
    return planned.total_memory <= SLACK * cluster.gpu_memory * GB


def _with_micro_batch(stage: Stage, cluster: Cluster) -> StagePlan:
    """Plan with the micro-batch asked for, or with the largest power of two that fits, or with 1."""
    trained = [ceil(w.units / cluster.gpus) for w in stage.jobs if w.kind == "train"]
    if not trained:
        return _measure(stage, cluster, 0)
    if cluster.micro_batch:
        return _measure(stage, cluster, cluster.micro_batch)
    sizes = [2**k for k in range(max(trained).bit_length()) if 2**k <= max(trained)]
    plans = (_measure(stage, cluster, size) for size in reversed(sizes))
    return next((each for each in plans if fits(each, cluster)), None) or _measure(stage, cluster, 1)


def _measure(stage: Stage, cluster: Cluster, micro_batch: int) -> StagePlan:
    """Add up a stage."""
    batches = {"micro_batch": micro_batch, "sampling_batch": cluster.sampling_batch}
    memory = stage_memory(stage, cluster.layout, **batches)
    flops = attention = compute = seconds = 0.0
    spent: dict[str, float] = {}
    for job in stage.jobs:
        config = stage.resident(job.role).config
        of_work, of_attention = _flops(job, config)
        times = _times(job, config, cluster, micro_batch, (of_work + of_attention) / job.sequences)
        longest = max(times, key=times.get)
        spent[longest] = spent.get(longest, 0.0) + times[longest]
        flops, attention, seconds = flops + of_work, attention + of_attention, seconds + times[longest]
        compute += times["computing"]
    ideal = (flops + attention) / (cluster.gpus * cluster.peak_tflops * 1e12 * cluster.efficiency)
    return StagePlan(
        stage=stage, micro_batch=micro_batch, memory=memory, flops=stage.steps * flops, attention_flops=stage.steps * attention,
        seconds=stage.steps * seconds, limit=max(spent, key=spent.get), busy=ideal / compute, shared=cluster.gpus > 1,
    )  # fmt: skip


def _flops(job: Job, config: GPTConfig) -> tuple[float, float]:
    """FLOPs of one step's work: those of parameters, those of attention."""
    tokens = job.sequences * job.length
    attention = attention_flops(config, tokens, job.length)
    if job.kind == "train":
        return training_flops(config, tokens), 3 * attention
    return forward_flops(config, tokens), attention


def _times(job: Job, config: GPTConfig, cluster: Cluster, micro_batch: int, sequence_flops: float) -> dict[str, float]:
    """Seconds that the fullest GPU needs for one step's work, by what could set them."""
    mine = ceil(job.units / cluster.gpus)
    at_once = micro_batch if job.kind == "train" else cluster.sampling_batch
    portions, size = ceil(mine / at_once), cluster.layout.compute_bytes * config.n_parameters
    passes = {"train": 3, "read": 1, "sample": max(1, job.new_tokens)}[job.kind]  # a backward pass gathers, then scatters
    moved = portions * passes * size * (cluster.gpus - 1) / cluster.gpus
    cached = kv_cache_bytes(config, min(mine, at_once) * (job.length - job.new_tokens / 2), cluster.layout.compute_bytes)
    read = portions * job.new_tokens * (size + cached)
    return {
        "computing": mine * job.unit_sequences * sequence_flops / (cluster.peak_tflops * 1e12 * cluster.efficiency),
        "network": moved / (cluster.network * GB),
        "memory bandwidth": read / (cluster.memory_bandwidth * GB),
    }


def _advice(stage: Stage, cluster: Cluster, made: StagePlan) -> Iterator[str]:
    """Name each single change that would make a stage fit."""
    changes = {
        "--checkpointing: compute activations again instead of keeping them": replace(cluster, checkpointing=True),
        "--micro-batch 1": replace(cluster, micro_batch=1),
        "--sampling-batch 1": replace(cluster, sampling_batch=1),
    }
    for text, changed in changes.items():
        if changed != cluster and fits(_with_micro_batch(stage, changed), changed):
            yield text
    gpus = cluster.gpus
    while gpus < MOST_GPUS:
        gpus *= 2
        more = replace(cluster, gpus=gpus)
        if fits(_with_micro_batch(stage, more), more):
            yield f"--gpus {gpus}: each then holds a smaller share"
            break
    adam = sum(part.optimizer for part in made.memory.values())
    if made.total_memory - adam <= SLACK * cluster.gpu_memory * GB:
        yield f"keep the optimizer's {adam / GB:.1f} GB a GPU in the machine's own memory (not in this library)"
    yield f"--gpu-memory {ceil(made.total_memory / SLACK / GB)}: a larger GPU"
