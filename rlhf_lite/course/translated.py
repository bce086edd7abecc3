"""Is a translated lesson what the English one is? Where not, say which cell and which sentence, and what to do.

A translation, such as `notebooks/zh/01_next_token_prediction.ipynb`, has the English lesson's cells in their order, with the
same ids, tags and code, but for the way to `data/`, which is one folder longer; its Markdown is translated. Each translated
cell stores a short fingerprint of every English line it was made from, so that a change of the English is noticed.

    python -m rlhf_lite.course.translated notebooks/zh/01_name.ipynb            what is wrong?
    python -m rlhf_lite.course.translated notebooks/zh/01_name.ipynb --update   take over code, order and new cells
    python -m rlhf_lite.course.translated notebooks/zh/01_name.ipynb --done     the Markdown now says what the English says
"""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import tyro
from nbformat import NotebookNode

MADE_FROM = "made_from"
"""Name, in a cell's metadata, of the fingerprints of the English lines that it translates."""
CHINESE = re.compile("[\u4e00-\u9fff]")
FENCE = re.compile(r"```.*?```", re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\]\(([^)\s]+)")
NUMBER = re.compile(r"(?<![A-Za-z\d])(\d[\d,]*(?:\.\d+)?)(?:\s*(thousand|million|billion|万|亿))?")
SCALE = {"": 1, "thousand": 1e3, "million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}
MOST_WORDS = 7
"""English words in a row that a translated line may hold: names, and examples of the tiny world's sentences."""
ENGLISH_RUN = re.compile(rf"(?:[A-Za-z][A-Za-z'’-]*[ ,]+){{{MOST_WORDS},}}[A-Za-z]+")


def english_path(path: Path) -> Path:
    """Return the English lesson of a translation. Example: notebooks/zh/01_name.ipynb -> notebooks/01_name.ipynb."""
    return path.parent.parent / path.name


def code_of(cell: NotebookNode) -> str:
    """Return an English cell's code as it stands in a translation, whose folder lies one deeper."""
    return cell.source.replace('"../data/', '"../../data/')


def fingerprints(text: str) -> list[str]:
    """Name every line of a text that is not empty by 8 hexadecimal digits."""
    return [hashlib.sha256(line.encode()).hexdigest()[:8] for line in text.splitlines() if line.strip()]


def numbers(text: str) -> Counter:
    """Count the numbers of a text by value: "175 billion" and "1750 亿" are the same number."""
    found = (float(digits.replace(",", "").rstrip(".")) * SCALE[unit] for digits, unit in NUMBER.findall(text))
    return Counter(f"{value:,.10g}" for value in found)


def _difference(what: str, english: Counter, translated: Counter) -> Iterator[str]:
    for how, more in (("lacks", english - translated), ("has more", translated - english)):
        if more:
            yield f"the translation {how} {what}: {', '.join(sorted(more.elements()))}"


def text_faults(english: str, translated: str, made_from: list[str] | None) -> Iterator[str]:
    """Say what is wrong with the translation of one Markdown cell."""
    known = set(made_from or [])
    for line in english.splitlines():
        if line.strip() and fingerprints(line)[0] not in known:
            yield f"the English says, and the translation was not made from it: {line.strip()!r}"
    lost = len(known - set(fingerprints(english)))
    if lost:
        yield f"{lost} English lines that it was made from are no longer there"
    for line in CODE.sub("", FENCE.sub("", translated)).splitlines():
        words = re.findall("[A-Za-z]{2,}", re.sub("<[^>]*>", "", line))
        if ENGLISH_RUN.search(line) or (len(words) > 2 and not CHINESE.search(line)):
            yield f"left in English: {line.strip()!r}"
    yield from _difference("the numbers", numbers(english), numbers(translated))
    yield from _difference("the links", Counter(LINK.findall(english)), Counter(LINK.findall(translated)))
    spans = (Counter(CODE.findall(FENCE.sub("", text))) for text in (english, translated))
    yield from _difference("the code", *spans)
    yield from _difference("the code block", Counter(FENCE.findall(english)), Counter(FENCE.findall(translated)))


def faults(english: NotebookNode, translated: NotebookNode) -> list[str]:
    """List what is wrong with a translated lesson, each line naming the cell; nothing where it is what the English one is."""
    order = [cell.id for cell in english.cells], [cell.id for cell in translated.cells]
    if order[0] != order[1]:
        missing, extra = sorted(set(order[0]) - set(order[1])), sorted(set(order[1]) - set(order[0]))
        return [f"cells differ (run --update): missing {missing}, not in the English lesson {extra}, or in another order"]
    found = []
    for old, new in zip(english.cells, translated.cells, strict=True):
        if old.cell_type != new.cell_type:
            found.append(f"cell {old.id}: is {new.cell_type}, in English {old.cell_type} (run --update)")
        elif old.cell_type == "markdown":
            told = text_faults(old.source, new.source, new.metadata.get(MADE_FROM))
            found += [f"cell {old.id}: {fault}" for fault in told]
        else:
            found += [f"cell {old.id}: {fault}" for fault in _code_faults(old, new)]
    return found


def _code_faults(english: NotebookNode, translated: NotebookNode) -> Iterator[str]:
    if code_of(english) != translated.source:
        yield "other code than in English (run --update, then the lesson)"
    if english.metadata.get("tags", []) != translated.metadata.get("tags", []):
        yield "other tags than in English (run --update)"
    kinds = [[(each.output_type, sorted(each.get("data", {}))) for each in cell.outputs] for cell in (english, translated)]
    if english.execution_count and (kinds[0] != kinds[1] or english.execution_count != translated.execution_count):
        yield "other kinds of outputs than in English, or none (run the lesson: python -m rlhf_lite.course.rerun)"


def update(english: NotebookNode, translated: NotebookNode) -> NotebookNode:
    """Return the English lesson with the Markdown that is already translated, and without outputs where the code is new.

    New text is left in English, to be translated.
    """
    old = {cell.id: cell for cell in translated.cells}
    new = nbformat.from_dict(english)
    for cell in new.cells:
        there = old.get(cell.id)
        if cell.cell_type == "code":
            cell.source = code_of(cell)
            same = there is not None and there.cell_type == "code" and there.source == cell.source
            cell.outputs, cell.execution_count = (there.outputs, there.execution_count) if same else ([], None)
        elif there is not None and there.cell_type == "markdown":
            cell.source, cell.metadata = there.source, there.metadata
    return new


def mark_done(english: NotebookNode, translated: NotebookNode) -> None:
    """Store with every translated Markdown cell the fingerprints of today's English lines."""
    lines = {cell.id: fingerprints(cell.source) for cell in english.cells if cell.cell_type == "markdown"}
    for cell in translated.cells:
        if cell.id in lines:
            cell.metadata[MADE_FROM] = lines[cell.id]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Compare a translated lesson with the English one."""

    lesson: tyro.conf.Positional[Path]
    """The translation, such as notebooks/zh/01_next_token_prediction.ipynb; with --update it may be a new one."""
    update: bool = False
    """Take over code, tags, order and new cells of the English lesson."""
    done: bool = False
    """The Markdown says what the English says now: store that."""


def main(arguments: list[str] | None = None) -> int:
    """Compare, or take over what changed; return 1 where something is wrong."""
    settings = tyro.cli(Settings, args=arguments, prog="python -m rlhf_lite.course.translated")
    path = settings.lesson
    if not english_path(path).is_file() or not (path.is_file() or settings.update):
        print(f"error: there is no {path if english_path(path).is_file() else english_path(path)}", file=sys.stderr)
        return 1
    english = nbformat.read(english_path(path), as_version=4)
    translated = nbformat.read(path, as_version=4) if path.is_file() else nbformat.v4.new_notebook()
    if settings.update:
        translated = update(english, translated)
    if settings.done:
        mark_done(english, translated)
    if settings.update or settings.done:
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(translated, path)
    found = faults(english, translated)
    print("\n".join(found) or f"{path}: the same lesson as {english_path(path)}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
