"""What a base model can do, asked in its own layout: where the alignment tax is looked for.

InstructGPT was tested on SQuAD, DROP, HellaSwag and translation: tasks that GPT-3 could do and nobody's instructions were
about. Here those are the exercises of the school book, laid out as in the pretraining text, on pages never trained on, and
the cross-entropy on each source of that text.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..data import pack_documents
from ..evaluate import sample
from ..gpt import GPT
from ..pretrain import held_out_loss
from ..tinyworld import school_tasks as book
from ..tinyworld.corpus import SOURCES
from ..tinyworld.evaluation import own_turn
from ..tokenizer import Tokenizer

EXERCISES: dict[str, Callable] = {
    "look up in a passage": book.read_passage,
    "pick out of a story": book.read_story,
    "exchange a name": book.exchange,
    "say it politely": book.be_polite,
    "repeat a word": book.repeat,
    "praise or blame": book.good_or_bad,
}
"""Exercises that have one right solution each."""
SOURCE_DOCUMENTS = 120
"""Documents of each source on which the loss is measured: 1,800 to 6,800 tokens (ours)."""


@dataclass(frozen=True)
class SchoolTask:
    """One exercise as a page of the school book."""

    exercise: str
    page: str
    """The page up to and with the last "Solution:", which is left to the model."""
    solution: str


def draw_tasks(seed: int | str, per_exercise: int) -> list[SchoolTask]:
    """Draw as many tasks of every exercise; of a page with several exercises the last one is left open."""
    rng, tasks = random.Random(f"abilities {seed}"), []
    for exercise, draw in EXERCISES.items():
        for _ in range(per_exercise):
            drawn = draw(rng)
            *solved, (task, solution) = drawn if isinstance(drawn, list) else [drawn]
            tasks.append(SchoolTask(exercise, book.as_page([*solved, (task, "")]).rstrip(), solution))
    return tasks


def exercise_shares(
    model: GPT, tokenizer: Tokenizer, *, seed: int | str = "held out", per_exercise: int = 60
) -> dict[str, float]:
    """Let a model go on greedily where the solution belongs; return the share of solutions that are right to the letter."""
    tasks = draw_tasks(seed, per_exercise)
    drawn = sample(model, [tokenizer.encode(task.page) for task in tasks], seed=0, temperature=0.0,
                   end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)  # fmt: skip
    right = dict.fromkeys(EXERCISES, 0)
    for task, ids in zip(tasks, drawn, strict=True):
        right[task.exercise] += own_turn(tokenizer.decode_response(ids)) == task.solution
    return {exercise: count / per_exercise for exercise, count in right.items()}


def source_losses(model: GPT, tokenizer: Tokenizer) -> dict[str, float]:
    """Return the held-out loss on each source of the pretraining text, in nats per token."""
    losses = {}
    for source, write in SOURCES.items():
        rng = random.Random(f"held out {source}")
        losses[source] = held_out_loss(model, pack_documents([write(rng) for _ in range(SOURCE_DOCUMENTS)], tokenizer))
    return losses
