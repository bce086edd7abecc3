"""Figures of lesson 06: loss curves with bands over seeds, who may look where in a packed window, a law and what it foretold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ...evaluate import mean_interval
from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..figures import THIRD
from ..safe_text import safe_label
from .loss_curves import AVERAGED, LOOK_EVERY, STEPS, Curve
from .scaling_law import block_matrices

LOWEST, HIGHEST = 0.75, 10.5
"""Ends of the logarithmic axis of losses; what is beyond leaves the picture."""
TICKS = (1, 1.5, 2, 3, 5, 7)
LAST_POINTS = 8
"""Single batches are noisy: in words, a training loss ends at the mean of so many points."""
SEEN = ListedColormap(["white", "0.72", "0.25"])
"""Not seen, seen in another document, seen in the same document."""


@dataclass(frozen=True)
class Band:
    """One line over steps: the mean of several seeds, and the lowest and highest of them."""

    xs: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]


def band_over_seeds(curves: Sequence[Curve], kind: str) -> Band:
    """Put the seeds' "train", "held_out" or "fresh" losses together, as far as the shortest goes."""
    columns = list(zip(*(getattr(curve, kind) for curve in curves), strict=False))
    every, first = (AVERAGED, (AVERAGED + 1) / 2) if kind == "train" else (LOOK_EVERY, LOOK_EVERY)
    xs = [first + every * i for i in range(len(columns))]
    return Band(xs, [sum(each) / len(each) for each in columns], [min(each) for each in columns], [max(each) for each in columns])


def last_loss(curves: Sequence[Curve], kind: str) -> tuple[float, float, float]:
    """Return mean and 95 % interval over seeds of the last "train", "held_out" or "fresh" loss."""
    return mean_interval([getattr(curve, kind)[-1] for curve in curves])


def _draw_panel(axes: Axes, curves: Sequence[Curve], lines: Mapping[str, float], kinds: Mapping[str, str]) -> list[str]:
    """Draw one run's lines over the reference lines; return them in words."""
    described = []
    for y in lines.values():
        axes.axhline(y, **DOTTED)
    for (kind, name), style in zip(kinds.items(), (FIRST | {"marker": ""}, SECOND, THIRD), strict=False):
        band = band_over_seeds(curves, kind)
        axes.fill_between(band.xs, band.low, band.high, color=style["color"], alpha=0.2, linewidth=0)
        axes.plot(band.xs, band.mean, label=name, markevery=4, linewidth=1.7, **style)
        last = band.mean[-LAST_POINTS:] if kind == "train" else band.mean[-1:]
        described.append(f"{name} loss from {band.mean[0]:.2f} to {sum(last) / len(last):.2f}")
    axes.set(xlim=(0, STEPS), yscale="log", ylim=(LOWEST, HIGHEST))
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    return described


def draw_gallery(
    panels: Mapping[str, Sequence[Curve]], lines: Mapping[str, float], fresh_for: Sequence[str] = (), columns: int = 4
) -> tuple[Figure, str]:
    """Draw a panel of training and held-out loss for each title; return the figure and its alt text.

    Args:
        panels: title -> the same run with several seeds: the line is their mean, the band reaches from lowest to highest.
        lines: name -> a loss to compare with, dotted in every panel, named in the first of each row.
        fresh_for: titles of panels that show text nobody ever read, too.
    """
    rows = -(-len(panels) // columns)
    described = [f"{name} {y:.2f}" for name, y in lines.items()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 2.75 * rows + 0.35))
        all_axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for place, (title, curves) in enumerate(panels.items()):
            axes, kinds = all_axes.flat[place], {"train": "training", "held_out": "held-out"}
            kinds |= {"fresh": "fresh text"} if title in fresh_for else {}
            described.append(f"{title}: " + ", ".join(_draw_panel(axes, curves, lines, kinds)))
            axes.set_title(title, fontsize=11)
            if place % columns == 0:
                axes.set_ylabel("nats per token")
                for name, y in lines.items():
                    axes.text(STEPS - 6, y * 1.02, name, ha="right", va="bottom", fontsize=8.5)
        for axes in all_axes.flat[len(panels) :]:
            axes.axis("off")
        for axes in all_axes[-1]:
            axes.set_xlabel("step")
        handles = {name: line for axes in all_axes.flat for line, name in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles, loc="outside upper center", ncols=3, frameon=False, fontsize=10)
    smoothed = f"The last training loss is the mean of the last {LAST_POINTS * AVERAGED} steps."
    return figure, f"Loss curves over {STEPS} steps. {smoothed} Dotted lines: {'; '.join(described)}."


def draw_shares(shares: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw several shares of each source, in per cent, below each other; return the figure and its alt text.

    Args:
        shares: what is counted -> source -> per cent; the same sources everywhere.
    """
    sources = list(next(iter(shares.values())))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 0.36 * len(sources) + 0.8))
        axes = figure.subplots()
        for i, ((counted, of), (shade, hatch)) in enumerate(zip(shares.items(), (("white", "////"), ("0.45", "")), strict=False)):
            places = [row + 0.38 * i for row in range(len(sources))]
            bars = axes.barh(places, [of[each] for each in sources], height=0.38, color=shade, hatch=hatch, edgecolor=INK)
            axes.bar_label(bars, [f"{of[each]:.1f}" for each in sources], padding=3, fontsize=8)
            bars.set_label(counted)
        axes.set_yticks([row + 0.19 for row in range(len(sources))], [safe_label(each) for each in sources])
        axes.set_xlabel("%")
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.legend(frameon=False, fontsize=10, loc="lower right")
    described = (f"{counted}: " + ", ".join(f"{each} {of[each]:.1f}" for each in sources) for counted, of in shares.items())
    return figure, f"Bars, in per cent. {'; '.join(described)}."


def draw_looks(documents: Sequence[int], tokens: Sequence[str]) -> tuple[Figure, str]:
    """Draw which positions of a packed window each position may look at; return the figure and its alt text.

    Args:
        documents: number of the document that each of T tokens belongs to, its end token included.
        tokens: the T tokens, readable.
    """
    n = len(documents)
    shades = [[(2 if documents[j] == documents[i] else 1) if j <= i else 0 for j in range(n)] for i in range(n)]
    across = sum(row.count(1) for row in shades) / sum(row.count(1) + row.count(2) for row in shades)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(9.5, 6.2))
        axes = figure.subplots()
        axes.imshow(shades, cmap=SEEN, vmin=0, vmax=2)
        for border in (i - 0.5 for i in range(1, n) if documents[i] != documents[i - 1]):
            axes.plot([-0.5, border, border], [border, border, n - 0.5], color="#c2500a", linestyle="--", linewidth=1.4)
        labels = [safe_label(token) for token in tokens]
        axes.set_yticks(range(n), labels, fontsize=8.5)
        axes.set_xticks(range(n), labels, fontsize=8.5, rotation=90)
        axes.set(xlabel="looks at", ylabel="position", xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
        for shade, name in (("0.25", "same document"), ("0.72", "an earlier document"), ("white", "not seen: it comes later")):
            axes.plot([], [], marker="s", markersize=11, linestyle="", color=shade, markeredgecolor=INK, label=name)
        axes.plot([], [], color="#c2500a", linestyle="--", label="document border")
        axes.legend(loc="upper right", frameon=True, fontsize=10)
    alt = (
        f"A square of {n} times {n}: row, the position; column, what it may look at. All later positions are white. Of what is "
        f"seen, {1 - across:.0%} is in the same document, dark, and {across:.0%} in earlier documents, pale. "
        f"Document borders stand after tokens {', '.join(str(i) for i in range(1, n) if documents[i] != documents[i - 1])}."
    )
    return figure, alt


def draw_lines(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], xlabel: str, targets: Mapping[str, float]
) -> tuple[Figure, str]:
    """Draw a panel of lines for each title; `targets`, dotted and named, belong to the last panel.

    Args:
        panels: title -> name of a line -> its (xs, ys).
    """
    described = [f"{name} {y:.2f}" for name, y in targets.items()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.9 * len(panels) if len(panels) > 1 else 8, 3.4))
        all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, lines) in zip(all_axes, panels.items(), strict=True):
            for (name, (xs, ys)), style in zip(lines.items(), (FIRST, SECOND, THIRD), strict=False):
                plain = {"marker": ""} if len(xs) > 100 else {}
                axes.plot(xs, ys, label=name, **style | plain)
                described.append(f"{title}, {name}: from {ys[0]:.3g} to {ys[-1]:.3g}")
            axes.set(xlabel=xlabel, title=title)
            axes.legend(frameon=False, fontsize=10)
        for name, y in targets.items():
            all_axes[-1].axhline(y, **DOTTED)
            all_axes[-1].text(all_axes[-1].get_xlim()[1], y, name, ha="right", va="bottom", fontsize=9)
    return figure, f"Lines over {xlabel}. {'; '.join(described)}."


def law_lines(
    fitted: Mapping[int, Sequence[float]], laws: Mapping[str, Callable[..., Callable[[float], float]]], furthest: float = 4.5
) -> dict[str, tuple[list[float], list[float]]]:
    """Fit each law to the mean losses by size, and follow it from the smallest size to `furthest` times the largest."""
    means = [sum(losses) / len(losses) for losses in fitted.values()]
    first, last = min(fitted), furthest * max(fitted)
    xs = [first * (last / first) ** (i / 40) for i in range(41)]
    return {name: (xs, [law(list(fitted), means)(x) for x in xs]) for name, law in laws.items()}


def foretold_at(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, tuple[float, float, float]]]:
    """Arrange stored predictions as `draw_law` takes them: law -> N -> (mean, low, high)."""
    found: dict[str, dict[int, tuple[float, float, float]]] = {}
    for row in rows:
        found.setdefault(row["law"], {})[block_matrices(row["d_model"])] = (row["mean"], row["low"], row["high"])
    return found


def draw_law(
    fitted: Mapping[int, Sequence[float]], laws: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    foretold: Mapping[str, Mapping[int, tuple[float, float, float]]], measured: Mapping[int, Sequence[float]],
) -> tuple[Figure, str]:  # fmt: skip
    """Draw losses against size, in logarithms, with laws and what they foretold; return the figure and its alt text.

    Args:
        fitted, measured: N -> losses of the seeds, of the sizes that the laws were fitted to, and of the larger ones.
        laws: name -> (sizes, losses) along its line.
        foretold: name -> N -> (mean, low, high).
    """
    described = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.3))
        axes = figure.subplots()
        for points, marker, face, name in ((fitted, "o", "white", "fitted sizes"), (measured, "D", INK, "measured afterwards")):
            if points:
                pairs = [(n, loss) for n, losses in points.items() for loss in losses]
                axes.plot(*zip(*pairs, strict=True), linestyle="", marker=marker, markerfacecolor=face, color=INK, label=name)
                means = (f"{n:,} {sum(losses) / len(losses):.3f}" for n, losses in points.items())
                described.append(f"{name}: {', '.join(means)}")
        for (name, (xs, ys)), style, shift in zip(laws.items(), (SECOND, THIRD), (0.97, 1.03), strict=False):
            axes.plot(xs, ys, color=style["color"], linestyle=style["linestyle"], label=name)
            for n, (mean, low, high) in foretold[name].items():
                error = [[mean - low], [high - mean]]
                mark = {"marker": style["marker"], "color": style["color"], "markerfacecolor": "white"}
                axes.errorbar([n * shift], [mean], error, capsize=4, linestyle="", **mark)
                described.append(f"{name} foretells {mean:.3f} ({low:.3f} to {high:.3f}) at {n:,}")
        axes.set(xscale="log", yscale="log", xlabel="N, parameters in the blocks", ylabel="held-out loss (nats per token)")
        losses = [loss for points in (fitted, measured) for each in points.values() for loss in each]
        ticks = [tick / 10 for tick in range(10, 60) if min(losses) * 0.92 < tick / 10 < max(losses) * 1.05]
        axes.set_yticks(ticks[:: max(1, len(ticks) // 8)], [f"{tick:g}" for tick in ticks[:: max(1, len(ticks) // 8)]])
        axes.minorticks_off()
        sizes = [*fitted, *measured, *(n for each in foretold.values() for n in each)]
        axes.set_xticks(sorted(set(sizes)), [f"{n:,}" for n in sorted(set(sizes))], fontsize=9)
        axes.legend(frameon=False, fontsize=10)
    return figure, f"Loss against the number of parameters in the blocks, both axes logarithmic. {'; '.join(described)}."


def draw_ends(ends: Mapping[str, tuple[float, float, float]], title: str) -> tuple[Figure, str]:
    """Draw a mean and its interval in a row for each name; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 0.5 + 0.3 * len(ends)))
        axes = figure.subplots()
        for row, (mean, low, high) in enumerate(ends.values()):
            axes.plot([low, high], [row, row], color=PALE, linewidth=5, solid_capstyle="butt")
            axes.plot(mean, row, **FIRST)
            axes.text(max(high, mean), row, f"  {mean:.2f}", va="center", fontsize=9.5)
        axes.set(yticks=range(len(ends)), yticklabels=[safe_label(name) for name in ends], xlabel=title)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.08)
    described = "; ".join(f"{name}: {mean:.2f} ({low:.2f} to {high:.2f})" for name, (mean, low, high) in ends.items())
    return figure, f"{title}. {described}."
