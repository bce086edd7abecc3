"""Transformer blocks, shared by every model that follows, and the encoder-decoder that they were made for."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import MultiHeadAttention
from .seq2seq import Translator, check_source


class FeedForward(nn.Module):
    """Think about each position on its own: up-projection, activation, down-projection. (B, T, C) -> (B, T, C).

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
    """Attend, then think: attention and feed-forward, each added to the residual stream. (B, T, C) -> (B, T, C).

    Source: GPT-2 (Radford 2019), section 2.3: LayerNorm comes before each part, not after as in Vaswani 2017.
    """

    def __init__(self, d_model: int, n_heads: int, d_ff: int, dropout: float = 0.0):
        super().__init__()
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, *, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """Return the stream after this block; mask and is_causal as in `MultiHeadAttention`."""
        x = x + self.dropout(self.attention(self.attention_norm(x), mask=mask, is_causal=is_causal))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


def settle_shape(config: Any, sizes: tuple[str, ...]) -> None:
    """Fill in d_ff = 4 * d_model where a config leaves it 0, and check the shape; `sizes` names further fields of 1 or more."""
    if config.d_ff == 0:
        object.__setattr__(config, "d_ff", 4 * config.d_model)
    for name in (*sizes, "d_model", "n_layers", "n_heads", "d_ff"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected at least 1")
    if config.d_model % config.n_heads:
        raise ValueError(f"d_model {config.d_model} cannot be split over {config.n_heads} heads: choose a divisor")
    if not 0 <= config.dropout < 1:
        raise ValueError(f"dropout is {config.dropout}, expected 0 <= dropout < 1")


def initialize_weights(model: nn.Module, n_layers: int, d_model: int) -> None:
    """Draw all matrices from N(0, s), those that write to the residual stream from N(0, s / sqrt(2 n_layers)).

    s = 0.02 at GPT-2's width of 768, and the wider the smaller: with 0.02 at width 96 every query would agree with every
    key about equally, and it takes long until attention looks anywhere in particular.

    Source: GPT-2 (Radford 2019), section 2.3, and its code for 0.02; the scaling with the width is ours.
    """
    std = 0.02 * (768 / d_model) ** 0.5
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            writes = name.endswith(("attention.output", "feed_forward.narrow"))
            nn.init.normal_(module.weight, std=std / (2 * n_layers) ** 0.5 if writes else std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=std)


def sinusoidal_positions(n: int, d: int, device: torch.device | str | None = None, base: float = 10000.0) -> Tensor:
    """Give each of n positions a pattern of d numbers: sines and cosines of wavelengths from 2 pi to base * 2 pi.

    Entry (p, 2i) is sin(p / base^(2i / d)) and entry (p, 2i + 1) is cos of the same, so that a step to the right is
    a rotation, the same one everywhere. Nothing is learned, and no sentence is too long.

    Example: sinusoidal_positions(2, 2) = [[0, 1], [sin 1, cos 1]].

    Source: Vaswani 2017, section 3.5.
    """
    if d % 2:
        raise ValueError(f"d is {d}, expected an even number: sines and cosines come in pairs")
    rates = base ** (-torch.arange(0, d, 2, device=device) / d)  # (d / 2,)
    angles = torch.arange(n, device=device)[:, None] * rates  # (n, d / 2)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Fix the shape of an encoder-decoder Transformer."""

    source_vocab_size: int
    """Number of words of the language to read."""
    target_vocab_size: int
    """Number of words of the language to write, start and end included."""
    d_model: int = 64
    """Width of the residual stream (ours; 512, paper)."""
    n_layers: int = 2
    """Blocks of the encoder, and as many of the decoder (ours; 6, paper)."""
    n_heads: int = 4
    """Attention heads (ours; 8, paper)."""
    d_ff: int = 0
    """Width of the feed-forward layer; 0 stands for 4 * d_model (paper)."""
    dropout: float = 0.0
    """Share of activations dropped on residual paths in training (ours; 0.1, paper)."""

    def __post_init__(self):
        if self.n_heads > 0 and (self.d_model % self.n_heads or self.d_model % 2):  # positions are sines and cosines in pairs
            raise ValueError(f"d_model {self.d_model} with {self.n_heads} heads: expected an even number that the heads divide")
        settle_shape(self, ("source_vocab_size", "target_vocab_size"))


class DecoderBlock(nn.Module):
    """Look at what is written, look at the source, then think; each added to the residual stream. (B, T, C) -> (B, T, C).

    Source: Vaswani 2017, section 3.1; differs from it in LayerNorm before each part.
    """

    def __init__(self, d_model: int, n_heads: int, d_ff: int, dropout: float = 0.0):
        super().__init__()
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.cross_attention_norm = nn.LayerNorm(d_model)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """Return the stream after this block; memory (B, S, C), memory_mask (B, 1, 1, S), True = may look."""
        x = self._look_back(x)
        looked = self.cross_attention(self.cross_attention_norm(x), memory, mask=memory_mask)
        x = x + self.dropout(looked)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))

    def cross_weights(self, x: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """Return where each head looks in the source (B, H, T, S), for the same x as `forward`."""
        return self.cross_attention.weights(self.cross_attention_norm(self._look_back(x)), memory, memory_mask)

    def _look_back(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.attention(self.attention_norm(x), is_causal=True))


class EncoderDecoderTransformer(Translator):
    """Translate with attention only: no state is carried from word to word, so all words are read at once.

    Source: Vaswani 2017, section 3; differs from it in LayerNorm before each part (and so once more at the end of
    encoder and decoder), in GELU, and in two vocabularies, of which the written one is tied to the output layer.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config, c = config, config.d_model
        self.source_embedding = nn.Embedding(config.source_vocab_size, c)
        self.target_embedding = nn.Embedding(config.target_vocab_size, c)
        self.dropout = nn.Dropout(config.dropout)
        sizes = (c, config.n_heads, config.d_ff, config.dropout)
        self.encoder = nn.ModuleList(Block(*sizes) for _ in range(config.n_layers))
        self.decoder = nn.ModuleList(DecoderBlock(*sizes) for _ in range(config.n_layers))
        self.encoder_norm = nn.LayerNorm(c)
        self.decoder_norm = nn.LayerNorm(c)
        initialize_weights(self, config.n_layers, c)
        for embedding in (self.source_embedding, self.target_embedding):
            nn.init.normal_(embedding.weight, std=c**-0.5)  # times sqrt(c) in _embed: as large as the positions

    def _embed(self, embedding: nn.Embedding, tokens: Tensor) -> Tensor:
        c = self.config.d_model
        return self.dropout(embedding(tokens) * c**0.5 + sinusoidal_positions(tokens.shape[1], c, tokens.device))

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Read the source: (B, S, C), a note on each word with its surroundings."""
        x = self._embed(self.source_embedding, source)
        x = x.masked_fill(~source_mask[..., None], 0.0)  # NaN in padding would survive an attention weight of 0
        for block in self.encoder:
            x = block(x, mask=source_mask[:, None, None])
        return self.encoder_norm(x)

    def decode(self, memory: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Write, every position at once, none seeing what comes after it: logits (B, T, V)."""
        x = self._embed(self.target_embedding, target)
        for block in self.decoder:
            x = block(x, memory, source_mask[:, None, None])
        return F.linear(self.decoder_norm(x), self.target_embedding.weight)

    def cross_attention(self, source: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Return where every head of every decoder block looks: (B, layers, H, T, S)."""
        check_source(source, source_mask)
        memory, x = self.encode(source, source_mask), self._embed(self.target_embedding, target)
        looks = []
        for block in self.decoder:
            looks.append(block.cross_weights(x, memory, source_mask[:, None, None]))
            x = block(x, memory, source_mask[:, None, None])
        return torch.stack(looks, 1)

    def alignment(self, source: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Return where the model looks on average over blocks and heads (B, T, S), to compare with one attention."""
        return self.cross_attention(source, source_mask, target).mean((1, 2))
