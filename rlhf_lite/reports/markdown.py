"""Numbers, names and tables as Markdown, with every cell safe to show."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

NAMES = {
    "base": "base", "base_few_shot": "base, few-shot", "sft": "SFT", "ppo": "PPO", "ppo_ptx": "PPO-ptx",
    "chosen": "preferred answer", "sft_best_of_4": "SFT, best of 4",
}  # fmt: skip


def number(value: float | None, form: str = ",.2f") -> str:
    """Write a number, as a share in percent by form ".0%"; a dash where it is missing or not finite."""
    return format(value, form) if is_number(value) else "–"


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def model_name(model: str) -> str:
    """Name a model or a pair: "ppo_ptx>sft" -> "PPO-ptx over SFT"."""
    return " over ".join(NAMES.get(part, part) for part in model.split(">"))


def escape(text: str) -> str:
    """Make any text safe in a cell of a Markdown table: it shows as it is and does nothing.

    Example: 'a|b <i>' -> 'a&#124;b &#60;i&#62;'; lines are joined with <br>.
    """
    lines = text.strip().splitlines()
    return "<br>".join(re.sub(r"[^\w\s%'()+,./;=?–-]|_", lambda match: f"&#{ord(match[0])};", line) for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], missing: str, *, align: str = "---:") -> str:
    """Write a Markdown table, all cells escaped; without rows, the sentence `missing` instead."""
    lines = [[*map(escape, header)], ["---"] + [align] * (len(header) - 1), *([*map(escape, row)] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) if len(lines) > 2 else missing
