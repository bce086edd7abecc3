"""Could a reward model get by with a glance? How well each single surface feature orders ranked pairs.

If the longer answer, or the one without a question mark, were nearly always the better one, a reward model could learn
just that, and a high accuracy would say nothing about understanding. Here each feature is tried alone:
`python -m rlhf_lite.studies.surface_features runs/tiny-0` prints the best ones for the comparisons of a run.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ..records import Comparison
from ..tokenizer import Tokenizer

MIN_SHARE = 0.01
"""A word is tried as a feature if it stands in at least this share of the answers (ours)."""


def surface_features(answer: str) -> dict[str, float]:
    """Measure what can be read off an answer without its prompt.

    Example: "No. Why?" -> length (words) 2, characters 8, sentences 2, question mark 1, full stop at the end 0,
    word 'no' 1, word 'why' 1.
    """
    words = re.findall(r"[\w']+", answer.lower())
    measured = {
        "length (words)": len(words),
        "characters": len(answer),
        "sentences": len(re.findall(r"[.!?]+", answer)),
        "question mark": "?" in answer,
        "full stop at the end": answer.rstrip().endswith("."),
        "several lines": "\n" in answer,
    }
    return {name: float(value) for name, value in measured.items()} | {f"word {word!r}": 1.0 for word in words}


def ranked_pairs(rows: Iterable[Comparison]) -> list[tuple[str, str]]:
    """List (better, worse) of all pairs without ties and without identical answers."""
    pairs = []
    for row in rows:
        ranked = list(zip(row.ranks, row.responses, strict=True))
        pairs += [(a, b) for i, a in ranked for j, b in ranked if i < j and a.strip() != b.strip()]
    return pairs


def surface_feature_accuracy(rows: Iterable[Comparison]) -> dict[str, float]:
    """Order pairs by one feature at a time: feature -> share of pairs ordered right, the best first.

    Equal features count half. A feature that the worse answers have is turned round, so nothing is below 0.5.

    Example: of ("Yes.", "No?") and ("Fine.", "Why?") the question mark orders all pairs: 1.0; the length none: 0.5.
    Raises: ValueError if no pair is ranked.
    """
    measured = [(surface_features(better), surface_features(worse)) for better, worse in ranked_pairs(rows)]
    if not measured:
        raise ValueError("no pair is ranked: every answer is tied with, or the same as, the others")
    seen = Counter(name for pair in measured for features in pair for name in features)
    accuracy = {}
    for name in (name for name, count in seen.items() if count >= MIN_SHARE * 2 * len(measured)):
        differences = [better.get(name, 0.0) - worse.get(name, 0.0) for better, worse in measured]
        right = sum((d > 0) + 0.5 * (d == 0) for d in differences) / len(differences)
        accuracy[name] = max(right, 1 - right)
    return dict(sorted(accuracy.items(), key=lambda item: (-item[1], item[0])))


def comparisons_of_run(folder: str | Path) -> list[Comparison]:
    """Read the comparisons that a run of the pipeline collected, as texts."""
    folder = Path(folder)
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    comparisons = []
    for row in json.loads((folder / "comparisons" / "comparisons.json").read_text(encoding="utf-8")):
        start = len(tokenizer.encode_prompt(row["prompt"]))
        texts = tuple(tokenizer.decode_response(ids[start:]) for ids in row["ids"])
        comparisons.append(Comparison(row["prompt"], texts, tuple(row["ranks"])))
    return comparisons


if __name__ == "__main__":
    for feature, share in list(surface_feature_accuracy(comparisons_of_run(sys.argv[1])).items())[:12]:
        print(f"{share:.3f}  {feature}")
