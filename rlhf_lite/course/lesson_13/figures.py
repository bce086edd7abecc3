"""Figures of lesson 13: the objective, the tax, the sweeps, Goodhart's curve. Points are means over seeds with 95 % intervals."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate import mean_interval
from ...reports.markdown import NAMES
from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..figures import draw_arrow, draw_box

Rows = Sequence[Mapping[str, Any]]
TERMS = (
    ("score", "what the reward\nmodel likes", "reward model", "made in stage 2"),
    ("- kl_coef · KL", "a leash: stay near\nthe SFT model", "SFT model", "made in stage 1"),
    ("+ ptx_coef · log-likelihood", "do not forget how\ntexts go on", "pretraining text", "read in stage 0"),
)
"""A term of the objective, what it says, where it comes from."""
MARKERS = {"base": ("^", "white"), "sft": ("o", PALE), "ppo": ("s", "white"), "ppo_ptx": ("D", INK)}
LIVE = {"marker": "*", "markersize": 16, "color": INK, "markerfacecolor": "white", "linestyle": "none", "zorder": 5}
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


def draw_kinds_of_text(panels: Mapping[str, Sequence[Mapping[str, Mapping[str, float]]]]) -> tuple[Figure, str]:
    """Draw what models do on several kinds of text, one panel per title, one row per kind, one marker per model.

    `panels` maps a title to one dictionary per seed: model -> kind -> number. Intervals of a "share of ..." end at 1.
    """
    alts = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.2))
        for axes, (title, seeds) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            kinds = list(next(iter(seeds[0].values())))
            for k, (model, (marker, fill)) in enumerate(MARKERS.items()):
                found = [mean_interval([seed[model][kind] for seed in seeds]) for kind in kinds]
                places = [i + 0.16 * (k - 1.5) for i in range(len(kinds))]
                means, highest = [m for m, _, _ in found], 1.0 if title.startswith("share") else float("inf")
                if len(seeds) >= FEWEST:
                    ends = [(max(low, 0.0), min(high, highest)) for _, low, high in found]
                    axes.hlines(places, *zip(*ends, strict=True), color="0.5", linewidth=1.2)
                axes.plot(means, places, marker=marker, markerfacecolor=fill, color=INK, linestyle="none", label=NAMES[model])
                alts.append(f"{title}, {NAMES[model]}: " + ", ".join(f"{n} {m:.2f}" for n, m in zip(kinds, means, strict=True)))
            axes.set(xlabel=title, yticks=range(len(kinds)), yticklabels=kinds)
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(MARKERS), frameon=False)
    return figure, f"Means over {len(seeds)} seeds. {'; '.join(alts)}."


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
    rows: Rows, coefficient: str, iterations: int, *, levels: Mapping[str, Mapping[str, float]],
    live: Mapping[str, float] | None = None,
) -> tuple[Figure, str]:
    """Draw gold score, text loss and exercises against one coefficient, evenly spaced; a small mark is one seed.

    `levels` maps a panel's key to dotted lines, name -> height; `live` is a row of the reader's own run, drawn as a star.
    """
    groups, alts = chosen(rows, coefficient, iterations), []
    ticks = sorted({*groups, *([live[coefficient]] if live else [])})
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
            if live:
                axes.plot(ticks.index(live[coefficient]), live[key], **LIVE)
                alts[-1] += f", yours {live[key]:.2f}"
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
    return ", ".join(f"{value:g} gives {mean:.2f}" for value, mean in zip(groups, means, strict=True))


def draw_trade_off(rows: Rows, iterations: int, *, base: float, live: Rows = ()) -> tuple[Figure, str]:
    """Draw what both sweeps buy (gold) against what they cost (text loss), means over seeds; return the figure and its alt text.

    Both are differences from the same seed's SFT model; `base` is the base model's text loss above it (a negative number).
    """
    alts = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.3))
        axes = figure.subplots()
        for coefficient, series in SERIES.items():
            groups = chosen(rows, coefficient, iterations)
            x, y = ([sum(row[key] for row in g) / len(g) for g in groups.values()] for key in ("loss_rise", "gold_gain"))
            axes.plot(x, y, **series)
            for value, place in zip(groups, zip(x, y, strict=True), strict=True):
                if coefficient == "kl_coef" or value > 0:
                    beside = {"xytext": (8, -4)} if coefficient == "kl_coef" else {"xytext": (0, 8), "ha": "center"}
                    axes.annotate(f"{value:g}", place, textcoords="offset points", fontsize=10, **beside)
            points = (f"{value:g} at {a:.2f}, {b:.2f}" for value, a, b in zip(groups, x, y, strict=True))
            alts.append(f"{series['label']}: " + "; ".join(points))
        axes.axvline(base, **DOTTED, label="base's text loss")
        axes.plot(0, 0, marker="o", markersize=9, color=INK, markerfacecolor=PALE, linestyle="none", label="SFT")
        for row in live:
            axes.plot(row["loss_rise"], row["gold_gain"], **LIVE, label="yours")
            alts.append(f"yours: {row['loss_rise']:.2f}, {row['gold_gain']:.2f}")
        axes.set(xlabel="text loss above SFT's, nats per token (further left: less tax)", ylabel="gold score above SFT's")
        axes.margins(y=0.14)
        axes.legend(fontsize=10, loc="lower center")
    return figure, f"Gold against text loss, {iterations} iterations: above SFT's. {'. '.join(alts)}."


def draw_against_kl(seeds: Sequence[tuple[int, Rows]], panels: Mapping[str, str]) -> tuple[Figure, str]:
    """Draw each seed's measurements against the KL from SFT, on an axis of its square root; one panel per key.

    Source of the axis: Gao 2022, who found that scores bend in the square root of KL.
    """
    alts = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.6))
        for axes, (key, label) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            for (seed, rows), (marker, line) in zip(seeds, cycle(SEED_LINES)):
                kls, values = [row["kl"] for row in rows], [row[key] for row in rows]
                axes.plot(kls, values, color=INK, marker=marker, linestyle=line, markerfacecolor="white", label=f"seed {seed}")
                alts.append(f"{label}, seed {seed}: {values[0]:.2f} at {kls[0]:.0f} nats, {values[-1]:.2f} at {kls[-1]:.0f}")
            axes.set_xscale("function", functions=(lambda x: x**0.5, lambda x: x**2))
            axes.set(xlabel="KL from SFT, nats per response", ylabel=label, xticks=[0, 1, 5, 10, 20, 40, 70], xlim=(0, None))
        figure.axes[0].legend(fontsize=10, loc="upper left")
    return figure, "; ".join(alts) + "."
