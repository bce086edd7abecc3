"""Decide what stands on a slide: `notebooks/classroom/slides.toml` names figures and sentences of the lessons, nothing else.

A sentence that its lesson does not hold word for word stops the command, and so does a figure that is not stored: slides say
what lessons say.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ...files import course_folder
from .lesson_files import CHECKOUT, lesson_path

DECKS = "notebooks/classroom/slides.toml"


@dataclass(frozen=True, kw_only=True)
class Slide:
    """One idea: a title, a sentence of a lesson, and at most one figure."""

    title: str
    says: str
    lesson: str
    lesson_title: str
    asks: bool = False
    """Is it a question to the room?"""
    png: str = ""
    """The figure, in base64; "" for none."""
    alt: str = ""
    """The figure in words."""


@dataclass(frozen=True, kw_only=True)
class Deck:
    """The slides of one block."""

    number: int
    title: str
    slides: list[Slide]


def plain_words(markdown: str) -> str:
    """Remove marks of emphasis and code, and write all white space as one space. Example: "a **b** `c`" -> "a b c"."""
    return " ".join(re.sub(r"\*+|`", "", markdown).split())


def read_decks(path: Path | None = None) -> list[Deck]:
    """Read the decks and look everything up in the lessons.

    Raises:
        FileNotFoundError: where the file or a lesson is not there.
        ValueError: for a sentence or a figure that its lesson does not have, and for what is no such file.
    """
    path = path or course_folder() / DECKS
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: {CHECKOUT}")
    notebooks: dict[str, NotebookNode] = {}
    try:
        blocks = tomllib.loads(path.read_text(encoding="utf-8"))["block"]
        return [
            Deck(number=block["number"], title=block["title"], slides=[_slide(notebooks, **slide) for slide in block["slide"]])
            for block in blocks
        ]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: expected [[block]] with number, title and [[block.slide]] with title, lesson, says, "
                         f"and perhaps figure or asks ({error})") from error  # fmt: skip


def _slide(
    notebooks: dict[str, NotebookNode], *, title: str, lesson: str, says: str, figure: str = "", asks: bool = False
) -> Slide:
    """Look one slide up; `notebooks` keeps what has been read."""
    notebook = notebooks.get(lesson) or nbformat.read(lesson_path(lesson), as_version=4)
    notebooks[lesson] = notebook
    text = " ".join(plain_words(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    if says not in text:
        raise ValueError(f"slide {title!r}: lesson {lesson} does not say {says!r}")
    png, alt = _figure(notebook, figure, title, lesson) if figure else ("", "")
    heading = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    return Slide(title=title, says=says, lesson=lesson, lesson_title=heading, asks=asks, png=png, alt=alt)


def _figure(notebook: NotebookNode, cell_id: str, title: str, lesson: str) -> tuple[str, str]:
    """Return the first picture that a cell has stored, in base64, and its words."""
    cell = next((cell for cell in notebook.cells if cell.get("id") == cell_id), None)
    for output in cell.get("outputs", []) if cell else []:
        if "image/png" in output.get("data", {}):
            return "".join(output.data["image/png"]).replace("\n", ""), output.data["text/plain"]
    raise ValueError(f"slide {title!r}: lesson {lesson} has no cell {cell_id!r} with a stored figure")
