"""What the lesson's studies have in common: rows of each seed in a file of their own, measured once, read many times."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...files import write_atomically
from ...studies.stored import read_measured, rounded

STUDIES = {"tasks": "held_out_tasks", "shots": "few_shot", "pair": "pair_study", "fates": "fates_study", "heads": "heads_study"}
"""Beginning of a file's name, and the module whose command makes it."""


def read_rows(folder: str | Path, study: str) -> list[list[dict[str, Any]]]:
    """Read a study's rows, a list per seed. Raises: FileNotFoundError, naming the command that makes them."""
    how = f"run `python -m rlhf_lite.course.lesson_07.{STUDIES[study]} {folder} 0 1 2`"
    return [stored["rows"] for stored in read_measured(folder, how, f"{study}-seed-*.json")]


def measure_missing(study: str, measure: Callable[[int], list[dict[str, Any]]], arguments: list[str] | None = None) -> None:
    """Measure the seeds that the command line names after a folder, and store each that is not stored there yet."""
    folder, *seeds = sys.argv[1:] if arguments is None else arguments
    for seed in map(int, seeds):
        path = Path(folder) / f"{study}-seed-{seed}.json"
        if not path.exists():
            write_atomically(path, json.dumps({"seed": seed, "rows": rounded(measure(seed))}, indent=1) + "\n")
            print(path, flush=True)


def by_measure(seeds: list[list[dict[str, Any]]]) -> dict[str, dict[str, list[float]]]:
    """Sort rows of "measure", "model" and "value": measure -> model -> a value per seed."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in (row for rows in seeds for row in rows):
        found.setdefault(row["measure"], {}).setdefault(row["model"], []).append(row["value"])
    return found
