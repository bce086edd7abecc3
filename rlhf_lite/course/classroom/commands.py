"""What `python -m rlhf_lite.course` runs for teachers: `copies`, `export nbgrader`, `export otter`, `slides`."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from ..lessons import LESSONS
from .copies import write_copies
from .nbgrader_export import export_nbgrader
from .otter_export import export_otter
from .slide_page import write_slides


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Write an instructor's copy of the course with solutions filled in, and a students' copy without solutions."""

    folder: tyro.conf.Positional[Path]
    """Gets `students` and `instructor`, each a whole course."""
    run: tuple[str, ...] = ()
    """Lessons to run in the instructor's copy, as 10 12, a minute or two each; an error stops, so does a check without a tick."""


def run_copies(settings: Copies) -> None:
    """Write both copies, and say where they are."""
    print(write_copies(settings.folder, run=settings.run))


@dataclass(frozen=True, kw_only=True)
class ExportSheets:
    """Write the exercises of lessons as sheets whose hidden tests raise, for another grader."""

    folder: tyro.conf.Positional[Path]
    """Where the sheets go; nothing there is overwritten."""
    lessons: tuple[str, ...] = tuple(LESSONS)
    """Which lessons, as 01 10; without this all."""


def run_export_nbgrader(settings: ExportSheets) -> None:
    """Write a course folder of nbgrader, and say what to do next."""
    print(export_nbgrader(settings.folder, settings.lessons))


def run_export_otter(settings: ExportSheets) -> None:
    """Write master notebooks of otter, and say what to do next."""
    print(export_otter(settings.folder, settings.lessons))


@dataclass(frozen=True, kw_only=True)
class Slides:
    """Write the slides of one day's six blocks as pages that open without a network."""

    folder: tyro.conf.Positional[Path]
    """Gets block_1.html and so on; pages that are there are written anew."""


def run_slides(settings: Slides) -> None:
    """Write the pages, and say where they are."""
    for path in write_slides(settings.folder):
        print(path)


COMMANDS = {
    "copies": (Copies, run_copies), "export nbgrader": (ExportSheets, run_export_nbgrader),
    "export otter": (ExportSheets, run_export_otter), "slides": (Slides, run_slides),
}  # fmt: skip
