"""A new head on the pair's bodies: classification from a few labels, read at two places, over seeds.

`python -m rlhf_lite.course.lesson_07.heads_study data/bert_study 0 1 2` measures the seeds that are not yet stored.
"""

from typing import Any

from .pair import STEPS, Texts, build_pair, read_texts, train_member
from .scoreboard import PLACES, mean_classified
from .seed_files import measure_missing


def measure_heads(seed: int, steps: int = STEPS, texts: Texts | None = None) -> list[dict[str, Any]]:
    """Train the pair, and fine-tune both bodies, and the weights from which both began: place, model, share right."""
    texts = texts or read_texts(seed)
    bodies = dict(zip(("BERT", "GPT"), build_pair(texts, seed), strict=True))
    for body in bodies.values():
        train_member(body, texts, steps, seed)
    bodies |= zip(("BERT, not trained", "GPT, not trained"), build_pair(texts, seed), strict=True)
    return [
        {"measure": place, "model": name, "value": mean_classified(body, texts, seed, place)}
        for place in PLACES
        for name, body in bodies.items()
    ]


if __name__ == "__main__":
    measure_missing("heads", measure_heads)
