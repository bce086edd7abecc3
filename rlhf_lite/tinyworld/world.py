"""The tiny world as the pipeline sees it: texts, prompts, demonstrations, rankings, and a look at the gold score."""

import random
from typing import Any

from ..evaluate import sample
from ..gpt import GPT
from ..records import Demonstration, PrimerTerm
from ..tokenizer import Tokenizer
from .abilities import WATCHED, ability_shares
from .corpus import DRILLED_WEIGHTS, documents, primer, term_documents
from .drills import TERMS, term_questions
from .judge import judge
from .labelers import HELD_OUT_LABELERS, demonstrate, make_labelers, rank
from .mistakes import draw_mistakes
from .prompts import Request, draw_requests
from .users import CleaningReport, training_requests, with_labelers

MONITOR_PROMPTS = 100
"""Held-out prompts on which PPO's gold score is watched (ours)."""
MONITOR_PER_ABILITY = 24
"""Prompts for each ability that is watched (ours): a share of them is right or wrong by about 0.1."""


LABELERS_SHARES = {"sft": 0.5, "reward": 0.5}
"""Share of the prompts that labelers write, in the world with drills; PPO's are all of users (ours; paper: 89 %, 20 % and none)."""


class TinyWorld:
    """Draw everything from one seed; training sees demonstrations, rankings and prompts, never the judge."""

    def __init__(self, seed: int, *, drills: bool = False):
        self.seed, self.drills = seed, drills
        self.labelers = make_labelers(0)  # the same forty people in every run
        self._by_prompt: dict[str, Request] = {}
        self._requests: dict[int, tuple[dict[str, list[Request]], CleaningReport]] = {}

    def describe(self) -> dict[str, str]:
        """Return nothing: the seed says it all."""
        return {}

    def documents(self, count: int) -> list[str]:
        """Return pretraining documents, drills among them if the world has them."""
        return list(documents(self.seed, count, DRILLED_WEIGHTS if self.drills else None))

    def primer(self, count: int) -> list[str]:
        """Return the copybook with which pretraining begins; a world with drills begins with these instead."""
        return [] if self.drills else list(primer(self.seed, count))

    def primer_terms(self, count: int) -> list[PrimerTerm]:
        """Return the drills with which pretraining begins instead, if the world has them, in terms of `count` documents."""
        numbers = range(len(TERMS)) if self.drills else ()
        return [PrimerTerm(term_documents(self.seed, i, count), term_questions(i), *TERMS[i][2:]) for i in numbers]

    def held_out_documents(self) -> list[str]:
        """Return documents never trained on, the same for every seed."""
        return list(documents("held out", 1000))

    def requests(self, incoming: int) -> dict[str, list[Request]]:
        """Return cleaned prompts by stage: sft, reward, ppo."""
        if incoming not in self._requests:
            requests, report = training_requests(self.seed, incoming)
            for stage in LABELERS_SHARES if self.drills else ():
                requests[stage] = with_labelers(requests[stage], self.seed, stage, LABELERS_SHARES[stage])
            self._requests[incoming] = requests, report
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

    def text_to_mix_in(self, count: int) -> list[str]:
        """Return the pretraining documents."""
        return self.documents(count)

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

    def written_pairs(self, count: int) -> list[list[tuple[str, str, str]]]:
        """Let labelers write prompts, and a good answer and one with one mistake to each, by term."""
        return [[(request.prompt, request.good, wrong) for request, wrong in term] for term in draw_mistakes(self.seed, count)]

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
