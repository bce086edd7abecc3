"""What the models of several runs answer to the same held-out prompts, judged one by one: the rows that paired comparisons need.

`python -m rlhf_lite.studies.judged_answers data/evaluation_study data/checkpoints runs/tiny-3 runs/tiny-4` measures every run
that is not measured yet, one file per seed.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..evaluate import sample
from ..files import read_json, write_atomically
from ..gpt import GPT
from ..reports.comparison import own_turn
from ..tinyworld.baselines import answers_at, best_of, best_temperature, gold_scores
from ..tinyworld.evaluation import MAX_NEW_TOKENS, Models, few_shot_prompt, load_models
from ..tinyworld.prompts import Request, draw_requests
from ..tinyworld.runs import SHIPPED
from ..tokenizer import Tokenizer
from .stored import read_measured, rounded

FOLDER = SHIPPED.parent / "evaluation_study"
PROMPTS = 300
"""Held-out prompts, the same for every run (ours)."""
SEED = "judged answers"
TUNED = ("sft", "ppo", "ppo_ptx")
"""Models that are asked at their best temperature too."""
BEST_OF = (4, 16)
"""Answers of SFT from which the run's reward model picks (ours)."""


def held_out_prompts() -> list[Request]:
    """Return the prompts of this study."""
    return draw_requests(SEED, PROMPTS, held_out=True)


def continued(model: GPT, tokenizer: Tokenizer, requests: Sequence[Request], *, few_shot: bool = False) -> list[str]:
    """Let a base model answer at temperature 1; of what it writes, its own turn is kept. Few-shot: three good examples before."""
    rng = random.Random(f"examples {SEED}")
    room = model.config.context_length - MAX_NEW_TOKENS
    if few_shot:
        prompts = [tokenizer.encode(few_shot_prompt(request, tokenizer, room, rng)) for request in requests]
    else:
        prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    drawn = sample(model, prompts, seed=SEED, max_new_tokens=MAX_NEW_TOKENS, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)
    return [own_turn(tokenizer.decode_response(ids)) for ids in drawn]


def all_answers(models: Models, requests: Sequence[Request]) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Return each way's answers to every prompt, and the temperatures that were chosen, on other prompts."""
    tokenizer, policies = models.tokenizer, models.policies
    found = {
        "base": continued(policies["base"], tokenizer, requests),
        "base_few_shot": continued(policies["base"], tokenizer, requests, few_shot=True),
    }
    temperatures = {name: best_temperature(policies[name], tokenizer, seed=SEED, exclude=requests) for name in TUNED}
    for name in TUNED:
        found[name] = answers_at(policies[name], tokenizer, requests, temperature=1.0, seed=SEED)
        found[f"{name}_cool"] = answers_at(policies[name], tokenizer, requests, temperature=temperatures[name], seed=SEED)
    for n in BEST_OF:
        found[f"sft_best_of_{n}"] = best_of(policies["sft"], models.reward_model, tokenizer, requests, seed=SEED, n=n)
    return found, temperatures


def as_rows(requests: Sequence[Request], answers: dict[str, list[str]]) -> dict[str, dict[str, list]]:
    """Return by way of answering one gold score and one length in words per prompt."""
    return {name: {"gold": rounded(gold_scores(requests, texts), 3), "words": [len(text.split()) for text in texts]}
            for name, texts in answers.items()}  # fmt: skip


def seed_of(folder: Path) -> int:
    """Read which seed a run, or the shipped models, had."""
    path = folder / "manifest.json"
    return read_json(path if path.exists() else folder / "run.json", dict, "train the run anew")["seed"]


def measure(folder: Path) -> dict[str, Any]:
    """Measure one run."""
    requests = held_out_prompts()
    answers, temperatures = all_answers(load_models(folder), requests)
    about = {"seed": seed_of(folder), "prompts": len(requests), "temperatures": temperatures}
    return about | {"answers": as_rows(requests, answers)}


def write_rows(path: Path, found: dict[str, Any]) -> None:
    """Write measurements, a line a list."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in found["answers"].items())
    text = json.dumps({key: value for key, value in found.items() if key != "answers"})[:-1]
    write_atomically(path, f'{text},\n "answers": {{\n{lines}\n }}\n}}\n')


def load_judged(folder: str | Path = FOLDER) -> list[dict[str, Any]]:
    """Read all seeds' rows. Raises: FileNotFoundError where there are none."""
    return read_measured(folder, "it comes with the course; its README.md says how it is made")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the runs that are named and not measured yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n")[0])
    parser.add_argument("output", type=Path, help="folder of the rows")
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs, or data/checkpoints")
    given = parser.parse_args(arguments)
    for folder in given.runs:
        path = given.output / f"seed-{seed_of(folder)}.json"
        if not path.exists():
            write_rows(path, measure(folder))
            print(f"wrote {path}", flush=True)


if __name__ == "__main__":
    main()
