"""Figures of lesson 16: where each size stops fitting, memory by part, predictions beside measurements, the roofline."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..safe_text import safe_label

ROOMS = {"a laptop, 16 GB": 16e9, "one H100, 80 GB": 80e9, "eight, 640 GB": 640e9}
"""Rooms that a model may have to fit into, bytes."""
HATCHES = ("", "///", "...", "xxx", "\\\\\\")
SHADES = ("0.45", "0.95", "0.78", "1.0", "0.88")
Points = Mapping[str, Sequence[tuple[float, float]]]


def draw_where_it_stops(weights: Mapping[str, float], state: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw, size by size, the bytes of the weights and of the training state beside the rooms they must fit into."""
    names, places = list(weights), range(len(weights))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.4))
        axes = figure.subplots()
        for place, name in zip(places, names, strict=True):
            axes.plot([weights[name], state[name]], [place, place], color=PALE, linewidth=5, solid_capstyle="butt", zorder=1)
        hollow = {"color": INK, "markerfacecolor": "white"}
        axes.plot([weights[name] for name in names], places, "o", **hollow, label="weights, 2 bytes per parameter")
        axes.plot([state[name] for name in names], places, "s", color=INK, label="training state, 16 bytes per parameter")
        for i, (text, room) in enumerate(ROOMS.items()):
            axes.axvline(room, **DOTTED)
            left, height = i < 2, -1.5 if i == 0 else -0.8
            axes.text(room * (0.9 if left else 1.1), height, text, ha="right" if left else "left", va="center", fontsize=9.5,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
        axes.set(xscale="log", xlabel="bytes (each mark on the axis 10 times the last)", yticks=places, yticklabels=names)
        axes.set(ylim=(len(names) - 0.5, -2.0), xlim=(6e4, 2e13))
        axes.set_xticks([1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13],
                        ["0.1 MB", "1 MB", "10 MB", "0.1 GB", "1 GB", "10 GB", "0.1 TB", "1 TB", "10 TB"])  # fmt: skip
        axes.tick_params(labelsize=10)
        axes.legend(frameon=False, fontsize=10, loc="lower left")
    told = "; ".join(f"{name} {weights[name] / 1e9:.3g} and {state[name] / 1e9:.3g}" for name in names)
    return figure, (
        f"Weights and training state in GB, size by size: {told}. Dotted lines: {', '.join(ROOMS)}. A laptop holds the training "
        f"state of {fitting(state, 16e9)}; one H100 that of {fitting(state, 80e9)}; eight that of {fitting(state, 640e9)}."
    )


def fitting(sizes: Mapping[str, float], room: float) -> str:
    """Say which is the largest that fits."""
    inside = [name for name, size in sizes.items() if size <= room]
    return f"sizes up to {inside[-1]}" if inside else "none"


def draw_stacks(
    stacks: Mapping[str, Mapping[str, float]], xlabel: str, limits: Mapping[str, float] | None = None
) -> tuple[Figure, str]:
    """Draw memory by part, one panel per part on one logarithmic scale and the total last; name -> part -> amount.

    Args:
        stacks: what is compared, each by parts.
        xlabel: what the amounts are.
        limits: a text -> where a dotted line stands in the panel of the totals.
    """
    parts = list(next(iter(stacks.values())))
    columns = {part: [stack[part] for stack in stacks.values()] for part in parts}
    columns["total"] = [sum(stack.values()) for stack in stacks.values()]
    largest, places = max(columns["total"]), range(len(stacks))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 1.3 + 0.36 * len(stacks)))
        all_axes = figure.subplots(1, len(columns), sharey=True)
        for axes, (part, values), hatch in zip(all_axes, columns.items(), [*HATCHES, ""], strict=False):
            axes.set_xlim(largest / 3e4, largest * 60)  # before the scale: a part may be 0 everywhere
            axes.set_xscale("log")
            axes.barh(places, values, height=0.6, color=INK if part == "total" else PALE, edgecolor=INK, hatch=hatch)
            for place, value in zip(places, values, strict=True):
                axes.text(max(value, largest / 3e4) * 1.25, place, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}",
                          va="center", fontsize=9)  # fmt: skip
            axes.set(xticks=[], ylim=(len(stacks) - 0.4, -0.6), title=part)
            axes.set_yticks(places, [safe_label(name) for name in stacks])
            axes.title.set_fontsize(11)
            axes.minorticks_off()
            axes.grid(visible=False)
        for where in (limits or {}).values():
            all_axes[-1].axvline(where, color=SECOND["color"], linestyle="--", linewidth=1.4)
        figure.supxlabel(xlabel + "".join(f"; dashed line: {text}" for text in limits or {}), fontsize=10)
    told = []
    for name, stack in stacks.items():
        amounts = ", ".join(f"{part} {amount:.3g}" for part, amount in stack.items())
        told.append(f"{name}: {amounts}, total {sum(stack.values()):.3g}")
    return figure, f"Bars, {xlabel}. {'; '.join(told)}."


def draw_foretold(panels: Mapping[str, Points]) -> tuple[Figure, str]:
    """Draw what was measured against what was predicted, a panel each: title -> name -> (predicted, measured)."""
    told = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2 * len(panels), 3.9))
        all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, groups) in zip(all_axes, panels.items(), strict=True):
            everything = [value for points in groups.values() for point in points for value in point]
            ends = [min(everything) / 2, max(everything) * 2]
            axes.plot(ends, ends, label="as predicted", **DOTTED)
            styles = ({"marker": "o", "color": "0.6"}, {"marker": "s", "color": SECOND["color"], "markerfacecolor": "white"},
                      {"marker": "^", "color": INK})  # fmt: skip
            for (name, points), style in zip(groups.items(), styles, strict=False):
                xs, ys = zip(*points, strict=True)
                axes.plot(xs, ys, linestyle="none", label=safe_label(name), **style)
                ratios = [y / x for x, y in points]
                told.append(f"{title}, {name}: {len(points)} points, measured {min(ratios):.2f} to {max(ratios):.2f} of that")
            axes.set(xscale="log", yscale="log", xlabel="predicted", ylabel="measured", title=title, xlim=ends, ylim=ends)
            axes.legend(frameon=False, fontsize=9.5)
    return figure, f"Measured against predicted, logarithmic. {'; '.join(told)}."


def draw_roofline(peak: float, bandwidth: float, points: Mapping[str, tuple[float, float]]) -> tuple[Figure, str]:
    """Draw the roofline of a machine and measured points under it.

    Args:
        peak: FLOPs per second of a large matrix product.
        bandwidth: bytes per second from memory.
        points: a name -> (FLOPs per byte, FLOPs per second).
    """
    xs = sorted([*(2**k / 8 for k in range(13)), peak / bandwidth])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.5, 3.9))
        axes = figure.subplots()
        roof = [min(peak, bandwidth * x) / 1e9 for x in xs]
        axes.plot(xs, roof, color=INK, linewidth=2.2, label="roof: min(peak, bandwidth × FLOPs per byte)")
        axes.axvline(peak / bandwidth, **DOTTED)
        axes.text(peak / bandwidth * 1.06, min(roof) * 1.1, f"corner: {peak / bandwidth:.1f}", fontsize=10, va="bottom")
        style = {key: value for key, value in FIRST.items() if key not in ("linestyle", "color")}
        axes.plot([x for x, _ in points.values()], [y / 1e9 for _, y in points.values()], linestyle="none",
                  color=SECOND["color"], label="measured: n vectors times one matrix", **style)  # fmt: skip
        for name, (x, y) in points.items():
            axes.annotate(safe_label(name), (x, y / 1e9), (5, -13), textcoords="offset points", fontsize=9)
        axes.set(xscale="log", yscale="log", xlabel="FLOPs per byte fetched", ylabel="GFLOP per second")
        axes.legend(frameon=False, fontsize=10, loc="lower right")
    told = "; ".join(f"{name}: {x:.3g} FLOPs per byte, {y / 1e9:.3g} GFLOP/s" for name, (x, y) in points.items())
    return figure, (
        f"Roofline of this machine: it rises with {bandwidth / 1e9:.3g} GB/s up to {peak / bandwidth:.3g} FLOPs per byte and is "
        f"flat at {peak / 1e9:.3g} GFLOP/s. Measured: {told}."
    )
