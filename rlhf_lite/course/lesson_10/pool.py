"""Pool the labels of a room: one file to train on, who agrees with whom, and how often each agrees with the judge.

`python -m rlhf_lite.course labels pool ann.jsonl ben.jsonl` reads files as lesson 10 stores them (`labels/mine.jsonl`), and
writes what `python -m rlhf_lite reward --comparisons` takes.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from ...evaluate import wilson_interval
from ...files import write_atomically
from ...real_data.row_files import read_comparisons
from ...records import Comparison
from ...tinyworld.prompts import USE_CASE_SHARES, Request, draw_requests
from .labels import agreement_between, agreement_with_judge

LESSON_TASKS = ("lesson 10", 40)
"""Seed and number of the tasks that lesson 10 deals out."""


def lesson_requests() -> list[Request]:
    """Return the requests behind lesson 10's tasks, which say what a good answer needs; no model is asked."""
    seed, count = LESSON_TASKS
    return draw_requests(f"tasks {seed}", 2 * count, held_out=True, use_cases=list(USE_CASE_SHARES))


def read_readers(paths: Sequence[Path]) -> dict[str, list[Comparison]]:
    """Read label files: reader -> comparisons. Rows that name no reader belong to the file's name.

    Raises:
        FileNotFoundError: where a file is missing.
        ValueError: naming file and line of a row that is no comparison, or a reader with two labels for one prompt.
    """
    readers: dict[str, list[Comparison]] = {}
    for path in paths:
        found = read_comparisons(path).items
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for row, comparison in zip(rows, found, strict=True):
            readers.setdefault(row.get("reader") or path.stem, []).append(comparison)
    for name, labels in readers.items():
        prompts = [each.prompt for each in labels]
        if twice := next((prompt for prompt in prompts if prompts.count(prompt) > 1), None):
            raise ValueError(f"{name} ranked {twice!r} twice: two readers under one name, or one file given twice? Rename one")
    return readers


def share_in_words(counts: tuple[int, int]) -> str:
    """Write alike of decided as a share with its 95 % interval. Example: (3, 4) -> "3 of 4, 75 % (30 to 95)"."""
    alike, decided = counts
    if not decided:
        return "no pair"
    low, high = wilson_interval(alike, decided)
    return f"{alike} of {decided}, {100 * alike / decided:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def report(readers: Mapping[str, Sequence[Comparison]], requests: Sequence[Request]) -> str:
    """Write a table: each reader's labels, agreement with all others where both ranked, and with the judge."""
    lines = ["| reader | prompts | alike with the others | alike with the judge |", "|---|---|---|---|"]
    for name, labels in readers.items():
        others = [agreement_between(labels, theirs) for other, theirs in readers.items() if other != name]
        alike = share_in_words((sum(a for a, _ in others), sum(b for _, b in others)))
        lines.append(f"| {name} | {len(labels)} | {alike} | {share_in_words(agreement_with_judge(labels, requests))} |")
    pairs = [agreement_between(readers[a], readers[b]) for a, b in combinations(readers, 2)]
    total = share_in_words((sum(a for a, _ in pairs), sum(b for _, b in pairs)))
    return "\n".join([*lines, "", f"Agreement of two readers, all pairs of answers that both ranked: {total}."])


def pool(paths: Sequence[Path], output: Path) -> tuple[int, str]:
    """Merge label files into one; return how many comparisons it holds, and the report.

    Raises: ValueError where nothing was ranked, and what `read_readers` raises.
    """
    readers = read_readers(paths)
    rows = [
        {"prompt": each.prompt, "responses": list(each.responses), "ranking": list(each.ranks), "reader": name}
        for name, labels in readers.items()
        for each in labels
    ]
    if not rows:
        raise ValueError("these files hold no ranking: rank some answers in lesson 10 first")
    write_atomically(output, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return len(rows), report(readers, lesson_requests())
