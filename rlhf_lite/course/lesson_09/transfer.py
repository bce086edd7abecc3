"""Keep the body, replace the head: tell praise from blame with a few labels, in sentences that no label was given for."""

import random
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...data import batch_indices, pad_right
from ...gpt import GPT, ScalarModel, copy_gpt
from ...tinyworld import words as w
from ...tokenizer import Tokenizer

TEST_REVIEWS = 100
BATCH_SIZE = 8
MAX_GRAD_NORM = 1.0


@dataclass(frozen=True)
class Reviews:
    """Reviews with their labels."""

    tokens: Tensor
    """(N, T) long, padded on the right."""
    lengths: Tensor
    """(N,) real tokens of each row; at the last of them the label is read off."""
    labels: Tensor
    """(N,) 1.0 = praise, 0.0 = blame."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to get a classifier."""

    from_base: bool
    """Start with the base model's body; False = with random numbers."""
    body_rate: float
    """Learning rate of the body; 0 = frozen."""
    head_rate: float
    """Learning rate of the new head."""
    steps: int
    """Optimizer steps."""


WAYS = {
    "body from scratch": Way(from_base=False, body_rate=2e-3, head_rate=2e-3, steps=30),
    "base body, rate 6e-4": Way(from_base=True, body_rate=6e-4, head_rate=2e-2, steps=30),
    "base body, rate 1e-5": Way(from_base=True, body_rate=1e-5, head_rate=2e-2, steps=30),
    "base body, frozen": Way(from_base=True, body_rate=0.0, head_rate=2e-2, steps=30),
}
"""Rates are ours; all take as many steps, and each gets all its training labels right."""
STARS = "\nStars:"
"""How a review goes on in pretraining, where the next word is good or bad."""
ENDINGS = {"end of the review": "", "after a new line": "\n", "after \u201cStars:\u201d": STARS}
"""What is put behind a review, so that its last token is the place where the label is read off."""


def write_reviews(
    seed: int | str, count: int, praise: list[str], blame: list[str], tokenizer: Tokenizer, ending: str
) -> Reviews:
    """Write reviews, praise and blame in turn, two sentences of opinion each, and behind each an ending."""
    rng, rows = random.Random(f"reviews {seed}"), []
    for i in range(count):
        opinion = " ".join(rng.sample(praise if i % 2 else blame, 2))
        rows.append(tokenizer.encode(f"{rng.choice(w.NAMES)} bought a {rng.choice(w.GOODS)}. {opinion}{ending}"))
    tokens, lengths = pad_right(rows, tokenizer.pad_id)
    return Reviews(tokens, lengths, torch.tensor([float(i % 2) for i in range(count)]))


def review_sets(seed: int, count: int, tokenizer: Tokenizer, ending: str = STARS) -> tuple[Reviews, Reviews]:
    """Return `count` labelled reviews to train on, and reviews to test with, whose opinions use other sentences."""
    rng = random.Random(f"sentences {seed}")
    praise, blame = rng.sample(w.PRAISE, len(w.PRAISE)), rng.sample(w.BLAME, len(w.BLAME))
    return (
        write_reviews(f"train {seed}", count, praise[:2], blame[:2], tokenizer, ending),
        write_reviews(f"test {seed}", TEST_REVIEWS, praise[2:], blame[2:], tokenizer, ending),
    )


def last_hidden(model: ScalarModel, reviews: Reviews) -> Tensor:
    """Return what the body makes of each review at its last token: (N, C)."""
    return model.backbone.hidden(reviews.tokens)[torch.arange(len(reviews.lengths)), reviews.lengths - 1]


def parameter_groups(model: ScalarModel, body_rate: float, head_rate: float) -> list[dict[str, Any]]:
    """Give body and head a learning rate each, as `torch.optim` takes them; a frozen body is left out."""
    groups = [{"params": list(model.scalar_head.parameters()), "lr": head_rate}]
    return [*groups, {"params": list(model.backbone.parameters()), "lr": body_rate}] if body_rate else groups


def fit_classifier(base: GPT, train: Reviews, way: Way, *, seed: int) -> ScalarModel:
    """Train a body with a new head to say praise (above 0) or blame (below)."""
    torch.manual_seed(seed)  # the head's first numbers, and the body's where it starts from scratch
    model = ScalarModel(copy_gpt(base) if way.from_base else GPT(base.config))
    optimizer = torch.optim.AdamW(parameter_groups(model, way.body_rate, way.head_rate))
    frozen = last_hidden(model, train).detach() if way.body_rate == 0 else None  # it never changes: compute it once
    for step in range(way.steps):
        chosen = batch_indices(step, len(train.labels), BATCH_SIZE, seed)
        some = Reviews(train.tokens[chosen], train.lengths[chosen], train.labels[chosen])
        hidden = last_hidden(model, some) if frozen is None else frozen[chosen]
        loss = F.binary_cross_entropy_with_logits(model.scalar_head(hidden).squeeze(1), some.labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
        optimizer.step()
    return model.eval()


@torch.no_grad()
def share_right(model: ScalarModel, reviews: Reviews) -> float:
    """Share of the reviews on whose right side of 0 the model's number lies."""
    said_praise = model.scalar_head(last_hidden(model, reviews)).squeeze(1) > 0
    return (said_praise == (reviews.labels > 0.5)).double().mean().item()
