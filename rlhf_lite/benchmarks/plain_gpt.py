"""The small recipe for characters of Shakespeare in plain PyTorch: what `shakespeare` is measured against.

Nothing of the library is used here, so that the library's speed-ups do not speed up what they are compared with. Model,
batches and settings are those of nanoGPT's recipe for a processor; the code is ours. Where the recipe leaves a choice, the
faster is taken: fused AdamW and PyTorch's own attention.

Source: nanoGPT (Karpathy 2022), `config/train_shakespeare_char.py` and the settings of its README for a processor: 4 layers,
4 heads, width 128, context 64, batch 12, 2,000 steps, no dropout; its published validation loss is 1.88.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class PlainConfig:
    """Fix the recipe."""

    context_length: int = 64
    """Characters a window (recipe)."""
    d_model: int = 128
    """Width of the residual stream (recipe)."""
    n_layers: int = 4
    """Number of blocks (recipe)."""
    n_heads: int = 4
    """Attention heads (recipe)."""
    batch_size: int = 12
    """Windows a step (recipe)."""
    steps: int = 2000
    """Optimizer steps (recipe)."""
    learning_rate: float = 1e-3
    """Peak learning rate (recipe)."""
    final_rate: float = 1e-4
    """Learning rate of the last step (recipe)."""
    warmup_steps: int = 100
    """Steps of linear warm-up (recipe)."""
    beta2: float = 0.99
    """Adam's memory of squared gradients (recipe; beta1 is 0.9)."""
    weight_decay: float = 0.1
    """Decay of matrices and embeddings a step, times the learning rate (recipe)."""
    max_grad_norm: float = 1.0
    """Longer gradients are shortened to this norm (recipe)."""


class PlainBlock(nn.Module):
    """Attention and feed-forward, each added to the stream: (B, T, C) -> (B, T, C); no biases, as in the recipe."""

    def __init__(self, config: PlainConfig):
        super().__init__()
        width = config.d_model
        self.n_heads = config.n_heads
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width, bias=False)
        self.feed_forward_norm = nn.LayerNorm(width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the stream after this block."""
        b, t, c = x.shape
        parts = self.query_key_value(self.attention_norm(x)).split(c, dim=2)
        query, key, value = (part.view(b, t, self.n_heads, c // self.n_heads).transpose(1, 2) for part in parts)
        looked = F.scaled_dot_product_attention(query, key, value, is_causal=True)  # (B, H, T, D)
        x = x + self.mixed(looked.transpose(1, 2).reshape(b, t, c))
        return x + self.narrow(F.gelu(self.widen(self.feed_forward_norm(x))))


class PlainGPT(nn.Module):
    """GPT-2 in miniature: tokens (B, T) -> logits (B, T, V)."""

    def __init__(self, vocab_size: int, config: PlainConfig):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, config.d_model)
        self.positions = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList(PlainBlock(config) for _ in range(config.n_layers))
        self.final_norm = nn.LayerNorm(config.d_model, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                writes = name.endswith(("mixed.weight", "narrow.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layers) if writes else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits; the output layer is the embedding."""
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
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
    groups = [
        {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, config.learning_rate, (0.9, config.beta2), fused=True)
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = plain_rate(step, config)
        starts = torch.randint(len(stream) - length, (config.batch_size,)).tolist()
        inputs = torch.stack([stream[start : start + length] for start in starts])
        targets = torch.stack([stream[start + 1 : start + 1 + length] for start in starts])
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
    return model
