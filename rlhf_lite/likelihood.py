"""How likely a model finds a text: log-probabilities, the losses and the KL divergence made of them.

Position t of everything here speaks of token t + 1, so that a text of T tokens has T - 1 log-probabilities. Whoever brings a
mask or values to these positions drops the first token, which is never predicted, or the last position, which predicts none.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .gpt import GPT
from .masked import masked_mean

IGNORE = -100
"""A target that no loss counts: PyTorch's ignore_index."""


def next_token_log_probs(logits: Tensor, tokens: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the log-probability that the model gives to each token that really came next.

    Shapes: logits (B, T, V), tokens (B, T) -> (B, T - 1), in nats, float32.
    """
    if logits.shape[:2] != tokens.shape:
        raise ValueError(f"logits of shape {tuple(logits.shape)} do not belong to tokens of shape {tuple(tokens.shape)}")
    _check_temperature(temperature)
    targets = F.pad(tokens[:, 1:].long(), (0, 1), value=IGNORE)  # (B, T): the last position predicts nothing
    scaled = _scaled(logits.float(), temperature).flatten(0, 1)  # (B * T, V), whole: a slice would copy all logits
    cross_entropy = F.cross_entropy(scaled, targets.flatten(), reduction="none", ignore_index=IGNORE)
    return -cross_entropy.view(tokens.shape)[:, :-1]


def masked_log_probs(model: GPT, tokens: Tensor, mask: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return the log-probabilities of the kept tokens only: the output layer, a quarter of a small model, skips the others.

    From the output layer on everything is computed in float32, whatever the rest of the model is computed in: a ratio of two
    probabilities does not forgive bfloat16's rounding of logits.

    Shapes: tokens (B, T), mask (B, T - 1) with True = a token asked for
        -> log_probs (B, T - 1), 0 where nothing is asked for, and the logits (N, V) that the N kept tokens were drawn from.
    """
    return log_probs_from_hidden(model, model.hidden(tokens), tokens, mask, temperature)


def log_probs_from_hidden(
    model: GPT, hidden: Tensor, tokens: Tensor, mask: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return the same as `masked_log_probs`, of hidden states (B, T, C) that something else is read from too."""
    if mask.shape != (tokens.shape[0], tokens.shape[1] - 1):
        raise ValueError(f"mask has shape {tuple(mask.shape)}, expected {(tokens.shape[0], tokens.shape[1] - 1)}: one entry less")
    _check_temperature(temperature)
    kept, targets = hidden[:, :-1][mask], tokens[:, 1:][mask]  # (N, C), (N,)
    with torch.autocast(tokens.device.type, enabled=False):
        logits = model.head(kept.float())  # (N, V)
        log_probs = -F.cross_entropy(_scaled(logits, temperature), targets, reduction="none")
    return torch.zeros(mask.shape, device=tokens.device).masked_scatter(mask, log_probs), logits


def language_model_loss(
    logits: Tensor, tokens: Tensor, loss_mask: Tensor | None = None, *, n_valid: int | None = None
) -> Tensor:
    """Cross-entropy of the next token, in nats per token; a micro-batch divides by `n_valid`, its whole batch's tokens.

    Shapes: logits (B, T, V), tokens (B, T), loss_mask (B, T) with True = a token to learn (None: all but the first).
    """
    log_probs = next_token_log_probs(logits, tokens)  # (B, T - 1)
    kept = torch.ones_like(log_probs, dtype=torch.bool) if loss_mask is None else loss_mask[:, 1:]
    return -masked_mean(log_probs, kept, count=n_valid)


def _scaled(logits: Tensor, temperature: float) -> Tensor:
    return logits if temperature == 1 else logits / temperature  # the largest tensor there is: copied only if need be


def _check_temperature(temperature: float) -> None:
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}, expected more than 0")


def entropy(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Entropy of the next token: (..., V) -> (...), in nats."""
    log_probs = F.log_softmax(logits.float() / temperature, dim=-1)
    return -(log_probs.exp() * log_probs).sum(-1)


def k1(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """Estimate KL(policy || reference) from the policy's own samples: log ratio, right on average, may be negative.

    Source: Schulman 2020, "Approximating KL divergence". As a reward it is right in expectation; as a loss its
    gradient is zero in expectation.
    """
    return log_probs - ref_log_probs


def k3(log_probs: Tensor, ref_log_probs: Tensor) -> Tensor:
    """Estimate KL(policy || reference) from the policy's own samples with less noise than k1, and never below zero.

    It is exp(-k1) - 1 + k1. Source: as k1.
    """
    log_ratio = k1(log_probs, ref_log_probs)
    return torch.exp(-log_ratio) - 1 + log_ratio


def exact_kl(logits: Tensor, ref_logits: Tensor) -> Tensor:
    """KL(policy || reference) of next-token distributions, summed over the vocabulary: (..., V) -> (...), in nats."""
    log_p, log_q = F.log_softmax(logits.float(), -1), F.log_softmax(ref_logits.float(), -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)
