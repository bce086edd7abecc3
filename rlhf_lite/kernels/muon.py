"""Muon, an optimizer for the matrices inside the blocks; all else that it is given it steps as Adam does."""

from typing import Any

import torch
from torch import Tensor


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Keep the directions of matrices but make them all about equally long: singular values near 1 (0.7 to 1.2).

    Shapes: (N, R, C) with R <= C -> (N, R, C).

    Source: Newton-Schulz iteration with the coefficients of Jordan 2024, "Muon: an optimizer for hidden layers".
    """
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Step matrices by their orthogonalised momentum, everything else by Adam.

    A gradient has a few strong directions and many weak ones; orthogonalised, all are followed. On this world attention
    learns to copy in less than half of Adam's steps. `torch.optim.Muon` iterates in bfloat16, which takes most of
    the step's time on processors without it; this one stays in float32 and takes all matrices of a shape at once.
    """

    MOMENTUM = 0.95  # source: Jordan 2024

    def __init__(self, groups: list[dict[str, Any]], config: Any, inner: set[int]):
        """Take groups of parameters with their weight decay and, where it is not the config's, their peak rate.

        `config` is an `optim.OptimConfig`, `inner` the ids of the matrices that Muon steps.
        """
        parts = [
            (p, (id(p) in inner, group["weight_decay"], group.get("peak", config.learning_rate)))
            for group in groups
            for p in group["params"]
        ]
        super().__init__(
            [
                {
                    "params": [p for p, k in parts if k == (muon, decay, peak)],
                    "weight_decay": decay,
                    "muon": muon,
                    "peak": config.muon_learning_rate if muon else peak,
                }
                for muon, decay, peak in sorted({kind for _, kind in parts})
            ],
            {"lr": config.learning_rate},
        )
        self.config = config

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if group["muon"]:
                self._step_matrices(parameters, group["lr"], group["weight_decay"])
            else:
                for parameter in parameters:
                    self._step_adam(parameter, group["lr"], group["weight_decay"])

    def _step_matrices(self, parameters: list[Tensor], rate: float, weight_decay: float) -> None:
        by_shape: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
        for p in parameters:
            momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
            momentum.lerp_(p.grad, 1 - self.MOMENTUM)
            update = p.grad.lerp(momentum, self.MOMENTUM)  # Nesterov's
            if self.config.muon_parts and p.shape[0] == 2 * p.shape[1]:  # keys and values
                p.mul_(1 - rate * weight_decay).add_(torch.cat([*orthogonalize(torch.stack(update.chunk(2)))]), alpha=-rate)
                continue
            wide = update if p.shape[0] <= p.shape[1] else update.mT
            by_shape.setdefault(tuple(wide.shape), []).append((p, wide))
        for pairs in by_shape.values():
            for (p, _), update in zip(pairs, orthogonalize(torch.stack([wide for _, wide in pairs])), strict=True):
                p.mul_(1 - rate * weight_decay)
                tall = p.shape[0] > p.shape[1]
                p.add_(update.mT if tall else update, alpha=-rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)

    def _step_adam(self, p: Tensor, rate: float, weight_decay: float) -> None:
        config, state = self.config, self.state[p]
        if not state:
            state |= {"step": torch.zeros(()), "mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
        state["step"] += 1
        state["mean"].lerp_(p.grad, 1 - config.beta1)
        state["square"].lerp_(p.grad.square(), 1 - config.beta2)
        mean = state["mean"] / (1 - config.beta1 ** state["step"].item())
        square = state["square"] / (1 - config.beta2 ** state["step"].item())
        p.mul_(1 - rate * weight_decay)
        p.addcdiv_(mean, square.sqrt() + config.epsilon, value=-rate)
