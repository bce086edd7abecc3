"""A reader's labels: answers ranked and flagged, in a local file that the library reads as comparisons.

They stand in the folder `labels/` of the course, which is not under version control: `mine.jsonl` holds what was ranked,
`mine.not-ranked.jsonl` what was skipped or found equally good throughout, for such rows are no comparisons. Other readers'
files lie beside them under other names. The environment variable RLHF_LITE_LABELS names another folder.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...evaluate import agreement
from ...files import course_folder, write_atomically
from ...real_data.row_files import read_comparisons
from ...records import Comparison
from ...tinyworld.judge import TIE, judge
from ...tinyworld.prompts import Request
from ..progress import keep_aside

RANKED, NOT_RANKED = "mine.jsonl", "mine.not-ranked.jsonl"
FLAGS = ("untrue", "harmful")
FEWEST, MOST = 4, 9
"""Answers that one labeler ranks at a time (paper)."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """What one reader thinks of the answers to one prompt."""

    prompt: str
    responses: tuple[str, ...]
    ranking: tuple[int, ...] | None
    """One number per response, 0 = best, equal = a tie; None: skipped."""
    flags: tuple[tuple[str, ...], ...]
    """For each response some of FLAGS."""
    reader: str = ""
    """Who labelled, where several share the work."""
    at: str = ""
    """When it was stored: date and time, UTC."""

    @property
    def is_comparison(self) -> bool:
        """True where some answer was ranked better than another."""
        return self.ranking is not None and len(set(self.ranking)) > 1


def dense_ranks(chosen: Sequence[int]) -> tuple[int, ...]:
    """Count ranks from 0 and without gaps. Example: [2, 5, 2] -> (0, 1, 0)."""
    order = sorted(set(chosen))
    return tuple(order.index(rank) for rank in chosen)


def now() -> str:
    """Return date and time, UTC, to the second. Example: "2026-11-30T09:15:00+00:00"."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def labels_folder() -> Path:
    """Return where labels are stored."""
    return Path(os.environ.get("RLHF_LITE_LABELS") or course_folder() / "labels")


def load_labels() -> tuple[dict[str, Label], list[str]]:
    """Read the reader's labels, by prompt; return the labels and messages for the reader.

    A file with a row that cannot be understood is kept aside; its other rows stay in use.
    """
    labels, messages = {}, []
    for name in (NOT_RANKED, RANKED):
        rows, message = _read(labels_folder() / name)
        labels |= {label.prompt: label for label in rows}
        messages += [message] if message else []
    return labels, messages


def save_label(label: Label) -> list[str]:
    """Store one label at once, in place of an earlier one for the same prompt; return messages for the reader.

    Raises: OSError where the files cannot be written.
    """
    labels, messages = load_labels()
    labels[label.prompt] = label
    for name, ranked in ((RANKED, True), (NOT_RANKED, False)):
        rows = [each for each in labels.values() if each.is_comparison == ranked]
        path = labels_folder() / name
        if rows or path.exists():
            write_atomically(path, "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows))
    return messages


def _read(path: Path) -> tuple[list[Label], str]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], f"Your labels cannot be read: {error}."
    labels, bad = [], []
    for number, line in enumerate(lines, start=1):
        try:
            labels += [_label_of(json.loads(line))] if line.strip() else []
        except ValueError:  # no JSON, no UTF-8, or no label
            bad.append(number)
    return labels, _keep_aside(path, labels, bad[0]) if bad else ""


def _label_of(row: Any) -> Label:
    if not isinstance(row, dict) or not _is_text(row.get("prompt")):
        raise ValueError("no prompt")
    responses, ranking = row.get("responses"), row.get("ranking")
    if not isinstance(responses, list) or len(responses) < 2 or not all(map(_is_text, responses)):
        raise ValueError("no responses")
    if ranking is not None:
        if not isinstance(ranking, list) or len(ranking) != len(responses) or any(type(rank) is not int for rank in ranking):
            raise ValueError("no ranking")
        ranking = dense_ranks(ranking)
    flags = row.get("flags") or [[]] * len(responses)
    if not isinstance(flags, list) or len(flags) != len(responses) or not all(isinstance(each, list) for each in flags):
        raise ValueError("no flags")
    known = tuple(tuple(flag for flag in FLAGS if flag in each) for each in flags)
    who, when = (row.get(name) if isinstance(row.get(name), str) else "" for name in ("reader", "at"))
    return Label(prompt=row["prompt"], responses=tuple(responses), ranking=ranking, flags=known, reader=who, at=when)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _keep_aside(path: Path, labels: Sequence[Label], line: int) -> str:
    """Rename a spoilt file, and write its good rows anew."""
    what = f"Line {line} of {path.name} cannot be understood."
    try:
        aside = keep_aside(path)
        if labels:
            write_atomically(path, "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in labels))
    except OSError as error:
        return f"{what} The file can neither be kept aside nor mended: {error}."
    return f"{what} The file was kept as {aside.name}; {len(labels)} good rows stay in use."


def comparisons_of(labels: Mapping[str, Label] | Sequence[Label]) -> list[Comparison]:
    """Return what was ranked as the library's comparisons; skipped prompts and those with all answers tied are left out."""
    rows = labels.values() if isinstance(labels, Mapping) else labels
    return [Comparison(each.prompt, each.responses, each.ranking) for each in rows if each.is_comparison]


def read_other_readers() -> tuple[dict[str, list[Comparison]], list[str]]:
    """Read the files of other readers beside the reader's own: name -> comparisons, and messages on unreadable files."""
    others, messages = {}, []
    for path in sorted(labels_folder().glob("*.jsonl")):
        if path.name.startswith("mine."):
            continue
        try:
            rows = read_comparisons(path, skip_bad_rows=True)
        except (ValueError, OSError) as error:
            messages.append(str(error).splitlines()[0])
            continue
        others[path.stem] = rows.items
        messages += rows.skipped
    return others, messages


def agreement_between(first: Sequence[Comparison], second: Sequence[Comparison]) -> tuple[int, int]:
    """Count pairs of answers that two people order alike, and pairs that both order: ties of either are left out.

    Only answers that both have seen count; they are found by their text.
    """
    ranks = {each.prompt: dict(zip(each.responses, each.ranks, strict=True)) for each in second if isinstance(each.prompt, str)}
    counts = [0, 0]
    for each in first:
        theirs = ranks.get(each.prompt, {}) if isinstance(each.prompt, str) else {}
        ours = {text: rank for text, rank in zip(each.responses, each.ranks, strict=True) if text in theirs}
        found = agreement([-rank for rank in ours.values()], [-theirs[text] for text in ours])
        counts = [a + b for a, b in zip(counts, found, strict=True)]
    return counts[0], counts[1]


def agreement_with_judge(comparisons: Sequence[Comparison], requests: Sequence[Request]) -> tuple[int, int]:
    """Count pairs that a person and the judge order alike, and pairs that both order, on the prompts in `requests`."""
    known = {request.prompt: request for request in requests}
    counts = [0, 0]
    for each in comparisons:
        if isinstance(each.prompt, str) and each.prompt in known:
            gold = [judge(known[each.prompt], text).gold for text in each.responses]
            found = agreement([-rank for rank in each.ranks], gold, TIE)
            counts = [a + b for a, b in zip(counts, found, strict=True)]
    return counts[0], counts[1]
