"""Public data sets as this library's files: hh-rlhf, TL;DR summaries, and plain text such as TinyStories or FineWeb.

Rows come from the hub by name, streamed through `datasets`, so that a set of any size needs no more disk than what is asked
of it; or from a local file of the same format. From the hub they come shuffled, and from all parts of a set in turn: the
first rows of a set may all be of one kind, as hh-rlhf's are all about harm. `fetch` writes them as rows that `row_files`
reads, so that everything after it works as with the reader's own files. No code of a data set is ever run.

A row that is bad is left out and counted. Files appear together, when all are whole: what a folder held before stays until then.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import tyro

from ..files import replacing, write_atomically
from ..records import Comparison
from ..tokenizer import GPT2_END_TOKEN
from .dialogues import BadRow, checked_text
from .layouts import parse
from .row_files import byte_lines, decoded, existing_file, raw_rows

TEXT_KEYS = ("text", "story", "content")
DOCUMENT_BREAK = "\n\n"
SHUFFLED = 10_000
"""Rows of a part among which the next one is drawn."""


@dataclass(frozen=True)
class Source:
    """Where a data set is, and what it holds."""

    hub: str
    """Its name on the hub."""
    config: str | None
    """Which part of it."""
    held_out: str | None
    """Its split that is not trained on."""
    kind: str
    """comparisons, or text."""
    parts: tuple[str, ...] = ()
    """Folders of its parts, where it has some: as many rows are taken of each, as long as it has more."""


SOURCES = {
    "hh-rlhf": Source(
        "Anthropic/hh-rlhf",
        None,
        "test",
        "comparisons",
        ("harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled"),
    ),
    "tldr": Source("openai/summarize_from_feedback", "comparisons", "validation", "comparisons"),
    "tinystories": Source("roneneldan/TinyStories", None, "validation", "text"),
    "fineweb-edu": Source("HuggingFaceFW/fineweb-edu", "sample-10BT", None, "text"),
}


def hub_rows(name: str, *, config: str | None, split: str, parts: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield the rows of a data set on the hub.

    Raises: ValueError where it cannot be reached or read.
    """
    import datasets  # here and not above: it takes seconds to import

    try:
        folders = [{"data_dir": part} for part in parts] or [{}]
        sets = [datasets.load_dataset(name, config, split=split, streaming=True, **folder) for folder in folders]
        sets = [each.shuffle(seed=0, buffer_size=SHUFFLED) for each in sets]
        yield from datasets.interleave_datasets(sets, stopping_strategy="all_exhausted_without_replacement")
    except (ConnectionError, datasets.exceptions.DatasetsError, ValueError, OSError) as error:
        raise ValueError(
            f"cannot read {name}, split {split!r} ({type(error).__name__}: {str(error)[:200]}): check the name and the "
            "network, or give a local file (.jsonl, .json, .parquet or .txt, also .gz)"
        ) from None


def file_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a local file in order; one that cannot be read as a row is {}, which is then left out and counted.

    A .txt file has a document between each two `<|endoftext|>`, as TinyStories' have, or else on each line.
    """
    path = existing_file(path)
    if path.name.lower().endswith((".txt", ".txt.gz")):
        yield from ({"text": document} for document in _documents(path))
        return
    for _, row in raw_rows(path):
        try:
            found = row()
        except BadRow:
            found = {}
        yield found if isinstance(found, dict) else {}


def _documents(path: Path) -> Iterator[str]:
    """Yield the documents of a text file, which may be larger than the memory; empty ones are none."""
    marked, text = any(GPT2_END_TOKEN.encode() in line for _, line in byte_lines(path)), ""
    for number, line in byte_lines(path):
        text += decoded(path, line, f"line {number}, ")
        *ended, text = text.split(GPT2_END_TOKEN) if marked else (text, "")
        yield from filter(str.strip, ended)
    if text.strip():
        yield text


def comparison_row(row: dict[str, Any]) -> dict[str, Any]:
    """Turn one row into the form of a comparison that `layouts` knows.

    TL;DR rows have a post of Reddit or an article of CNN/DM, two summaries and the choice of a person; all others are passed
    on as they are.

    Example: {"info": {"subreddit": "tea", "title": "T", "post": "P"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 1}
    -> {"prompt": "SUBREDDIT: r/tea ... TL;DR:", "responses": ["a", "b"], "ranking": [1, 0]}.

    Raises: BadRow where post and article, a summary or the choice are missing.
    Source of the prompts' forms: Stiennon 2020, appendix B; for articles TRL's tldr_preference.py.
    """
    if not {"info", "summaries", "choice"} <= row.keys():
        return row
    info, summaries = row["info"], row["summaries"]
    if isinstance(summaries, dict):  # lists per column, as parquet may give them
        summaries = [{"text": text} for text in summaries.get("text") or []]
    if not isinstance(info, dict) or not isinstance(summaries, list) or not all(isinstance(each, dict) for each in summaries):
        raise BadRow('"info" must be an object and "summaries" a list of objects')
    if info.get("article"):
        prompt = f"Article:\n{checked_text(info['article'], 'the article')}\n\nTL;DR:"
    else:
        subreddit, title, post = (checked_text(info.get(key), f"the {key}") for key in ("subreddit", "title", "post"))
        prompt = f"SUBREDDIT: r/{subreddit}\n\nTITLE: {title}\n\nPOST: {post}\n\nTL;DR:"
    responses = [checked_text(summary.get("text"), "a summary").strip() for summary in summaries]
    return {"prompt": prompt, "responses": responses, "ranking": [int(i != row["choice"]) for i in range(len(responses))]}


def text_of(row: dict[str, Any]) -> str:
    """Return a row's text. Raises: BadRow where it has none."""
    key = next((key for key in TEXT_KEYS if row.get(key) is not None), None)
    if key is None:
        raise BadRow(f"expected a row with one of the keys {', '.join(TEXT_KEYS)}, got {', '.join(sorted(row)) or 'none'}")
    return checked_text(row[key], f'"{key}"').strip()


def best_response(comparison: Comparison) -> dict[str, Any]:
    """Turn a comparison into a demonstration: its prompt with the response that was ranked first."""
    return {"prompt": comparison.prompt, "response": comparison.best}


class NoGoodRow(ValueError):
    """All rows are bad, or there are none."""


def made_of(rows: Iterable[dict[str, Any]], make: Callable[[dict[str, Any]], Any]) -> Iterator[Any]:
    """Yield what is made of each row, or the BadRow that says why nothing is. Raises: NoGoodRow, at the end, if nothing was."""
    good, bad = 0, []
    for row in rows:
        try:
            made, good = make(row), good + 1
        except BadRow as error:
            bad.append(made := error)
        yield made
    if not good:
        raise NoGoodRow(f"all {len(bad)} rows are bad; the first: {bad[0]}" if bad else "there are no rows")


def fetch_comparisons(rows: Iterable[dict[str, Any]], folder: Path) -> dict[str, int]:
    """Write comparisons.jsonl, demonstrations.jsonl (the preferred responses) and prompts.jsonl; return what was counted.

    A row that is no comparison is left out: hh-rlhf has some whose dialogues differ before the last answer.
    """
    made = list(made_of(rows, lambda row: parse(Comparison, comparison_row(row))))
    found = [each for each in made if isinstance(each, Comparison)]
    write_rows(folder / "comparisons.jsonl", ({"prompt": c.prompt, "responses": c.responses, "ranking": c.ranks} for c in found))
    write_rows(folder / "demonstrations.jsonl", map(best_response, found))
    prompts = {json.dumps(item.prompt): item.prompt for item in found}
    write_rows(folder / "prompts.jsonl", ({"prompt": prompt} for prompt in prompts.values()))
    return {"comparisons": len(found), "prompts": len(prompts), "left out": len(made) - len(found)}


def fetch_text(rows: Iterable[dict[str, Any]], folder: Path) -> dict[str, int]:
    """Write text.txt, documents one after the other; return what was counted."""
    documents = characters = left_out = 0
    with replacing(folder / "text.txt") as part, open(part, "w", encoding="utf-8") as file:
        for text in made_of(rows, text_of):
            if isinstance(text, BadRow):
                left_out += 1
                continue
            documents, characters = documents + 1, characters + len(text)
            file.write(text + DOCUMENT_BREAK)
    return {"documents": documents, "characters": characters, "left out": left_out}


FETCH: dict[str, Callable[[Iterable[dict[str, Any]], Path], dict[str, int]]] = {
    "comparisons": fetch_comparisons, "text": fetch_text,
}  # fmt: skip


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines, whole or not at all."""
    with replacing(path) as part, open(part, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def fetch(name: str, folder: Path, count: int, *, file: Path | None = None, held_out_file: Path | None = None) -> dict[str, Any]:
    """Fetch `count` rows of a data set into a folder, and a tenth as many of its held-out split into `folder/held_out`.

    `file` and `held_out_file` are local files of the same format, in place of the hub. Returns what about.json then says.
    The folder changes only when all is fetched; about.json comes last, so that a folder that has it is complete.

    Raises: FileNotFoundError; ValueError for a name that is not in SOURCES, or where no row is good.
    """
    if name not in SOURCES:
        raise ValueError(f"no data set {name!r}: choose among {', '.join(SOURCES)}")
    if count < 1:
        raise ValueError(f"count is {count}, expected at least 1")
    source, folder = SOURCES[name], Path(folder)
    where = {"config": source.config, "parts": source.parts}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as temporary:
        new = Path(temporary) / "new"
        about = {"source": str(file or source.hub), "config": source.config}
        about["train"] = _fetched(source, new, count, file or hub_rows(source.hub, split="train", **where))
        if held_out_file or (source.held_out and not file):
            rows = held_out_file or hub_rows(source.hub, split=source.held_out, **where)
            about["held_out"] = _fetched(source, new / "held_out", max(1, count // 10), rows)
        replace_files(folder, new)
        write_atomically(folder / "about.json", json.dumps(about, indent=1))
    return about


def _fetched(source: Source, folder: Path, count: int, rows: Path | Iterator[dict[str, Any]]) -> dict[str, int]:
    """Write the rows of a file or of the hub, and return what was counted."""
    name = source.hub if isinstance(rows, Iterator) else rows
    try:
        return FETCH[source.kind](islice(rows if isinstance(rows, Iterator) else file_rows(rows), count), folder)
    except NoGoodRow as error:
        raise ValueError(f"{name}: {error}") from None


def replace_files(folder: Path, new: Path) -> None:
    """Move all files of the folder `new` into another, where older ones of these names go, held-out ones too."""
    folder.mkdir(exist_ok=True)
    (folder / "about.json").unlink(missing_ok=True)  # if this is stopped half-way, nothing says that the folder is complete
    for path in new.glob("*.*"):
        (folder / "held_out" / path.name).unlink(missing_ok=True)
    for path in sorted(path for path in new.rglob("*") if path.is_file()):
        target = folder / path.relative_to(new)
        target.parent.mkdir(exist_ok=True)
        os.replace(path, target)


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Write a public data set as files that the stages read: comparisons, demonstrations and prompts, or text."""

    name: tyro.conf.Positional[str]
    """hh-rlhf, tldr, tinystories or fineweb-edu."""
    output: Path
    """Folder for the files; its held_out/ holds a tenth as many rows that are not to be trained on."""
    count: int = 10_000
    """Rows to fetch."""
    file: Path | None = None
    """A local file of the same format, in place of the hub."""
    held_out_file: Path | None = None
    """A local file with the held-out rows, in place of the hub's held-out split."""


def run_fetch(command: Fetch) -> None:
    """Fetch, and print what was counted."""
    about = fetch(command.name, command.output, command.count, file=command.file, held_out_file=command.held_out_file)
    print(json.dumps(about, indent=1))
