"""GPT: a decoder-only Transformer from tokens to the logits of the next token."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import KeyValueCache, causal_mask, for_changing_shapes
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
    """Share of activations dropped on residual paths in training (paper: 0.2 for SFT, else none stated)."""

    def __post_init__(self):
        settle_shape(self, ("vocab_size", "context_length"))

    @property
    def n_parameters(self) -> int:
        """Count the parameters, biases and LayerNorms included, the tied output layer once."""
        c, f = self.d_model, self.d_ff
        block = 4 * c * c + 4 * c + 2 * c * f + f + c + 4 * c
        return self.n_layers * block + (self.vocab_size + self.context_length) * c + 2 * c


def length_groups(rows: int) -> int:
    """Say into how many groups of like length `GPT.hidden_by_length` puts rows: of eight at least, and four at most (ours)."""
    return max(1, min(4, rows // 8))


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
        self.sorts_by_length = True
        """Whether `hidden_by_length` takes rows of like length together."""
        self.activation_checkpointing = False
        """Keep only each block's input for the backward pass, and compute the rest again."""
        self.compiled = False
        """Whether the output layer and its loss are to be compiled into one, as the blocks are by themselves."""
        self.anyone: Callable[[bool], bool] = bool
        """Whether any process that holds a part of the weights has a use for the next pass, given whether this one has."""
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

    def head(self, hidden: Tensor) -> Tensor:
        """Compare the stream with every token's embedding: (..., C) -> logits (..., V)."""
        return F.linear(hidden, self.token_embedding.weight)

    def hidden(
        self, tokens: Tensor, *, padding_mask: Tensor | None = None, caches: list[KeyValueCache] | None = None
    ) -> Tensor:
        """Return the residual stream after the last block, normalised: (B, T, C).

        Padding on the right needs no mask, since no token looks to its right. Padding on the left does:
        `padding_mask` (B, S), True = real token, over all S positions so far, those in `caches` included.
        """
        past = caches[0].length if caches else 0
        positions, mask = self._positions_and_mask(tokens, past, padding_mask)
        x = self.dropout(self.token_embedding(tokens) + self.position_embedding(positions))  # (B, T, C)
        if padding_mask is not None:
            x = x.masked_fill(~padding_mask[:, past:, None], 0.0)  # attention gives padding weight 0, but 0 * NaN is NaN
        for i, block in enumerate(self.blocks):
            how = {"mask": mask, "is_causal": mask is None and x.shape[1] > 1, "cache": caches[i] if caches else None}
            keep_all = not (self.activation_checkpointing and x.requires_grad)
            x = block(x, **how) if keep_all else checkpoint(block, x, use_reentrant=False, **how)
        return self.final_norm(x)

    def _positions_and_mask(self, tokens: Tensor, past: int, padding_mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        n_new, n_all = tokens.shape[1], past + tokens.shape[1]
        longest = n_all if padding_mask is None else int(padding_mask.sum(1).max())
        if longest > self.config.context_length:
            raise ValueError(f"{longest} tokens do not fit into context_length {self.config.context_length}: shorten the text")
        if padding_mask is None:
            mask = causal_mask(n_new, n_all, tokens.device) if past and n_new > 1 else None
            return torch.arange(past, n_all, device=tokens.device), mask
        if padding_mask.shape != (tokens.shape[0], n_all):
            raise ValueError(f"padding_mask has shape {tuple(padding_mask.shape)}, expected {(tokens.shape[0], n_all)}")
        positions = (padding_mask.cumsum(1) - 1).clamp(min=0)[:, past:]  # count from the first real token
        visible = causal_mask(n_new, n_all, tokens.device) & padding_mask[:, None, :]  # (B, T, S)
        own = torch.eye(n_all, dtype=torch.bool, device=tokens.device)[past:]  # a padded query sees itself: no NaN
        return positions, (visible | own)[:, None]

    def hidden_by_length(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Do the same for rows padded on the right, rows of like length together: little of the padding is computed.

        Shapes: tokens (B, T), lengths (B,), how far each row is needed -> (B, T, C); beyond that: anything finite.
        """
        order = lengths.argsort()
        groups = []
        for rows in order.chunk(length_groups(len(order)) if self.sorts_by_length else 1):
            longest = max(1, int(lengths[rows].max()))
            with for_changing_shapes(tokens.device):
                hidden = self.hidden(tokens[rows, :longest])
            groups.append(F.pad(hidden, (0, 0, 0, tokens.shape[1] - longest)))
        return torch.cat(groups)[order.argsort()]

    def forward(
        self, tokens: Tensor, *, padding_mask: Tensor | None = None, caches: list[KeyValueCache] | None = None
    ) -> Tensor:
        """Return logits (B, T, V); for padding and caches see `hidden`."""
        return self.head(self.hidden(tokens, padding_mask=padding_mask, caches=caches))

    def new_caches(self) -> list[KeyValueCache]:
        """Return an empty cache a layer, for sampling."""
        return [KeyValueCache() for _ in self.blocks]


class ScalarModel(nn.Module):
    """Give one number a position: a reward model (read at the last token) or a value model (read everywhere).

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

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return one number a position (B, T), padded positions included: mask or gather afterwards.

        With `lengths` (B,), how far each row is needed, less of the padding is computed.
        """
        hidden = self.backbone.hidden(tokens) if lengths is None else self.backbone.hidden_by_length(tokens, lengths)
        return self.scalar_head(hidden).squeeze(-1)


def last_token_scores(model: ScalarModel, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Read each row's score at its last real token: tokens (N, T), lengths (N,) -> scores (N,)."""
    return model(tokens, lengths).gather(1, (lengths - 1)[:, None]).squeeze(1)


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
MODEL_PRESETS = {"nano": NANO, "tiny": TINY, "small": SMALL, "gpt2": GPT2}
