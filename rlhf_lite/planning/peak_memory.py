"""How much memory a stage takes on the fullest GPU, at its fullest moment.

A training step has moments at which it may be fullest: when all forward passes that share a backward pass have been made,
and logits are there besides what the backward passes need; when the backward pass has come through the logits, and the output
layer has its gradient; and when it has come through a whole model, whose gradients are then there and whose activations
have gone. Gradients are thus missing at the moment that has the most activations, unless an earlier loss or micro-batch
left some.

That no gradients are there to begin with holds for `engine.Engine.backward`, since every loop sets them free before it.
Shared out over many GPUs, gradients are counted throughout: so it is checked against a traced step.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from ..gpt import length_groups
from .costs import (
    MASTER_BYTES,
    Layout,
    Memory,
    embedding_gradient,
    kept_activations,
    kv_cache_bytes,
    packed_weights_bytes,
    reading_activations,
    state_memory,
    training_activations,
)
from .workload import Job, Resident, Stage

Moment = dict[str, tuple[float, float]]
"""Role -> bytes of its gradients and of its activations."""


def stage_memory(stage: Stage, layout: Layout, *, micro_batch: int, sampling_batch: int) -> dict[str, Memory]:
    """Return the bytes of each model, by role, on the fullest GPU at the stage's fullest moment."""
    fullest: Moment = {}
    if any(job.kind == "train" for job in stage.jobs):
        fullest = max(_moments(stage, layout, micro_batch), key=lambda moment: sum(map(sum, moment.values())))
    return {
        model.role: _model_memory(stage, model, layout, sampling_batch, *fullest.get(model.role, (0.0, 0.0)))
        for model in stage.residents
    }


def _model_memory(
    stage: Stage, model: Resident, layout: Layout, sampling_batch: int, gradients: float, activations: float
) -> Memory:
    state = state_memory(model.config, layout, trained=model.trained, averaged=model.averaged)
    memory = replace(state, gradients=gradients, activations=activations)
    jobs = [job for job in stage.jobs if job.role == model.role]
    if not jobs:
        return replace(memory, gathered=0.0)
    for job in jobs:
        rows = min(ceil(job.units / layout.gpus), sampling_batch)
        if job.kind == "read":
            predicted = rows * predicted_tokens(job)
            read = reading_activations(model.config, layout, rows * job.length, scalar=model.scalar, predicted=predicted)
            memory = replace(memory, activations=max(memory.activations, read))
        elif job.kind == "sample":
            cached = kv_cache_bytes(model.config, rows * job.length, layout.compute_bytes)
            memory = replace(memory, kv_cache=cached + packed_weights_bytes(model.config, layout, rows))
    return memory


def predicted_tokens(job: Job) -> int:
    """Tokens of a sequence that have logits."""
    return job.length if job.predicted < 0 else job.predicted


def passes(jobs: tuple[Job, ...]) -> Iterator[list[Job]]:
    """Put the trainings that share a backward pass together."""
    together: list[Job] = []
    for job in (job for job in jobs if job.kind == "train"):
        if together and not job.joined:
            yield together
            together = []
        together.append(job)
    if together:
        yield together


def _moments(stage: Stage, layout: Layout, micro_batch: int) -> Iterator[Moment]:
    """List the moments at which a step may be fullest."""
    groups = list(passes(stage.jobs))
    mine = [ceil(job.units / layout.gpus) for group in groups for job in group]
    held = {job.role for group in groups for job in group} if layout.gpus > 1 or max(mine) > micro_batch else set()
    for group in groups:
        compared = {job.role for job in group if job.compared}
        before = {role: _gradients(stage, role, layout) * (1 + (role in compared)) for role in held}
        yield _add(before, {job.role: _forward(stage, job, layout, micro_batch) for job in group})
        kept = {job.role: _kept(stage, job, layout, micro_batch) for job in group}
        for job in group:
            yield _add(before, kept | {job.role: kept[job.role] + _output_layer(stage, job, layout, micro_batch)})
            config, scalar = stage.resident(job.role).config, stage.resident(job.role).scalar
            extra = embedding_gradient(config, scalar=scalar, held=job.role in held) / layout.gpus
            before = {job.role: _gradients(stage, job.role, layout)} | before
            kept = kept | {job.role: 0.0}
            yield _add(before, kept | {job.role: extra})
        held = held | {job.role for job in group}


def _add(gradients: dict[str, float], activations: dict[str, float]) -> Moment:
    return {role: (gradients.get(role, 0.0), activations.get(role, 0.0)) for role in gradients | activations}


def _gradients(stage: Stage, role: str, layout: Layout) -> float:
    return MASTER_BYTES * stage.resident(role).config.n_parameters / layout.gpus


def _sequences(job: Job, layout: Layout, micro_batch: int) -> int:
    return min(ceil(job.units / layout.gpus), micro_batch) * job.most_sequences


def _forward(stage: Stage, job: Job, layout: Layout, micro_batch: int) -> float:
    model, sequences = stage.resident(job.role), _sequences(job, layout, micro_batch)
    return training_activations(
        model.config, layout, sequences * job.length, scalar=model.scalar,
        predicted=sequences * predicted_tokens(job), logits_read=job.logits_read,
        again=_together(job, layout, sequences) * job.length,
    )  # fmt: skip


def _together(job: Job, layout: Layout, sequences: int) -> int:
    """Sequences that go through a block together; rows of like length do, where all weights lie in one place."""
    groups = length_groups(sequences) if job.by_length and layout.gpus == 1 else 1
    return ceil(sequences / groups)


def _kept(stage: Stage, job: Job, layout: Layout, micro_batch: int) -> float:
    """What the backward pass needs of one model, the log-softmax of its logits with it."""
    model, sequences = stage.resident(job.role), _sequences(job, layout, micro_batch)
    logits = 0 if model.scalar else 4 * sequences * predicted_tokens(job) * model.config.vocab_size
    return kept_activations(model.config, layout, sequences * job.length) + logits


def _output_layer(stage: Stage, job: Job, layout: Layout, micro_batch: int) -> float:
    """What comes with the gradients of the logits and then of the output layer: the larger of both, in fp32."""
    model = stage.resident(job.role)
    if model.scalar or layout.gpus > 1:
        return 0.0
    logits = 4 * _sequences(job, layout, micro_batch) * predicted_tokens(job) * model.config.vocab_size
    return max(2 * logits, 4 * model.config.vocab_size * model.config.d_model)
