"""Models compared by a judge: a second reward model, with another seed, on comparisons that the run never saw.

The judge is a model of people's preferences, not people. It starts from the base model and not from the SFT model, so that
it shares no fine-tuning with what it judges; but it has the run's architecture and learnt from the same kind of people, and
so shares what a reward model tends to get wrong, such as liking long answers. `judge_accuracies` says how far to trust it.

It reads each answer as the comparisons are written, with an end token, also where the length limit cut the answer off: how
many ended by themselves is counted apart. A base model's answer is cut where it begins to write the next turn.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import exp
from typing import Any

import torch
from torch import Tensor

from ..data import pack_documents
from ..evaluate import agreement, calibration, kl_from, sample, wilson_interval, win_rate
from ..gpt import GPT, ScalarModel
from ..likelihood import masked_log_probs
from ..masked import masked_sum
from ..pretrain import held_out_loss
from ..records import Comparison, Example, collate_examples
from ..reward import score_sequences
from ..tokenizer import Tokenizer

TIE = 0.2
"""Scores closer than this decide nothing: the judge is then less than 55 % sure, sigmoid(0.2) (ours)."""
TEXT_WINDOW = 256
"""Tokens of a window of held-out text, at most."""
KL_PROMPTS = 128
"""Prompts for the KL, at most (ours)."""
PAIRS = ("sft>base", "ppo>sft", "ppo_ptx>sft", "ppo_ptx>ppo", "ppo_ptx>base", "sft>chosen", "ppo>chosen", "ppo_ptx>chosen")
NEXT_TURN = re.compile(r"\n\s*(?:User|System|Assistant|Human):")
SAMPLES = 12
"""Prompts whose answers are shown: the first ones (ours)."""


@dataclass(frozen=True)
class Share:
    """A share of pairs with its 95 % interval (Wilson)."""

    right: int
    pairs: int
    share: float
    low: float
    high: float


def share_of(right: int, pairs: int) -> Share:
    """Make a share with its interval: 8 of 10 -> 0.8 (0.490 to 0.943)."""
    return Share(right, pairs, right / pairs if pairs else float("nan"), *wilson_interval(right, pairs))


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

    @cached_property
    def text_tokens(self) -> Tensor:
        """The held-out documents as one stream of tokens (N,)."""
        return pack_documents(self.text, self.tokenizer)


def own_turn(text: str) -> str:
    r"""Cut off what a base model writes after its own turn. Example: "Rome.\nUser: Who?" -> "Rome." """
    return NEXT_TURN.split(text)[0].strip()


def score_answers(model: ScalarModel, held_out: HeldOut, rows: Sequence[Comparison], answers: Sequence[str]) -> list[float]:
    """Score one answer a row, written as the comparisons are: with an end token."""
    encoded = (held_out.tokenizer.encode_example(row.prompt, answer)[0] for row, answer in zip(rows, answers, strict=True))
    room = model.config.context_length - 1  # bytes that are no text become marks of several tokens each
    ids = [each if len(each) <= room else [*each[:room], held_out.tokenizer.end_id] for each in encoded]
    return score_sequences(model, ids, held_out.tokenizer.pad_id, held_out.batch_size).tolist()


def comparison_scores(model: ScalarModel, held_out: HeldOut) -> list[list[float]]:
    """Score every answer of the held-out comparisons: a list a comparison."""
    flat = [(row, answer) for row in held_out.comparisons for answer in row.responses]
    scores = iter(score_answers(model, held_out, [row for row, _ in flat], [answer for _, answer in flat]))
    return [[next(scores) for _ in row.responses] for row in held_out.comparisons]


def judge_accuracies(judged: list[list[float]], rewarded: list[list[float]], held_out: HeldOut) -> dict[str, dict[str, Any]]:
    """Count on held-out pairs how often judge and reward model, and the rule "longer is better", order as people did.

    Also how often reward model and judge agree with each other: the higher, the less the judge is a check on the other.
    """
    people = [[-float(rank) for rank in row.ranks] for row in held_out.comparisons]
    lengths = [[float(len(answer.split())) for answer in row.responses] for row in held_out.comparisons]
    named = {"judge": (judged, people), "reward_model": (rewarded, people), "longer_answer": (lengths, people),
             "reward_model_and_judge": (rewarded, judged)}  # fmt: skip
    found = {}
    for name, (ours, theirs) in named.items():
        counts = [agreement(a, b) for a, b in zip(ours, theirs, strict=True)]
        found[name] = asdict(share_of(sum(alike for alike, _ in counts), sum(decided for _, decided in counts)))
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


@torch.no_grad()
def chosen_perplexity(model: GPT, held_out: HeldOut) -> float:
    """Perplexity on the preferred held-out answers: exp of the mean nats a token, end tokens included."""
    nats = tokens = 0.0
    examples = [Example(*held_out.tokenizer.encode_example(row.prompt, row.best)) for row in held_out.comparisons]
    device = next(model.parameters()).device
    for start in range(0, len(examples), held_out.batch_size):
        batch = collate_examples(examples[start : start + held_out.batch_size], held_out.tokenizer.pad_id)
        mask = batch.response_mask[:, 1:].to(device)
        log_probs, _ = masked_log_probs(model, batch.tokens.to(device), mask)
        nats, tokens = nats - masked_sum(log_probs, mask).item(), tokens + mask.sum().item()
    return exp(nats / tokens)


def text_loss(model: GPT, held_out: HeldOut) -> float | None:
    """Held-out loss on the pretraining text, nats a token; None without text. Alignment tax is its rise over the base's."""
    if not held_out.text:
        return None
    return held_out_loss(model, held_out.text_tokens, min(TEXT_WINDOW, model.config.context_length))


def mean_kl(policy: GPT, reference: GPT, held_out: HeldOut) -> float:
    """KL from the reference on the policy's own answers, nats a response."""
    prompts, found = held_out.encoded_prompts[:KL_PROMPTS], []
    for start in range(0, len(prompts), held_out.batch_size):
        part = prompts[start : start + held_out.batch_size]
        kl = kl_from(policy, reference, part, seed=f"{held_out.seed} {start}", max_new_tokens=held_out.max_new_tokens,
                     **held_out.ids)  # fmt: skip
        found += [kl] * len(part)
    return sum(found) / len(found)


def judge_models(
    load: Callable[[str], GPT], names: Sequence[str], judge: ScalarModel, reward_model: ScalarModel, held_out: HeldOut
) -> dict[str, Any]:
    """Let every model answer the held-out prompts and compare the answers: everything that the page shows of it.

    `load` gives a policy by its name (base, sft, ppo, ppo_ptx); they are in memory one by one, beside the SFT model.
    """
    sft, rows, answers = load("sft"), {}, {}
    for name in names:
        policy = sft if name == "sft" else load(name)
        drawn = sample(policy, held_out.encoded_prompts, seed=held_out.seed, max_new_tokens=held_out.max_new_tokens,
                       batch_size=held_out.batch_size, **held_out.ids)  # fmt: skip
        texts = [held_out.tokenizer.decode_response(ids) for ids in drawn]
        answers[name] = [own_turn(text) for text in texts] if name == "base" else texts
        rows[name] = {
            "finished": _mean([float(ids[-1] == held_out.tokenizer.end_id) for ids in drawn]),
            "kl": mean_kl(policy, sft, held_out), "chosen_perplexity": chosen_perplexity(policy, held_out),
            "text_loss": text_loss(policy, held_out),
        }  # fmt: skip
    answers["chosen"], rows["chosen"] = [row.best for row in held_out.prompts], {}
    scores = {name: score_answers(judge, held_out, held_out.prompts, texts) for name, texts in answers.items()}
    for name, texts in answers.items():
        rows[name] |= {
            "judge_score": _mean(scores[name]),
            "reward_score": _mean(score_answers(reward_model, held_out, held_out.prompts, texts)),
            "length": _mean([float(len(text.split())) for text in texts]),
        }
    pairs = [pair for pair in PAIRS if set(pair.split(">")) <= answers.keys()]
    rates = {pair: win_rate(*(scores[name] for name in pair.split(">")), tie=TIE).to_row() for pair in pairs}
    judged, rewarded = comparison_scores(judge, held_out), comparison_scores(reward_model, held_out)
    return {
        "prompts": len(held_out.prompts), "models": rows, "pairs": rates,
        "accuracies": judge_accuracies(judged, rewarded, held_out),
        "calibration": calibration_bins(rewarded, held_out.comparisons),
        "samples": [
            {"prompt": held_out.tokenizer.render(row.prompt), "answers": {name: answers[name][i] for name in answers},
             "scores": {name: scores[name][i] for name in answers}}
            for i, row in enumerate(held_out.prompts[:SAMPLES])
        ],
    }  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
