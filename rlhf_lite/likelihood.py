"""How likely a model finds a text. The shift by one token happens in this file and nowhere else."""

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .gpt import GPT
from .masked import last_kept, masked_mean

NOTHING = -100
"""In the place of a target: there is none."""


def next_token_log_probs(logits: Tensor, tokens: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the log-probability that the model gives to each token that really came next.

    Position t of the result speaks of token t + 1, so the first token has none.

    Shapes: logits (B, T, V), tokens (B, T) -> (B, T - 1), in nats, float32.
    """
    if logits.shape[:2] != tokens.shape:
        raise ValueError(f"logits of shape {tuple(logits.shape)} do not belong to tokens of shape {tuple(tokens.shape)}")
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}, expected more than 0")
    scaled = logits.float() if temperature == 1 else logits.float() / temperature
    # F.cross_entropy does not keep a second (B, T, V) tensor as log_softmax and gather would; the last position, which has
    # nothing to predict, is cut off after it, where that copies no logits
    targets = F.pad(tokens[:, 1:].long(), (0, 1), value=NOTHING)
    surprise = F.cross_entropy(scaled.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=NOTHING)  # (B * T,)
    return -surprise.view(tokens.shape)[:, :-1]


def masked_log_probs(model: GPT, tokens: Tensor, mask: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Do the same for the kept tokens only: the output layer, a quarter of a small model's work, skips the others.

    Shapes: tokens (B, T), mask (B, T - 1) with True = a token asked for
        -> log_probs (B, T - 1), 0 where nothing is asked for, and the logits (N, V) that the N kept tokens were drawn from.
    """
    if mask.shape != (tokens.shape[0], tokens.shape[1] - 1):
        raise ValueError(f"mask has shape {tuple(mask.shape)}, expected {(tokens.shape[0], tokens.shape[1] - 1)}: one entry less")
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}, expected more than 0")
    hidden = model.hidden_by_length(tokens, last_kept(mask))[:, :-1][mask]  # (N, C)
    nats, logits = _surprise_by(model)(model, hidden, tokens[:, 1:][mask], temperature)
    return torch.zeros(mask.shape, device=nats.device).masked_scatter(mask, -nats), logits


def surprise(model: GPT, hidden: Tensor, targets: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Go from the stream to the surprise at each target, NOTHING = there is none: output layer and loss in one.

    Shapes: hidden (N, C), targets (N,) -> nats (N,), float32, 0 where there is no target, and the logits (N, V).
    """
    weight = model.token_embedding.weight
    logits = F.linear(hidden, aligned(weight))[:, : len(weight)] if hidden.is_cuda else model.head(hidden)
    scaled = logits.float() if temperature == 1 else logits.float() / temperature
    return F.cross_entropy(scaled, targets, reduction="none", ignore_index=NOTHING), logits


def aligned(weight: Tensor) -> Tensor:
    """Add rows of zeros, up to a multiple of 64: by GPT-2's 50,257, an odd number, a GPU multiplies at a third of its speed."""
    return weight if len(weight) % 8 == 0 else F.pad(weight, (0, 0, 0, -len(weight) % 64))


@cache
def _compiled_surprise() -> Callable[..., tuple[Tensor, Tensor]]:
    return torch.compile(surprise)  # passes over the logits twice instead of six times, and keeps none in float32


def _surprise_by(model: GPT) -> Callable[..., tuple[Tensor, Tensor]]:
    return _compiled_surprise() if model.compiled else surprise


def window_loss(model: GPT, tokens: Tensor, *, n_valid: int | None = None) -> Tensor:
    """Average a GPT's surprise at every token of whole windows (B, T) but the first, in nats; `n_valid` as below."""
    targets = F.pad(tokens[:, 1:].long(), (0, 1), value=NOTHING)
    nats, _ = _surprise_by(model)(model, model.hidden(tokens).flatten(0, 1), targets.flatten())
    return nats.sum() / (tokens[:, 1:].numel() if n_valid is None else n_valid)


def language_model_loss(
    logits: Tensor, tokens: Tensor, loss_mask: Tensor | None = None, *, n_valid: int | None = None
) -> Tensor:
    """Average surprise of the next token, in nats a token; a micro-batch divides by `n_valid`, its whole batch's tokens.

    Shapes: logits (B, T, V), tokens (B, T), loss_mask (B, T) with True = a token to learn (None: all but the first).
    """
    log_probs = next_token_log_probs(logits, tokens)  # (B, T - 1)
    kept = torch.ones_like(log_probs, dtype=torch.bool) if loss_mask is None else loss_mask[:, 1:]
    return -masked_mean(log_probs, kept, count=n_valid)


def entropy(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Uncertainty about the next token: (..., V) -> (...), in nats."""
    log_probs = F.log_softmax(logits.float() / temperature, dim=-1)
    return -(log_probs.exp() * log_probs).sum(-1)


def k1(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """Estimate KL(policy || reference) from the policy's own samples: log ratio, right on average, may be negative.

    Source: Schulman 2020, "Approximating KL divergence". As a reward it is right in expectation; as a loss its
    gradient is zero in expectation.
    """
    return log_probs - ref_log_probs


def k3(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """Estimate the same KL with less noise and never below zero: exp(-k1) - 1 + k1."""
    log_ratio = k1(log_probs, ref_log_probs)
    return torch.exp(-log_ratio) - 1 + log_ratio


def exact_kl(logits: Tensor, ref_logits: Tensor) -> Tensor:
    """KL(policy || reference) of next-token distributions, summed over the vocabulary: (..., V) -> (...), in nats."""
    log_p, log_q = F.log_softmax(logits.float(), -1), F.log_softmax(ref_logits.float(), -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)
