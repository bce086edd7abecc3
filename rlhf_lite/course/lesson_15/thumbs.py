"""Thumbs become comparisons: two answers to one prompt, one liked more than the other, in the reader's folder of labels.

`labels/mine.chat.jsonl` holds them in the format that `python -m rlhf_lite reward --comparisons FILE` takes. The prompt is the
whole conversation up to the user's last message, as the model was given it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...files import write_atomically
from ..lesson_10.labels import dense_ranks, labels_folder
from ..progress import keep_aside
from .dialogue_training import Messages

FILE = "mine.chat.jsonl"
UP, NONE, DOWN = 1, 0, -1


def comparison_row(prompt: Messages, answers: Sequence[str], thumbs: Sequence[int]) -> dict[str, Any] | None:
    """Make a row of answers and their thumbs; None where no answer is liked more than another one.

    The same text drawn twice is one answer; of its thumbs the last that is not NONE counts.
    """
    kept: dict[str, int] = {}
    for answer, thumb in zip(answers, thumbs, strict=True):
        if answer.strip():
            kept[answer] = thumb or kept.get(answer, NONE)
    ranking = dense_ranks([-thumb for thumb in kept.values()])
    if len(set(ranking)) < 2:
        return None
    return {"prompt": prompt, "responses": list(kept), "ranking": list(ranking)}


def thumbs_path() -> Path:
    """Return where comparisons from the chat are stored."""
    return labels_folder() / FILE


def save_comparison(prompt: Messages, row: dict[str, Any] | None) -> str:
    """Store a row in place of an earlier one for the same prompt; None only takes the earlier one away. Return a message.

    A file that cannot be understood is kept aside, and its good rows stay in use. Raises: OSError where it cannot be written.
    """
    path = thumbs_path()
    rows, spoilt = _read(path)
    rows = [each for each in rows if each["prompt"] != prompt] + ([row] if row else [])
    aside = f" An unreadable file was kept as {keep_aside(path).name}." if spoilt else ""
    if rows or path.exists():
        write_atomically(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows))
    return f"{len(rows)} comparison{'s' * (len(rows) != 1)} in {path.parent.name}/{FILE}.{aside}"


def _read(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """Read the rows of a file; return those that are good, and whether any was not."""
    rows, spoilt = [], False
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
            _ = row["prompt"], row["responses"], row["ranking"]
            rows.append(row)
        except (ValueError, TypeError, KeyError):
            spoilt = True
    return rows, spoilt
