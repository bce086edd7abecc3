"""Transformer blocks, shared by every model that follows."""

import torch
from torch import Tensor, nn

from .attention import KeyValueCache, MultiHeadAttention


class FeedForward(nn.Module):
    """Think about each position on its own: widen, bend, narrow. (B, T, C) -> (B, T, C).

    Source: Vaswani 2017, section 3.3; differs from it in GELU (GPT-2's tanh form) for ReLU.
    """

    def __init__(self, d_model: int, d_ff: int):
        super().__init__()
        self.widen = nn.Linear(d_model, d_ff)
        self.activation = nn.GELU(approximate="tanh")
        self.narrow = nn.Linear(d_ff, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the two layers."""
        return self.narrow(self.activation(self.widen(x)))


class Block(nn.Module):
    """Look around, then think: attention and feed-forward, each added to the residual stream. (B, T, C) -> (B, T, C).

    Source: GPT-2 (Radford 2019), section 2.3: LayerNorm comes before each part, not after as in Vaswani 2017.
    """

    def __init__(self, d_model: int, n_heads: int, d_ff: int, dropout: float = 0.0):
        super().__init__()
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, *, mask: Tensor | None = None, is_causal: bool = False, cache: KeyValueCache | None = None
    ) -> Tensor:
        """Return the stream after this block; mask, is_causal and cache as in `MultiHeadAttention`."""
        looked = self.attention(self.attention_norm(x), mask=mask, is_causal=is_causal, cache=cache)
        x = x + self.dropout(looked)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


def initialize_weights(model: nn.Module, n_layers: int) -> None:
    """Draw all matrices from N(0, 0.02), those that write to the residual stream from N(0, 0.02 / sqrt(2 n_layers)).

    Source: GPT-2 (Radford 2019), section 2.3, and its code for 0.02.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            writes = name.endswith(("attention.output", "feed_forward.narrow"))
            nn.init.normal_(module.weight, std=0.02 / (2 * n_layers) ** 0.5 if writes else 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
