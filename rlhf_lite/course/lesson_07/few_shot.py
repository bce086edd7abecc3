"""Zero-, one- and few-shot on the base model, in two layouts, and three controls of equal length.

`python -m rlhf_lite.course.lesson_07.few_shot data/bert_study 0 1 2 3 4` measures the seeds that are not yet stored.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...evaluate import sample
from ...gpt import GPT
from ...reports.comparison import mean, own_turn
from ...tinyworld.baselines import gold_scores
from ...tinyworld.corpus import documents
from ...tinyworld.evaluation import MAX_NEW_TOKENS, load_models
from ...tinyworld.prompts import USE_CASE_SHARES, Request, draw_requests
from ...tinyworld.runs import SHIPPED
from ...tinyworld.school_tasks import as_page
from ...tokenizer import Tokenizer
from .seed_files import measure_missing

USE_CASES = [use_case for use_case in USE_CASE_SHARES if use_case != "summarization"]
"""Those of which three examples and a prompt fit into the context."""
SHOTS = 3
"""Most examples (ours)."""
PROMPTS_PER_USE_CASE = 14
"""Held-out prompts of each use case, per seed (ours)."""
TEMPERATURE = 0.3
"""Low, so that little of a score is chance (ours)."""

Pair = tuple[str, str]
"""A prompt and its answer."""


@dataclass(frozen=True)
class Shown:
    """A request, and what may stand before it."""

    request: Request
    examples: tuple[Pair, ...]
    """SHOTS examples of the same use case, from the training side, with good answers."""
    others: tuple[Pair, ...]
    """SHOTS examples of another use case."""
    text: str
    """Pretraining text, about as long as the examples."""


def shuffled(examples: Sequence[Pair]) -> tuple[Pair, ...]:
    """Give each prompt the next one's answer. Example: ((a, 1), (b, 2)) -> ((a, 2), (b, 1))."""
    answers = [answer for _, answer in examples]
    return tuple((prompt, answer) for (prompt, _), answer in zip(examples, answers[1:] + answers[:1], strict=True))


def as_chat(examples: Sequence[Pair], prompt: str, tokenizer: Tokenizer) -> list[int]:
    """Lay out examples and a prompt as turns of User and Assistant on one page, as the forum that the base model has read."""
    turns = [f"User: {question}\nAssistant: {answer}\n" for question, answer in examples]
    return tokenizer.encode("".join(turns) + f"User: {prompt}\nAssistant:")


def as_school_book(examples: Sequence[Pair], prompt: str, tokenizer: Tokenizer) -> list[int]:
    """Lay out examples and a prompt as exercises and solutions, which this base model has read thousands of."""
    return tokenizer.encode(as_page([*examples, (prompt, "")]).rstrip())


LAYOUTS: dict[str, Callable[[Sequence[Pair], str, Tokenizer], list[int]]] = {"chat": as_chat, "school book": as_school_book}


def prepare(request: Request, tokenizer: Tokenizer, room: int, rng: random.Random) -> Shown:
    """Draw examples for a request that fit, with it, into `room` tokens in both layouts. Raises: ValueError where none do."""
    others = [use_case for use_case in USE_CASES if use_case != request.use_case]
    for _ in range(400):
        drawn = draw_requests(rng.randrange(2**32), SHOTS, use_cases=[request.use_case])
        foreign = draw_requests(rng.randrange(2**32), SHOTS, use_cases=[rng.choice(others)])
        pairs, foreign_pairs = (tuple((each.prompt, each.good) for each in group) for group in (drawn, foreign))
        lengths = [len(lay(p, request.prompt, tokenizer)) for lay in LAYOUTS.values() for p in (pairs, foreign_pairs)]
        if max(lengths) <= room:
            missing = len(as_chat(pairs, request.prompt, tokenizer)) - len(as_chat((), request.prompt, tokenizer))
            return Shown(request, pairs, foreign_pairs, some_text(rng, missing, tokenizer))
    raise ValueError(f"{SHOTS} examples and {request.prompt!r} do not fit into {room} tokens")


def some_text(rng: random.Random, n_tokens: int, tokenizer: Tokenizer) -> str:
    """Draw whole sentences of an encyclopedia and of stories, up to `n_tokens` tokens of them."""
    found: list[str] = []
    for document in documents(rng.randrange(2**32), 40, {"encyclopedia": 0.5, "stories": 0.5}):
        for sentence in document.replace("\n", ". ").split(". "):
            longer = [*found, sentence.rstrip(".") + "."]
            if len(tokenizer.encode(" ".join(longer))) > n_tokens:
                return " ".join(found)
            found = longer
    return " ".join(found)


def contexts(shown: Shown, layout: str, tokenizer: Tokenizer) -> dict[tuple[str, int], list[int]]:
    """Return what the model reads under each condition: (arm, number of examples) -> token ids."""
    lay, prompt = LAYOUTS[layout], shown.request.prompt
    rows = {("examples", n): lay(shown.examples[:n], prompt, tokenizer) for n in range(SHOTS + 1)}
    rows["answers shuffled", SHOTS] = lay(shuffled(shown.examples), prompt, tokenizer)
    rows["another task", SHOTS] = lay(shown.others, prompt, tokenizer)
    rows["random text", 0] = [*tokenizer.encode(shown.text + "\n"), *lay((), prompt, tokenizer)]
    return rows


def prepare_all(tokenizer: Tokenizer, context_length: int, seed: int | str, per_use_case: int) -> list[Shown]:
    """Draw held-out requests, as many of each use case, each with its examples."""
    rng, room = random.Random(f"shots {seed}"), context_length - MAX_NEW_TOKENS
    requests = draw_requests(f"shots {seed}", per_use_case * len(USE_CASES), held_out=True, use_cases=USE_CASES)
    return [prepare(request, tokenizer, room, rng) for request in requests]


def measure_shots(
    base: GPT, tokenizer: Tokenizer, seed: int, per_use_case: int = PROMPTS_PER_USE_CASE
) -> list[dict[str, Any]]:
    """Let the base model answer under every condition; mean gold by use case."""
    rows, shown = [], prepare_all(tokenizer, base.config.context_length, seed, per_use_case)
    requests = [each.request for each in shown]
    for layout in LAYOUTS:
        read = [contexts(each, layout, tokenizer) for each in shown]
        for arm, n_shots in read[0]:
            prompts = [each[arm, n_shots] for each in read]
            drawn = sample(base, prompts, seed=seed, temperature=TEMPERATURE, max_new_tokens=MAX_NEW_TOKENS,
                           end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)  # fmt: skip
            gold = gold_scores(requests, [own_turn(tokenizer.decode_response(ids)) for ids in drawn])
            by_use_case = {u: mean([g for g, r in zip(gold, requests, strict=True) if r.use_case == u]) for u in USE_CASES}
            tokens = mean([len(ids) for ids in prompts])
            rows.append({"layout": layout, "arm": arm, "shots": n_shots, "tokens": tokens, "gold": by_use_case})
            print(layout, arm, n_shots, round(mean(gold), 3), round(tokens), flush=True)
    return rows


def main() -> None:
    """Measure the seeds named on the command line, and store each."""
    models = load_models(SHIPPED)
    measure_missing("shots", lambda seed: measure_shots(models.policies["base"], models.tokenizer, seed))


if __name__ == "__main__":
    main()
