"""Choose how much of a batch to take at once, so that every stage of a run of GPT-2 fits into a GPU: before it starts."""

from dataclasses import dataclass, replace
from typing import Any

from .cluster import Cluster
from .costs import GB
from .plan import USABLE, StagePlan, plan_stage
from .recipes import Recipe
from .workload import Resident, Stage, stages

LARGEST = 64
"""Most items in a micro-batch: more does not make a GPU faster (ours)."""
COMFORTABLE = 4
"""Micro-batches from this size on do without activation checkpointing (ours)."""


@dataclass(frozen=True)
class MemoryFit:
    """A cluster whose engine's settings are all chosen, and what each stage needs with them."""

    cluster: Cluster
    plans: list[StagePlan]

    @property
    def fits(self) -> bool:
        """Whether every stage fits."""
        return all(each.fits(self.cluster) for each in self.plans)


def training_stages(recipe: Recipe) -> list[Stage]:
    """List the stages of a run on a given base model; the judge, of the reward model's shape, is in memory during PPO."""
    made = [stage for stage in stages(recipe) if stage.name != "pretrain"]
    judge = Resident(role="judge", config=recipe.critic, trained=False)
    return [replace(each, residents=(*each.residents, judge)) if len(each.residents) > 1 else each for each in made]


def fit_memory(recipe: Recipe, cluster: Cluster) -> MemoryFit:
    """Find the engine's settings with which a run fits into the cluster's GPUs; what its engine sets already stays.

    Returns: the first that fits of: the largest micro-batch without activation checkpointing, if it is at least
    COMFORTABLE; the largest with it. Where none fits, the smallest, which does not.
    """
    made, engine = training_stages(recipe), cluster.engine
    episodes = -(-recipe.preset.ppo.episodes // cluster.gpus)
    portions = [engine.sampling_batch_size] if engine.sampling_batch_size else [episodes, *_halves(episodes)]
    rollouts = [stage for stage in made if not any(job.kind == "train" for job in stage.jobs)]
    chosen = _first_that_fits(rollouts, cluster, [{"sampling_batch_size": n} for n in portions])
    sizes = [engine.micro_batch_size] if engine.micro_batch_size else _halves(LARGEST)
    free = [] if engine.activation_checkpointing else [n for n in sizes if n >= COMFORTABLE or engine.micro_batch_size]
    ways = [{"activation_checkpointing": False, "micro_batch_size": n} for n in free]
    ways += [{"activation_checkpointing": True, "micro_batch_size": n} for n in sizes]
    return _first_that_fits(made, chosen.cluster, ways)


def _first_that_fits(made: list[Stage], cluster: Cluster, ways: list[dict[str, Any]]) -> MemoryFit:
    for way in ways:
        tried = replace(cluster, engine=replace(cluster.engine, **way))
        found = MemoryFit(tried, [plan_stage(stage, tried) for stage in made])
        if found.fits:
            break
    return found


def _halves(largest: int) -> list[int]:
    return [2**k for k in reversed(range(largest.bit_length()))]


def fit_text(made: MemoryFit) -> str:
    """Write the plan as a table, with the settings that were chosen."""
    cluster, engine = made.cluster, made.cluster.engine
    lines = [f"{'stage':<17}{'held':>9}{'working':>9}{'together':>10}   (GB of the fullest GPU)"]
    for each in made.plans:
        held, total = each.held_memory / GB, each.total_memory / GB
        verdict = "" if each.fits(cluster) else "   DOES NOT FIT"
        lines.append(f"{each.stage.name:<17}{held:>9.2f}{total - held:>9.2f}{total:>10.2f}{verdict}")
    lines.append(
        f"{USABLE * cluster.gpu_memory:.1f} GB of {cluster.gpu_memory:g} are usable; micro-batch {engine.micro_batch_size}, "
        f"{engine.sampling_batch_size} answers sampled at once, {'with' if engine.activation_checkpointing else 'without'} "
        f"activation checkpointing, {'bfloat16' if engine.bfloat16 else 'float32'}"
    )
    return "\n".join(lines)


def check_memory(made: MemoryFit) -> None:
    """Refuse a run that does not fit. Raises: ValueError with the table and what to do."""
    if made.fits:
        return
    advice = [] if made.cluster.engine.bfloat16 else ["--engine.bfloat16"]
    advice += ["leave out --engine.micro-batch-size and --engine.sampling-batch-size", "a shorter --max-prompt-tokens",
               "a smaller --ppo.max-new-tokens and --ppo-ptx.max-new-tokens", "a shorter --ppo-ptx.ptx-sequence-length",
               "several GPUs: torchrun --nproc-per-node N -m rlhf_lite gpt2 ...", "a smaller --base"]  # fmt: skip
    raise ValueError(f"the run does not fit:\n{fit_text(made)}\nany of these may help: " + "; ".join(advice))
