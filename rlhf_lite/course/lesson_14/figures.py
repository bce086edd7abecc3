"""Figures of lesson 14: intervals, tables of shares, two ways of optimizing, fitted curves, pairs, points by group."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import matplotlib as mpl
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ...reports.markdown import NAMES
from ...reports.plots import DOTTED, INK, PALE, SECOND, STYLE
from ..lesson_11.figures import LINES
from ..safe_text import safe_label
from .comparing import INCONCLUSIVE, Interval
from .gao import Fitted

Rows = Sequence[Mapping[str, float]]
HOLLOW = {"markerfacecolor": "white", "linestyle": "none", "color": INK}


def draw_intervals(rows: Mapping[str, Interval], xlabel: str) -> tuple[Figure, str]:
    """Draw a row per interval of a difference; hollow where it is inconclusive. Return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 1.1 + 0.42 * len(rows)))
        axes = figure.subplots()
        for place, each in enumerate(rows.values()):
            fill = "white" if each.verdict == INCONCLUSIVE else INK
            axes.plot([each.low, each.high], [place, place], color=INK, marker="|", markersize=10)
            axes.plot(each.mean, place, marker="o", color=INK, markerfacecolor=fill)
            told = f"{each.mean:+.3f} ({each.low:+.3f} to {each.high:+.3f})  {each.verdict}"
            axes.text(1.02, place, told, transform=axes.get_yaxis_transform(), va="center", fontsize=10)
        axes.axvline(0, **DOTTED)
        names = [safe_label(name) for name in rows]
        axes.set(xlabel=xlabel, yticks=range(len(rows)), yticklabels=names, ylim=(len(rows) - 0.5, -0.5))
        axes.margins(x=0.1)
    alt = "; ".join(f"{name}: {e.mean:+.3f} ({e.low:+.3f} to {e.high:+.3f}), {e.verdict}" for name, e in rows.items())
    return figure, f"{xlabel}, with 95 % intervals. {alt}."


def draw_shares(rows: Mapping[str, Mapping[str, float]], title: str) -> tuple[Figure, str]:
    """Draw a table of shares as shades of grey, each number written in; models are called as in reports.

    Returns: the figure and its alt text.
    """
    columns = list(next(iter(rows.values())))
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(4.2 + 1.55 * len(columns), 1.0 + 0.34 * len(rows)))
        axes = figure.subplots()
        shades = LinearSegmentedColormap.from_list("quiet", ["white", "0.35"])
        axes.imshow([list(row.values()) for row in rows.values()], cmap=shades, vmin=0, vmax=1, aspect="auto")
        for i, row in enumerate(rows.values()):
            for j, share in enumerate(row.values()):
                axes.text(j, i, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.6 else INK)
        axes.set_xticks(range(len(columns)), [safe_label(NAMES.get(column, column)) for column in columns])
        axes.set_yticks(range(len(rows)), [safe_label(name) for name in rows])
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
        axes.set_xlabel(title)
    described = (f"{name}: " + ", ".join(f"{column} {share:.2f}" for column, share in row.items()) for name, row in rows.items())
    return figure, f"Table, {title}. {'; '.join(described)}."


def _roots(rows: Rows) -> list[float]:
    return [max(0.0, row["kl"]) ** 0.5 for row in rows]


def draw_over_optimization(ways: Mapping[str, Mapping[str, Sequence[Rows]]]) -> tuple[Figure, str]:
    """Draw gold above and the reward model's own score below against the root of KL, a column per way of optimizing.

    `ways`: title -> name of a line -> rows of every seed. A line is the mean over seeds, a band their lowest and highest.
    """
    described = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 5.6))
        grid = figure.subplots(2, len(ways), sharex="col", squeeze=False)
        corners = ((1, "upper left"), *[(0, "upper right")] * (len(ways) - 1))  # where no line is
        for column, (row, corner), (title, lines) in zip(grid.T, corners, ways.items(), strict=True):
            for (name, seeds), style in zip(lines.items(), LINES, strict=False):
                for axes, key in zip(column, ("gold", "score"), strict=True):
                    ys = torch.tensor([[row[key] for row in rows] for rows in seeds], dtype=torch.float64)
                    xs = torch.tensor([_roots(rows) for rows in seeds], dtype=torch.float64).mean(0).tolist()
                    axes.plot(xs, ys.mean(0).tolist(), label=name, markevery=max(1, len(xs) // 8), **style)
                    ends = (ys.amin(0).tolist(), ys.amax(0).tolist())
                    axes.fill_between(xs, *ends, color=style["color"], alpha=0.12, linewidth=0)
                    if key == "gold":
                        top = int(ys.mean(0).argmax())
                        mean = ys.mean(0).tolist()
                        described.append(f"{title}, {name}: gold {mean[0]:.2f} at the start, highest {mean[top]:.2f} at root KL "
                                         f"{xs[top]:.2f}, {mean[-1]:.2f} at the end, {xs[-1]:.2f}")  # fmt: skip
                    else:
                        known = [y for y in ys.mean(0).tolist() if not isnan(y)]
                        described[-1] += f"; score from {known[0]:.2f} to {known[-1]:.2f}"
            column[0].set(title=title, ylabel="gold score")
            column[1].set(xlabel="√KL from the SFT model (√nats per answer)", ylabel="the reward model's own score")
            column[row].legend(frameon=False, fontsize=10, title="labels learnt from", title_fontsize=10, loc=corner)
    return figure, f"Above the gold score, below the score that was optimized, against the root of KL. {'. '.join(described)}."


def draw_fits(panels: Mapping[str, tuple[Rows, Mapping[str, Fitted]]]) -> tuple[Figure, str]:
    """Draw gold gained against the root of KL: full points were fitted, hollow ones predicted; a line per curve."""
    described = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 3.5))
        for axes, (title, (rows, curves)) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            xs, ys = _roots(rows), [row["gold"] - rows[0]["gold"] for row in rows]
            known = next(iter(curves.values())).known
            axes.plot(xs[:known], ys[:known], "o", color=INK, label="fitted")
            axes.plot(xs[known:], ys[known:], "o", label="not seen", **HOLLOW)
            at = torch.linspace(0, max(xs), 80, dtype=torch.float64)
            for (name, found), style in zip(curves.items(), (SECOND, LINES[2]), strict=False):
                axes.plot(at.tolist(), found.curve(at).tolist(), label=name, **(style | {"marker": None}))
                errors = f"error {found.seen_error:.3f} where fitted, {found.unseen_error:.3f} where not"
                described.append(f"{title}, {name}: {errors}")
            axes.set(title=title, xlabel="√KL", ylabel="gold gained", ylim=(min(0, *ys) - 0.05, max(ys) + 0.25))
            axes.legend(frameon=False, fontsize=10)
    return figure, f"Gold gained against the root of KL, fitted on the nearer points. {'; '.join(described)}."


def draw_pairs(models: Mapping[str, Mapping[str, float]], title: str) -> tuple[Figure, str]:
    """Draw the share of pairs that each of two reward models orders rightly, row by row; 0.5 is guessing."""
    rows = list(next(iter(models.values())))
    marks = ({"marker": "o", "color": INK}, {"marker": "s", "color": SECOND["color"], "markerfacecolor": "white"})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.9 + 0.27 * len(rows)))
        axes = figure.subplots()
        for place, row in enumerate(rows):
            axes.plot([model[row] for model in models.values()], [place] * len(models), color=PALE, linewidth=1.5, zorder=1)
        for (name, shares), mark in zip(models.items(), marks, strict=True):
            axes.plot([shares[row] for row in rows], range(len(rows)), linestyle="none", label=name, **mark)
        axes.axvline(0.5, **DOTTED)
        axes.set(xlabel=title, xlim=(-0.03, 1.03), yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=2)
    alt = "; ".join(f"{row}: " + ", ".join(f"{n} {s[row]:.2f}" for n, s in models.items()) for row in rows)
    return figure, f"{title}. {alt}."


def draw_named_points(
    points: Mapping[str, tuple[float, float]], groups: Mapping[str, str], xlabel: str, ylabel: str
) -> tuple[Figure, str]:
    """Draw points, a marker per group; `groups` maps a point's name to its group. Return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.9))
        axes = figure.subplots()
        for group, marker, fill in zip(dict.fromkeys(groups.values()), "osD^vP", (INK, "white") * 3, strict=False):
            inside = [points[name] for name in points if groups[name] == group]
            axes.plot(*zip(*inside, strict=True), marker=marker, markerfacecolor=fill, color=INK, linestyle="none", label=group)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=10, loc="outside right center")
    return figure, f"{ylabel} against {xlabel}. " + "; ".join(f"{n}: {x:.2f}, {y:.2f}" for n, (x, y) in points.items()) + "."


def rows_of(found: Sequence[Mapping[str, Any]], **about: int) -> list[Rows]:
    """Return the rows of every measurement that is about this. Example: rows_of(ppo, one_in=4)."""
    return [each["rows"] for each in found if all(each.get(key) == value for key, value in about.items())]
