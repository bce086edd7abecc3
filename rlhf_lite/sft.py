"""Supervised fine-tuning: learn to answer by copying demonstrations."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from .checkpoint import TrainingRun
from .data import batch_indices
from .gpt import GPT
from .likelihood import masked_log_probs
from .masked import masked_mean
from .optim import OptimConfig, backward, build_optimizer, clip_and_step
from .records import Example, ExampleBatch, collate_examples


@dataclass(frozen=True, kw_only=True)
class SFTConfig:
    """Set how a pretrained model learns from demonstrations."""

    epochs: float = 3.0
    """Passes over the demonstrations (ours; paper: 16, over-fitting after the first)."""
    batch_size: int = 32
    """Demonstrations per step (paper)."""
    dropout: float = 0.0
    """Share of activations dropped, see `GPTConfig.dropout` (ours: three epochs over-fit little; paper: 0.2)."""
    eval_every: int = 50
    """Steps between evaluations; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=6e-4))
    """Adam and its schedule: cosine to 10 %, no warm-up (paper); the rate is ours."""

    def __post_init__(self):
        if self.epochs <= 0 or self.batch_size < 1:
            raise ValueError(f"epochs {self.epochs} must be > 0 and batch_size {self.batch_size} >= 1")


def sft_loss(model: GPT, batch: ExampleBatch, *, n_valid: int | None = None) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of the answers' tokens, end token included, in nats per token; prompts are read, not learnt.

    A micro-batch divides by `n_valid`, the answer tokens of its whole batch.
    """
    answer_mask = batch.response_mask[:, 1:]
    log_probs, _ = masked_log_probs(model, batch.tokens, answer_mask)
    loss = -masked_mean(log_probs, answer_mask, count=n_valid)
    return loss, {"loss": loss.item()}


def train_sft(
    model: GPT,
    examples: list[Example],
    config: SFTConfig,
    *,
    pad_id: int,
    seed: int,
    run: TrainingRun,
    evaluate: Callable[[GPT], dict[str, float]] | None = None,
) -> None:
    """Fine-tune on demonstrations, in place; build the model with `config.dropout` (see `copy_gpt`)."""
    if not examples:
        raise ValueError("no demonstrations to learn from: give at least one")
    engine = run.engine
    optimizer = build_optimizer(engine.prepare(model), config.optim)
    total_steps = max(1, round(config.epochs * len(examples) / config.batch_size))
    model.train()
    for step in run.steps(total_steps, {"model": model}, {"model": optimizer}):
        batch = [examples[i] for i in batch_indices(step, len(examples), config.batch_size, seed)]
        n_valid, found = sum(example.n_learned for example in batch), []
        optimizer.zero_grad()
        for part in engine.micro_batches(batch, length=lambda example: len(example.ids)):
            with engine.autocast():
                loss, metrics = sft_loss(model, engine.to_device(collate_examples(part, pad_id)), n_valid=n_valid)
            backward({"sft_loss": loss}, step)
            found.append(metrics)
        metrics = engine.all_reduce(found) | clip_and_step(optimizer, step, total_steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, total_steps):
            with engine.unsharded(model):
                metrics |= evaluate(model)
        run.record(step, metrics)
