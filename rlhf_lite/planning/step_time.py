"""How long a step of a stage takes on one machine whose `Speeds` are known, piece by piece."""

from math import ceil

from ..gpt import length_groups
from .machine_speed import Speeds, pass_seconds, sampling_seconds, update_seconds
from .peak_memory import predicted_tokens
from .workload import Job, Stage


def step_seconds(stage: Stage, speeds: Speeds, *, checkpointing: bool, micro_batch: int, sampling_batch: int) -> float:
    """Return the seconds of one step on one machine in fp32; so many units are trained on, or sampled and read, at a time."""
    parts = {job: ceil(job.units / (micro_batch if job.kind == "train" else sampling_batch)) for job in stage.jobs}
    trained = [job for job in stage.jobs if job.kind == "train"]
    work = sum(_job_seconds(stage, job, speeds, checkpointing and job in trained, parts[job]) for job in stage.jobs)
    for role in {job.role for job in trained}:
        model, backward = stage.resident(role), sum(parts[job] for job in trained if job.role == role)
        how = {"averaged": model.averaged, "scalar": model.scalar, "backward_passes": backward}
        work += update_seconds(model.config, speeds, **how)
    return work


def _job_seconds(stage: Stage, job: Job, speeds: Speeds, again: bool, parts: int) -> float:
    model = stage.resident(job.role)
    if job.kind == "sample":
        size = {"sequences": ceil(job.units / parts), "length": job.length, "new_tokens": job.new_tokens}
        return parts * sampling_seconds(model.config, speeds, **size)
    parts *= length_groups(ceil(job.sequences / parts)) if job.by_length else 1
    size = {"sequences": job.sequences / parts, "length": job.length}
    predicted = 0.0 if model.scalar else size["sequences"] * predicted_tokens(job)
    work = pass_seconds(
        model.config, speeds, **size, predicted=predicted, train=job.kind == "train", entropy=job.logits_read
    )  # fmt: skip
    if again:
        work += pass_seconds(model.config, speeds, **size, predicted=0, train=False) + model.config.n_layers * speeds.block_again
    return parts * work
