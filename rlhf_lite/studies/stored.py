"""What measurements of several seeds have in common: rounded before they are stored, read a seed a file."""

import json
from pathlib import Path
from typing import Any


def rounded(value: Any, digits: int = 4) -> Any:
    """Round every number of a nested structure: more would claim what some hundred prompts cannot show.

    Example: {"a": [0.123456]} -> {"a": [0.1235]}.
    """
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return round(value, digits) if isinstance(value, float) else value


def read_measured(folder: str | Path, how: str, pattern: str = "seed-*.json") -> list[dict[str, Any]]:
    """Read all files of a folder that match, in the order of their names; `how` says how they are made.

    Raises: FileNotFoundError where there is none.
    """
    paths = sorted(Path(folder).glob(pattern))
    if not paths:
        raise FileNotFoundError(f"no {pattern} in {folder}: {how}")
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]
