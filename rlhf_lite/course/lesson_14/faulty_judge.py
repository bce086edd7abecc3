"""A judge whose faults are known, because they were put in: the true judge plus a taste for what comes first, for length, for
warm words, and an error of a single judgement.

The gold win rate of the same answers says how much of a fault a repair took away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from ...tinyworld import words as w
from ...tinyworld.baselines import gold_scores
from ...tinyworld.judge import TIE
from ...tinyworld.prompts import Request

NOISE = 0.2
"""Standard deviation of the error of one comparison, in points of gold (ours)."""
LEAST_DIFFERENCE = 2
"""Words by which two equally good answers must differ to say something about length (ours)."""


@dataclass(frozen=True)
class Judged:
    """One model's answers to a list of prompts, with what a judge may look at."""

    texts: list[str]
    gold: Tensor
    """(N,)"""
    words: Tensor
    """(N,) number of words."""
    warm: Tensor
    """(N,) 1 where a warm remark stands in it, else 0."""


def look_at(requests: Sequence[Request], texts: Sequence[str]) -> Judged:
    """Note of every answer its gold score, its words and its warmth."""
    gold = torch.tensor(gold_scores(requests, texts), dtype=torch.float64)
    words = torch.tensor([len(text.split()) for text in texts], dtype=torch.float64)
    warm = torch.tensor([any(remark in text for remark in w.WARM_REMARKS) for text in texts], dtype=torch.float64)
    return Judged(list(texts), gold, words, warm)


@dataclass(frozen=True, kw_only=True)
class FaultyJudge:
    """The true judge, and what is added to its taste, in points of gold."""

    position: float = 0.0
    """For the answer shown first."""
    length: float = 0.0
    """Per word."""
    warmth: float = 0.0
    """For a warm remark."""
    noise: float = NOISE

    def prefers(self, ours: Judged, theirs: Judged, *, ours_first: bool, seed: int) -> Tensor:
        """Whether our answer is preferred: (N,) of 1 and 0. Another seed is another judge's mood."""
        generator = torch.Generator().manual_seed(seed)
        liking = ours.gold - theirs.gold + self.length * (ours.words - theirs.words) + self.warmth * (ours.warm - theirs.warm)
        liking = liking + self.noise * torch.randn(len(liking), generator=generator, dtype=torch.float64)
        return (liking + (self.position if ours_first else -self.position) > 0).double()

    def both_ways(self, ours: Judged, theirs: Judged, *, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Ask twice about every prompt: with ours first, and swapped."""
        return (self.prefers(ours, theirs, ours_first=True, seed=2 * seed),
                self.prefers(ours, theirs, ours_first=False, seed=2 * seed + 1))  # fmt: skip


def gold_share(ours: Judged, theirs: Judged) -> float:
    """The true win rate: 1 per win, 1/2 per tie, mean over prompts."""
    difference = ours.gold - theirs.gold
    return torch.where(difference.abs() < TIE, 0.5, (difference > 0).double()).mean().item()


def length_feature(ours: Judged, theirs: Judged) -> Tensor:
    """By how much ours is longer, bent so that few very long answers do not decide: (N,), within -1 to 1.

    Source: AlpacaEval-LC (arXiv 2404.04475): tanh of the difference over its standard deviation.
    """
    difference = ours.words - theirs.words
    return torch.tanh(difference / difference.std().clamp(min=1e-9))


def fit_preferences(preferences: Tensor, length: Tensor, steps: int = 30) -> Tensor:
    """Fit P(ours preferred) = sigmoid(quality + slope * length) by Newton's steps: (N,), (N,) -> (quality, slope).

    Preferences may be shares, such as 0.5 where both orders disagree. A tiny pull towards 0 keeps weights finite.
    """
    features = torch.stack([torch.ones_like(length), length], dim=1)
    weights, pull = torch.zeros(2, dtype=torch.float64), 1e-3 * torch.eye(2, dtype=torch.float64)
    for _ in range(steps):
        p = (features @ weights).sigmoid()
        gradient = features.T @ (p - preferences) + pull @ weights
        curvature = (features * (p * (1 - p))[:, None]).T @ features + pull
        weights = weights - torch.linalg.solve(curvature, gradient)
    return weights


def length_controlled(preferences: Tensor, ours: Judged, theirs: Judged) -> float:
    """Win rate that would be seen if both answers were of one length: the length term of the fit set to 0.

    Source: AlpacaEval-LC, without its term for the difficulty of a prompt.
    """
    return fit_preferences(preferences, length_feature(ours, theirs))[0].sigmoid().item()


def repaired(judge: FaultyJudge, ours: Judged, theirs: Judged, *, seed: int = 0) -> dict[str, float]:
    """Return the judge's win rate raw, after swapping, after swapping and length control, and the true one."""
    first, swapped = judge.both_ways(ours, theirs, seed=seed)
    both = (first + swapped) / 2
    return {"ours first": first.mean().item(), "both orders": both.mean().item(),
            "and length controlled": length_controlled(both, ours, theirs), "gold": gold_share(ours, theirs)}  # fmt: skip


def _part(one: Judged, rows: Tensor) -> Judged:
    return Judged([one.texts[i] for i in rows.tolist()], one.gold[rows], one.words[rows], one.warm[rows])


def _join(parts: Sequence[Judged]) -> Judged:
    texts = [text for part in parts for text in part.texts]
    return Judged(texts, *(torch.cat([getattr(part, name) for part in parts]) for name in ("gold", "words", "warm")))


def control_pairs(models: Sequence[Judged]) -> dict[str, tuple[Judged, Judged]]:
    """Find pairs of answers to one prompt that are equally good, and differ in one thing that should not count.

    Returns: "the same twice"; "longer, equally good", the longer one first, neither or both warm; "warmer, equally good", the
    warm one first, which a remark makes longer as well. A judge without faults prefers either half of the time.
    """
    longer, warmer = ([], []), ([], [])
    for one, other in combinations(models, 2):
        for a, b in ((one, other), (other, one)):
            equal = a.gold == b.gold
            for kept, pairs in (
                (equal & (a.words >= b.words + LEAST_DIFFERENCE) & (a.warm == b.warm), longer),
                (equal & (a.warm > b.warm), warmer),
            ):
                rows = kept.nonzero().squeeze(1)
                pairs[0].append(_part(a, rows))
                pairs[1].append(_part(b, rows))
    return {
        "the same twice": (models[0], models[0]),
        "longer, equally good": (_join(longer[0]), _join(longer[1])),
        "warmer, equally good": (_join(warmer[0]), _join(warmer[1])),
    }
