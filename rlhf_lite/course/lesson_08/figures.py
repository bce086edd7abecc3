"""Figures of lesson 08: who wrote the prompts, heavy users, lines, intervals, and the votes of forty labelers."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure
from torch import Tensor

from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..safe_text import safe_label

LINES = (FIRST, SECOND, {"color": "0.45", "linestyle": ":", "marker": "^"})
"""Lines that differ in dash and marker."""
Interval = tuple[float, float, float]
"""Mean, lower and upper end."""


def draw_writers(prompts: Mapping[str, tuple[int, int]]) -> tuple[Figure, str]:
    """Draw for each stage how many training prompts labelers and customers wrote."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.5))
        axes = figure.subplots()
        for row, (labelers, customers) in enumerate(prompts.values()):
            axes.barh(row, labelers, color="0.25", edgecolor=INK, label="labelers" if not row else None)
            axes.barh(row, customers, left=labelers, color="white", edgecolor=INK, hatch="//", label="customers" if not row else None)
            share = labelers / (labelers + customers)
            axes.text(labelers + customers + 400, row, f"{share:.0%} by labelers", va="center")
        axes.set(yticks=range(len(prompts)), yticklabels=list(prompts), xlabel="training prompts", xlim=(0, 42_000))
        axes.invert_yaxis()
        axes.legend(frameon=False, fontsize=10, loc="upper right")
        axes.grid(axis="y", visible=False)
    described = (f"{stage}: {labelers:,} by labelers, {customers:,} by customers" for stage, (labelers, customers) in prompts.items())
    return figure, f"Bars of training prompts by who wrote them. {'; '.join(described)}."


def draw_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], xlabel: str, ylabel: str, *,
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None, log_x: bool = False, mark: float | None = None,
) -> tuple[Figure, str]:  # fmt: skip
    """Draw lines told apart by dash and marker, with shaded intervals where `bands` has them; `mark` is a dotted place on x."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.4))
        axes = figure.subplots()
        for (name, (xs, ys)), style in zip(lines.items(), LINES, strict=False):
            axes.plot(xs, ys, label=name, **style)
            if bands:
                axes.fill_between(xs, *bands[name], color=style["color"], alpha=0.13, linewidth=0)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if log_x:
            axes.set_xscale("log")
            axes.set_xticks(xs, [f"{x:g}" for x in xs])
            axes.minorticks_off()
        if mark is not None:
            axes.axvline(mark, **DOTTED)
        axes.legend(frameon=False, fontsize=10)
    described = (
        f"{name}: " + ", ".join(f"{y:.2f} at {x:g}" for x, y in zip(xs, ys, strict=True)) for name, (xs, ys) in lines.items()
    )
    return figure, f"{ylabel} over {xlabel}. {'; '.join(described)}."


def draw_users(counts: Sequence[int], cap: int, shares: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw prompts per user with the cap, and the shares of use cases in several collections.

    Args:
        counts: prompts of each user.
        cap: most prompts that are kept of one user.
        shares: name of a collection -> use case -> percent.
    """
    ordered, marks = sorted(counts, reverse=True), ("s", "o", "D")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(0.8, 1))
        left.bar(range(1, len(ordered) + 1), ordered, width=1, color=PALE, label="left out")
        left.bar(range(1, len(ordered) + 1), [min(count, cap) for count in ordered], width=1, color="0.25", label="kept")
        left.axhline(cap, **DOTTED)
        left.set(xlabel="user, from the busiest (logarithmic)", ylabel="prompts", xscale="log")
        left.legend(frameon=False, fontsize=10)
        for place, ((name, values), mark) in enumerate(zip(shares.items(), marks, strict=False)):
            fill = ("white", "0.55", INK)[place]
            right.plot(list(values.values()), range(len(values)), linestyle="", marker=mark, color=INK, markerfacecolor=fill, label=name)
        names = list(next(iter(shares.values())))
        right.set(yticks=range(len(names)), yticklabels=[safe_label(name) for name in names], xlabel="percent of prompts")
        right.invert_yaxis()
        right.legend(frameon=False, fontsize=10)
    described = (f"{name}: " + ", ".join(f"{case} {x:.1f}" for case, x in values.items()) for name, values in shares.items())
    alt = (
        f"Two panels. Prompts per user, from the busiest: {', '.join(map(str, ordered[:5]))}, and so on; what is above the cap of "
        f"{cap} is left out. Percent of prompts by use case. {'; '.join(described)}."
    )
    return figure, alt


def draw_intervals(rows: Mapping[str, Interval], xlabel: str) -> tuple[Figure, str]:
    """Draw a mean with its interval per row."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 0.6 + 0.42 * len(rows)))
        axes = figure.subplots()
        for row, (mean, low, high) in enumerate(rows.values()):
            axes.plot([low, high], [row, row], color=INK, linewidth=1.6)
            axes.plot(mean, row, marker="o", color=INK)
            axes.text(high + 0.012, row, f"{mean:.2f}", va="center")
        axes.set(yticks=range(len(rows)), yticklabels=[safe_label(name) for name in rows], xlabel=xlabel)
        axes.invert_yaxis()
        axes.margins(x=0.12, y=0.12)
    described = (f"{name} {mean:.2f} ({low:.2f} to {high:.2f})" for name, (mean, low, high) in rows.items())
    return figure, f"Means with 95 % intervals, {xlabel}: {'; '.join(described)}."


def draw_votes(votes: Tensor, warm: Tensor, places: Sequence[int], titles: Mapping[str, tuple[int, int]]) -> tuple[Figure, str]:
    """Draw some pairs' votes: a row per labeler, the plain group above, a column per pair, dark for the first answer.

    Args:
        votes: +1 or -1 (labelers, pairs).
        warm: which labelers belong to the warm group.
        places: the pairs that are drawn, in this order.
        titles: what stands above some columns -> the first of them and the one after the last.
    """
    shown = votes[warm.long().argsort(stable=True)][:, list(places)]
    plain = int((~warm).sum())
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(9, 4.6))
        axes = figure.subplots()
        axes.imshow(shown, cmap="gray_r", vmin=-1.6, vmax=1.6, aspect="auto", interpolation="nearest")
        axes.axhline(plain - 0.5, color="white", linewidth=4)
        for start, _ in list(titles.values())[1:]:
            axes.axvline(start - 0.5, color="white", linewidth=8)
        for title, (start, end) in titles.items():
            axes.text((start + end - 1) / 2, -1.2, title, ha="center", va="bottom")
        middles = (plain / 2 - 0.5, plain + (len(votes) - plain) / 2 - 0.5)
        axes.set(yticks=middles, yticklabels=["plain group", "warm group"], xticks=[], xlabel="one column per pair; dark: the first answer is better")
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    parts = []
    for title, (start, end) in titles.items():
        first = (shown[:, start:end] > 0).float()
        parts.append(f"{title}: on average {first[:plain].mean():.0%} of the plain and {first[plain:].mean():.0%} of the warm group "
                     "choose the first answer")  # fmt: skip
    return figure, f"Votes of forty labelers on {len(places)} pairs. {'; '.join(parts)}."
