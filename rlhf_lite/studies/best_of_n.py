"""Best-of-n without training: what picking the highest score among n answers gives, and how far it goes from the model.

From N answers per prompt the expected gold of the best of n, for every n up to N, follows by counting, without drawing n anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, log

import torch
from torch import Tensor

from ..evaluate import agreement, sample
from ..gpt import GPT, ScalarModel
from ..reward import score_sequences
from ..tinyworld.judge import TIE, judge
from ..tinyworld.labelers import HELD_OUT_LABELERS, make_labelers, utility
from ..tinyworld.prompts import Request, draw_requests
from ..tokenizer import Tokenizer

NS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""How many answers to pick from (Gao 2022 goes much further)."""
ANSWERS = 96
"""Answers drawn per prompt: more than the largest n, so that even there the mean is over many sets (ours)."""
COMPARED = 8
"""Of these, as many different ones per prompt make the pairs on which accuracy is counted (ours)."""


def best_of_n_kl(n: int) -> float:
    """KL divergence of best-of-n from the model sampled, in nats per answer, where no two answers are alike; else an upper bound.

    Example: 1 -> 0.0, 16 -> 1.835. Source: Gao 2022, after Stiennon 2020: ln n - (n - 1) / n.
    """
    if n < 1:
        raise ValueError(f"n is {n}, expected at least 1")
    return log(n) - (n - 1) / n


def best_of_n_weights(total: int, n: int) -> Tensor:
    """Return, for answers ordered from the lowest score to the highest, how likely each is to be the best of n drawn: (total,).

    The one at rank i (from 0) is the best of a set of n where the other n - 1 are among the i below it: comb(i, n - 1) of
    comb(total, n) sets. Drawn without putting back, so that the estimate is unbiased.

    Example: 3 answers, n = 2 -> [0, 1/3, 2/3]. Raises: ValueError unless 1 <= n <= total.
    """
    if not 1 <= n <= total:
        raise ValueError(f"best of {n} from {total} answers: expected 1 <= n <= {total}")
    return torch.tensor([comb(i, n - 1) / comb(total, n) for i in range(total)], dtype=torch.float64)


def best_of_n_means(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """Expected value of the answer that scores highest among n: scores and values (prompts, N) -> (prompts,).

    Where answers score alike their values are averaged, as when one of them is picked at random.
    """
    order = scores.argsort(dim=1, stable=True)
    scores, values = scores.gather(1, order).double(), values.gather(1, order).double()
    weights = best_of_n_weights(scores.shape[1], n)
    means = []
    for row, value in zip(scores, values, strict=True):
        _, group = row.unique_consecutive(return_inverse=True)
        size = torch.bincount(group).double()
        mean = torch.zeros_like(size).index_add(0, group, value) / size
        means.append((mean[group] * weights).sum())
    return torch.stack(means)


@dataclass(frozen=True)
class Picks:
    """What a reward model's picks are worth: one row per n, and how it orders pairs."""

    rows: list[dict[str, float]]
    """n, kl (nats, an upper bound), score (the reward model's), gold, gold_error (standard error over prompts)."""
    accuracy_judge: float
    """Share of pairs, ties left out, ordered as the judge does."""
    accuracy_labelers: float
    """The same against a labeler whom no reward model met, one per prompt, with the error of a single judgement."""
    score_spread: float
    """Standard deviation of the score among answers to one prompt, mean over prompts."""


class Answers:
    """Many answers of one model to held-out prompts, with their gold scores: the same for all reward models compared."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, *, seed: int | str, n_prompts: int, answers: int = ANSWERS):
        self.tokenizer, self.requests = tokenizer, draw_requests(f"best of n {seed}", n_prompts, held_out=True)
        self.prompts = [tokenizer.encode_prompt(request.prompt) for request in self.requests]
        drawn = sample(model, [prompt for prompt in self.prompts for _ in range(answers)], seed=f"best of n {seed}",
                       end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)  # fmt: skip
        by_prompt = [drawn[i : i + answers] for i in range(0, len(drawn), answers)]
        self.kept = [[list(ids) for ids in {tuple(ids): None for ids in each}] for each in by_prompt]  # different ones, in order
        self.texts = [[tokenizer.decode_response(ids) for ids in each] for each in self.kept]
        self.places = [[each.index(ids) for ids in all_of] for each, all_of in zip(self.kept, by_prompt, strict=True)]
        self.gold_of = [[judge(r, text).gold for text in texts] for r, texts in zip(self.requests, self.texts, strict=True)]
        self.gold = self.spread(self.gold_of)
        self.likings = self._likings(seed)

    def spread(self, of_different: Sequence[Sequence[float]]) -> Tensor:
        """From one number per different answer to one per answer drawn: (prompts, answers)."""
        return torch.tensor([[each[i] for i in places] for each, places in zip(of_different, self.places, strict=True)])

    def _likings(self, seed: int | str) -> list[list[float]]:
        generator = torch.Generator().manual_seed(sum(map(ord, f"labelers {seed}")))
        people = [person for person in make_labelers(0) if person.number in HELD_OUT_LABELERS]
        found = []
        for i, (request, texts) in enumerate(zip(self.requests, self.texts, strict=True)):
            person = people[i % len(people)]
            noise = torch.randn(COMPARED, generator=generator).tolist()
            found.append([utility(person, request, text) + person.noise * z for text, z in zip(texts, noise, strict=False)])
        return found

    def scores(self, reward_model: ScalarModel) -> list[list[float]]:
        """Score every different answer: lists by prompt."""
        sequences = [prompt + ids for prompt, kept in zip(self.prompts, self.kept, strict=True) for ids in kept]
        found = iter(score_sequences(reward_model, sequences, self.tokenizer.pad_id).tolist())
        return [[next(found) for _ in kept] for kept in self.kept]

    def pick(self, scores: Sequence[Sequence[float]], ns: Sequence[int] = NS) -> Picks:
        """Let scores, one per different answer, pick the best of n for every n."""
        drawn, rows = self.spread(scores), []
        for n in ns:
            gold, score = (best_of_n_means(drawn, values, n) for values in (self.gold, drawn))
            error = (gold.std() / len(gold) ** 0.5).item()
            found = {"score": score.mean().item(), "gold": gold.mean().item(), "gold_error": error}
            rows.append({"n": n, "kl": best_of_n_kl(n), **found})
        shares = [self._agreement(scores, others) for others in (self.gold_of, self.likings)]
        return Picks(rows, *shares, drawn.std(dim=1).mean().item())

    def _agreement(self, scores: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> float:
        counts = [agreement(a[:COMPARED], b[:COMPARED], TIE) for a, b in zip(scores, others, strict=True)]
        return sum(alike for alike, _ in counts) / max(1, sum(decided for _, decided in counts))


def text_scores(
    reward_model: ScalarModel, tokenizer: Tokenizer, requests: Sequence[Request], texts: Sequence[Sequence[str]]
) -> list[list[float]]:
    """Score answers that are texts by a reward model with a tokenizer of its own: lists by prompt."""
    sequences = [[*tokenizer.encode_example(r.prompt, text)[0]] for r, each in zip(requests, texts, strict=True) for text in each]
    found = iter(score_sequences(reward_model, sequences, tokenizer.pad_id).tolist())
    return [[next(found) for _ in each] for each in texts]
