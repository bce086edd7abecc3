"""Supervised fine-tuning: learn to answer by copying demonstrations."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from .checkpoint import TrainingRun
from .data import batch_indices, window_batch
from .engine import Engine
from .gpt import GPT
from .likelihood import language_model_loss, masked_log_probs
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
    pretraining_share: float = 0.0
    """Share of pretraining text mixed in, where there is some, so that less is forgotten: of the sequences of a step, and of the
    loss (paper, for the model from which PPO starts)."""
    pretraining_length: int = 96
    """Tokens per sequence of that text (ours)."""
    dropout: float = 0.0
    """Share of activations dropped, see `GPTConfig.dropout` (ours: three epochs over-fit little; paper: 0.2)."""
    eval_every: int = 50
    """Steps between evaluations; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=6e-4))
    """Adam and its schedule: cosine to 10 %, no warm-up (paper); the rate is ours."""

    def __post_init__(self):
        if self.epochs <= 0 or self.batch_size < 1:
            raise ValueError(f"epochs {self.epochs} must be > 0 and batch_size {self.batch_size} >= 1")
        if not 0 <= self.pretraining_share < 1:
            raise ValueError(f"pretraining_share is {self.pretraining_share}, expected 0 to less than 1")


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
    pretraining_tokens: Tensor | None = None,
    evaluate: Callable[[GPT], dict[str, float]] | None = None,
) -> None:
    """Fine-tune on demonstrations, in place; build the model with `config.dropout` (see `copy_gpt`).

    Of `pretraining_tokens` (N,), if there are any, `config.pretraining_share` is mixed in.
    """
    if not examples:
        raise ValueError("no demonstrations to learn from: give at least one")
    engine = run.engine
    optimizer = build_optimizer(engine.prepare(model), config.optim)
    total_steps = max(1, round(config.epochs * len(examples) / config.batch_size))
    share = config.pretraining_share if pretraining_tokens is not None else 0.0
    model.train()
    for step in run.steps(total_steps, {"model": model}, {"model": optimizer}):
        batch = [examples[i] for i in batch_indices(step, len(examples), config.batch_size, seed)]
        n_valid, found = sum(example.n_learned for example in batch), []
        optimizer.zero_grad()
        for part in engine.micro_batches(batch, length=lambda example: len(example.ids)):
            with engine.autocast():
                loss, metrics = sft_loss(model, engine.to_device(collate_examples(part, pad_id)), n_valid=n_valid)
            backward({"sft_loss": (1 - share) * loss}, step)
            found.append(metrics)
        metrics = engine.all_reduce(found)
        if share:
            metrics |= add_pretraining_loss(model, pretraining_tokens, config, step, seed, engine)
        metrics |= clip_and_step(optimizer, step, total_steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, total_steps):
            with engine.unsharded(model):
                metrics |= evaluate(model)
        run.record(step, metrics)


def add_pretraining_loss(
    model: GPT, tokens: Tensor, config: SFTConfig, step: int, seed: int, engine: Engine
) -> dict[str, float]:
    """Add pretraining_share times the gradient of the loss on pretraining text; return that loss, in nats per token."""
    share = config.pretraining_share
    n_windows = max(1, round(config.batch_size * share / (1 - share)))  # beside the demonstrations, which are the rest
    batch = window_batch(tokens, step, n_windows, config.pretraining_length, seed)
    n_valid, found = batch.numel() - len(batch), []
    for part in map(engine.to_device, engine.micro_batches(batch)):
        with engine.autocast():
            loss = language_model_loss(model(part), part, n_valid=n_valid)
        backward({"pretraining_loss": share * loss}, step)
        found.append({"pretraining_loss": loss.item()})
    return engine.all_reduce(found)
