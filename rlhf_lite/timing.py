"""How long a step of a stage takes on one machine whose `Speeds` are known, piece by piece."""

from .peak import passes, predicted_tokens
from .speeds import Speeds, pass_seconds, sampling_seconds, update_seconds
from .workload import Job, Stage


def step_seconds(stage: Stage, speeds: Speeds, *, checkpointing: bool = False) -> float:
    """Return the seconds of one step of a stage, all its batch in one go on one machine in fp32."""
    work = sum(_job_seconds(stage, job, speeds, checkpointing) for job in stage.jobs)
    groups = list(passes(stage.jobs))
    for role in {job.role for group in groups for job in group}:
        model = stage.resident(role)
        work += update_seconds(model.config, speeds, averaged=model.averaged, scalar=model.scalar)
    return work


def _job_seconds(stage: Stage, job: Job, speeds: Speeds, checkpointing: bool) -> float:
    model, train = stage.resident(job.role), job.kind == "train"
    if job.kind == "sample":
        return sampling_seconds(model.config, speeds, sequences=job.units, length=job.length, new_tokens=job.new_tokens)
    predicted = 0.0 if model.scalar else job.sequences * predicted_tokens(job)
    size = {"sequences": job.sequences, "length": job.length}
    again = pass_seconds(model.config, speeds, **size, predicted=0, train=False) if train and checkpointing else 0.0
    return again + pass_seconds(model.config, speeds, **size, predicted=predicted, train=train, entropy=job.logits_read)
