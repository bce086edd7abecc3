"""Instruction tuning, and a use case that it never saw: does a model follow a new kind of instruction?

From the base model, a short fine-tuning on demonstrations of 1, 3, 6 or 9 of the ten use cases, the same number of
demonstrations each time; then prompts of a use case that was left out. All ten are left out in turn.
`python -m rlhf_lite.course.lesson_07.held_out_tasks data/bert_study 0 1 2` measures the seeds that are not yet stored.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ...data import batch_indices
from ...evaluate import sample
from ...gpt import GPT, copy_gpt
from ...optim import OptimConfig, build_optimizer, optimizer_step
from ...records import Demonstration, collate_examples, encode_demonstrations
from ...reports.comparison import own_turn
from ...sft import sft_loss
from ...tinyworld.baselines import gold_scores
from ...tinyworld.evaluation import MAX_NEW_TOKENS, load_models
from ...tinyworld.prompts import USE_CASE_SHARES, Request, draw_requests
from ...tinyworld.runs import SHIPPED
from ...tokenizer import Tokenizer
from .seed_files import measure_missing

USE_CASES = list(USE_CASE_SHARES)
N_TASKS = (1, 3, 6, 9)
"""Use cases trained on (ours)."""
STEPS, BATCH_SIZE, LEARNING_RATE = 60, 16, 6e-4
"""Fine-tuning: 960 demonstrations, each once, whatever the number of use cases (ours)."""
PROMPTS = 40
"""Held-out prompts of each use case (ours)."""
TEMPERATURE = 0.3
"""Low, so that little of a score is chance (ours)."""


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """What one model scores on one use case."""

    asked: str
    """Use case of the prompts."""
    tasks: list[str]
    """Use cases it was fine-tuned on; empty: the base model."""
    gold: float
    """Mean gold score."""


def tune(base: GPT, tokenizer: Tokenizer, tasks: Sequence[str], *, seed: int, steps: int = STEPS) -> GPT:
    """Return the base model fine-tuned on good answers to prompts of these use cases, in turn."""
    requests = draw_requests(f"tuning {seed}", steps * BATCH_SIZE, use_cases=list(tasks))
    examples, _ = encode_demonstrations(
        [Demonstration(request.prompt, request.good) for request in requests], tokenizer, base.config.context_length
    )
    model, config = copy_gpt(base), OptimConfig(learning_rate=LEARNING_RATE)
    optimizer = build_optimizer(model, config)
    model.train()
    for step in range(steps):
        batch = [examples[i] for i in batch_indices(step, len(examples), BATCH_SIZE, seed)]
        loss, _ = sft_loss(model, collate_examples(batch, tokenizer.pad_id))
        optimizer_step(optimizer, {"sft_loss": loss}, step, steps, config)
    return model.eval()


def answer_requests(model: GPT, tokenizer: Tokenizer, requests: Sequence[Request], *, seed: int | str) -> list[str]:
    """Let a model answer each request as a chat, and keep its own turn."""
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    drawn = sample(model, prompts, seed=seed, temperature=TEMPERATURE, max_new_tokens=MAX_NEW_TOKENS,
                   end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)  # fmt: skip
    return [own_turn(tokenizer.decode_response(ids)) for ids in drawn]


def held_out_gold(model: GPT, tokenizer: Tokenizer, use_case: str, *, seed: int, prompts: int = PROMPTS) -> float:
    """Mean gold score on held-out prompts of one use case."""
    requests = draw_requests(f"new task {seed}", prompts, held_out=True, use_cases=[use_case])
    return sum(gold_scores(requests, answer_requests(model, tokenizer, requests, seed=seed))) / prompts


def order_of_tasks(asked: str, seed: int) -> list[str]:
    """Put the other nine use cases in an order of this seed; training on n of them takes the first n."""
    others = [use_case for use_case in USE_CASES if use_case != asked]
    return random.Random(f"order {seed} {asked}").sample(others, len(others))


def measure_seed(base: GPT, tokenizer: Tokenizer, seed: int) -> list[TaskRow]:
    """Measure the base model, every number of tasks, and, as a control, training on all ten."""
    everything = tune(base, tokenizer, USE_CASES, seed=seed)
    rows = []
    for asked in USE_CASES:
        order = order_of_tasks(asked, seed)
        tuned = [(order[:n], tune(base, tokenizer, order[:n], seed=seed)) for n in N_TASKS]
        for tasks, model in [([], base), *tuned, (USE_CASES, everything)]:
            rows.append(TaskRow(asked=asked, tasks=tasks, gold=held_out_gold(model, tokenizer, asked, seed=seed)))
        print(f"seed {seed}, {asked}: " + ", ".join(f"{len(row.tasks)} {row.gold:.2f}" for row in rows[-6:]), flush=True)
    return rows


def main() -> None:
    """Measure the seeds named on the command line, and store each."""
    models = load_models(SHIPPED)
    base, tokenizer = models.policies["base"], models.tokenizer
    measure_missing("tasks", lambda seed: [asdict(row) for row in measure_seed(base, tokenizer, seed)])


if __name__ == "__main__":
    main()
