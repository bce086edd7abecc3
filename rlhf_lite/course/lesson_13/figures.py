"""Figures of lesson 13: the objective, the tax, the sweeps, Goodhart's curve. Points are means over seeds with 95 % intervals."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate import mean_interval
from ...reports.markdown import NAMES
from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..figures import draw_arrow, draw_box

Rows = Sequence[Mapping[str, Any]]
TERMS = (
    ("score", "what the reward\nmodel likes", "reward model", "made in stage 2"),
    ("- kl_coef · KL", "a penalty: stay near\nthe SFT model", "SFT model", "made in stage 1"),
    ("+ ptx_coef · log-likelihood", "do not forget how\ntexts go on", "pretraining text", "read in stage 0"),
)
"""A term of the objective, what it says, where it comes from."""
MARKERS = {"base": ("^", "white"), "sft": ("o", PALE), "ppo": ("s", "white"), "ppo_ptx": ("D", INK)}
SERIES = {"kl_coef": {"label": "kl_coef varied, no ptx", **SECOND}, "ptx_coef": {"label": "ptx_coef varied", **FIRST}}
SWEEP_PANELS = {
    "gold_gain": "gold score",
    "loss_rise": "text loss, nats per token",
    "exercises_gain": "share of exercises solved",
}
"""What a sweep is measured by, each as a difference from the same seed's SFT model."""
FEWEST = 3
"""Seeds from which on an interval is drawn: that of two is wider than any figure."""
SEED_LINES = tuple(zip("os^Dv", ("-", "--", "-.", ":", "-"), strict=True))
OFFSETS = tuple((dx, dy) for far in (16, 30) for dx in (0, far, -far) for dy in (far, -far))
"""Where a label may stand beside its point, in typographic points; the emptiest place is taken."""


def draw_objective() -> tuple[Figure, str]:
    """Draw the three terms of the objective; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.3))
        axes = figure.subplots()
        axes.set(xlim=(0, 9.3), ylim=(0, 3.1))
        axes.axis("off")
        for i, (term, says, source, when) in enumerate(TERMS):
            x = 3.15 * i + 1.5
            axes.text(x, 2.85, term, ha="center", va="center", fontsize=13, fontweight="bold")
            draw_box(axes, x - 1.1, 1.55, 2.2, 0.8, says, fontsize=11, linewidth=1.0)
            draw_arrow(axes, (x, 1.02), (x, 1.52))
            draw_box(axes, x - 1.1, 0.45, 2.2, 0.5, source, strong=True, fontsize=11)
            axes.text(x, 0.25, when, ha="center", va="center", fontsize=10, style="italic")
    described = "; ".join(f"{term}: {says}, from the {source} ({when})".replace("\n", " ") for term, says, source, when in TERMS)
    return figure, f"The three terms of the objective. {described}."


def draw_kinds_of_text(panels: Mapping[str, Mapping[str, Mapping[str, float]]]) -> tuple[Figure, str]:
    """Draw what models do on several kinds of text, one panel per title, one row per kind, one marker per model.

    `panels` maps a title to model -> kind -> number; numbers of a title with "above" in it are differences from 0.
    """
    alts = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 5.4))
        for axes, (title, models) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            kinds = list(next(iter(models.values())))
            for k, (model, numbers) in enumerate(models.items()):
                marker, fill = MARKERS[model]
                values, places = [numbers[kind] for kind in kinds], [i + 0.14 * (k - 1) for i in range(len(kinds))]
                axes.plot(values, places, marker=marker, markerfacecolor=fill, color=INK, linestyle="none",
                          label=NAMES[model], markersize=6, alpha=0.9)  # fmt: skip
                alts.append(f"{title}, {NAMES[model]}: " + ", ".join(f"{n} {m:.2f}" for n, m in zip(kinds, values, strict=True)))
            if "above" in title:
                axes.axvline(0, color=INK, linewidth=0.9)
            axes.set(xlabel=title, yticks=range(len(kinds)), yticklabels=kinds)
            axes.invert_yaxis()
        shown = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown), frameon=False)
    return figure, f"{'; '.join(alts)}."


def with_gains(sweeps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List the rows of all seeds, each with what it adds to gold score, text loss and exercises of the same seed's SFT."""
    return [
        {**row, "gold_gain": row["gold"] - seed["stages"]["sft"]["gold"],
         "loss_rise": row["pretraining_loss"] - seed["stages"]["sft"]["pretraining_loss"],
         "exercises_gain": row["exercises"] - seed["stages"]["sft"]["exercises"]}
        for seed in sweeps for row in seed["rows"]
    ]  # fmt: skip


def chosen(rows: Rows, coefficient: str, iterations: int) -> dict[float, list[Mapping[str, Any]]]:
    """Group the rows of one sweep by its coefficient, ascending: kl_coef without ptx, ptx_coef from 0 (which is PPO) up.

    Values that not every seed has are left out: means over other seeds could not be compared.
    """
    usual, n_seeds = 0.05, len({row["seed"] for row in rows})
    inside = [
        row for row in rows
        if row["iterations"] == iterations and (row["ptx_coef"] == 0 if coefficient == "kl_coef" else row["kl_coef"] == usual)
    ]  # fmt: skip
    values = sorted({row[coefficient] for row in inside})
    groups = {value: [row for row in inside if row[coefficient] == value] for value in values}
    return {value: group for value, group in groups.items() if len(group) == n_seeds}


def draw_sweep(
    rows: Rows, coefficient: str, iterations: int, *, levels: Mapping[str, Mapping[str, float]]
) -> tuple[Figure, str]:
    """Draw gold score, text loss and exercises against one coefficient, evenly spaced; a small mark is one seed.

    `levels` maps a panel's key to dotted lines, name -> height.
    """
    groups, alts = chosen(rows, coefficient, iterations), []
    ticks = sorted(groups)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.2))
        for axes, (key, title) in zip(figure.subplots(1, len(SWEEP_PANELS)), SWEEP_PANELS.items(), strict=True):
            described = _points(axes, [ticks.index(value) for value in groups], groups, key, coefficient)
            alts.append(f"{title}: {described}".replace("\n", " "))
            for name, height in levels.get(key, {}).items():
                axes.axhline(height, **DOTTED)
                axes.annotate(name, (0, height), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points",
                              va="bottom", fontsize=10)  # fmt: skip
                alts[-1] += f", {name} {height:.2f}"
            axes.axhline(0, color=INK, linewidth=0.9)
            axes.set(title=f"{title}\nabove SFT's", xlabel=coefficient)
            axes.set_xticks(range(len(ticks)), [f"{value:g}" for value in ticks])
            axes.title.set_fontsize(11)
            axes.margins(x=0.08, y=0.12)
    return figure, f"{coefficient} swept, {iterations} iterations. {'; '.join(alts)}."


def _points(axes: Axes, places: Sequence[int], groups: Mapping[float, Rows], key: str, coefficient: str) -> str:
    found = [mean_interval([row[key] for row in group]) for group in groups.values()]
    means = [mean for mean, _, _ in found]
    for place, group in zip(places, groups.values(), strict=True):
        axes.plot([place] * len(group), [row[key] for row in group], marker="_", color="0.55", linestyle="none")
    if all(len(group) >= FEWEST for group in groups.values()):
        axes.vlines(places, [low for _, low, _ in found], [high for _, _, high in found], color="0.55", linewidth=1.4)
    axes.plot(places, means, **{**SERIES[coefficient], "label": None})
    return ", ".join(f"{value:g} gives {mean:.3f}" for value, mean in zip(groups, means, strict=True))


def draw_trade_off(rows: Rows, iterations: int) -> tuple[Figure, str]:
    """Draw what both sweeps buy (gold) against what they cost (text loss), means over seeds; return the figure and its alt text.

    Both are differences from the SFT model, measured on the same seed's prompts. A small mark is one seed.
    """
    alts, labels, along = [], [], []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.6))
        axes = figure.subplots()
        for coefficient, series in SERIES.items():
            groups = chosen(rows, coefficient, iterations)
            x, y = ([sum(row[key] for row in g) / len(g) for g in groups.values()] for key in ("loss_rise", "gold_gain"))
            for group in groups.values():
                axes.plot(*zip(*((row["loss_rise"], row["gold_gain"]) for row in group), strict=True), marker=".", color="0.6",
                          linestyle="none", markersize=4, zorder=1)  # fmt: skip
            axes.plot(x, y, **series)
            steps = np.linspace(0, len(x) - 1, 20 * len(x))
            along += zip(*(np.interp(steps, range(len(x)), values) for values in (x, y)), strict=True)
            labels += [(f"{value:g}", a, b, series["color"]) for value, a, b in zip(groups, x, y, strict=True)
                       if coefficient == "kl_coef" or value > 0]  # fmt: skip
            points = (f"{value:g} at {a:.3f}, {b:.2f}" for value, a, b in zip(groups, x, y, strict=True))
            alts.append(f"{series['label']}: " + "; ".join(points))
        axes.plot(0, 0, marker="o", markersize=9, color=INK, markerfacecolor=PALE, linestyle="none", label="SFT")
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set(xlabel="text loss above SFT's, nats per token (further left: less tax)", ylabel="gold score above SFT's")
        axes.margins(x=0.08, y=0.16)
        _label_points(axes, labels, along)
        axes.legend(fontsize=10, loc="lower right")
    return figure, f"Gold against text loss, {iterations} iterations: above SFT's. {'. '.join(alts)}."


def _label_points(
    axes: Axes, labels: Sequence[tuple[str, float, float, str]], along: Sequence[tuple[float, float]]
) -> None:
    """Write each label (text, x, y, color) beside its point, where it is farthest from `along`, the lines, and other labels."""
    axes.figure.canvas.draw()  # places in pixels are known from now on
    taken = [axes.transData.transform(place) for place in along]
    scale = axes.figure.dpi / 72
    for text, x, y, color in labels:
        at = axes.transData.transform((x, y))
        places = [(at + np.array([dx, dy]) * scale, (dx, dy)) for dx, dy in OFFSETS]
        where, offset = max(places, key=lambda place: min(round(abs(place[0] - other).max()) for other in taken))
        taken.append(where)
        axes.annotate(text, (x, y), xytext=offset, textcoords="offset points", fontsize=10, color=color, ha="center", va="center",
                      arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.7})  # fmt: skip


def draw_against_kl(
    seeds: Sequence[tuple[int, Rows]], panels: Mapping[str, str], control: Mapping[int, Mapping[str, float]]
) -> tuple[Figure, str]:
    """Draw each seed's measurements against the KL from SFT, on an axis of its square root; one panel per key.

    A row that lacks a panel's key is left out of that panel. `control` gives one more row per seed, a run with a KL penalty;
    where it has a panel's key, a filled mark shows it.

    Source of the axis: Gao 2022, who found that scores bend in the square root of KL.
    """
    alts = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.0))
        for axes, (key, label) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            for (seed, rows), (marker, line) in zip(seeds, cycle(SEED_LINES)):
                measured = [row for row in rows if key in row]
                kls, values = [row["kl"] for row in measured], [row[key] for row in measured]
                axes.plot(kls, values, color=INK, marker=marker, linestyle=line, markerfacecolor="white", label=f"seed {seed}")
                alts.append(f"{label}, seed {seed}: {values[0]:.2f} at {kls[0]:.0f} nats, {values[-1]:.2f} at {kls[-1]:.0f}")
                if key in control.get(seed, {}):
                    x, y = control[seed]["kl"], control[seed][key]
                    axes.plot(x, y, marker=marker, color=SECOND["color"], markersize=9, linestyle="none", zorder=4)
                    alts[-1] += f", with the penalty {y:.2f} at {x:.1f}"
            axes.set_xscale("function", functions=(lambda x: x**0.5, lambda x: x**2))
            axes.set(xlabel="KL from SFT, nats per response", ylabel=label, xticks=[0, 1, 5, 10, 20, 40, 70], xlim=(0, None))
        handles, names = figure.axes[0].get_legend_handles_labels()
        filled = figure.axes[0].plot([], [], marker="o", color=SECOND["color"], markersize=9, linestyle="none")
        figure.legend([*handles, *filled], [*names, "with the KL penalty"], loc="outside lower center", ncols=6, frameon=False,
                      fontsize=10)  # fmt: skip
    return figure, "; ".join(alts) + "."
