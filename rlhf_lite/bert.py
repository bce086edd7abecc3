"""BERT: the same blocks, looking both ways, trained to fill in blanks."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .gpt import eval_mode
from .masked import check_mask, masked_mean
from .transformer import Block, initialize_weights, settle_shape


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Fix the shape of a BERT."""

    vocab_size: int = 1024
    """Number of tokens, the blank included (ours; 30,522, lineage: the released model)."""
    context_length: int = 128
    """Longest sequence, in tokens (ours; 512, paper)."""
    d_model: int = 128
    """Width of the residual stream (ours; 768 and 1,024, paper)."""
    n_layers: int = 4
    """Number of blocks (ours; 12 and 24, paper)."""
    n_heads: int = 8
    """Attention heads (ours; 12 and 16, paper)."""
    d_ff: int = 0
    """Width of the feed-forward layer; 0 stands for 4 * d_model (paper)."""
    dropout: float = 0.0
    """Share of activations dropped on residual paths in training (ours; 0.1, paper)."""

    def __post_init__(self):
        settle_shape(self, ("vocab_size", "context_length"))


class Bert(nn.Module):
    """Guess the token at every position from the tokens on both sides of it.

    Shapes: tokens (B, T), padding_mask (B, T) with True = a real token -> logits (B, T, V); logits[:, t] speak of token
    t itself, not of the next one as a GPT's do.

    Source: Devlin 2018, section 3; differs from it in LayerNorm before each part, in no layer between the last block and
    the output, and in reading one text at a time: no segments, no guessing whether two sentences follow each other.
    """

    def __init__(self, config: BertConfig):
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

    def head(self, hidden: Tensor) -> Tensor:
        """Compare the stream with every token's embedding: (..., C) -> logits (..., V)."""
        return F.linear(hidden, self.token_embedding.weight)

    def hidden(self, tokens: Tensor, *, padding_mask: Tensor | None = None) -> Tensor:
        """Return the residual stream after the last block, normalised (B, T, C): what a new output layer would read."""
        n = tokens.shape[1]
        if n > self.config.context_length:
            raise ValueError(f"{n} tokens do not fit into context_length {self.config.context_length}: shorten the text")
        positions, mask = torch.arange(n, device=tokens.device), None
        if padding_mask is not None:
            _check_mask("padding_mask", padding_mask, tokens)
            positions = (padding_mask.cumsum(1) - 1).clamp(min=0)  # count from the first real token
            mask = padding_mask[:, None, None]  # (B, 1, 1, T): all look at the real tokens, before them and after
        x = self.dropout(self.token_embedding(tokens) + self.position_embedding(positions))  # (B, T, C)
        if padding_mask is not None:
            x = x.masked_fill(~padding_mask[..., None], 0.0)  # NaN there would survive an attention weight of 0
        for block in self.blocks:
            x = block(x, mask=mask)
        return self.final_norm(x)

    def forward(self, tokens: Tensor, *, padding_mask: Tensor | None = None) -> Tensor:
        """Return logits (B, T, V); for padding see `hidden`."""
        return self.head(self.hidden(tokens, padding_mask=padding_mask))


def _check_mask(name: str, mask: Tensor, tokens: Tensor) -> None:
    check_mask(name, mask, tokens, "tokens")
    empty = (~mask.any(1)).nonzero().flatten().tolist()
    if empty:
        raise ValueError(f"{name} keeps nothing in rows {empty}: drop them")


def mask_tokens(
    tokens: Tensor, maskable: Tensor, mask_id: int, vocab_size: int, generator: torch.Generator, share: float = 0.15
) -> tuple[Tensor, Tensor]:
    """Choose tokens to guess and hide most of them; each row has `share` of its maskable tokens chosen, at least one.

    Of the chosen, 80 % become the blank, 10 % a random token, 10 % stay. Since any token may be wrong, the model has to
    make up its mind about all of them, and it does not meet blanks alone, which no later task contains.

    Example: [the, cat, sat, down] with the second chosen becomes [the, [blank], sat, down] and [F, T, F, F].

    Shapes: tokens (B, T), maskable (B, T) with True = may be chosen: no padding, no special tokens
        -> inputs (B, T), loss_mask (B, T) with True = chosen.

    Source: Devlin 2018, section 3.1; at least one per row and random tokens from the whole vocabulary are from its code.
    """
    _check_mask("maskable", maskable, tokens)
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}, expected 0 < share <= 1")
    if not 0 <= mask_id < vocab_size:
        raise ValueError(f"mask_id is {mask_id}, expected one of the {vocab_size} ids of the vocabulary")
    n_chosen = (maskable.sum(1, keepdim=True) * share).round().clamp(min=1)  # (B, 1)
    lottery = torch.rand(tokens.shape, generator=generator).to(tokens.device).masked_fill(~maskable, 2.0)
    loss_mask = lottery.argsort(1).argsort(1) < n_chosen  # the n smallest numbers of each row
    fate = torch.rand(tokens.shape, generator=generator).to(tokens.device)
    strangers = torch.randint(vocab_size, tokens.shape, generator=generator).to(tokens.device)
    inputs = tokens.masked_fill(loss_mask & (fate < 0.8), mask_id)
    return torch.where(loss_mask & (fate >= 0.9), strangers, inputs), loss_mask


def masked_language_model_loss(logits: Tensor, tokens: Tensor, loss_mask: Tensor) -> Tensor:
    """Cross-entropy of the chosen tokens, in nats per token; nothing is shifted.

    Shapes: logits (B, T, V), tokens (B, T) as they were before hiding, loss_mask (B, T) with True = chosen.
    """
    if logits.shape[:2] != tokens.shape:
        raise ValueError(f"logits of shape {tuple(logits.shape)} do not belong to tokens of shape {tuple(tokens.shape)}")
    surprise = F.cross_entropy(logits.float().flatten(0, 1), tokens.flatten(), reduction="none").view(tokens.shape)
    return masked_mean(surprise, loss_mask)


@torch.no_grad()
def fill_in(model: Bert, tokens: Tensor, blank_mask: Tensor, *, padding_mask: Tensor | None = None) -> Tensor:
    """Put the likeliest token into each blank, all at once: no blank knows what was put into another.

    Shapes: tokens (B, T), blank_mask (B, T) with True = fill this in -> (B, T).
    """
    check_mask("blank_mask", blank_mask, tokens, "tokens")
    with eval_mode(model):
        likeliest = model(tokens, padding_mask=padding_mask).argmax(-1)
    return torch.where(blank_mask, likeliest, tokens)
