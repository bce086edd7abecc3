"""The reward model: learn from rankings to give an answer a score."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .checkpoint import TrainingRun
from .data import batch_indices, lengths_to_mask, pad_right
from .files import read_json
from .gpt import ScalarModel, eval_mode, last_token_scores
from .kernels.sharding import reshard
from .likelihood import log_probs_from_hidden
from .masked import masked_mean
from .optim import OptimConfig, backward, build_optimizer, clip_and_step
from .records import EncodedComparison, Example, RankedBatch, collate_comparisons


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """Set how a reward model learns from comparisons."""

    epochs: float = 1.0
    """Passes over the comparisons (paper: 1; more over-fit fast)."""
    batch_size: int = 16
    """Prompts per step, each with all its answers (ours; paper: 64)."""
    in_order: bool = False
    """Whether comparisons are learnt in the order given, not shuffled: where what is hard to see stands first (ours)."""
    text_coef: float = 0.0
    """Weight of the cross-entropy of the best answers beside the pairwise loss, so that what the model knows is not unlearnt
    while it learns to score (ours)."""
    eval_every: int = 25
    """Steps between evaluations; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=4e-4, warmup_steps=5))
    """Adam and its schedule: cosine to 10 % (paper); the rate is ours."""

    def __post_init__(self):
        if self.epochs <= 0 or self.batch_size < 1:
            raise ValueError(f"epochs {self.epochs} must be > 0 and batch_size {self.batch_size} >= 1")
        if self.text_coef < 0:
            raise ValueError(f"text_coef is {self.text_coef}, expected 0 or more")

    def steps(self, n_comparisons: int) -> int:
        """Number of optimizer steps on so many comparisons."""
        return max(1, round(self.epochs * n_comparisons / self.batch_size))


def pair_mask(batch: RankedBatch) -> Tensor:
    """Mark the pairs (i, j) of answers to one prompt in which i was ranked better: (N, N) bool.

    Ties make no pair, nor do identical answers, whatever a careless labeler said of them.
    """
    same_prompt = batch.prompt_index[:, None] == batch.prompt_index[None]
    better = batch.ranks[:, None] < batch.ranks[None]
    mask = same_prompt & better
    i, j = mask.nonzero(as_tuple=True)
    identical = (batch.tokens[i] == batch.tokens[j]).all(1) & (batch.lengths[i] == batch.lengths[j])
    mask[i[identical], j[identical]] = False
    return mask


def count_pairs(batch: RankedBatch) -> tuple[int, int]:
    """Return how many prompts have a pair, and how many pairs there are."""
    mask = pair_mask(batch)
    return len(batch.prompt_index[mask.any(1)].unique()), int(mask.sum())


def pairwise_loss(scores: Tensor, batch: RankedBatch, *, n_prompts: int | None = None) -> Tensor:
    """Make better answers score higher: -log sigmoid of each pair's difference.

    Averaged over the pairs of a prompt, then over prompts: a prompt with 9 answers (36 pairs) weighs as much as one
    with 4 (6 pairs). Each answer went through the model once, in however many pairs it stands. A micro-batch divides by
    `n_prompts`, the prompts with a pair of its whole batch.

    Source: InstructGPT, equation 1.
    """
    mask = pair_mask(batch)  # (N, N)
    differences = scores[:, None] - scores[None]
    row_pairs = mask.sum(1)
    n_all = int(batch.prompt_index.max()) + 1
    prompt_pairs = torch.zeros(n_all, device=scores.device).index_add(0, batch.prompt_index, row_pairs.float())
    weights = mask / prompt_pairs[batch.prompt_index].clamp(min=1)[:, None]
    counted = (prompt_pairs > 0).sum() if n_prompts is None else n_prompts
    return -(F.logsigmoid(differences) * weights).sum() / max(1, counted)


def pair_accuracy(scores: Tensor, batch: RankedBatch) -> tuple[float, int]:
    """Return the share of pairs in which the better answer scored higher, and the number of pairs; equal scores count half."""
    mask = pair_mask(batch)
    differences = (scores[:, None] - scores[None])[mask]
    right = (differences > 0).float() + 0.5 * (differences == 0).float()
    return (right.mean().item() if len(right) else float("nan")), len(right)


def reward_loss(
    model: ScalarModel, batch: RankedBatch, *, n_prompts: int | None = None, n_pairs: int | None = None,
    text_coef: float = 0.0, n_text: int | None = None,
) -> tuple[Tensor, dict[str, float]]:  # fmt: skip
    """Pairwise loss of one batch of prompts with their ranked answers, and `text_coef` times the best answers' cross-entropy.

    A micro-batch gives the counts of its whole batch (see `count_pairs`, and `text_mask` for `n_text`); then the micro-batches'
    results add up to it.
    """
    hidden = model.hidden(batch.tokens)  # (N, T, C)
    rows = torch.arange(len(hidden), device=hidden.device)
    scores = model.scalar_head(hidden[rows, batch.lengths - 1]).squeeze(-1)  # (N,), as last_token_scores
    loss = pairwise_loss(scores, batch, n_prompts=n_prompts)
    accuracy, pairs = pair_accuracy(scores.detach(), batch)
    if n_pairs is not None:
        accuracy = accuracy * pairs / n_pairs if pairs else 0.0
    metrics = {"loss": loss.item(), "accuracy": accuracy}
    if not text_coef:
        return loss, metrics
    mask = text_mask(batch)
    log_probs, _ = log_probs_from_hidden(model.backbone, hidden, batch.tokens, mask)
    text_loss = -masked_mean(log_probs, mask, count=n_text)
    return loss + text_coef * text_loss, metrics | {"text_loss": text_loss.item()}


def text_mask(batch: RankedBatch) -> Tensor:
    """Mark the positions from which a token of a best-ranked answer, or of its prompt, is predicted: (N, T - 1) bool."""
    return lengths_to_mask(batch.lengths - 1, batch.tokens.shape[1] - 1) & (batch.ranks == 0)[:, None]


def train_reward_model(
    model: ScalarModel,
    comparisons: list[EncodedComparison],
    config: RewardConfig,
    *,
    pad_id: int,
    seed: int,
    run: TrainingRun,
    evaluate: Callable[[ScalarModel], dict[str, float]] | None = None,
) -> None:
    """Train on ranked answers, in place."""
    if not comparisons:
        raise ValueError("no comparisons to learn from: give at least one prompt with two answers ranked differently")
    engine = run.engine
    optimizer = build_optimizer(engine.prepare(model), config.optim)
    total_steps = config.steps(len(comparisons))
    model.train()
    for step in run.steps(total_steps, {"model": model}, {"model": optimizer}):
        chosen = batch_indices(step, len(comparisons), config.batch_size, None if config.in_order else seed)
        batch = [comparisons[i] for i in chosen]
        whole, found = collate_comparisons(batch, pad_id), []
        (n_prompts, n_pairs), n_text = count_pairs(whole), int(text_mask(whole).sum())
        optimizer.zero_grad()
        for part in engine.micro_batches(batch, length=lambda comparison: max(map(len, comparison.ids))):
            with engine.autocast():
                ranked = engine.to_device(collate_comparisons(part, pad_id))
                loss, metrics = reward_loss(
                    model, ranked, n_prompts=n_prompts, n_pairs=n_pairs, text_coef=config.text_coef, n_text=n_text
                )
            backward({"reward_loss": loss}, step)
            found.append(metrics)
        metrics = engine.all_reduce(found) | clip_and_step(optimizer, step, total_steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, total_steps):
            with engine.unsharded(model):
                metrics |= evaluate(model)
        run.record(step, metrics)


def load_rankings(path: Path, vocab_size: int) -> list[dict[str, Any]]:
    """Read what the pipeline's stage 'comparisons' wrote: rows with "ids", K lists of token ids, and "ranks", K numbers.

    Raises: FileNotFoundError, ValueError: naming the file and the row, counted from 1.
    """
    advice = "delete it and collect the comparisons again"
    rows = read_json(path, list, advice, of=dict)
    if not rows:
        raise ValueError(f"{path} holds no prompt with two answers ranked differently: {advice}")
    for number, row in enumerate(rows, 1):
        ids, ranks = row.get("ids"), row.get("ranks")
        lists = isinstance(ids, list) and isinstance(ranks, list) and len(ids) == len(ranks) > 1
        if not lists or not all(isinstance(each, list) and each for each in ids) or not all(type(r) is int for r in ranks):
            raise ValueError(f"{path}, row {number}: expected lists of token ids, and a rank for each: {advice}")
        if not all(type(token) is int and 0 <= token < vocab_size for each in ids for token in each):
            raise ValueError(f"{path}, row {number}: a token id is not one of 0 to {vocab_size - 1}: {advice}")
    return rows


@torch.no_grad()
def score_sequences(model: ScalarModel, sequences: list[list[int]], pad_id: int, batch_size: int = 64) -> Tensor:
    """Score prompt-and-answer sequences of any lengths: -> (N,), in the order given."""
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))  # neighbours of like length: little padding
    scores, device = torch.empty(len(sequences)), next(model.parameters()).device
    with eval_mode(model):
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            tokens, lengths = pad_right([sequences[i] for i in rows], pad_id)
            scores[rows] = last_token_scores(model, tokens.to(device), lengths.to(device)).float().cpu()
    return scores


def center_on_demonstrations(model: ScalarModel, examples: list[Example], pad_id: int) -> float:
    """Shift the score by a bias so that demonstrations score 0 on average; return the mean before.

    Source: InstructGPT, section 3.5: the loss does not fix the zero of the score.
    """
    mean = score_sequences(model, [example.ids for example in examples], pad_id).mean().item()
    reshard(model)
    with torch.no_grad():
        model.scalar_head.bias -= mean
    return mean
