"""Public data sets as this library's files: hh-rlhf, TL;DR summaries, and plain text such as TinyStories or FineWeb.

Rows come through `datasets`, streamed, so that a set of any size needs no more disk than what is asked of it; from the hub
by name, or from a local file of the same format. From the hub they come shuffled, and from all parts of a set in turn: the
first rows of a set may all be of one kind, as hh-rlhf's are all about harm. `fetch` writes them in the formats that `rows`
reads and checks, so that everything after it works as with the reader's own files. No code of a data set is ever run.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import tyro

from ..files import open_atomically, write_atomically
from ..records import Comparison
from .row_files import existing_file, read_comparisons

SUFFIXES = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".txt": "text"}
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
    "hh-rlhf": Source("Anthropic/hh-rlhf", None, "test", "comparisons",
                      ("harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled")),
    "tldr": Source("openai/summarize_from_feedback", "comparisons", "validation", "comparisons"),
    "tinystories": Source("roneneldan/TinyStories", None, "validation", "text"),
    "fineweb-edu": Source("HuggingFaceFW/fineweb-edu", "sample-10BT", None, "text"),
}


def stream(
    source: str | Path, *, config: str | None = None, split: str = "train", parts: tuple[str, ...] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a local file (JSON lines, parquet or text, also with .gz) in order, or of a data set on the hub.

    Raises: FileNotFoundError, ValueError where it cannot be read or reached.
    """
    import datasets  # here and not above: it takes seconds to import

    path = Path(source)
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    try:
        if suffix in SUFFIXES:
            rows = datasets.load_dataset(SUFFIXES[suffix], data_files=str(existing_file(path)), split="train", streaming=True)
        else:
            folders = [{"data_dir": part} for part in parts] or [{}]
            sets = [datasets.load_dataset(str(source), config, split=split, streaming=True, **folder) for folder in folders]
            sets = [each.shuffle(seed=0, buffer_size=SHUFFLED) for each in sets]
            rows = datasets.interleave_datasets(sets, stopping_strategy="all_exhausted_without_replacement")
        yield from rows
    except (ConnectionError, datasets.exceptions.DatasetsError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError) and suffix in SUFFIXES:
            raise
        raise ValueError(
            f"cannot read {source!s}, split {split!r} ({type(error).__name__}: {str(error)[:200]}): check the name and the "
            "network, or give a local file (.jsonl, .parquet or .txt, also .gz)"
        ) from None


def comparison_row(row: dict[str, Any]) -> dict[str, Any]:
    """Turn one row into the form of a comparison that `rows.read_comparisons` knows.

    TL;DR rows have a post, two summaries and the choice of a person; all others are passed on as they are.

    Example: {"info": {"subreddit": "tea", "title": "T", "post": "P"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 1}
    -> {"prompt": "SUBREDDIT: r/tea ... TL;DR:", "responses": ["a", "b"], "ranking": [1, 0]}.

    Source of the prompt's form: Stiennon 2020, appendix B.
    """
    if not {"info", "summaries", "choice"} <= row.keys():
        return row
    info, summaries = row["info"], row["summaries"]
    texts = summaries["text"] if isinstance(summaries, dict) else [summary["text"] for summary in summaries]
    prompt = f"SUBREDDIT: r/{info['subreddit']}\n\nTITLE: {info['title']}\n\nPOST: {info['post']}\n\nTL;DR:"
    ranking = [0 if place == row["choice"] else 1 for place in range(len(texts))]
    return {"prompt": prompt, "responses": [text.strip() for text in texts], "ranking": ranking}


def text_of(row: dict[str, Any]) -> str:
    """Return a row's text. Raises: ValueError where it has none."""
    found = next((row[key] for key in TEXT_KEYS if isinstance(row.get(key), str)), None)
    if found is None:
        raise ValueError(f"expected a row with one of the keys {', '.join(TEXT_KEYS)}, got {', '.join(sorted(row))}")
    return found


def best_response(comparison: Comparison) -> dict[str, Any]:
    """Turn a comparison into a demonstration: its prompt with the response that was ranked first."""
    return {"prompt": comparison.prompt, "response": comparison.best}


def fetch_comparisons(rows: Iterable[dict[str, Any]], folder: Path) -> dict[str, int]:
    """Write comparisons.jsonl, demonstrations.jsonl (the preferred responses) and prompts.jsonl; return what was counted.

    A row that is no comparison is left out: hh-rlhf has some whose dialogues differ before the last answer.
    """
    path = folder / "comparisons.jsonl"
    write_rows(path, map(comparison_row, rows))
    read = read_comparisons(path, skip_bad_rows=True)
    write_rows(path, ({"prompt": c.prompt, "responses": c.responses, "ranking": c.ranks} for c in read.items))
    write_rows(folder / "demonstrations.jsonl", map(best_response, read.items))
    prompts = {json.dumps(item.prompt): item.prompt for item in read.items}
    write_rows(folder / "prompts.jsonl", ({"prompt": prompt} for prompt in prompts.values()))
    return {"comparisons": len(read.items), "prompts": len(prompts), "left out": len(read.skipped)}


def fetch_text(rows: Iterable[dict[str, Any]], folder: Path) -> dict[str, int]:
    """Write text.txt, documents one after the other; return what was counted."""
    documents, characters = 0, 0
    with open_atomically(folder / "text.txt") as file:
        for row in rows:
            text = text_of(row).strip()
            documents, characters = documents + 1, characters + len(text)
            file.write(text + DOCUMENT_BREAK)
    return {"documents": documents, "characters": characters}


FETCH: dict[str, Callable[[Iterable[dict[str, Any]], Path], dict[str, int]]] = {
    "comparisons": fetch_comparisons, "text": fetch_text,
}  # fmt: skip


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines, whole or not at all."""
    with open_atomically(path) as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def fetch(name: str, folder: Path, count: int, *, file: Path | None = None, held_out_file: Path | None = None) -> dict[str, Any]:
    """Fetch `count` rows of a data set into a folder, and a tenth as many of its held-out split into `folder/held_out`.

    `file` and `held_out_file` are local files of the same format, in place of the hub. Returns what about.json then says.

    Raises: ValueError for a name that is not in SOURCES, or rows that cannot be read.
    """
    if name not in SOURCES:
        raise ValueError(f"no data set {name!r}: choose among {', '.join(SOURCES)}")
    if count < 1:
        raise ValueError(f"count is {count}, expected at least 1")
    source, folder = SOURCES[name], Path(folder)
    rows = islice(stream(file or source.hub, config=source.config, parts=source.parts), count)
    about = {"source": str(file or source.hub), "config": source.config, "train": FETCH[source.kind](rows, folder)}
    if held_out_file or (source.held_out and not file):
        where = {"config": source.config, "split": source.held_out or "train", "parts": source.parts}
        rows = stream(held_out_file or source.hub, **where)
        about["held_out"] = FETCH[source.kind](islice(rows, max(1, count // 10)), folder / "held_out")
    write_atomically(folder / "about.json", json.dumps(about, indent=1))
    return about


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
    """The same for the held-out rows."""


def run_fetch(command: Fetch) -> None:
    """Fetch, and print what was counted."""
    about = fetch(command.name, command.output, command.count, file=command.file, held_out_file=command.held_out_file)
    print(json.dumps(about, indent=1))
