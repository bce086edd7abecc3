"""One optimizer step, and the learning rate at each step: AdamW, or Muon for the matrices inside the blocks."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .gpt import full_tensor
from .kernels.muon import Muon

POSITIONS_SHARE = 0.1
"""Share of Adam's rate at which positions are learnt with `muon_parts` (ours)."""


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Set Adam and its learning-rate schedule."""

    learning_rate: float = 1e-3
    """Peak learning rate (ours)."""
    final_fraction: float = 0.1
    """Share of the peak that is left at the last step; 1 = constant (paper: 0.1)."""
    muon_learning_rate: float = 0.0
    """Peak rate of Muon for the matrices inside the blocks; 0 = Adam for everything (ours; the papers use Adam)."""
    muon_parts: bool = False
    """Whether Muon steps keys and values apart, else the values' larger gradient leaves the keys little, and Adam positions at a
    tenth of its rate: they start as waves, which its noise would blur (ours)."""
    warmup_steps: int = 0
    """Steps of linear warm-up (paper: none for SFT, 10 iterations for PPO)."""
    beta1: float = 0.9
    """Adam's memory of gradients (paper)."""
    beta2: float = 0.95
    """Adam's memory of squared gradients (paper)."""
    epsilon: float = 1e-8
    """Adam's guard against division by zero (paper: GPT-3)."""
    weight_decay: float = 0.1
    """Decay of matrices per step, times the learning rate (paper: GPT-3)."""
    max_grad_norm: float = 1.0
    """Longer gradients are shortened to this norm (paper: GPT-3)."""

    def __post_init__(self):
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}, expected more than 0")
        if not 0 <= self.final_fraction <= 1:
            raise ValueError(f"final_fraction is {self.final_fraction}, expected 0 to 1")
        if self.warmup_steps < 0 or self.max_grad_norm <= 0:
            raise ValueError(f"warmup_steps {self.warmup_steps} must be >= 0 and max_grad_norm {self.max_grad_norm} > 0")


def learning_rate_at(step: int, total_steps: int, config: OptimConfig) -> float:
    """Return the learning rate of one step: linear warm-up, then a cosine down to final_fraction of the peak.

    Example: with 0 warm-up steps, step 0 has the peak and the last step, total_steps - 1, the final rate.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, total_steps - 1 - config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return config.learning_rate * (config.final_fraction + (1 - config.final_fraction) * cosine)


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Return AdamW, or Muon where the config gives it a rate; matrices decay, biases and LayerNorms do not."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for _, p in named if p.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [p for _, p in named if p.dim() < 2], "weight_decay": 0.0},
    ]
    if not config.muon_learning_rate:
        groups = [group | {"peak": config.learning_rate} for group in groups]
        return torch.optim.AdamW(groups, config.learning_rate, (config.beta1, config.beta2), config.epsilon, fused=True)
    inner = {id(p) for name, p in named if p.dim() == 2 and "blocks." in name}  # not embeddings: their rows are words
    if not config.muon_parts:
        return Muon(groups, config, inner)
    positions = {id(p) for name, p in named if name.endswith("position_embedding.weight")}
    slow: dict[str, Any] = {"params": [p for _, p in named if id(p) in positions], "weight_decay": 0.0}
    slow["peak"] = POSITIONS_SHARE * config.learning_rate
    groups = [group | {"params": [p for p in group["params"] if id(p) not in positions]} for group in groups]
    return Muon([*groups, slow], config, inner)


def backward(losses: dict[str, Tensor], step: int) -> None:
    """Add up the gradients of every loss, one after the other: each frees its memory before the next.

    Raises:
        FloatingPointError: naming the loss that is not finite.
    """
    for name, loss in losses.items():
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"{name} is {loss.item()} at step {step}: lower the learning rate, or look for empty masks and log(0)"
            )
        loss.backward()


def clip_and_step(optimizer: torch.optim.Optimizer, step: int, total_steps: int, config: OptimConfig) -> dict[str, float]:
    """Set the rate, clip the gradients that `backward` added up, and step; return learning_rate and grad_norm.

    Raises:
        FloatingPointError: where the gradient is not finite; the weights are then left as they were.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    grad_norm = full_tensor(torch.nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)).item()
    if not math.isfinite(grad_norm):
        raise FloatingPointError(f"the gradient is {grad_norm} at step {step}: nothing was changed; lower the learning rate")
    rate = learning_rate_at(step, total_steps, config)
    for group in optimizer.param_groups:
        group["lr"] = rate / config.learning_rate * group.get("peak", config.learning_rate)
    optimizer.step()
    return {"learning_rate": rate, "grad_norm": grad_norm}


def optimizer_step(
    optimizer: torch.optim.Optimizer, losses: dict[str, Tensor], step: int, total_steps: int, config: OptimConfig
) -> dict[str, float]:
    """Learn from the losses of one whole batch: `backward`, then `clip_and_step`, from no gradients.

    Raises:
        FloatingPointError: naming the loss that is not finite; the weights are then left as they were.
    """
    optimizer.zero_grad()
    backward(losses, step)
    return clip_and_step(optimizer, step, total_steps, config)
