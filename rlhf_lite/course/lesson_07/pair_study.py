"""The pair, trained longer than a lesson has time for, over seeds.

`python -m rlhf_lite.course.lesson_07.pair_study data/bert_study 0 1 2` measures the seeds that are not yet stored.
"""

from typing import Any

from .pair import BATCH_SIZE, LENGTH, STEPS, Texts, bert_continues, build_pair, gpt_continues, read_texts, train_member
from .scoreboard import (
    BLANKS,
    TRIED_BLANKS,
    draw_blanks,
    fill_all_at_once,
    guesses,
    share_guessed,
    write_on,
    written_fluency,
)
from .seed_files import measure_missing

LAST = 100
"""Steps over whose losses the mean is stored (ours)."""


def measure_pair(seed: int, steps: int = STEPS, texts: Texts | None = None) -> list[dict[str, Any]]:
    """Train both models, and measure each in every way: measure, model, value."""
    texts = texts or read_texts(seed)
    bert, gpt = build_pair(texts, seed)
    losses = {"BERT": train_member(bert, texts, steps, seed), "GPT": train_member(gpt, texts, steps, seed)}
    found = [("loss", name, sum(each[-LAST:]) / len(each[-LAST:])) for name, each in losses.items()]
    found += [("tokens read", name, float(steps * BATCH_SIZE * LENGTH)) for name in losses]
    for (name, view), guess in guesses(bert, gpt, texts).items():
        count = TRIED_BLANKS if (name, view) == ("GPT", "both sides") else BLANKS
        found.append((f"blank, {view}", name, share_guessed(guess, draw_blanks(texts, count))))
    writers = {
        "BERT": lambda ids, generator: write_on(lambda seen: bert_continues(bert, texts, seen), texts, ids, generator),
        "BERT, all at once": lambda ids, generator: fill_all_at_once(bert, texts, ids, generator),
        "GPT": lambda ids, generator: write_on(lambda seen: gpt_continues(gpt, texts, seen), texts, ids, generator),
    }
    found += [("writing", name, written_fluency(write, texts)) for name, write in writers.items()]
    return [{"measure": measure, "model": model, "value": value} for measure, model, value in found]


if __name__ == "__main__":
    measure_missing("pair", measure_pair)
