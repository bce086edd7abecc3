"""How likely a model finds a text. The shift by one token happens in this file and nowhere else."""

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
    logits = model.head(model.hidden_by_length(tokens, last_kept(mask))[:, :-1][mask])  # (N, V)
    kept = -F.cross_entropy(logits.float() / temperature, tokens[:, 1:][mask], reduction="none")  # (N,)
    return torch.zeros(mask.shape, device=kept.device).masked_scatter(mask, kept), logits


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
