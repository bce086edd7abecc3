"""Pretraining: predict the next token of everything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .checkpoint import TrainingRun
from .data import document_starts, pack_documents, pad_right, seeded_generator, window_batch
from .gpt import GPT, eval_mode
from .likelihood import language_model_loss
from .optim import OptimConfig, backward, build_optimizer, clip_and_step
from .records import PrimerTerm
from .tokenizer import Tokenizer
from .transformer import sinusoidal_positions


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Set how a GPT is pretrained."""

    steps: int = 1000
    """Optimizer steps (ours)."""
    batch_size: int = 16
    """Sequences per step (ours; GPT-3 175B: 3.2M tokens per step, paper)."""
    sequence_length: int = 128
    """Tokens per sequence (ours)."""
    copying_start: bool = False
    """Whether a new model's weights are first set as `start_for_copying` does (ours)."""
    whole_documents: bool = False
    """Whether windows begin where documents do, and are read at random positions of the context: else attention learns to look
    at the fifth token, not at the word that matters (ours)."""
    primer_steps: int = 0
    """First steps, spent on a primer of repeated lines: there attention learns to copy soonest (ours)."""
    term_length: int = 64
    """Tokens per window of a primer in terms, sequence_length at most (ours)."""
    short_steps: int = 0
    """First steps, the primer's among them, in short windows: with less to look at, looking up is learnt sooner (ours)."""
    short_length: int = 64
    """Tokens per short window, sequence_length at most; a step holds about as many tokens as later ones (ours)."""
    eval_every: int = 100
    """Steps between evaluations on held-out text; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=4e-3, warmup_steps=50))
    """Adam and its schedule."""

    def __post_init__(self):
        if min(self.steps, self.batch_size, self.sequence_length) < 1:
            raise ValueError(
                f"steps {self.steps}, batch_size {self.batch_size}, sequence_length {self.sequence_length}: all must be >= 1"
            )
        if self.short_length < 2:
            raise ValueError(f"short_length is {self.short_length}, expected at least 2: one token predicts nothing")


def pretrain_loss(
    model: GPT, tokens: Tensor, *, n_valid: int | None = None, first: Tensor | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of every token but the first of each window (B, T), in nats per token; `n_valid` as in `sft_loss`.

    `first` (B,) is the position at which each window is read; 0 if not given.
    """
    loss = language_model_loss(model(tokens, first), tokens, n_valid=n_valid)
    return loss, {"loss": loss.item()}


@torch.no_grad()
def held_out_loss(model: GPT, tokens: Tensor, sequence_length: int = 128, max_windows: int = 128) -> float:
    """Cross-entropy of a packed stream never trained on: the first windows, in nats per token."""
    n = min(max_windows, len(tokens) // sequence_length)
    if n < 1:
        raise ValueError(f"{len(tokens)} held-out tokens do not fill one window of {sequence_length}: give more text")
    windows = tokens[: n * sequence_length].view(n, sequence_length).long().to(next(model.parameters()).device)
    with eval_mode(model):
        losses = [language_model_loss(model(batch), batch) * len(batch) for batch in windows.split(32)]
    return (torch.stack(losses).sum() / n).item()


TERM_CHECK_EVERY = 25
"""Steps between two looks at how many of a term's questions are answered (ours)."""


@dataclass(frozen=True)
class Term:
    """A part of the primer, read until its questions are answered."""

    tokens: Tensor
    """Packed documents: (n_tokens,)"""
    questions: list[list[tuple[list[int], int]]]
    """By kind: beginnings of texts, and the token that must come next; none: the term has its `most_steps`."""
    share: float
    """Share of the questions of every kind that must be answered before the next term begins."""
    most_steps: int
    """Steps after which it begins anyway."""


def encode_term(term: PrimerTerm, tokenizer: Tokenizer) -> Term:
    """Turn one term of a primer into token ids; of a word that is cut in two, the first token must come next."""
    questions = [[(tokenizer.encode(text), tokenizer.encode(f" {word}")[0]) for text, word in kind] for kind in term.questions]
    return Term(pack_documents(term.documents, tokenizer), questions, term.share, term.most_steps)


def term_to_read(history: list[dict[str, Any]], terms: Sequence[Term]) -> int:
    """Say which term comes next, by what each step so far found; after the last, the number of terms."""
    term = begun = 0
    for step, row in enumerate(history, 1):
        if term == len(terms):
            break
        passed = row.get("answered", -1.0) >= terms[term].share
        if passed or step - begun >= terms[term].most_steps:
            term, begun = term + 1, step
    return term


@torch.no_grad()
def share_answered(model: GPT, questions: list[tuple[list[int], int]]) -> float:
    """Share of the beginnings after which the right token is the likeliest."""
    tokens, lengths = pad_right([ids for ids, _ in questions], pad_id=0)
    right, device = torch.tensor([token for _, token in questions]), next(model.parameters()).device
    with eval_mode(model):
        hidden = model.hidden(tokens.to(device))[torch.arange(len(questions)), lengths - 1]  # (N, C)
        return (model.head(hidden).argmax(-1).cpu() == right).float().mean().item()


@torch.no_grad()
def start_for_copying(model: GPT) -> None:
    """Set a new model's weights so that it soon learns to copy and to look things up, in hundreds of steps instead of thousands.

    - Token embeddings are as large as what blocks write (std 1), else the blocks' first steps drown which word it is; the gain
      of the last LayerNorm keeps the first logits small.
    - Positions start as sinusoids in the first quarter of the width, which words leave free: one step back is the same
      rotation everywhere.
    - Heads of the first block look 1, 2, 3, ... words back, and all heads write a third of what they read.

    Nothing is fixed: all of it goes on learning, and the shape is GPT-2's. Source: ours, after Trockman & Kolter 2023
    ("Mimetic initialization of self-attention layers").
    """
    c, n_heads, base = model.config.d_model, model.config.n_heads, 30.0
    width = c // 4 // 2 * 2  # of the positions
    if width < 2:
        return
    words, positions = model.token_embedding.weight, model.position_embedding.weight
    words.normal_()
    words[:, :width] = 0.0
    positions.zero_()
    positions[:, :width] = sinusoidal_positions(len(positions), width, base=base) * (2 * (c - width) / width) ** 0.5
    model.final_norm.weight.fill_(1.1 / c**0.5)
    for block in model.blocks:
        block.attention.output.weight.copy_(0.3 * block.attention.key_value.weight[c:].T)
    attention, size = model.blocks[0].attention, c // n_heads
    rates = base ** (-torch.arange(0, width, 2) / width)
    waves = torch.linspace(0, min(10, width // 2 - 1), size // 2).round().long().unique().tolist()
    for head in range(n_heads):
        for row, wave in enumerate(waves):
            angle = rates[wave] * (head + 1)
            rows, columns = slice(head * size + 2 * row, head * size + 2 * row + 2), slice(2 * wave, 2 * wave + 2)
            turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
            attention.key_value.weight[rows, columns] += torch.eye(2)
            attention.query.weight[rows, columns] += turn


class Windows:
    """What each step reads: the primer or its terms, then the text, first in short windows, then in long ones."""

    def __init__(
        self, tokens: Tensor, config: PretrainConfig, *, seed: int, context_length: int, primer: Tensor | None = None,
        terms: Sequence[Term] = (), end_id: int | None = None,
    ):  # fmt: skip
        if config.primer_steps and primer is None:
            raise ValueError(
                f"primer_steps is {config.primer_steps} but there is no primer: give its tokens, or set primer_steps to 0"
            )
        if config.whole_documents and end_id is None:
            raise ValueError("whole_documents: give end_id, the token after each document, or set whole_documents to False")
        if terms and (config.primer_steps or not config.whole_documents):
            raise ValueError("terms need whole_documents, and primer_steps 0: they are a primer of their own")
        self.tokens, self.primer, self.terms, self.config = tokens, primer, terms, config
        self.seed, self.context_length = seed, context_length
        self.starts = document_starts(tokens, end_id) if config.whole_documents else None
        self.term_starts = [document_starts(term.tokens, end_id) for term in terms]

    def at(self, step: int, term: int) -> tuple[Tensor, Tensor]:
        """Return the windows of one step (B, T), and the position at which each is to be read (B,)."""
        config, stream, starts = self.config, self.tokens, self.starts
        length = config.short_length if step < config.short_steps else config.sequence_length
        if step < config.primer_steps:
            stream = self.primer
        if term < len(self.terms):
            stream, starts, length = self.terms[term].tokens, self.term_starts[term], config.term_length
        length = min(length, config.sequence_length)
        n_windows = config.batch_size * config.sequence_length // length
        windows = window_batch(stream, step, n_windows, length, self.seed, starts=starts)
        spare = self.context_length - length if config.whole_documents else 0
        return windows, torch.randint(spare + 1, (n_windows,), generator=seeded_generator("positions", self.seed, step))


def pretrain(
    model: GPT,
    tokens: Tensor,
    config: PretrainConfig,
    *,
    seed: int,
    run: TrainingRun,
    primer: Tensor | None = None,
    terms: Sequence[Term] = (),
    end_id: int | None = None,
    evaluate: Callable[[GPT], dict[str, float]] | None = None,
) -> None:
    """Train on windows of a packed stream of tokens (N,), in place, after `config.primer_steps` on the primer's stream (M,).

    With `terms`, these come first instead, each until its questions are answered. They need `config.whole_documents`, which
    needs `end_id`, the token after each document.
    """
    engine, length = run.engine, model.config.context_length
    windows = Windows(tokens, config, seed=seed, context_length=length, primer=primer, terms=terms, end_id=end_id)
    if config.copying_start:
        start_for_copying(model)  # where a run goes on, its own weights are loaded over these
    optimizer = build_optimizer(engine.prepare(model), config.optim)
    model.train()
    for step in run.steps(config.steps, {"model": model}, {"model": optimizer}):
        term = term_to_read(run.history, terms)
        batch, positions = windows.at(step, term)
        n_valid, found = batch.numel() - len(batch), []  # no window's first token is predicted
        optimizer.zero_grad()
        for part, first in zip(engine.micro_batches(batch), engine.micro_batches(positions), strict=True):
            first = engine.to_device(first) if config.whole_documents else None
            with engine.autocast():
                loss, metrics = pretrain_loss(model, engine.to_device(part), n_valid=n_valid, first=first)
            backward({"pretrain_loss": loss}, step)
            found.append(metrics)
        metrics = engine.all_reduce(found) | clip_and_step(optimizer, step, config.steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, config.steps):
            with engine.unsharded(model):
                metrics |= evaluate(model)
        if term < len(terms) and terms[term].questions and run.is_due(step, TERM_CHECK_EVERY, config.steps):
            with engine.unsharded(model):
                answered = min(share_answered(model, kind) for kind in terms[term].questions)
                metrics |= {"term": term + 1, "answered": answered}
        run.record(step, metrics)
