"""A small GPT on characters of Shakespeare in plain PyTorch: what `shakespeare` is measured against.

Nothing of the library is used here, so that the library's speed-ups do not speed up what they are compared with. The code is
ours; where the recipe leaves a choice, the faster is taken: fused AdamW and PyTorch's own attention.

Source: nanoGPT (Karpathy 2022), `config/train_shakespeare_char.py` and the settings of its README for a processor, no
dropout; its published validation loss is 1.88.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class PlainConfig:
    """The recipe's settings (all from the recipe; Adam's beta1 is 0.9)."""

    context_length: int = 64
    """Characters per window."""
    d_model: int = 128
    """Width of the residual stream."""
    n_layers: int = 4
    """Number of blocks."""
    n_heads: int = 4
    """Number of attention heads."""
    batch_size: int = 12
    """Windows per step."""
    steps: int = 2000
    """Optimizer steps."""
    learning_rate: float = 1e-3
    """Peak learning rate."""
    final_rate: float = 1e-4
    """Learning rate of the last step."""
    warmup_steps: int = 100
    """Steps of linear warm-up."""
    beta2: float = 0.99
    """Decay of Adam's average of squared gradients."""
    weight_decay: float = 0.1
    """Decay of matrices and embeddings per step, times the learning rate."""
    max_grad_norm: float = 1.0
    """Longer gradients are shortened to this norm."""


class PlainBlock(nn.Module):
    """Attention and feed-forward, each added to the residual stream: (B, T, C) -> (B, T, C); no biases, as in the recipe."""

    def __init__(self, width: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.query_key_value, self.attention_output = (nn.Linear(width, n * width, bias=False) for n in (3, 1))
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the stream after this block."""
        parts = self.query_key_value(self.attention_norm(x)).chunk(3, dim=2)
        query, key, value = (part.unflatten(2, (self.n_heads, -1)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)  # (B, H, T, D)
        x = x + self.attention_output(mixed.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.feed_forward_norm(x))))


class PlainGPT(nn.Module):
    """GPT-2 in miniature: tokens (B, T) -> logits (B, T, V)."""

    def __init__(self, vocab_size: int, config: PlainConfig):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, config.d_model)
        self.positions = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.Sequential(*(PlainBlock(config.d_model, config.n_heads) for _ in range(config.n_layers)))
        self.final_norm = nn.LayerNorm(config.d_model, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                is_residual = name.endswith(("attention_output.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layers) if is_residual else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits; the output layer is the embedding."""
        x = self.blocks(self.tokens(tokens) + self.positions.weight[: tokens.shape[1]])
        return F.linear(self.final_norm(x), self.tokens.weight)


def plain_rate(step: int, config: PlainConfig) -> float:
    """Return the learning rate of one step: linear warm-up, then a cosine."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / (config.warmup_steps + 1)
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.final_rate + 0.5 * (1 + math.cos(math.pi * done)) * (config.learning_rate - config.final_rate)


def train_plain(stream: Tensor, vocab_size: int, config: PlainConfig, seed: int) -> PlainGPT:
    """Train on windows that begin anywhere in a stream of characters (N,) long, each predicting its 64 next ones."""
    torch.manual_seed(seed)
    model, length = PlainGPT(vocab_size, config), config.context_length
    groups = [{"params": [p for p in model.parameters() if (p.dim() >= 2) == is_matrix], "weight_decay": decay}
              for is_matrix, decay in ((True, config.weight_decay), (False, 0.0))]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, config.learning_rate, (0.9, config.beta2), fused=True)
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = plain_rate(step, config)
        starts = torch.randint(len(stream) - length, (config.batch_size,)).tolist()
        windows = torch.stack([stream[start : start + length + 1] for start in starts])  # (B, T + 1)
        loss = F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
    return model
