"""Models compared by a judge: a second reward model, with another seed, on comparisons that the run never saw.

The judge is a model of people's preferences, not people. It starts from the base model and not from the SFT model, so that
it shares no fine-tuning with what it judges; but it has the run's architecture and learnt from the same kind of people, and
so shares what a reward model tends to get wrong, such as liking long answers. `judge_accuracies` says how far to trust it.

It reads each answer as the comparisons are written, with an end token, also where the length limit truncated the answer: how
many ended by themselves is counted apart. So does `score_with_end` in PPO: no comparison shows a reward model an answer
without an end token, so what it says of one means nothing. A base model's answer is cut where it begins the next turn.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data import pack_documents
from ..evaluate import agreement, calibration, kl_from, sample, wilson_interval
from ..gpt import GPT, ScalarModel, last_token_scores
from ..masked import last_kept
from ..pretrain import held_out_loss
from ..records import Comparison
from ..reports.comparison import SPEAKERS, mean, own_turn, pair_rows, sample_rows
from ..reports.markdown import number
from ..reward import score_sequences
from ..rollout import ScoreFunction
from ..tokenizer import Tokenizer

TIE = 0.2
"""Scores closer than this decide nothing: the judge is then less than 55 % sure, sigmoid(0.2) (ours)."""
TEXT_WINDOW = 256
"""Most tokens of a window of held-out text."""
KL_PROMPTS = 64
"""Most prompts for the KL, sampled and scored at once (ours)."""
SAMPLES = 12
"""Number of prompts whose answers are shown: the first ones (ours)."""
INTRO = """\
**Who judges.** Not people: a second reward model, here called the judge, that learnt from {comparisons:,} comparisons which
nothing else in this run saw, with another seed, and beginning from the base model. It is a model of people's preferences. It
orders {judge} of {pairs:,} held-out pairs as people did; guessing gives 50%, always preferring the longer answer {longer}. It
agrees with the run's own reward model on {both}. Both share one architecture and learnt from the same kind of comparisons, so
a weakness that both have is not seen here. Read the answers below before believing a win rate."""
WEAK = "**The judge is hardly better than guessing on this data: its win rates say next to nothing.**"
LENGTH = "**The judge orders no more pairs as people do than the rule “the longer answer is better”.**"
NO_TEXT = "No pretraining text was given (`--text`): PPO-ptx was not trained and the alignment tax was not measured."
READING = """\
The gold score is the judge's mean score. It has no zero of its own: only differences count, and one of d stands for a
probability of 1/(1+exp(-d)). “Preferred answer” is the one that people ranked first, to the same prompts. Where answers of a
small model beat it, suspect the judge first: it may like their length or their style."""


@dataclass(frozen=True)
class HeldOut:
    """What all models are compared on, and how much to take at once."""

    tokenizer: Tokenizer
    comparisons: list[Comparison]
    """Held-out ones."""
    prompts: list[Comparison]
    """Held-out comparisons with different prompts; models answer them, and the preferred answer is one more competitor."""
    text: list[str]
    """Held-out documents; empty: none."""
    max_new_tokens: int
    seed: int
    batch_size: int = 32
    """Sequences at a time."""

    @property
    def ids(self) -> dict[str, int]:
        """Special tokens, as `sample` wants them."""
        return {"end_id": self.tokenizer.end_id, "pad_id": self.tokenizer.pad_id}

    @cached_property
    def encoded_prompts(self) -> list[list[int]]:
        """Token ids of each prompt."""
        return [self.tokenizer.encode_prompt(row.prompt) for row in self.prompts]

    def answers_of(self, policy: GPT, seed: int | str) -> tuple[list[str], float]:
        """Let a policy answer the prompts; return the texts and the share that ended by themselves."""
        drawn = sample(policy, self.encoded_prompts, seed=seed, max_new_tokens=self.max_new_tokens,
                       batch_size=self.batch_size, **self.ids)  # fmt: skip
        return [self.tokenizer.decode_response(ids) for ids in drawn], mean([ids[-1] == self.tokenizer.end_id for ids in drawn])

    def scores_of(self, model: ScalarModel, rows: Sequence[Comparison], answers: Sequence[str]) -> list[float]:
        """Score one answer per row, written as the comparisons are: with an end token."""
        encoded = [self.tokenizer.encode_example(row.prompt, answer)[0] for row, answer in zip(rows, answers, strict=True)]
        most = model.config.context_length - 1  # bytes that are no text become marks of several tokens each
        ids = [each if len(each) <= most else [*each[:most], self.tokenizer.end_id] for each in encoded]
        return score_sequences(model, ids, self.tokenizer.pad_id, self.batch_size).tolist()

    def comparison_scores(self, model: ScalarModel) -> list[list[float]]:
        """Score every answer of the held-out comparisons: one list per comparison."""
        flat = [(row, answer) for row in self.comparisons for answer in row.responses]
        scores = iter(self.scores_of(model, [row for row, _ in flat], [answer for _, answer in flat]))
        return [[next(scores) for _ in row.responses] for row in self.comparisons]


def score_with_end(model: ScalarModel, end_id: int) -> ScoreFunction:
    """Turn a reward model into a score function that reads every answer with an end token, a truncated one too.

    Where the context is full, the end token takes the place of the last one. The penalty for truncated answers comes on top.
    """
    model.eval()

    def score(tokens: Tensor, response_mask: Tensor) -> Tensor:
        """Return scores (B,)."""
        rows, lengths = torch.arange(len(tokens), device=tokens.device), last_kept(response_mask)
        is_truncated = tokens[rows, lengths - 1] != end_id
        lengths = torch.where(is_truncated, (lengths + 1).clamp(max=model.config.context_length), lengths)
        tokens = F.pad(tokens, (0, 1), value=end_id)[:, : int(lengths.max())].contiguous()
        tokens[rows[is_truncated], lengths[is_truncated] - 1] = end_id
        return last_token_scores(model, tokens, lengths)

    return score


def share_of(right: int, pairs: int) -> dict[str, float]:
    """Return a share of pairs with its 95 % interval (Wilson): 8 of 10 -> 0.8 (0.490 to 0.943)."""
    low, high = wilson_interval(right, pairs)
    return {"right": right, "pairs": pairs, "share": right / pairs if pairs else float("nan"), "low": low, "high": high}


def judge_accuracies(
    judged: list[list[float]], rewarded: list[list[float]], comparisons: Sequence[Comparison]
) -> dict[str, dict[str, float]]:
    """Count on held-out pairs how often judge and reward model, and the rule "longer is better", order as people did.

    Also how often reward model and judge agree with each other: the higher, the less the judge is a check on the other.
    """
    people = [[-float(rank) for rank in row.ranks] for row in comparisons]
    lengths = [[float(len(answer.split())) for answer in row.responses] for row in comparisons]
    named = {"accuracy_people": (rewarded, people), "judge_and_people": (judged, people),
             "longer_and_people": (lengths, people), "accuracy_judge": (rewarded, judged)}  # fmt: skip
    found = {}
    for name, (ours, theirs) in named.items():
        counts = [agreement(a, b) for a, b in zip(ours, theirs, strict=True)]
        found[name] = share_of(sum(alike for alike, _ in counts), sum(decided for _, decided in counts))
    return found


def calibration_bins(scores: list[list[float]], comparisons: Sequence[Comparison]) -> list[dict[str, float]]:
    """Compare how sure a model is with how often it is right, on all pairs; which answer comes first alternates."""
    differences, outcomes = [], []
    for row, found in zip(comparisons, scores, strict=True):
        for i in range(len(found)):
            for j in range(i):
                if row.ranks[i] != row.ranks[j]:
                    a, b = (i, j) if len(outcomes) % 2 else (j, i)  # files often have the better one first
                    differences.append(found[a] - found[b])
                    outcomes.append(row.ranks[a] < row.ranks[b])
    return [asdict(each) for each in calibration(differences, outcomes)] if outcomes else []


def judge_models(
    load: Callable[[str], GPT], names: Sequence[str], judge: ScalarModel, reward_model: ScalarModel, held_out: HeldOut
) -> dict[str, Any]:
    """Let every model answer the held-out prompts and compare the answers; returns results as `write_report` shows them.

    `load` gives a policy by its name (base, sft, ppo, ppo_ptx); they are in memory one by one, beside the SFT model.
    """
    sft, rows, kl = load("sft"), {}, {}
    answers: dict[str, list[str]] = {}
    for name in names:
        policy = sft if name == "sft" else load(name)
        texts, finished = held_out.answers_of(policy, held_out.seed)
        if name == "base":
            texts = [own_turn(text, (*SPEAKERS, "Assistant")) for text in texts]
        answers[name], rows[name] = texts, {"finished": finished}
        kl[name] = kl_from(policy, sft, held_out.encoded_prompts[:KL_PROMPTS], seed=held_out.seed,
                           max_new_tokens=held_out.max_new_tokens, **held_out.ids)  # fmt: skip
        if held_out.text:
            window = min(TEXT_WINDOW, policy.config.context_length)
            rows[name]["pretraining_loss"] = held_out_loss(policy, pack_documents(held_out.text, held_out.tokenizer), window)
    answers["chosen"], rows["chosen"] = [row.best for row in held_out.prompts], {}
    gold = {name: held_out.scores_of(judge, held_out.prompts, texts) for name, texts in answers.items()}
    for name, texts in answers.items():
        reward_score = mean(held_out.scores_of(reward_model, held_out.prompts, texts))
        rows[name] |= {"gold": mean(gold[name]), "reward_score": reward_score, "length": mean([len(t.split()) for t in texts])}
    judged, rewarded = held_out.comparison_scores(judge), held_out.comparison_scores(reward_model)
    prompts = [held_out.tokenizer.render(row.prompt) for row in held_out.prompts]
    return {
        "summary": {"prompts": len(prompts), "models": rows, "pairs": pair_rows(gold, TIE), "kl_from_sft": kl},
        "reward_model": judge_accuracies(judged, rewarded, held_out.comparisons),
        "calibration": calibration_bins(rewarded, held_out.comparisons), "samples": sample_rows(prompts, answers, gold, SAMPLES),
    }  # fmt: skip


def introduction(accuracies: dict[str, dict[str, float]], comparisons: int, *, has_text: bool) -> Iterator[str]:
    """Write who judged, with `comparisons` to learn from, and how far to trust it: paragraphs for the page."""
    judge, longer = accuracies["judge_and_people"], accuracies["longer_and_people"]
    interval = f" ({number(judge['low'], '.0%')} to {number(judge['high'], '.0%')})"
    both = number(accuracies["accuracy_judge"]["share"], ".0%")
    yield INTRO.format(comparisons=comparisons, judge=number(judge["share"], ".0%") + interval, pairs=judge["pairs"],
                       longer=number(longer["share"], ".0%"), both=both)  # fmt: skip
    if judge["low"] <= 0.5:
        yield WEAK
    elif judge["share"] <= longer["share"]:
        yield LENGTH
    yield READING
    if not has_text:
        yield NO_TEXT
