"""Pretraining: predict the next token of everything."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .checkpoint import TrainingRun
from .data import window_batch
from .gpt import GPT, eval_mode
from .likelihood import language_model_loss
from .optim import OptimConfig, backward, build_optimizer, clip_and_step


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Set how a GPT is pretrained."""

    steps: int = 1000
    """Optimizer steps (ours)."""
    batch_size: int = 16
    """Sequences per step (ours; GPT-3 175B: 3.2M tokens per step, paper)."""
    sequence_length: int = 128
    """Tokens per sequence (ours)."""
    primer_steps: int = 0
    """First steps, spent on a primer of repeated lines: there attention learns to copy soonest (ours)."""
    short_steps: int = 0
    """First steps, the primer's among them, in short windows: with less to look at, looking up is learnt sooner (ours)."""
    short_length: int = 64
    """Tokens per short window, sequence_length at most; a step holds about as many tokens as later ones (ours)."""
    eval_every: int = 100
    """Steps between evaluations on held-out text; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=4e-3, warmup_steps=50))
    """Adam and its schedule."""

    def __post_init__(self):
        if min(self.steps, self.batch_size, self.sequence_length) < 1:
            raise ValueError(
                f"steps {self.steps}, batch_size {self.batch_size}, sequence_length {self.sequence_length}: all must be >= 1"
            )
        if self.short_length < 2:
            raise ValueError(f"short_length is {self.short_length}, expected at least 2: one token predicts nothing")


def pretrain_loss(model: GPT, tokens: Tensor, *, n_valid: int | None = None) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of every token but the first of each window (B, T), in nats per token; `n_valid` as in `sft_loss`."""
    loss = language_model_loss(model(tokens), tokens, n_valid=n_valid)
    return loss, {"loss": loss.item()}


@torch.no_grad()
def held_out_loss(model: GPT, tokens: Tensor, sequence_length: int = 128, max_windows: int = 128) -> float:
    """Cross-entropy of a packed stream never trained on: the first windows, in nats per token."""
    n = min(max_windows, len(tokens) // sequence_length)
    if n < 1:
        raise ValueError(f"{len(tokens)} held-out tokens do not fill one window of {sequence_length}: give more text")
    windows = tokens[: n * sequence_length].view(n, sequence_length).long().to(next(model.parameters()).device)
    with eval_mode(model):
        losses = [language_model_loss(model(batch), batch) * len(batch) for batch in windows.split(32)]
    return (torch.stack(losses).sum() / n).item()


def pretrain(
    model: GPT,
    tokens: Tensor,
    config: PretrainConfig,
    *,
    seed: int,
    run: TrainingRun,
    primer: Tensor | None = None,
    evaluate: Callable[[GPT], dict[str, float]] | None = None,
) -> None:
    """Train on windows of a packed stream of tokens (N,), in place, after `config.primer_steps` on the primer's stream (M,)."""
    if config.primer_steps and primer is None:
        raise ValueError(
            f"primer_steps is {config.primer_steps} but there is no primer: give its tokens, or set primer_steps to 0"
        )
    engine = run.engine
    optimizer = build_optimizer(engine.prepare(model), config.optim)
    model.train()
    for step in run.steps(config.steps, {"model": model}, {"model": optimizer}):
        stream = primer if step < config.primer_steps else tokens
        length = min(config.short_length, config.sequence_length) if step < config.short_steps else config.sequence_length
        batch = window_batch(stream, step, config.batch_size * config.sequence_length // length, length, seed)
        n_valid, found = batch.numel() - len(batch), []  # no window's first token is predicted
        optimizer.zero_grad()
        for part in engine.micro_batches(batch):
            with engine.autocast():
                loss, metrics = pretrain_loss(model, engine.to_device(part), n_valid=n_valid)
            backward({"pretrain_loss": loss}, step)
            found.append(metrics)
        metrics = engine.all_reduce(found) | clip_and_step(optimizer, step, config.steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, config.steps):
            with engine.unsharded(model):
                metrics |= evaluate(model)
        run.record(step, metrics)
