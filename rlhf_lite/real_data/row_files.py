"""Read a user's own files and check every row: demonstrations, comparisons, prompts, plain text.

Four suffixes: `.jsonl` and `.json` (one JSON object a line), either with `.gz`, and `.parquet`. Parquet goes through the
`datasets` library. JSON lines are parsed here: `datasets` names no line when one is wrong, and guesses one type a
column, so that a single bad row spoils the file. Keys that nobody asked for (user ids, dates) are ignored, and a key
whose value is null counts as missing.

A message about a bad row says where it is and what is wrong, but never quotes its text: it may be private or offensive.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..records import Comparison, Demonstration, Prompt

JSON_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
HH_ROLES = {"Human": "user", "Assistant": "assistant"}
SURROGATE = re.compile("[\ud800-\udfff]")
HH_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):")

DEMONSTRATION_EXAMPLE = '{"prompt": "Name a color.", "response": "Blue."}'
COMPARISON_EXAMPLE = '{"prompt": "Name a color.", "responses": ["Blue.", "A dog.", "Red."], "ranking": [1, 2, 1]}'
PROMPT_EXAMPLE = '{"prompt": "Name a color."}'


@dataclass(frozen=True)
class Rows:
    """What was read from a file."""

    items: list
    """the good rows, in the order of the file"""
    skipped: tuple[str, ...] = ()
    """one message for each bad row that was left out"""


class _BadRow(Exception):
    """What is wrong with a row, in words; `_read` adds where."""


def read_demonstrations(path: str | Path, skip_bad_rows: bool = False) -> Rows:
    """Read demonstrations; `items` are `Demonstration`.

    A row is `{"prompt": ..., "response": ...}`, or `{"messages": [...]}` of which the last is the assistant's; where a
    row has both, the messages count.

    Raises: FileNotFoundError; ValueError naming file and line of the first bad row (with `skip_bad_rows` it is left out
    and listed in `skipped`), or if no good row is left.
    """
    return _read(path, skip_bad_rows, _parse_demonstration, DEMONSTRATION_EXAMPLE)


def read_comparisons(path: str | Path, skip_bad_rows: bool = False) -> Rows:
    """Read comparisons; `items` are `Comparison`.

    A row is one of three:

        {"prompt": ..., "responses": [...], "ranking": [...]}   one number a response, the lowest is best, ties allowed
        {"prompt": ..., "chosen": ..., "rejected": ...}         one pair
        {"chosen": ..., "rejected": ...}                        a pair of whole dialogues, as in Anthropic's hh-rlhf

    The third is split at the last "Assistant:" turn; if the dialogues differ before it, the two answers do not answer
    the same thing, and the row is bad. Bad too are rows that rank nothing: all tied, or all responses the same.

    Raises: as `read_demonstrations`.
    """
    return _read(path, skip_bad_rows, _parse_comparison, COMPARISON_EXAMPLE)


def read_prompts(path: str | Path, skip_bad_rows: bool = False) -> Rows:
    """Read prompts; `items` are `Prompt`. A row is `{"prompt": ...}`, text or messages that end with the user's.

    Raises: as `read_demonstrations`.
    """
    return _read(path, skip_bad_rows, lambda row: Prompt(_prompt_of(row)), PROMPT_EXAMPLE)


def read_text(path: str | Path) -> str:
    r"""Read a UTF-8 text file, or one packed with gzip (`.gz`), for pretraining; "\r\n" becomes "\n".

    Raises: FileNotFoundError; ValueError if the file is empty, damaged, or not UTF-8 (with the place of the wrong byte).
    """
    path = existing_file(path)
    content = b"".join(line for _, line in _byte_lines(path))
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")  # the mark some Windows editors put in front
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: byte {error.start} (0x{content[error.start]:02x}) is not UTF-8; save the file as UTF-8"
        ) from None
    if not text.strip():
        raise ValueError(f"{path} is empty; expected some text")
    return text.replace("\r\n", "\n")


def _read(path: str | Path, skip_bad_rows: bool, parse: Callable[[dict], Any], example: str) -> Rows:
    path = existing_file(path)
    items, skipped = [], []
    for where, raw in _raw_rows(path):
        try:
            items.append(parse(_as_object(raw)))
        except _BadRow as error:
            message = f"{path}, {where}: {error}"
            if not skip_bad_rows:
                hint = "\nto leave out rows like this: --skip-bad-rows (in Python skip_bad_rows=True)"
                raise ValueError(f"{message}\na right row: {example}{hint}") from None
            skipped.append(message)
    if not items and skipped:
        raise ValueError(f"all {len(skipped)} rows are bad; the first: {skipped[0]}\na right row: {example}")
    if not items:
        raise ValueError(f"{path} has no rows\na right row: {example}")
    return Rows(items, tuple(skipped))


def existing_file(path: str | Path) -> Path:
    """Return the path of a file that is there. Raises: FileNotFoundError, naming the working folder too."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path}; the working folder is {Path.cwd()}")
    return path


def _raw_rows(path: Path) -> Iterator[tuple[str, bytes | dict]]:
    """Yield where each row stands, and the row: bytes of a JSON line, or an object of a parquet file."""
    name = path.name.lower()
    if name.endswith(JSON_SUFFIXES):
        for number, line in _byte_lines(path):
            if line.strip():  # blank lines, such as the last one, are no rows but are counted
                yield f"line {number}", line
    elif name.endswith(".parquet"):
        for number, row in enumerate(_parquet_rows(path), start=1):
            yield f"row {number}", row
    else:
        raise ValueError(f"cannot read {path}: its name must end with {', '.join(JSON_SUFFIXES)} or .parquet")


def _byte_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            yield from enumerate(file, start=1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error}); pack or download it again") from None


def _parquet_rows(path: Path) -> Iterator[dict]:
    import datasets  # here and not above: it takes seconds to import, and JSON lines do without

    # A cache of our own that is thrown away: the shared one would grow by a copy of every file ever read.
    with tempfile.TemporaryDirectory() as cache:
        try:
            table = datasets.Dataset.from_parquet(str(path), cache_dir=cache, keep_in_memory=True)
        except (datasets.exceptions.DatasetGenerationError, ValueError) as error:
            reason = error.__cause__ or error
            raise ValueError(f"{path} is damaged, or has no rows ({reason}); write it again") from None
        yield from table


def _as_object(raw: bytes | dict) -> dict:
    if isinstance(raw, bytes):
        try:
            raw = json.loads(raw.decode("utf-8").removeprefix("\ufeff"))
        except json.JSONDecodeError as error:
            raise _BadRow(f"not JSON ({error.msg}, column {error.colno}); expected one JSON object a line") from None
        except UnicodeDecodeError as error:
            raise _BadRow(f"not UTF-8 (byte {error.start} of the line)") from None
    if not isinstance(raw, dict):
        raise _BadRow(f"expected one JSON object a line, got {type(raw).__name__}")
    return {key: value for key, value in raw.items() if value is not None}


def _need(row: dict, key: str) -> Any:
    if key not in row:
        raise _BadRow(f'no key "{key}"; the keys with a value are {sorted(row)}')
    return row[key]


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _BadRow(f"{what} must be a text, got {type(value).__name__}")
    if not value.strip():
        raise _BadRow(f"{what} is empty")
    if SURROGATE.search(value):  # JSON can write it, the tokenizer would stop on it without naming the line
        raise _BadRow(f"{what} holds half of a surrogate pair, which is no character")
    return value


def _messages(value: Any, what: str, last_role: str) -> list[dict]:
    """Check messages whose roles go [system,] user, assistant, user, ... to `last_role`; drop their other keys."""
    if not isinstance(value, list) or not all(isinstance(message, dict) for message in value):
        raise _BadRow(f"{what} must be a list of messages with role and content")
    has_system = bool(value) and value[0].get("role") == "system"
    for number, message in enumerate(value, start=1):
        wanted = "system" if has_system and number == 1 else ("user", "assistant")[(number - 1 - has_system) % 2]
        if message.get("role") != wanted:
            roles = "roles go [system,] user, assistant, user, ..."
            raise _BadRow(f"message {number} of {what} must have the role {wanted!r}: {roles}")
        _text(message.get("content"), f"the content of message {number} of {what}")
    if not value or value[-1]["role"] != last_role:
        raise _BadRow(f"the last message of {what} must have the role {last_role!r}")
    return [{"role": message["role"], "content": message["content"]} for message in value]


def _prompt_of(row: dict) -> str | list[dict]:
    prompt = _need(row, "prompt")
    return _messages(prompt, '"prompt"', "user") if isinstance(prompt, list) else _text(prompt, '"prompt"')


def _parse_demonstration(row: dict) -> Demonstration:
    if "messages" not in row:
        return Demonstration(_prompt_of(row), _text(_need(row, "response"), '"response"'))
    *prompt, last = _messages(row["messages"], '"messages"', "assistant")  # so the prompt ends with a user's
    return Demonstration(prompt, last["content"])


def _parse_comparison(row: dict) -> Comparison:
    if "chosen" in row or "rejected" in row:
        chosen, rejected = (_text(_need(row, key), f'"{key}"') for key in ("chosen", "rejected"))
        prompt, responses = _split_dialogues(chosen, rejected) if "prompt" not in row else (_prompt_of(row), None)
        return _ranked(prompt, responses or [chosen, rejected], [0, 1])
    prompt, responses, ranking = _prompt_of(row), _need(row, "responses"), _need(row, "ranking")
    if not isinstance(responses, list) or len(responses) < 2:
        raise _BadRow('"responses" must be a list of at least 2 texts')
    for number, response in enumerate(responses, start=1):
        _text(response, f'number {number} of "responses"')
    return _ranked(prompt, responses, ranking)


def _ranked(prompt: str | list[dict], responses: list[str], ranking: Any) -> Comparison:
    """Count the ranks from 0: ranking [1, 5, 1] becomes ranks (0, 1, 0)."""
    if not isinstance(ranking, list) or not all(_is_number(rank) for rank in ranking):
        raise _BadRow('"ranking" must be a list of numbers, one a response, the lowest for the best')
    if len(ranking) != len(responses):
        raise _BadRow(f'"ranking" has {len(ranking)} numbers for {len(responses)} responses')
    order = sorted(set(ranking))
    if len(order) == 1 or len({response.strip() for response in responses}) == 1:
        raise _BadRow("nothing is ranked: the responses are all tied or all the same")
    return Comparison(prompt, tuple(responses), tuple(order.index(rank) for rank in ranking))


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))  # True is an int, but no rank


def _split_dialogues(chosen: str, rejected: str) -> tuple[list[dict], list[str]]:
    *prompt, first = _dialogue(chosen, '"chosen"')
    *other_prompt, second = _dialogue(rejected, '"rejected"')
    if prompt != other_prompt:
        raise _BadRow('"chosen" and "rejected" differ before the last "Assistant:" turn')
    return prompt, [first["content"], second["content"]]


def _dialogue(text: str, what: str) -> list[dict]:
    r"""Split "\n\nHuman: Hi\n\nAssistant: Hello" into a user's and an assistant's message."""
    before, *rest = HH_TURN.split(text)
    if before.strip() or not rest:
        raise _BadRow(f'{what} must be a dialogue that begins with "\\n\\nHuman:" when the row has no "prompt"')
    turns = zip(rest[::2], rest[1::2], strict=True)
    messages = [{"role": HH_ROLES[speaker], "content": content.strip()} for speaker, content in turns]
    return _messages(messages, what, "assistant")
