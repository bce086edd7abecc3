"""The tiny world as the pipeline sees it: texts, prompts, demonstrations, rankings, and a look at the gold score."""

import random
from typing import Any

from ..evaluate import sample
from ..gpt import GPT
from ..records import Demonstration
from ..tokenizer import Tokenizer
from .abilities import WATCHED, ability_shares
from .corpus import documents, primer
from .judge import judge
from .labelers import HELD_OUT_LABELERS, demonstrate, make_labelers, rank
from .prompts import Request, draw_requests
from .users import CleaningReport, training_requests

MONITOR_PROMPTS = 100
"""Held-out prompts on which PPO's gold score is watched (ours)."""
MONITOR_PER_ABILITY = 24
"""Prompts for each ability that is watched (ours): a share of them is right or wrong by about 0.1."""


class TinyWorld:
    """Draw everything from one seed; training sees demonstrations, rankings and prompts, never the judge."""

    def __init__(self, seed: int):
        self.seed = seed
        self.labelers = make_labelers(0)  # the same forty people in every run
        self._by_prompt: dict[str, Request] = {}
        self._requests: dict[int, tuple[dict[str, list[Request]], CleaningReport]] = {}

    def describe(self) -> dict[str, str]:
        """Return nothing: the seed says it all."""
        return {}

    def documents(self, count: int) -> list[str]:
        """Return pretraining documents."""
        return list(documents(self.seed, count))

    def primer(self, count: int) -> list[str]:
        """Return the copybook with which pretraining begins."""
        return list(primer(self.seed, count))

    def held_out_documents(self) -> list[str]:
        """Return documents never trained on, the same for every seed."""
        return list(documents("held out", 1000))

    def requests(self, incoming: int) -> dict[str, list[Request]]:
        """Return cleaned prompts by stage: sft, reward, ppo."""
        if incoming not in self._requests:
            self._requests[incoming] = training_requests(self.seed, incoming)
        return self._requests[incoming][0]

    def cleaning_report(self, incoming: int) -> CleaningReport:
        """Return how many prompts each step of the cleaning left out."""
        self.requests(incoming)
        return self._requests[incoming][1]

    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Let training labelers answer the sft prompts, well or carelessly."""
        rng = random.Random(f"demonstrations {self.seed}")
        people = self.training_labelers
        return [
            Demonstration(prompt=request.prompt, response=demonstrate(rng.choice(people), request, rng))
            for request in self.requests(incoming)["sft"]
        ]

    def given_comparisons(self) -> None:
        """Return None: here answers are sampled and ranked."""
        return None

    def given_score(self) -> None:
        """Return None: here a reward model scores."""
        return None

    @property
    def training_labelers(self) -> list:
        """The labelers who demonstrate and rank for training."""
        return [labeler for labeler in self.labelers if labeler.number not in HELD_OUT_LABELERS]

    def comparison_prompts(self, incoming: int, count: int) -> list[str]:
        """Return prompts whose answers labelers will rank."""
        chosen = self.requests(incoming)["reward"][:count]
        if len(chosen) < count:
            raise ValueError(
                f"only {len(chosen)} of {count} comparison prompts are left after cleaning: draw more than {incoming} incoming prompts"
            )
        self._by_prompt.update({request.prompt: request for request in chosen})
        return [request.prompt for request in chosen]

    def rank(self, prompts: list[str], answers: list[list[str]]) -> list[list[int]]:
        """Let a training labeler, another one for each prompt, rank its answers."""
        rng = random.Random(f"ranking {self.seed}")
        people = self.training_labelers
        return [
            rank(rng.choice(people), self._by_prompt[prompt], texts, rng) for prompt, texts in zip(prompts, answers, strict=True)
        ]

    def ppo_prompts(self, incoming: int) -> list[str]:
        """Return prompts for PPO."""
        return [request.prompt for request in self.requests(incoming)["ppo"]]

    def monitor(self, model: GPT, tokenizer: Tokenizer) -> dict[str, Any]:
        """Judge a policy on a few held-out prompts, other ones than the final evaluation's; keep one answer to look at.

        A mean gold score can rise while abilities are lost: shares of some of them stand beside it, under "abilities".
        """
        requests = draw_requests("monitor", MONITOR_PROMPTS, held_out=True)
        prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
        answers = sample(model, prompts, seed="monitor", end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)
        texts = [tokenizer.decode_response(ids) for ids in answers]
        gold = [judge(request, text).gold for request, text in zip(requests, texts, strict=True)]
        return {
            "gold": sum(gold) / len(gold), "abilities": self.abilities(model, tokenizer), "sample_prompt": requests[0].prompt, "sample": texts[0],
        }  # fmt: skip

    def abilities(self, model: GPT, tokenizer: Tokenizer) -> dict[str, float]:
        """Return the share of right answers for a few abilities that PPO was seen to lose."""
        return ability_shares(model, tokenizer, seed="monitor", per_row=MONITOR_PER_ABILITY, rows=WATCHED)
