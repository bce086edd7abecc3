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
            axes.barh(row, labelers, color="0.25", edgecolor=INK, label="" if row else "labelers")
            axes.barh(row, customers, left=labelers, color="white", edgecolor=INK, hatch="//", label="" if row else "customers")
            share = labelers / (labelers + customers)
            axes.text(labelers + customers + 400, row, f"{share:.0%} by labelers", va="center")
        axes.set(yticks=range(len(prompts)), yticklabels=list(prompts), xlabel="training prompts", xlim=(0, 42_000))
        axes.invert_yaxis()
        axes.legend(frameon=False, fontsize=10, loc="upper right")
        axes.grid(axis="y", visible=False)
    described = (f"{stage}: {ours:,} by labelers, {theirs:,} by customers" for stage, (ours, theirs) in prompts.items())
    return figure, f"Bars of training prompts by who wrote them. {'; '.join(described)}."


def draw_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], xlabel: str, ylabel: str, *,
    intervals: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None, log_x: bool = False,
    mark: float | None = None,
) -> tuple[Figure, str]:  # fmt: skip
    """Draw lines told apart by dash and marker, with `intervals` upright; `mark` is a dotted place on x."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.4))
        axes = figure.subplots()
        for (name, (xs, ys)), style in zip(lines.items(), LINES, strict=False):
            axes.plot(xs, ys, label=name, **style)
            if intervals:
                axes.vlines(xs, *intervals[name], color=style["color"], linestyle=style["linestyle"], linewidth=1.2)
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
        left.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        left.minorticks_off()
        left.legend(frameon=False, fontsize=10)
        for place, ((name, values), mark) in enumerate(zip(shares.items(), marks, strict=False)):
            fill = ("white", "0.55", INK)[place]
            style = {"linestyle": "", "marker": mark, "color": INK, "markerfacecolor": fill}
            right.plot(list(values.values()), range(len(values)), label=name, **style)
        names = list(next(iter(shares.values())))
        right.set(yticks=range(len(names)), yticklabels=[safe_label(name) for name in names], xlabel="percent of prompts")
        right.invert_yaxis()
        right.legend(frameon=False, fontsize=10)
    described = (f"{name}: " + ", ".join(f"{case} {x:.1f}" for case, x in values.items()) for name, values in shares.items())
    alt = (
        f"Two panels. Prompts per user, from the busiest: {', '.join(map(str, ordered[:5]))}, and so on; what is above "
        f"the cap of {cap} is left out. Percent of prompts by use case. {'; '.join(described)}."
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
            axes.annotate(f"{mean:.2f}", (high, row), (8, 0), textcoords="offset points", va="center")
        axes.set(yticks=range(len(rows)), yticklabels=[safe_label(name) for name in rows], xlabel=xlabel)
        axes.invert_yaxis()
        axes.margins(x=0.12, y=0.12)
    described = (f"{name} {mean:.2f} ({low:.2f} to {high:.2f})" for name, (mean, low, high) in rows.items())
    return figure, f"Means with 95 % intervals, {xlabel}: {'; '.join(described)}."


def draw_votes(votes: Tensor, warm: Tensor, kinds: Mapping[str, Sequence[int]]) -> tuple[Figure, str]:
    """Draw votes: a row per labeler, the plain group above, a column per pair, dark for +1.

    Args:
        votes: +1 for the answer that the plain group likes better on average, -1 for the other. Shapes: (labelers, pairs).
        warm: which labelers belong to the warm group.
        kinds: what stands above some columns -> the pairs that are drawn there.
    """
    places = [place for some in kinds.values() for place in some]
    plain = int((~warm).sum())
    shown = votes[warm.long().argsort(stable=True)][:, places]
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(9, 4.6))
        axes = figure.subplots()
        axes.imshow(shown.numpy(), cmap="gray_r", vmin=-1.6, vmax=1.6, aspect="auto", interpolation="nearest")
        axes.axhline(plain - 0.5, color="white", linewidth=4)
        start, described = 0, []
        for kind, some in kinds.items():
            axes.axvline(start - 0.5, color="white", linewidth=8)
            axes.text(start + (len(some) - 1) / 2, -1.2, kind, ha="center", va="bottom")
            first = (shown[:, start : start + len(some)] > 0).float()
            start += len(some)
            shares = first[:plain].mean(), first[plain:].mean()
            described.append(f"{kind}: on average {shares[0]:.0%} of the plain and {shares[1]:.0%} of the warm group choose it")
        middles = (plain / 2 - 0.5, plain + (len(votes) - plain) / 2 - 0.5)
        xlabel = "one column per pair; dark: the answer that the plain group likes better on average"
        axes.set(yticks=middles, yticklabels=["plain group", "warm group"], xticks=[], xlabel=xlabel)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    said = f"Votes of {len(votes)} labelers on {len(places)} pairs; it: the answer that the plain group likes better on average."
    return figure, f"{said} {'; '.join(described)}."
