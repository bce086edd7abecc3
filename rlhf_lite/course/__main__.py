"""Commands for a room: `python -m rlhf_lite.course grade FOLDER`, `python -m rlhf_lite.course labels pool FILE ...`."""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from .bundle import check_targets, make_bundle, this_target
from .classroom import commands as classroom
from .grading import grade_folder, table, write_table
from .lesson_10.pool import pool
from .setup_code import read_codes, report


@dataclass(frozen=True, kw_only=True)
class Grade:
    """Grade a folder of submitted lessons: a table of exercise by student, judged by this course's own checks."""

    folder: tyro.conf.Positional[Path]
    """With FOLDER/STUDENT/01_name.ipynb, or FOLDER/STUDENT_01_name.ipynb."""
    output: Path = Path("grades.csv")
    """Where the table goes."""
    seconds: float = 20.0
    """For the cases of one exercise; what takes longer is too slow."""


def run_grade(settings: Grade) -> None:
    """Grade, write the table, and say where it is."""
    rows = table(grade_folder(settings.folder, seconds=settings.seconds))
    write_table(rows, settings.output)
    print(f"{len(rows) - 1} students: {settings.output}")


@dataclass(frozen=True, kw_only=True)
class PoolLabels:
    """Merge the label files of several readers, and report who agrees with whom and with the judge."""

    files: tyro.conf.Positional[tuple[Path, ...]]
    """As lesson 10 stores them: labels/mine.jsonl of each reader, under different names."""
    output: Path = Path("labels") / "pooled.jsonl"
    """Where the comparisons go, for `python -m rlhf_lite reward --comparisons`."""


def run_pool_labels(settings: PoolLabels) -> None:
    """Merge, print the report, and say what to do next."""
    count, table_of_readers = pool(settings.files, settings.output)
    print(f"{table_of_readers}\n\n{count} comparisons: {settings.output}\nTrain on them: python -m rlhf_lite reward "
          f"--comparisons {settings.output} --start-from data/checkpoints --name room --reward.batch-size 4")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Codes:
    """Read the set-up codes that lesson 00 prints: who is ready, and who needs help with what?"""

    file: tyro.conf.Positional[Path]
    """A line per student: a name and the code."""


def run_codes(settings: Codes) -> None:
    """Print the report."""
    print(report(read_codes(settings.file)))


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Download everything that an installation without a network needs, into one folder with checksums and an installer."""

    folder: tyro.conf.Positional[Path]
    """A new folder outside of the course."""
    platform: tuple[str, ...] = (this_target()[0],)
    """For which machines: linux (x86-64), macos-arm64, windows."""
    python: tuple[str, ...] = (this_target()[1],)
    """For which Pythons, such as 3.11 3.12 3.13."""
    find_links: tuple[str, ...] = ()
    """Further folders or pages with wheels, such as PyTorch's CPU builds for Linux."""


def run_bundle(settings: Bundle) -> None:
    """Make the bundle."""
    make_bundle(settings.folder, check_targets(settings.platform, settings.python), find_links=settings.find_links)


COMMANDS = {"grade": (Grade, run_grade), "labels pool": (PoolLabels, run_pool_labels), "codes": (Codes, run_codes),
            "bundle": (Bundle, run_bundle), **classroom.COMMANDS}  # fmt: skip
USAGE = """usage: python -m rlhf_lite.course COMMAND [--help]

  grade         which exercises does each student's notebook solve? A table, judged by this course's own checks
  labels pool   one file of the labels of a room, with everybody's agreement
  codes         who of a room is ready to begin, from the set-up codes of lesson 00
  copies        an instructor's copy with solutions, a students' copy without
  export nbgrader, export otter
                exercises as sheets whose hidden tests raise, for these graders
  slides        one day's six blocks as pages that open without a network
  bundle        one folder from which the course is installed without a network
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    given = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    words = 2 if " ".join(given[:2]) in COMMANDS else 1
    command, rest = " ".join(given[:words]), given[words:]
    if command not in COMMANDS:
        print(USAGE)
        return 0 if command in ("-h", "--help") else 2
    settings, run_command = COMMANDS[command]
    try:
        run_command(tyro.cli(settings, args=rest, prog=f"python -m rlhf_lite.course {command}"))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
