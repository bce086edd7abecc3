"""Read a user's own files and check every row: demonstrations, comparisons, prompts, plain text.

Four suffixes: `.jsonl` and `.json` (one JSON object per line, or one JSON array of objects), either with `.gz`, and
`.parquet`. JSON is parsed here, row by row: `datasets` names no line when one is wrong, and guesses one type per column, so
that a single bad row spoils the file. What a row may look like stands in `layouts`.

A message about a bad row says where it is and what is wrong, but never quotes its text: it may be private or offensive.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..records import Comparison, Demonstration, Prompt
from .dialogues import BadRow
from .layouts import EXAMPLES, parse

JSON_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
GAP = re.compile(r"[ \t\r\n]*")
READABLE = f"{', '.join(JSON_SUFFIXES)} or .parquet"


@dataclass(frozen=True)
class Rows:
    """What was read from a file."""

    items: list
    """the good rows, in the order of the file"""
    skipped: tuple[str, ...] = ()
    """one message for each bad row that was left out"""


def read_demonstrations(path: str | Path, skip_bad_rows: bool = False) -> Rows:
    """Read demonstrations, such as {"prompt": ..., "response": ...} or {"messages": [...]}; `items` are `Demonstration`.

    Raises: FileNotFoundError; ValueError naming file and line of the first bad row (with `skip_bad_rows` it is left out
    and listed in `skipped`), or if no good row is left.
    """
    return _read(path, skip_bad_rows, Demonstration)


def read_comparisons(path: str | Path, skip_bad_rows: bool = False) -> Rows:
    """Read comparisons, such as {"prompt": ..., "chosen": ..., "rejected": ...}; `items` are `Comparison`.

    Raises: as `read_demonstrations`.
    """
    return _read(path, skip_bad_rows, Comparison)


def read_prompts(path: str | Path, skip_bad_rows: bool = False) -> Rows:
    """Read prompts, such as {"prompt": ...}; `items` are `Prompt`.

    Raises: as `read_demonstrations`.
    """
    return _read(path, skip_bad_rows, Prompt)


def read_text(path: str | Path) -> str:
    r"""Read a UTF-8 text file, or one packed with gzip (`.gz`), for pretraining; "\r\n" becomes "\n".

    Raises: FileNotFoundError; ValueError if the file is empty, damaged, or not UTF-8 (with the place of the wrong byte).
    """
    path = existing_file(path)
    text = decoded(path, b"".join(line for _, line in byte_lines(path)))
    if not text.strip():
        raise ValueError(f"{path} is empty; expected some text")
    return text.replace("\r\n", "\n")


def decoded(path: Path, content: bytes, where: str = "") -> str:
    """Decode a UTF-8 file, or the part of it that `where` names.

    Raises: ValueError naming the first wrong byte. One of 0 is wrong too: UTF-16 has many, and is else taken for UTF-8.
    """
    try:
        wrong, text = content.find(0), content.decode("utf-8").removeprefix("\ufeff")  # which Windows editors put in front
    except UnicodeDecodeError as error:
        wrong, text = error.start, ""
    if wrong >= 0:
        raise ValueError(f"{path}: {where}byte {wrong} (0x{content[wrong]:02x}) is not UTF-8 text; save the file as UTF-8")
    return text


def _read(path: str | Path, skip_bad_rows: bool, kind: type) -> Rows:
    path, right = existing_file(path), f"\na right row: {EXAMPLES[kind]}"
    items, skipped = [], []
    for where, row in raw_rows(path):
        try:
            items.append(parse(kind, row()))
        except BadRow as error:
            message = f"{path}, {where}: {error}"
            if not skip_bad_rows:
                hint = "\nto leave out rows like this: --skip-bad-rows (in Python skip_bad_rows=True)"
                raise ValueError(f"{message}{right}{hint}") from None
            skipped.append(message)
    if not items and skipped:
        raise ValueError(f"all {len(skipped)} rows are bad; the first: {skipped[0]}{right}")
    if not items:
        raise ValueError(f"{path} has no rows{right}")
    return Rows(items, tuple(skipped))


def existing_file(path: str | Path) -> Path:
    """Return the path of a file that is there. Raises: FileNotFoundError, naming the working folder too."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path}; the working folder is {Path.cwd()}")
    return path


def raw_rows(path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield where each row stands, and a function that returns the row or raises BadRow.

    Raises: ValueError where the file as a whole cannot be read.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        for number, row in enumerate(_parquet_rows(path), start=1):
            yield f"row {number}", lambda row=row: row
    elif not name.endswith(JSON_SUFFIXES):
        raise ValueError(f"cannot read {path}: its name must end with {READABLE}")
    elif _first_byte(path) == b"[":
        for number, row in _array_rows(path):
            yield f"line {number}", lambda row=row: row
    else:
        for number, line in byte_lines(path):
            if line.strip():  # blank lines, such as the last one, are no rows but are counted
                yield f"line {number}", lambda line=line: _parsed(line)


def byte_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each line of a file, packed with gzip or not."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            yield from enumerate(file, start=1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error}); pack or download it again") from None


def _first_byte(path: Path) -> bytes:
    first = next((line for _, line in byte_lines(path) if line.strip(b"\xef\xbb\xbf \t\r\n")), b"")
    return first.strip(b"\xef\xbb\xbf \t\r\n")[:1]


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise BadRow(f"not UTF-8 (byte {error.start} of the line)") from None
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON ({_reason(error)}); expected one JSON object per line") from None


def _array_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the line on which each element of a JSON array begins, and the element.

    Where one is no JSON, nobody knows where the next begins: then the file is refused, whatever rows may be skipped.
    """
    text = decoded(path, b"".join(line for _, line in byte_lines(path)))
    decoder, place, line, counted = json.JSONDecoder(), text.index("[") + 1, 1, 0
    try:
        while not text.startswith("]", place := GAP.match(text, place).end()):
            line, counted = line + text.count("\n", counted, place), place
            row, place = decoder.raw_decode(text, place)
            yield line, row
            place = GAP.match(text, place).end()
            if text.startswith(",", place):
                place += 1
            elif not text.startswith("]", place):
                raise json.JSONDecodeError("Expecting ',' or ']'", text, place)
        if GAP.match(text, place + 1).end() < len(text):
            raise json.JSONDecodeError("more after the end of the array", text, place + 1)
    except (ValueError, RecursionError) as error:
        where = f"{path}, line {getattr(error, 'lineno', line)}"
        expected = "expected one array of objects, or one object per line"
        raise ValueError(f"{where}: not JSON ({_reason(error)}), and the rest of this array is lost; {expected}") from None


def _reason(error: Exception) -> str:
    """Why something is no JSON: with the column where it is known, and never with the text."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number of too many digits"


def _parquet_rows(path: Path) -> Iterator[dict]:
    import pyarrow  # here and not above: it takes a while to import, and JSON does without
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:  # not through `datasets`, which must know every column's type
            schema = file.schema_arrow
            columns = [field.name for field in schema if not pyarrow.types.is_temporal(field.type)]  # dates are never asked for
            if len(set(columns)) < len(columns):
                raise ValueError("two columns have the same name")
            for batch in file.iter_batches(columns=columns):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise ValueError(f"{path} is no whole parquet file ({error}); write it again") from None
