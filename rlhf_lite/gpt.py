"""GPT: a decoder-only Transformer from tokens to the logits of the next token."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .data import lengths_to_mask
from .transformer import Block, initialize_weights, settle_shape, sinusoidal_positions


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Fix the shape of a GPT."""

    vocab_size: int = 1024
    """Number of tokens (ours)."""
    context_length: int = 192
    """Longest sequence, in tokens (ours; GPT-2 1,024, GPT-3 2,048: paper)."""
    d_model: int = 128
    """Width of the residual stream (ours)."""
    n_layers: int = 4
    """Number of blocks (ours)."""
    n_heads: int = 8
    """Attention heads; 16 wide each, which learns looking-up sooner than 32 wide (ours)."""
    d_ff: int = 0
    """Width of the feed-forward layer; 0 stands for 4 * d_model (paper)."""
    dropout: float = 0.0
    """Share of embeddings, attention weights and residual branches dropped in training, as GPT-2 does (InstructGPT: 0.2 for SFT,
    on residual paths)."""

    def __post_init__(self):
        settle_shape(self, ("vocab_size", "context_length"))

    @property
    def n_parameters(self) -> int:
        """Count the parameters, biases and LayerNorms included, the tied output layer once."""
        c, f = self.d_model, self.d_ff
        block = 4 * c * c + 4 * c + 2 * c * f + f + c + 4 * c
        return self.n_layers * block + (self.vocab_size + self.context_length) * c + 2 * c


class GPT(nn.Module):
    """Predict every next token of a sequence.

    Shapes: tokens (B, T) -> logits (B, T, V); logits[:, t] speak of token t + 1.

    Source: GPT-2 (Radford 2019): LayerNorm before each part, learned positions, output layer tied to the embedding.
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(config.d_model, config.n_heads, config.d_ff, config.dropout) for _ in range(config.n_layers)
        )
        self.final_norm = nn.LayerNorm(config.d_model)
        initialize_weights(self, config.n_layers, config.d_model)
        self._start_positions_as_waves()

    @torch.no_grad()
    def _start_positions_as_waves(self) -> None:
        # positions are learned, as GPT-2's, but start as sinusoids: a step back is then the same rotation everywhere,
        # and heads that look one token back, on which all copying rests, form sooner (ours)
        n, c = self.position_embedding.weight.shape
        if c % 2 == 0:
            waves = sinusoidal_positions(n, c, base=30.0)
            self.position_embedding.weight.copy_(waves * self.token_embedding.weight.std() / waves.std())

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Look up what each token is and where it stands: tokens (B, T), positions (T,) or (B, T) -> (B, T, C)."""
        return self.dropout(self.token_embedding(tokens) + self.position_embedding(positions))

    def hidden(self, tokens: Tensor, first: Tensor | None = None) -> Tensor:
        """Return the residual stream after the last block, normalised: (B, T) -> (B, T, C).

        `first` (B,) is the position of each row's first token; 0 if not given. Padding on the right needs no mask: no token
        attends to its right.
        """
        n_tokens = tokens.shape[1]
        self.check_length(n_tokens)
        positions = torch.arange(n_tokens, device=tokens.device)
        x = self.embed(tokens, positions if first is None else first[:, None] + positions)  # (B, T, C)
        for block in self.blocks:
            x = block(x, is_causal=True)
        return self.final_norm(x)

    def head(self, hidden: Tensor) -> Tensor:
        """Compare the stream with every token's embedding: (..., C) -> logits (..., V)."""
        return F.linear(hidden, self.token_embedding.weight.to(hidden.dtype))

    def forward(self, tokens: Tensor, first: Tensor | None = None) -> Tensor:
        """Return logits (B, T, V); `first` as in `hidden`."""
        return self.head(self.hidden(tokens, first))

    def check_length(self, n_tokens: int) -> None:
        """Check that a text fits. Raises: ValueError."""
        if n_tokens > self.config.context_length:
            raise ValueError(f"{n_tokens} tokens do not fit into context_length {self.config.context_length}: shorten the text")


class ScalarModel(nn.Module):
    """Give one number per position: a reward model (read at the last token) or a value model (read everywhere).

    Shapes: tokens (B, T) -> (B, T).

    Source: InstructGPT, section 3.5: the output layer is replaced by one that gives a scalar.
    """

    def __init__(self, backbone: GPT):
        super().__init__()
        self.config = backbone.config
        self.backbone = backbone
        self.scalar_head = nn.Linear(backbone.config.d_model, 1)
        # small, so that the first scores are near 0 (lineage: Stiennon 2020's code, std 1 / sqrt(d_model + 1))
        nn.init.normal_(self.scalar_head.weight, std=(backbone.config.d_model + 1) ** -0.5)
        nn.init.zeros_(self.scalar_head.bias)

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return what both the scalar and the next token are read from: tokens (B, T) -> (B, T, C)."""
        return self.backbone.hidden(tokens)

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return one number per position (B, T): padded positions included, or 0 there with each row's `lengths` (B,)."""
        values = self.scalar_head(self.hidden(tokens)).squeeze(-1)
        return values if lengths is None else values.masked_fill(~lengths_to_mask(lengths, tokens.shape[1]), 0.0)


def last_token_scores(model: ScalarModel, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Read each row's score at its last real token: tokens (N, T), lengths (N,) -> scores (N,)."""
    return model(tokens).gather(1, (lengths - 1)[:, None]).squeeze(1)


@contextmanager
def eval_mode(*models: nn.Module) -> Iterator[None]:
    """Switch dropout off for as long as a block runs, and back to what it was, whatever happens in it."""
    modes = [model.training for model in models]
    try:
        for model in models:
            model.eval()
        yield
    finally:
        for model, mode in zip(models, modes, strict=True):
            model.train(mode)


def full_tensor(tensor: Tensor) -> Tensor:
    """Return a tensor whose parts lie in several processes as one; every process must ask."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor  # DTensor takes half a second to import


def copy_gpt(model: GPT, dropout: float | None = None) -> GPT:
    """Return an independent GPT with the same weights, in one place, and another dropout if asked."""
    config = model.config if dropout is None else replace(model.config, dropout=dropout)
    copy = GPT(config)
    copy.load_state_dict({name: full_tensor(tensor) for name, tensor in model.state_dict().items()})
    return copy.to(next(model.parameters()).device)


def copy_scalar(model: ScalarModel) -> ScalarModel:
    """Return an independent ScalarModel with the same weights, head and bias too: a value model starts as the reward model."""
    copy = ScalarModel(copy_gpt(model.backbone))
    copy.load_state_dict({name: full_tensor(tensor) for name, tensor in model.state_dict().items()})
    return copy.train(model.training)


NANO = GPTConfig(vocab_size=512, context_length=320, d_model=32, n_layers=2, n_heads=4)
TINY = GPTConfig()
SMALL = GPTConfig(vocab_size=16384, context_length=512, d_model=512, n_layers=8, n_heads=8)
GPT2 = GPTConfig(vocab_size=50257, context_length=1024, d_model=768, n_layers=12, n_heads=12)
