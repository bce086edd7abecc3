"""The final evaluation: every model answers the same held-out prompts, and the judge, whom training never met, scores."""

import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from ..checkpoint import load_model
from ..data import pack_documents
from ..evaluate import agreement, calibration, kl_from, sample, win_rate
from ..gpt import GPT, ScalarModel
from ..pretrain import held_out_loss
from ..reports.comparison import PAIRS as ALL_PAIRS
from ..reports.comparison import mean, own_turn, pair_rows
from ..reward import score_sequences
from ..tokenizer import Tokenizer
from .abilities import ability_shares, fact_shares
from .baselines import BEST_OF, CHOOSING_PROMPTS, answers_at, best_of, best_temperature, gold_scores
from .corpus import documents
from .judge import TIE, Verdict, is_well_mannered, judge
from .labelers import HELD_OUT_LABELERS, make_labelers, rank
from .minimal_pairs import MANNERS, SUBSTANCE, minimal_pair_shares
from .prompts import USE_CASE_SHARES, Request, draw_requests
from .school_tasks import as_page

MODELS = ("base", "base_few_shot", "sft", "ppo", "ppo_ptx")
PAIRS = tuple(pair for pair in ALL_PAIRS if set(pair.split(">")) <= {*MODELS})
STAGE_OF = {"base": "pretrain", "base_few_shot": "pretrain", "sft": "sft", "ppo": "ppo", "ppo_ptx": "ppo_ptx"}
COOLED = ("sft", "ppo", "ppo_ptx")
"""Models that are compared at their best temperatures too."""
MAX_NEW_TOKENS = 40
MOST_PER_ROW = 60
"""Prompts for each ability, and pairs for each row of minimal pairs; fewer where fewer prompts are compared (ours)."""


@dataclass(frozen=True)
class Models:
    """The checkpoints of one run."""

    tokenizer: Tokenizer
    policies: dict[str, GPT]
    """base, sft, ppo, ppo_ptx."""
    reward_model: ScalarModel


def load_models(folder: str | Path) -> Models:
    """Load a run's folder, or the shipped checkpoints: FOLDER/tokenizer.json and FOLDER/<stage>/model.safetensors.

    Raises:
        FileNotFoundError: naming the stage that is missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no folder {folder}: train a run with `python -m rlhf_lite pipeline`, or leave --checkpoints out"
        )
    path = folder / "tokenizer.json"
    size = Tokenizer.load(path).vocab_size if path.exists() else 0  # of a run that has only begun, the missing stage is told

    def load(stage: str, kind: type) -> GPT | ScalarModel:
        return load_model(folder / stage / "model.safetensors", stage=stage, kind=kind, vocab_size=size)

    loaded = {stage: load(stage, GPT) for stage in sorted({*STAGE_OF.values()})}
    policies = {name: loaded[STAGE_OF[name]] for name in MODELS if name != "base_few_shot"}
    return Models(Tokenizer.load(path), policies, load("reward", ScalarModel))


def few_shot_prompt(request: Request, tokenizer: Tokenizer, room: int, rng: random.Random) -> str:
    """Put three good examples of the same use case before a request, laid out as pages that a base model has read.

    Of the layouts it knows, a school book's is the one in which answers are good. Examples come from the training side;
    where three do not fit into `room` tokens, shorter ones are drawn.
    """
    for attempt in range(50):
        use_case = request.use_case if attempt < 25 else "chat"  # the shortest
        examples = draw_requests(rng.randrange(2**32), 3, use_cases=[use_case])
        page = as_page([(example.prompt, example.good) for example in examples] + [(request.prompt, "")])
        text = page.rstrip()
        if len(tokenizer.encode(text)) <= room:
            return text
    raise ValueError(f"three examples and the prompt do not fit into {room} tokens: give the model a longer context")


class Evaluation:
    """Answers, verdicts and scores of all models on one set of held-out prompts."""

    def __init__(
        self, models: Models, seed: int, n_prompts: int, *, use_cases: list[str] | None = None, show_progress: bool = False
    ):
        if n_prompts < 1:
            raise ValueError(f"{n_prompts} prompts, expected at least 1")
        self.models, self.seed, self.n_prompts = models, seed, n_prompts
        self.ids = {"end_id": models.tokenizer.end_id, "pad_id": models.tokenizer.pad_id}
        self.requests = draw_requests(f"evaluation {seed}", n_prompts, held_out=True, use_cases=use_cases)
        self.show_progress = show_progress
        self.answers = {name: self.answer(name) for name in tqdm(MODELS, desc="answers", disable=not show_progress)}
        self.verdicts = {name: self.judge(texts) for name, texts in self.answers.items()}

    def encode(self, name: str) -> list[list[int]]:
        """Return the prompts as one model is given them."""
        tokenizer, rng = self.models.tokenizer, random.Random(f"examples {self.seed}")
        if name != "base_few_shot":
            return [tokenizer.encode_prompt(request.prompt) for request in self.requests]
        room = self.models.policies["base"].config.context_length - MAX_NEW_TOKENS
        return [tokenizer.encode(few_shot_prompt(request, tokenizer, room, rng)) for request in self.requests]

    def answer(self, name: str) -> list[str]:
        """Let one model answer every prompt at temperature 1."""
        model = self.models.policies["base" if name == "base_few_shot" else name]
        drawn = sample(model, self.encode(name), seed=self.seed, max_new_tokens=MAX_NEW_TOKENS, **self.ids)
        texts = [self.models.tokenizer.decode_response(ids) for ids in drawn]
        return [own_turn(text) for text in texts] if name.startswith("base") else texts

    def judge(self, texts: list[str]) -> list[Verdict]:
        """Judge one model's answers."""
        return [judge(request, text) for request, text in zip(self.requests, texts, strict=True)]

    def gold(self, name: str) -> list[float]:
        """Gold scores of one model, one per prompt."""
        return [verdict.gold for verdict in self.verdicts[name]]

    def model_rows(self) -> dict[str, dict[str, float]]:
        """Means of each model: gold, helpful, honest, harmless, pretraining_loss (nats per token), length (words)."""
        held_out = pack_documents(documents("held out", 1000), self.models.tokenizer)
        losses = {name: held_out_loss(model, held_out) for name, model in self.models.policies.items()}
        losses["base_few_shot"] = losses["base"]
        return {
            name: {
                **{
                    key: mean([getattr(v, key) for v in self.verdicts[name]]) for key in ("gold", "helpful", "honest", "harmless")
                },
                "pretraining_loss": losses[name],
                "length": mean([len(text.split()) for text in self.answers[name]]),
            }
            for name in MODELS
        }

    def pair_rows(self) -> dict[str, dict[str, float]]:
        """Win rates of the pairs of models."""
        return pair_rows({name: self.gold(name) for name in MODELS}, TIE)

    def equal_manners_rows(self) -> dict[str, dict[str, float]]:
        """Win rates on the prompts that both models answered with good manners: what decides there is substance."""
        polite = {name: [*map(is_well_mannered, self.requests, texts)] for name, texts in self.answers.items()}
        rows = {}
        for pair in PAIRS:
            first, second = pair.split(">")
            kept = [i for i, both in enumerate(zip(polite[first], polite[second], strict=True)) if all(both)]
            ours, theirs = ([self.gold(name)[i] for i in kept] for name in (first, second))
            rows[pair] = win_rate(ours, theirs, TIE).to_row()
        return rows

    def best_temperature_rows(self) -> dict[str, dict[str, Any]]:
        """Compare models each at the temperature that suits it best, and with the best of several answers of SFT.

        Returns: temperatures and mean gold by model, and the win rates of pairs. Temperatures were chosen on other prompts.
        """
        tokenizer, policies, n = self.models.tokenizer, self.models.policies, min(CHOOSING_PROMPTS, self.n_prompts)
        chosen = {
            name: best_temperature(policies[name], tokenizer, seed=self.seed, exclude=self.requests, n_prompts=n)
            for name in COOLED
        }
        texts = {
            name: answers_at(policies[name], tokenizer, self.requests, temperature=temperature, seed=self.seed)
            for name, temperature in chosen.items()
        }
        texts[f"sft_best_of_{BEST_OF}"] = best_of(
            policies["sft"], self.models.reward_model, tokenizer, self.requests, seed=self.seed
        )
        gold = {name: gold_scores(self.requests, answers) for name, answers in texts.items()}
        means = {name: mean(scores) for name, scores in gold.items()}
        return {"temperatures": chosen, "gold": means, "pairs": pair_rows(gold, TIE)}

    def ability_rows(self) -> dict[str, dict[str, float]]:
        """Share of right answers of each model by ability, asked greedily."""
        tokenizer, per_row = self.models.tokenizer, min(MOST_PER_ROW, self.n_prompts)
        return {
            name: ability_shares(model, tokenizer, seed=self.seed, per_row=per_row)
            for name, model in self.models.policies.items()
        }

    def fact_rows(self) -> dict[str, dict[str, dict[str, float]]]:
        """Facts that each model tells of known, rare and invented towns: shares that are true, false, and not told."""
        policies = self.models.policies
        return {name: fact_shares(model, self.models.tokenizer, seed=self.seed) for name, model in policies.items()}

    def minimal_pair_rows(self) -> dict[str, dict[str, float]]:
        """Share of minimal pairs that the reward model orders right: by row of substance and of manners."""
        per_row = min(MOST_PER_ROW, self.n_prompts)
        shares = minimal_pair_shares(self.models.reward_model, self.models.tokenizer, seed=self.seed, per_row=per_row)
        kinds = {"substance": SUBSTANCE, "manners": MANNERS}
        return {kind: {row: shares[row] for row in rows} for kind, rows in kinds.items()}

    def kl_rows(self) -> dict[str, float]:
        """KL from the SFT model, nats per response, on the first 128 prompts."""
        prompts = self.encode("sft")[:128]
        policies = self.models.policies
        return {
            name: kl_from(policies[name], policies["sft"], prompts, seed=self.seed, max_new_tokens=MAX_NEW_TOKENS, **self.ids)
            for name in ("base", "sft", "ppo", "ppo_ptx")
        }

    def use_case_rows(self) -> dict[str, dict[str, float]]:
        """Mean gold score of each model by use case."""
        return {
            use_case: {
                name: mean([g for g, r in zip(self.gold(name), self.requests, strict=True) if r.use_case == use_case])
                for name in MODELS
            }
            for use_case in USE_CASE_SHARES
            if any(r.use_case == use_case for r in self.requests)
        }

    def summary(self) -> dict[str, Any]:
        """Return the object that `python -m rlhf_lite evaluate --json` prints."""
        accuracies = reward_model_accuracy(self.models, self.seed, min(self.n_prompts, 200))[0]
        shown = ("accuracy_judge", "accuracy_labelers", "labeler_agreement")
        return {
            "seed": self.seed,
            "prompts": self.n_prompts,
            "models": self.model_rows(),
            "pairs": self.pair_rows(),
            "pairs_equal_manners": self.equal_manners_rows(),
            "best_temperature": self.best_temperature_rows(),
            "abilities": self.ability_rows(),
            "facts": self.fact_rows(),
            "minimal_pairs": self.minimal_pair_rows(),
            "reward_model": {key: accuracies[key] for key in shown},
            "kl_from_sft": self.kl_rows(),
        }


def reward_model_accuracy(models: Models, seed: int, n_prompts: int) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Measure the reward model on held-out prompts, pairs without ties; return the accuracies and calibration bins.

    Answers are drawn from SFT, SFT at a high temperature and base. Off-topic answers, which training has too, are left out: to
    know them is easy. Each prompt's are ranked by two
    training labelers and by one of the group that no reward model ever learnt from.
    """
    requests = draw_requests(f"rankings {seed}", n_prompts, held_out=True)
    tokenizer, people, rng = models.tokenizer, make_labelers(0), random.Random(f"rankings {seed}")
    known = [p for p in people if p.number not in HELD_OUT_LABELERS]
    strangers = [p for p in people if p.number in HELD_OUT_LABELERS]
    prompts = [tokenizer.encode_prompt(r.prompt) for r in requests]
    ids = {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}
    sft, base = models.policies["sft"], models.policies["base"]
    sources = [(sft, 1.0)] * 4 + [(sft, 1.6), (base, 1.0)]
    drawn = [sample(model, prompts, seed=f"{seed} {k}", temperature=t, **ids) for k, (model, t) in enumerate(sources)]
    counts = {key: [0, 0] for key in ("accuracy_judge", "accuracy_labelers", "accuracy_held_out_labelers", "labeler_agreement")}
    differences, outcomes = [], []
    for i, request in enumerate(requests):
        kept = list({tuple(answers[i]): None for answers in drawn})
        texts = [tokenizer.decode_response(answer) for answer in kept]
        scores = score_sequences(models.reward_model, [prompts[i] + list(answer) for answer in kept], ids["pad_id"]).tolist()
        rankings = [[-r for r in rank(p, request, texts, rng)] for p in (*rng.sample(known, 2), rng.choice(strangers))]
        gold = [judge(request, text).gold for text in texts]
        found = (
            agreement(scores, gold, TIE),
            agreement(scores, rankings[0]),
            agreement(scores, rankings[2]),
            agreement(*rankings[:2]),
        )
        for key, (alike, decided) in zip(counts, found, strict=True):
            counts[key][0] += alike
            counts[key][1] += decided
        for a in range(len(kept)):
            for b in range(a):
                if rankings[0][a] != rankings[0][b]:
                    differences.append(scores[a] - scores[b])
                    outcomes.append(rankings[0][a] > rankings[0][b])
    accuracies = {key: alike / max(1, decided) for key, (alike, decided) in counts.items()}
    return accuracies, [asdict(row) for row in calibration(differences, outcomes)]
