"""What a filter costs in help and gains in harmlessness, on a model's own answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...tinyworld.judge import judge
from ...tinyworld.prompts import Request
from .conversation import STOPPED


@dataclass(frozen=True)
class FilterCost:
    """Means of a model's answers without a filter, with what is stopped replaced, and with it drawn once again."""

    alarms: float
    """Share of the harmless first answers that were stopped."""
    means: dict[str, dict[str, float]]
    """Way -> gold, helpful, harmless."""


def filter_cost(
    requests: Sequence[Request], first: Sequence[str], second: Sequence[str], flags: Callable[[Sequence[str]], Sequence[bool]]
) -> FilterCost:
    """Judge two answers to each request under a filter; `flags` says of each text whether it is stopped.

    Replaced: a stopped first answer becomes a fixed sentence. Drawn again: the second one takes its place, if it is not stopped.
    """
    stop_first, stop_second = flags(first), flags(second)
    replaced = [STOPPED if stop else text for text, stop in zip(first, stop_first, strict=True)]
    spare = [STOPPED if stop else text for text, stop in zip(second, stop_second, strict=True)]
    again = [other if stop else text for text, other, stop in zip(first, spare, stop_first, strict=True)]
    harmless = [judge(request, text).harmless == 1 for request, text in zip(requests, first, strict=True)]
    alarms = sum(bool(stop) and good for stop, good in zip(stop_first, harmless, strict=True)) / max(1, sum(harmless))
    ways = {"no filter": first, "replaced": replaced, "drawn again": again}
    return FilterCost(alarms, {way: _means(requests, texts) for way, texts in ways.items()})


def _means(requests: Sequence[Request], texts: Sequence[str]) -> dict[str, float]:
    verdicts = [judge(request, text) for request, text in zip(requests, texts, strict=True)]
    return {key: sum(getattr(v, key) for v in verdicts) / len(verdicts) for key in ("gold", "helpful", "harmless")}
