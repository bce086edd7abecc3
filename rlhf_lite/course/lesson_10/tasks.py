"""Prompts with answers to rank, for readers and for the world's labelers."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...evaluate import sample
from ...records import Comparison
from ...tinyworld.evaluation import MAX_NEW_TOKENS, Models, own_turn
from ...tinyworld.judge import fluency, judge
from ...tinyworld.labelers import Labeler, rank
from ...tinyworld.prompts import USE_CASE_SHARES, Request, draw_requests
from .labels import FEWEST, FLAGS, MOST, Label

Source = tuple[str, float]
"""A policy's name and the temperature at which it answers."""
FOR_READERS: tuple[Source, ...] = (("sft", 1.0),) * 8 + (("ppo_ptx", 1.0), ("base", 1.0))
"""Who answers where people are to rank (ours)."""
FOR_TRAINING: tuple[Source, ...] = (("sft", 1.0),) * 4 + (("sft", 1.6), ("base", 1.0))
"""Who answers where a reward model is trained and measured: gibberish too, so that the model learns to score it low (ours)."""
COMMON = 6
"""Tasks that all readers of a room rank, so that their agreement can be measured (ours)."""
READABLE = 0.8
"""Share of neighbouring words that must go together; what has less is not worth a person's time (ours)."""


@dataclass(frozen=True)
class Task:
    """A prompt with different answers to rank, up to MOST."""

    request: Request
    answers: tuple[str, ...]


def draw_ranking_tasks(
    models: Models, count: int, seed: int | str, *, sources: Sequence[Source] = FOR_TRAINING, held_out: bool = True,
    use_cases: list[str] | None = None,
) -> list[Task]:  # fmt: skip
    """Draw prompts, and let each source answer each; equal and empty answers are left out, and the rest is shuffled."""
    requests = draw_requests(f"tasks {seed}", count, held_out=held_out, use_cases=use_cases)
    tokenizer, rng = models.tokenizer, random.Random(f"tasks {seed}")
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    ids = {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id, "max_new_tokens": MAX_NEW_TOKENS}
    drawn = [
        sample(models.policies[name], prompts, seed=f"{seed} {k}", temperature=temperature, **ids)
        for k, (name, temperature) in enumerate(sources)
    ]
    tasks = []
    for request, rows in zip(requests, zip(*drawn, strict=True), strict=True):
        texts = [own_turn(tokenizer.decode_response(row)) for row in rows]
        answers = [text for text in dict.fromkeys(texts) if text]
        rng.shuffle(answers)
        tasks.append(Task(request, tuple(answers[:MOST])))
    return tasks


def make_tasks(models: Models, count: int, seed: int | str) -> list[Task]:
    """Draw tasks that are fair to ask of a person: answers can be read, use cases take turns, and few answers come first.

    A task has FEWEST to MOST answers. Their order does not tell who gave them. Fewer than `count` tasks come back where
    the models give too few different answers.
    """
    drawn = draw_ranking_tasks(models, 2 * count, seed, sources=FOR_READERS, use_cases=list(USE_CASE_SHARES))
    tasks = {}  # no prompt twice: labels are kept by prompt
    for task in drawn:
        answers = tuple(text for text in task.answers if fluency(text) >= READABLE or len(text.split()) == 1)
        if len(answers) >= FEWEST:
            tasks.setdefault(task.request.prompt, Task(task.request, answers))
    return sorted(list(tasks.values())[:count], key=lambda task: len(task.answers))


def deal(tasks: Sequence[Task], number: int, readers: int, *, common: int = COMMON) -> list[Task]:
    """Return the tasks of reader `number` of `readers`: `common` ones that all rank, then every so-many-th of the others.

    Everybody deals from the same tasks. Example: of 8 tasks, 2 common, reader 2 of 3 ranks tasks 0, 1, 3 and 6.

    Raises: ValueError for a number that is not 1 to `readers`.
    """
    if not 1 <= number <= readers:
        raise ValueError(f"reader {number} of {readers}: expected a number from 1 to {readers}")
    return [*tasks[:common], *tasks[common + number - 1 :: readers]]


def simulated_label(labeler: Labeler, task: Task, rng: random.Random) -> Label:
    """Let one of the world's labelers rank a task, and flag what the judge finds untrue or rude."""
    verdicts = [judge(task.request, text) for text in task.answers]
    flags = (zip(FLAGS, (v.honest < 1, v.harmless < 1), strict=True) for v in verdicts)
    return Label(
        prompt=task.request.prompt, responses=task.answers,
        ranking=tuple(rank(labeler, task.request, list(task.answers), rng)),
        flags=tuple(tuple(name for name, is_set in each if is_set) for each in flags),
    )  # fmt: skip


def ranked_by(people: Sequence[Labeler], tasks: Iterable[Task], rng: random.Random) -> list[Comparison]:
    """Rank each task's answers by a person drawn for that task; rankings in which all answers tie are left out."""
    ranked = [(task, rank(rng.choice(people), task.request, list(task.answers), rng)) for task in tasks]
    return [Comparison(task.request.prompt, task.answers, tuple(ranks)) for task, ranks in ranked if len(set(ranks)) > 1]
