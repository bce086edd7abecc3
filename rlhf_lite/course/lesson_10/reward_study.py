"""Two claims of lesson 10, measured on a whole run: what splitting a ranking into pairs costs, and what a refit brings.

`python -m rlhf_lite.course.lesson_10.reward_study runs/manners-0 data/reward_study/seed-0.json` measures one run (about
two minutes on one core). The lesson shows what is stored in `data/reward_study/`, and repeats a small part of it.
"""

import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from ...checkpoint import TrainingRun
from ...evaluate import calibration
from ...files import write_atomically
from ...gpt import GPT, ScalarModel, copy_gpt
from ...records import EncodedComparison, collate_comparisons, encode_comparisons
from ...reward import RewardConfig, pair_mask, score_sequences, train_reward_model
from ...studies.stored import read_measured
from ...tinyworld.evaluation import Models, load_models
from ...tinyworld.labelers import HELD_OUT_LABELERS, make_labelers
from .refit import loss_and_accuracy, loss_and_accuracy_on_tokens, refit
from .tasks import draw_ranking_tasks, make_tasks, ranked_by

PROMPTS, HELD_OUT_PROMPTS = 300, 200
"""Rankings of models' answers to learn from, of the run's own 2,200, and rankings to judge by."""
TOGETHER, APART = "together", "apart"
PASSES = (1, 2, 4)
LABELS, TAUGHT = 40, 26
"""Labels by one person, and how many of them a refit learns from; the others judge the refit."""


def split_pairs(comparisons: Sequence[EncodedComparison]) -> list[EncodedComparison]:
    """Make every pair of a ranking a comparison of its own, the better answer first.

    Example: ranks (0, 1, 1) of answers a, b, c give a before b and a before c.
    """
    return [
        EncodedComparison(ids=(each.ids[i], each.ids[j]), ranks=(0, 1))
        for each in comparisons
        for i, better in enumerate(each.ranks)
        for j, worse in enumerate(each.ranks)
        if better < worse and each.ids[i] != each.ids[j]
    ]


def learn_rankings(
    sft: GPT, comparisons: Sequence[EncodedComparison], config: RewardConfig, *, pad_id: int, seed: int, name: str = "",
    show_progress: bool = True,
) -> tuple[ScalarModel, float]:  # fmt: skip
    """Train a reward model that starts as the SFT model; return it, and the seconds of computing it took."""
    torch.manual_seed(seed)  # the new head
    model, run = ScalarModel(copy_gpt(sft)), TrainingRun(None, show_progress=show_progress, name=name)
    start = time.process_time()
    train_reward_model(model, list(comparisons), config, pad_id=pad_id, seed=seed, run=run)
    return model.eval(), time.process_time() - start


def differences(model: ScalarModel, comparisons: Sequence[EncodedComparison], pad_id: int) -> list[float]:
    """Score difference, better answer minus worse one, of every pair that was ranked."""
    scores = score_sequences(model, [ids for each in comparisons for ids in each.ids], pad_id)
    mask = pair_mask(collate_comparisons(comparisons, pad_id))
    return (scores[:, None] - scores[None])[mask].tolist()


def both_ways(found: Sequence[float]) -> tuple[list[float], list[bool]]:
    """Ask about every pair in both orders, so that predictions cover 0 to 1: differences, is the first better."""
    return [*found, *(-each for each in found)], [True] * len(found) + [False] * len(found)


def variants(comparisons: Sequence[EncodedComparison]) -> dict[str, tuple[Sequence[EncodedComparison], RewardConfig]]:
    """Return the variants to compare, name -> (data, config); a step holds the same number of answers in each."""
    config, pairs = replace(RewardConfig(), eval_every=0), split_pairs(comparisons)
    answers = sum(len(each.ids) for each in comparisons)
    half_the_answers = round(config.batch_size * answers / len(comparisons) / 2)  # a pair holds two
    found = {f"{TOGETHER} {n}": (comparisons, replace(config, epochs=float(n))) for n in PASSES}
    found[APART] = (pairs, replace(config, batch_size=half_the_answers))
    return found


def measure_batching(folder: Path, models: Models, seed: int) -> dict[str, dict[str, Any]]:
    """Train every variant on the same rankings; measure on these and on people and prompts that none of them met."""
    tokenizer = models.tokenizer
    rows = json.loads((folder / "comparisons" / "comparisons.json").read_text(encoding="utf-8"))
    ranked_by_people = [row for row in rows if len(row["ids"]) > 2][:PROMPTS]  # pairs with one mistake have no third answer
    taught = [EncodedComparison(ids=tuple(map(tuple, row["ids"])), ranks=tuple(row["ranks"])) for row in ranked_by_people]
    strangers = [person for person in make_labelers(0) if person.number in HELD_OUT_LABELERS]
    tasks = draw_ranking_tasks(models, HELD_OUT_PROMPTS, f"reward study {seed}")
    ranked = ranked_by(strangers, tasks, random.Random(f"reward study {seed}"))
    held_out, _ = encode_comparisons(ranked, tokenizer, models.reward_model.config.context_length)
    found = {}
    for name, (data, config) in variants(taught).items():
        model, seconds = learn_rankings(models.policies["sft"], data, config, pad_id=tokenizer.pad_id, seed=seed, name=name)
        learnt, unseen = (loss_and_accuracy_on_tokens(model, part, tokenizer.pad_id) for part in (taught, held_out))
        bins = calibration(*both_ways(differences(model, held_out, tokenizer.pad_id)))
        found[name] = {
            "answers_computed": round(config.epochs * sum(len(each.ids) for each in data)), "seconds": round(seconds, 1),
            "steps": round(config.epochs * len(data) / config.batch_size),
            "loss": learnt[0], "held_out_loss": unseen[0], "accuracy": learnt[1], "held_out_accuracy": unseen[1],
            "calibration": [asdict(row) for row in bins],
        }  # fmt: skip
        print(seed, name, found[name], flush=True)
    return found


def measure_refits(models: Models, seed: int) -> list[dict[str, float]]:
    """Refit the run's reward model on some labels of each held-out labeler; judge by the labels that were held back."""
    tasks = make_tasks(models, LABELS, f"refit study {seed}")
    random.Random(seed).shuffle(tasks)  # they come with few answers first
    found = []
    for person in (person for person in make_labelers(0) if person.number in HELD_OUT_LABELERS):
        labels = ranked_by([person], tasks, random.Random(f"refit study {seed} {person.number}"))
        taught, held_back = labels[:TAUGHT], labels[TAUGHT:]
        model = refit(models.reward_model, taught, models.tokenizer)
        (loss, share), (new_loss, new_share) = (
            loss_and_accuracy(each, held_back, models.tokenizer) for each in (models.reward_model, model)
        )
        found.append({"labeler": person.number, "loss": loss, "loss_after": new_loss})
        found[-1] |= {"accuracy": share, "accuracy_after": new_share}
    return found


def measure_run(folder: Path, output: Path) -> None:
    """Measure one run, whose folder's name ends in its seed, and store what was found."""
    models, seed = load_models(folder), int(folder.name.rpartition("-")[2])
    found = {"seed": seed, "batching": measure_batching(folder, models, seed), "refits": measure_refits(models, seed)}
    write_atomically(output, json.dumps(found, indent=1) + "\n")


def read_study(folder: str | Path) -> list[dict[str, Any]]:
    """Read what was stored, one file per seed.

    Raises: FileNotFoundError if there is none.
    """
    return read_measured(folder, f"run `python -m rlhf_lite.course.lesson_10.reward_study RUN {folder}/seed-0.json`")


if __name__ == "__main__":
    measure_run(Path(sys.argv[1]), Path(sys.argv[2]))
