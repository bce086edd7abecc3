"""Choose how much of a batch to take at once, so that every stage of a run of GPT-2 fits into a GPU: before it starts."""

from dataclasses import replace

from .cluster import Cluster
from .plan import StagePlan, plan_stage
from .recipes import Recipe
from .tables import plan_text
from .workload import Resident, Stage, stages

LARGEST = 64
"""Most items in a micro-batch: more does not make a GPU faster (ours)."""
COMFORTABLE = 4
"""Micro-batches from this size on do without activation checkpointing (ours)."""


def training_stages(recipe: Recipe) -> list[Stage]:
    """List the stages of a run on a given base model; the judge, of the reward model's shape, is in memory during PPO."""
    judge = Resident(role="judge", config=recipe.critic, trained=False)
    made = [stage for stage in stages(recipe) if stage.name != "pretrain"]
    return [replace(each, residents=(*each.residents, judge)) if len(each.residents) > 1 else each for each in made]


def fit_memory(recipe: Recipe, cluster: Cluster) -> tuple[Cluster, list[StagePlan]]:
    """Choose the engine's batch sizes and activation checkpointing for a cluster's GPUs; what its engine sets stays.

    A run has one size of micro-batch: the smallest of what its stages can take. Without activation checkpointing it is
    chosen only if it is at least COMFORTABLE.

    Returns: the cluster with these settings, and the plan of each stage.
    Raises: ValueError with the plan and what to do, where it does not fit.
    """
    made, given = training_stages(recipe), cluster.engine
    for checkpointing in (False, True):
        engine = replace(given, activation_checkpointing=checkpointing or given.activation_checkpointing)
        plans = [plan_stage(stage, replace(cluster, engine=engine)) for stage in made]
        micro = given.micro_batch_size or min(LARGEST, *(each.at_once for each in plans if each.stage.trains))
        sampling = given.sampling_batch_size or min(each.at_once for each in plans if not each.stage.trains)
        if all(each.fits(cluster) for each in plans) and (given.micro_batch_size or micro >= COMFORTABLE):
            break
    cluster = replace(cluster, engine=replace(engine, micro_batch_size=micro, sampling_batch_size=sampling))
    plans = [plan_stage(stage, cluster) for stage in made]
    if not all(each.fits(cluster) for each in plans):
        raise ValueError(
            f"the run does not fit:\n{plan_text(recipe, cluster, plans)}\nelse: a shorter --max-prompt-tokens, a smaller "
            "--ppo.max-new-tokens and --ppo-ptx.max-new-tokens, a shorter --ppo-ptx.ptx-sequence-length, a smaller --base, or "
            "several GPUs by torchrun --nproc-per-node N -m rlhf_lite gpt2 ..."
        )
    return cluster, plans
