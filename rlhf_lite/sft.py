"""Supervised fine-tuning: learn to answer by copying demonstrations."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from .checkpoint import TrainingRun
from .data import batch_indices
from .gpt import GPT
from .likelihood import masked_log_probs
from .masked import masked_mean
from .optim import OptimConfig, build_optimizer, optimizer_step
from .records import Example, ExampleBatch, collate_examples


@dataclass(frozen=True, kw_only=True)
class SFTConfig:
    """Set how a pretrained model learns from demonstrations."""

    epochs: float = 3.0
    """Passes over the demonstrations (ours; paper: 16, over-fitting after the first)."""
    batch_size: int = 32
    """Demonstrations a step (paper)."""
    dropout: float = 0.0
    """Share of activations dropped on residual paths (ours: three epochs over-fit little; paper: 0.2)."""
    eval_every: int = 50
    """Steps between evaluations; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=6e-4))
    """Adam and its schedule: cosine to 10 %, no warm-up (paper); the rate is ours."""

    def __post_init__(self):
        if self.epochs <= 0 or self.batch_size < 1:
            raise ValueError(f"epochs {self.epochs} must be > 0 and batch_size {self.batch_size} >= 1")


def sft_loss(model: GPT, batch: ExampleBatch, *, n_valid: int | None = None) -> tuple[Tensor, dict[str, float]]:
    """Average surprise over the answers' tokens, end token included; prompts are read, not learnt."""
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
        chosen = [examples[i] for i in batch_indices(step, len(examples), config.batch_size, seed)]
        n_valid = sum(len(example.ids) - example.prompt_length for example in chosen)
        batches = (engine.place(collate_examples(part, pad_id)) for part in engine.parts(chosen))
        losses = (sft_loss(model, batch, n_valid=n_valid) for batch in batches)
        optimizer.zero_grad()
        metrics = engine.backward("sft_loss", losses, step)
        metrics |= optimizer_step(optimizer, {}, step, total_steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, total_steps):
            with engine.whole(model):
                metrics |= evaluate(model)
        run.record(step, metrics)
