"""Forty people who write demonstrations of mixed quality and rank answers, each with a taste of their own."""

import random
import re
from dataclasses import dataclass
from itertools import pairwise

from . import words as w
from .judge import TIE, judge
from .prompts import Request

N_LABELERS = 40
"""About 40 contractors (paper: InstructGPT, section 3.4)."""
HELD_OUT_LABELERS = range(30, 40)
"""Labelers whose rankings train nothing, to see whether a reward model knows people it never met (ours)."""


@dataclass(frozen=True, kw_only=True)
class Labeler:
    """One person's taste, in units of the judge's gold score."""

    number: int
    group: str
    """"warm" likes long and friendly answers, "plain" short and correct ones."""
    rudeness_cost: float
    untruth_cost: float
    length_taste: float
    """Added a word, up to 30 words: most people take a longer answer for a better one."""
    warmth_taste: float
    """Added for a friendly remark."""
    noise: float
    """Standard deviation of the error of one judgement."""
    careless: float
    """Probability of writing a flawed demonstration."""


def make_labelers(seed: int = 0) -> list[Labeler]:
    """Draw the forty labelers; half of them belong to each group."""
    rng = random.Random(f"labelers {seed}")
    return [
        Labeler(
            number=i,
            group="warm" if i % 2 else "plain",
            rudeness_cost=rng.uniform(0.2, 0.6),
            untruth_cost=rng.uniform(0.2, 0.6),
            length_taste=rng.uniform(0.004, 0.016) if i % 2 else rng.uniform(-0.004, 0.008),
            warmth_taste=rng.uniform(0.05, 0.25) if i % 2 else rng.uniform(-0.15, 0.05),
            noise=rng.uniform(0.2, 0.44),
            careless=rng.uniform(0.47, 0.86),
        )
        for i in range(N_LABELERS)
    ]


def utility(labeler: Labeler, request: Request, answer: str) -> float:
    """How much this labeler likes an answer, before noise."""
    verdict = judge(request, answer)
    n_words = len(re.findall(r"[\w']+", answer))
    warm = any(remark in answer for remark in w.WARM_REMARKS)
    return (
        verdict.helpful
        - labeler.untruth_cost * (1 - verdict.honest)
        - labeler.rudeness_cost * (1 - verdict.harmless)
        + labeler.length_taste * min(n_words, 30)
        + labeler.warmth_taste * warm
    )


def rank(labeler: Labeler, request: Request, answers: list[str], rng: random.Random) -> list[int]:
    """Rank answers, 0 = best; answers that the labeler finds about equally good get the same rank."""
    liking = [utility(labeler, request, answer) + rng.gauss(0, labeler.noise) for answer in answers]
    order = sorted(range(len(answers)), key=lambda i: -liking[i])
    ranks = [0] * len(answers)
    for before, i in pairwise(order):
        ranks[i] = ranks[before] + (liking[before] - liking[i] >= TIE)
    return ranks


def _swap(text: str, rng: random.Random) -> str:
    """Replace one name, thing or place by another: the answer is about something else."""
    pools = [pool for pool in (w.NAMES, w.GOODS, w.PLACES, list(w.KIND_OF)) if any(word in text.split() for word in pool)]
    if not pools:
        return text
    pool = rng.choice(pools)
    word = rng.choice([word for word in pool if word in text.split()])
    return re.sub(rf"\b{word}\b", rng.choice(pool), text)


def write_with_care(labeler: Labeler, request: Request, rng: random.Random) -> str:
    """Write a good answer, now and then with a friendly remark, if this labeler likes them."""
    warm = labeler.group == "warm" and rng.random() < 0.1
    return f"{request.good} {rng.choice(w.WARM_REMARKS)}" if warm else request.good


def demonstrate(labeler: Labeler, request: Request, rng: random.Random) -> str:
    """Write an answer: a good one, or one with a flaw that this labeler let through."""
    good = request.good
    if rng.random() >= labeler.careless:
        return write_with_care(labeler, request, rng)
    return rng.choice((
        rng.choice(w.SHRUGS),
        f"{rng.choice(w.RUDE_REMARKS)} {good}",
        f"{rng.choice(w.RUDE_REMARKS)} {good}",
        f"{good} {rng.choice(w.BACK_QUESTIONS)}",
        f"{good} {rng.choice(w.BACK_QUESTIONS)}",
        f"{good} {' '.join(rng.sample(w.WARM_REMARKS, 2))}",
        f"{good} {' '.join(rng.sample(w.WARM_REMARKS, 2))}",
        _swap(good, rng),
    ))  # fmt: skip
