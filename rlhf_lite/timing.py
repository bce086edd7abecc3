"""How long a step of a stage takes on one machine whose `Speeds` are known, piece by piece."""

from math import ceil

from .peak import passes, predicted_tokens
from .speeds import Speeds, pass_seconds, sampling_seconds, update_seconds
from .workload import Job, Stage


def step_seconds(stage: Stage, speeds: Speeds, *, checkpointing: bool, sampling_batch: int) -> float:
    """Return the seconds of one step of a stage on one machine in fp32; answers are sampled so many at a time."""
    work = sum(_job_seconds(stage, job, speeds, checkpointing, sampling_batch) for job in stage.jobs)
    groups = list(passes(stage.jobs))
    for role in {job.role for group in groups for job in group}:
        model = stage.resident(role)
        work += update_seconds(model.config, speeds, averaged=model.averaged, scalar=model.scalar)
    return work


def _job_seconds(stage: Stage, job: Job, speeds: Speeds, checkpointing: bool, sampling_batch: int) -> float:
    model, train = stage.resident(job.role), job.kind == "train"
    if job.kind == "sample":
        parts = ceil(job.units / sampling_batch)
        size = {"sequences": ceil(job.units / parts), "length": job.length, "new_tokens": job.new_tokens}
        return parts * sampling_seconds(model.config, speeds, **size)
    predicted = 0.0 if model.scalar else job.sequences * predicted_tokens(job)
    size = {"sequences": job.sequences, "length": job.length}
    again = pass_seconds(model.config, speeds, **size, predicted=0, train=False) if train and checkpointing else 0.0
    return again + pass_seconds(model.config, speeds, **size, predicted=predicted, train=train, entropy=job.logits_read)
