"""Answers on the second and third turn of models that learnt from dialogues and of some that did not, over seeds.

`python -m rlhf_lite.course.lesson_15.chat_study data/chat_study 0 1 2 3 4` measures the seeds that are missing there, one file
each, from the models in data/checkpoints. A seed decides the questions that all models are asked, and the data that is
learnt from. All arms learn as many answers in as many steps: "alone" each question of the dialogues in one prompt that says
all, "mixed" the same answers within dialogues, both beside as many answers to the instruction data; "dialogues" nothing else.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from ...data import pack_documents
from ...files import course_folder, write_atomically
from ...gpt import GPT, copy_gpt
from ...pretrain import held_out_loss
from ...records import Demonstration
from ...studies.stored import read_measured, rounded
from ...tinyworld.corpus import documents
from ...tinyworld.dialogues import draw_dialogues
from ...tinyworld.evaluation import Models, load_models
from ...tinyworld.judge import judge
from ...tinyworld.prompts import draw_requests
from ...tokenizer import Tokenizer
from .dialogue_training import EncodedDialogue, as_dialogue, encode_dialogue, train_dialogues
from .few_shots import few_shot_gold, pattern_share
from .history import keep_first_and_last, keep_last
from .turn_tests import ask_turns, likeliest_answers, name_shares, turn_rows

PER_STEP = 8
"""Dialogues of three answers per step, beside three times as many answers to single prompts (ours)."""
STEPS = 100
"""Steps of the training, as in the lesson (ours)."""
NEEDED = ("base", "sft", "ppo", "ppo_ptx", *(f"{arm} {STEPS}" for arm in ("alone", "mixed", "dialogues")))
"""Models without which a seed is not finished."""
ASKED = 120
"""Held-out dialogues per seed (ours)."""
Sources = list[list[EncodedDialogue]]


def instruction_dialogues(tokenizer: Tokenizer, seed: int | str, count: int) -> list[EncodedDialogue]:
    """Draw instruction data, in InstructGPT's proportions, answered with care, and write it as dialogues of one exchange."""
    requests = draw_requests(f"instructions for chat {seed}", count)
    encoded = [encode_dialogue(as_dialogue(Demonstration(r.prompt, r.good)), tokenizer) for r in requests]
    return [each for each in encoded if len(each.ids) <= 192]


def sources_of(arm: str, tokenizer: Tokenizer, seed: int | str, steps: int) -> Sources:
    """Draw what an arm learns from: "alone", "mixed" or "dialogues"."""
    doubled = arm == "dialogues"
    drawn = draw_dialogues(f"chat {seed}", (1 + doubled) * PER_STEP * steps)
    if arm == "alone":
        turns = [turn.request for each in drawn for turn in each.turns]
        talks = [encode_dialogue(as_dialogue(Demonstration(r.prompt, r.good)), tokenizer) for r in turns]
    else:
        full = [[*each.messages(2), {"role": "assistant", "content": each.turns[2].request.good}] for each in drawn]
        talks = [encode_dialogue(messages, tokenizer) for messages in full]
    return [talks] if doubled else [talks, instruction_dialogues(tokenizer, seed, 3 * PER_STEP * steps)]


def train_arm(models: Models, arm: str, seed: int | str, steps: int, *, show_progress: bool = True) -> tuple[GPT, dict]:
    """Go on training the shipped SFT model; return the new model and what was spent on it."""
    model, sources = copy_gpt(models.policies["sft"]), sources_of(arm, models.tokenizer, seed, steps)
    begun, last = time.process_time(), steps // 10
    losses = train_dialogues(model, sources, steps=steps, pad_id=models.tokenizer.pad_id, seed=0, show_progress=show_progress)
    spent = {"steps": steps, "answers": sum(each.n_answers for source in sources for each in source),
             "tokens": sum(len(each.ids) for source in sources for each in source),
             "learnt_tokens": sum(sum(each.mask) for source in sources for each in source),
             "seconds": time.process_time() - begun, "loss_last_tenth": sum(losses[-last:]) / last}  # fmt: skip
    return model, spent


def measure_model(model: GPT, tokenizer: Tokenizer, seed: int | str) -> dict:
    """Measure one model: turns, single prompts, forgetting, long conversations, examples in the prompt."""
    dialogues = draw_dialogues(f"asked {seed}", ASKED, held_out=True)
    requests = draw_requests(f"chat {seed}", 150, held_out=True)
    answers = likeliest_answers(model, tokenizer, [request.prompt for request in requests])
    return {
        "turns": turn_rows(dialogues, ask_turns(model, tokenizer, dialogues)),
        "single_gold": sum(judge(r, answer).gold for r, answer in zip(requests, answers, strict=True)) / len(requests),
        "pretraining_loss": held_out_loss(model, pack_documents(documents("held out", 300), tokenizer)),
        "names": {cut.__name__: name_shares(model, tokenizer, cut, seed=seed, count=25, most=9)
                  for cut in (keep_last, keep_first_and_last)},
        "few_shot": few_shot_gold(model, tokenizer, seed=seed, count=100),
        "pattern": {str(n): pattern_share(model, tokenizer, seed=seed, count=100, examples=n) for n in (0, 3, 9)},
    }  # fmt: skip


def arms(models: Models, seed: int) -> dict[str, Callable[[], tuple[GPT, dict]]]:
    """Name every model of a seed, the shipped ones and those that are trained, with a function that returns it."""
    found = {name: lambda name=name: (models.policies[name], {}) for name in models.policies}
    for arm in ("alone", "mixed", "dialogues"):
        found[f"{arm} {STEPS}"] = lambda arm=arm: train_arm(models, arm, seed, STEPS, show_progress=False)
    return found


def measure_seed(folder: Path, models: Models, seed: int) -> None:
    """Measure the models that FOLDER/seed-N.json does not hold yet, and store each at once."""
    path = folder / f"seed-{seed}.json"
    found = json.loads(path.read_text()) if path.exists() else {"seed": seed, "models": {}}
    for name, make in arms(models, seed).items():
        if name not in found["models"]:
            model, spent = make()
            found["models"][name] = rounded({"spent": spent, **measure_model(model, models.tokenizer, seed)})
            write_atomically(path, json.dumps(found) + "\n")
            print(seed, name, flush=True)


def load_study(folder: str | Path) -> list[dict]:
    """Read what was measured, a dictionary per seed, in the order of seeds; a seed without all of NEEDED is left out."""
    seeds = read_measured(folder, f"measure with `python -m rlhf_lite.course.lesson_15.chat_study {folder} 0 1 2 3 4`")
    return [seed for seed in seeds if seed["models"].keys() >= set(NEEDED)]


def main() -> None:
    """Measure the seeds named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("seeds", nargs="+", type=int)
    arguments = parser.parse_args()
    models = load_models(course_folder() / "data" / "checkpoints")
    for seed in arguments.seeds:
        measure_seed(arguments.output, models, seed)


if __name__ == "__main__":
    main()
