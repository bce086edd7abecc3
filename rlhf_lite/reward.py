"""The reward model: learn from rankings to give an answer a score."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from .checkpoint import TrainingRun
from .data import EncodedComparison, Example, RankedBatch, batch_indices, collate_comparisons, pad_right
from .gpt import ScalarModel, last_token_scores
from .optim import OptimConfig, build_optimizer, optimizer_step


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """Set how a reward model learns from comparisons."""

    epochs: float = 1.0
    """Passes over the comparisons (paper: 1; more over-fit fast)."""
    batch_size: int = 16
    """Prompts a step, each with all its answers (ours; paper: 64)."""
    eval_every: int = 25
    """Steps between evaluations; 0 = only after the last step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=4e-4, warmup_steps=5))
    """Adam and its schedule: cosine to 10 % (paper); the rate is ours."""

    def __post_init__(self):
        if self.epochs <= 0 or self.batch_size < 1:
            raise ValueError(f"epochs {self.epochs} must be > 0 and batch_size {self.batch_size} >= 1")


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


def pairwise_loss(scores: Tensor, batch: RankedBatch) -> Tensor:
    """Make better answers score higher: -log sigmoid of each pair's difference.

    Averaged over the pairs of a prompt, then over prompts: a prompt with 9 answers (36 pairs) weighs as much as one
    with 4 (6 pairs). Each answer went through the model once, in however many pairs it stands.

    Source: InstructGPT, equation 1.
    """
    mask = pair_mask(batch)  # (N, N)
    differences = scores[:, None] - scores[None]
    row_pairs = mask.sum(1)
    n_prompts = int(batch.prompt_index.max()) + 1
    prompt_pairs = torch.zeros(n_prompts, device=scores.device).index_add(0, batch.prompt_index, row_pairs.float())
    weights = mask / prompt_pairs[batch.prompt_index].clamp(min=1)[:, None]
    return -(F.logsigmoid(differences) * weights).sum() / (prompt_pairs > 0).sum().clamp(min=1)


def pair_accuracy(scores: Tensor, batch: RankedBatch) -> tuple[float, int]:
    """Return the share of pairs in which the better answer scored higher, and the number of pairs; equal scores count half."""
    mask = pair_mask(batch)
    differences = (scores[:, None] - scores[None])[mask]
    right = (differences > 0).float() + 0.5 * (differences == 0).float()
    return (right.mean().item() if len(right) else float("nan")), len(right)


def reward_loss(model: ScalarModel, batch: RankedBatch) -> tuple[Tensor, dict[str, float]]:
    """Pairwise loss of one batch of prompts with their ranked answers."""
    scores = last_token_scores(model, batch.tokens, batch.lengths)
    loss = pairwise_loss(scores, batch)
    return loss, {"loss": loss.item(), "accuracy": pair_accuracy(scores.detach(), batch)[0]}


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
    optimizer = build_optimizer(model, config.optim)
    total_steps = max(1, round(config.epochs * len(comparisons) / config.batch_size))
    model.train()
    for step in run.steps(total_steps, {"model": model}, {"model": optimizer}):
        chosen = batch_indices(step, len(comparisons), config.batch_size, seed)
        batch = collate_comparisons([comparisons[i] for i in chosen], pad_id)
        loss, metrics = reward_loss(model, batch)
        metrics |= optimizer_step(optimizer, {"reward_loss": loss}, step, total_steps, config.optim)
        if evaluate and run.is_due(step, config.eval_every, total_steps):
            metrics |= evaluate(model)
        run.record(step, metrics)


@torch.no_grad()
def score_sequences(model: ScalarModel, sequences: list[list[int]], pad_id: int, batch_size: int = 64) -> Tensor:
    """Score prompt-and-answer sequences of any lengths: -> (N,), in the order given."""
    was_training = model.training
    model.eval()
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))  # neighbours of like length: little padding
    scores = torch.empty(len(sequences))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        tokens, lengths = pad_right([sequences[i] for i in rows], pad_id)
        scores[rows] = last_token_scores(model, tokens, lengths)
    model.train(was_training)
    return scores


def center_on_demonstrations(model: ScalarModel, examples: list[Example], pad_id: int) -> float:
    """Shift the score by a bias so that demonstrations score 0 on average; return the mean before.

    Source: InstructGPT, section 3.5: the loss does not fix the zero of the score.
    """
    mean = score_sequences(model, [example.ids for example in examples], pad_id).mean().item()
    with torch.no_grad():
        model.scalar_head.bias -= mean
    return mean
