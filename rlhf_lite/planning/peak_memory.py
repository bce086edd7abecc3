"""How much memory a stage takes on the fullest GPU, at its peak.

A training step may be at its peak at one of three points of its backward pass:

1. at its start, when all activations are there, and the logits beside them;
2. behind the logits, when the output layer has its gradients and nothing has been freed yet;
3. at its end, when all gradients are there and the activations are gone.

Gradients grow as activations shrink, so the sum of both largest amounts would be too much. At the start there are no
gradients on one GPU, unless an earlier micro-batch or loss of the same step left them: every loop sets them free between
steps. Where models are sharded, gradients are counted at every point (a traced step of FSDP confirms it).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..gpt import GPTConfig
from .cluster import Cluster
from .costs import (
    MASTER_BYTES,
    Memory,
    kept_activations,
    kv_cache_bytes,
    packed_weights_bytes,
    reading_activations,
    state_memory,
    training_activations,
)
from .workload import Job, Resident, Stage

Point = dict[str, tuple[float, float]]
"""Role -> bytes of its gradients and of its activations, at one point of a step."""


@dataclass(frozen=True)
class TrainingBytes:
    """Bytes that training one model takes beside its weights, by the points of the module's docstring."""

    gradients: float
    """All of its gradients."""
    at_start: float
    """Point 1: activations, and logits or one recomputed block."""
    kept: float
    """Activations and log-softmax, until the backward pass comes to this model."""
    behind_logits: float
    """Point 2: those, and the gradients of the logits or of the output layer."""
    embedding: float
    """One gradient of the token embedding."""
    embedding_gradients: int
    """Number of these at point 3, before autograd adds them: one each from output layer and input; a scalar model's is added."""


def stage_memory(stage: Stage, cluster: Cluster, at_once: int) -> dict[str, Memory]:
    """Return the bytes of each model, by role, on the fullest GPU at the stage's peak, with so many items at once."""
    peak: Point = max(training_points(stage, cluster, at_once), key=lambda point: sum(map(sum, point.values())), default={})
    sizes = {model: peak.get(model.role, (0.0, 0.0)) for model in stage.residents}
    return {model.role: _model_memory(stage, model, cluster, at_once, *size) for model, size in sizes.items()}


def _model_memory(
    stage: Stage, model: Resident, cluster: Cluster, at_once: int, gradients: float, activations: float
) -> Memory:
    config, jobs = model.config, [job for job in stage.jobs if job.role == model.role]
    state = state_memory(config, cluster, trained=model.trained, averaged=model.averaged)
    memory = replace(state, gradients=gradients, activations=activations, gathered=state.gathered if jobs else 0.0)
    for job in jobs:
        rows = job.items_at_once(cluster.gpus, at_once)
        if job.kind == "read":
            read = reading_activations(config, cluster, rows * job.length, predicted=rows * job.predicted)
            memory = replace(memory, activations=max(memory.activations, read))
        elif job.kind == "sample":
            cache = kv_cache_bytes(config, rows * job.length, cluster.compute_bytes)
            memory = replace(memory, kv_cache=cache + packed_weights_bytes(config, cluster, rows))
    return memory


def backward_passes(jobs: tuple[Job, ...]) -> list[list[Job]]:
    """Group the trainings of a step by the backward pass that they share."""
    groups: list[list[Job]] = []
    for job in (job for job in jobs if job.kind == "train"):
        if job.joins_previous:
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def training_bytes(job: Job, config: GPTConfig, cluster: Cluster, at_once: int) -> TrainingBytes:
    """Work out what one model takes on one GPU."""
    rows = job.items_at_once(cluster.gpus, at_once) * job.most_sequences
    tokens, predicted = rows * job.length, rows * job.predicted
    log_softmax, embedding = 4 * predicted * config.vocab_size, MASTER_BYTES * config.vocab_size * config.d_model
    kept = kept_activations(config, cluster, tokens) + log_softmax
    output_layer = max(2 * log_softmax, embedding) if predicted and cluster.gpus == 1 else 0.0
    return TrainingBytes(
        gradients=MASTER_BYTES * config.n_parameters / cluster.gpus,
        at_start=training_activations(config, cluster, tokens, predicted=predicted, with_entropy=job.computes_entropy),
        kept=kept, behind_logits=kept + output_layer, embedding=embedding / cluster.gpus,
        embedding_gradients=2 if predicted else 0,
    )  # fmt: skip


def training_points(stage: Stage, cluster: Cluster, at_once: int) -> Iterator[Point]:
    """List the points at which a step may be at its peak; none where nothing is trained."""
    groups = backward_passes(stage.jobs)
    sizes = {job: training_bytes(job, stage.config_of(job), cluster, at_once) for group in groups for job in group}
    accumulates = cluster.gpus > 1 or any(job.items > job.items_at_once(1, at_once) for job in sizes)
    there = {job.role: size.gradients for job, size in sizes.items()} if accumulates else {}  # gradients, by role
    for group in groups:
        copies = {job.role: there.get(job.role, 0.0) for job in group if job.copies_gradients}
        held = {role: size + copies.get(role, 0.0) for role, size in there.items()}
        yield _point(held, {job.role: sizes[job].at_start for job in group})
        kept = {job.role: sizes[job].kept for job in group}
        for job in group:
            size = sizes[job]
            yield _point(held, kept | {job.role: size.behind_logits})
            apart = size.embedding * (size.embedding_gradients + (job.role in there))  # from what was accumulated
            held, kept = {job.role: size.gradients} | held, kept | {job.role: 0.0}
            yield _point(held, kept | {job.role: apart})
        there |= {job.role: sizes[job].gradients for job in group}


def _point(gradients: dict[str, float], activations: dict[str, float]) -> Point:
    return {role: (gradients.get(role, 0.0), activations.get(role, 0.0)) for role in gradients | activations}
