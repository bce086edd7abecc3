"""Figures of lesson 10: preference against score difference, pairs together or apart, substance, calibration, a refit."""

from collections.abc import Mapping, Sequence
from math import exp
from statistics import fmean
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ...evaluate import CalibrationBin
from ...reports.plots import DOTTED, INK, PALE, STYLE
from ..figures import LINES
from ..safe_text import safe_label

MARKERS = "os^Dv"
LEARNT, UNSEEN = "rankings it learnt from", "people and prompts it never met"
VARIANTS = {
    "together 1": "together,\n1 pass", "together 2": "together,\n2 passes", "together 4": "together,\n4 passes",
    "apart": "apart,\n1 pass",
}  # fmt: skip


def draw_preference(marked: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw the probability of being preferred by score difference, some differences marked; return figure and alt text.

    Example: draw_preference({"nobody can tell": 0.0}).
    """
    xs = [x / 20 for x in range(-100, 101)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.4))
        axes = figure.subplots()
        axes.plot(xs, [1 / (1 + exp(-x)) for x in xs], color=INK)
        for what, x in marked.items():
            p = 1 / (1 + exp(-x))
            axes.plot(x, p, marker="o", color=INK)
            axes.annotate(f"{what}: {x:.2f}", (x, p), (10, -12), textcoords="offset points")
        axes.set(xlabel="score of a minus score of b", ylabel="probability that\na is preferred", ylim=(-0.04, 1.04))
    described = "; ".join(f"{what} at {x:.2f}" for what, x in marked.items())
    return figure, f"An S-shaped curve from 0 to 1, one half where both scores are equal. Marked: {described}."


def draw_calibration(curves: Mapping[str, Sequence[CalibrationBin]]) -> tuple[Figure, str]:
    """Draw what came true against what was predicted, one line per model, and the diagonal; return figure and alt text."""
    alts = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.6))
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], **DOTTED, label="as sure as it should be")
        for (name, bins), style in zip(curves.items(), LINES, strict=False):
            axes.plot([row.predicted for row in bins], [row.observed for row in bins], label=name, **style)
            points = ", ".join(f"{row.observed:.0%} where {row.predicted:.0%} was predicted" for row in bins)
            alts.append(f"{name}: {points}")
        axes.set(xlabel="probability that the model gives", ylabel="share in which it came true", xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="upper left")
    return figure, f"Calibration, with the diagonal. {'; '.join(alts)}."


def draw_together_or_apart(studies: Sequence[Mapping[str, Any]]) -> tuple[Figure, str]:
    """Draw losses and cost of learning rankings together or split into pairs, one mark per seed; return figure and alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6))
        losses, cost = figure.subplots(1, 2, width_ratios=(1.5, 1))
        for place, name in enumerate(VARIANTS):
            for study, marker in zip(studies, MARKERS, strict=False):
                row = study["batching"][name]
                shift = place + 0.08 * (MARKERS.index(marker) - len(studies) / 2)
                losses.plot([shift, shift], [row["loss"], row["held_out_loss"]], color=INK, linewidth=0.9)
                losses.plot(shift, row["loss"], color=INK, marker=marker, markerfacecolor="white")
                losses.plot(shift, row["held_out_loss"], color=INK, marker=marker)
        losses.plot([], [], color=INK, marker="o", linestyle="", label=UNSEEN)
        losses.plot([], [], color=INK, marker="o", linestyle="", markerfacecolor="white", label=LEARNT)
        losses.set(ylabel="loss (nats per pair)")
        losses.legend(loc="lower left", fontsize=9)
        computed = [fmean([study["batching"][name]["answers_computed"] for study in studies]) for name in VARIANTS]
        bars = cost.bar(range(len(VARIANTS)), computed, color=PALE, edgecolor=INK, width=0.6)
        cost.bar_label(bars, [f"{number:,.0f}" for number in computed])
        cost.set(ylabel="answers put through the model")
        cost.margins(y=0.12)
        for axes in (losses, cost):
            axes.set_xticks(range(len(VARIANTS)), VARIANTS.values(), fontsize=10)
    return figure, f"Loss, then cost. {'; '.join(_described(studies, name) for name in VARIANTS)}."


def _described(studies: Sequence[Mapping[str, Any]], name: str) -> str:
    rows = [study["batching"][name] for study in studies]
    learnt, unseen, computed = (fmean([row[key] for row in rows]) for key in ("loss", "held_out_loss", "answers_computed"))
    title = VARIANTS[name].replace("\n", " ")
    return f"{title}: loss {learnt:.2f} on {LEARNT}, {unseen:.2f} on {UNSEEN}, {computed:,.0f} answers computed"


def draw_substance(shares: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw on what share of minimal pairs two reward models prefer the right answer; return figure and alt text.

    `shares`: the model's name -> row -> share; the first model's marks are open, the second one's filled.
    """
    (first, before), (second, after) = shares.items()
    rows = list(before)
    with mpl.rc_context(STYLE | {"font.size": 10}):
        figure = Figure(figsize=(8.6, 0.9 + 0.27 * len(rows)))
        axes = figure.subplots()
        axes.axvline(0.5, **DOTTED)
        for place, row in enumerate(rows):
            axes.plot([before[row], after[row]], [place, place], color=PALE, linewidth=3, zorder=1)
        for name, found, face in ((first, before, "white"), (second, after, INK)):
            x = [found[row] for row in rows]
            axes.scatter(x, range(len(rows)), s=46, facecolor=face, edgecolor=INK, label=name, zorder=2)
        axes.set(yticks=range(len(rows)), yticklabels=rows, xlim=(-0.04, 1.04),
                 xlabel="share of pairs in which the right answer scores higher (dotted: chance)")  # fmt: skip
        axes.invert_yaxis()
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    described = (f"{row} {before[row]:.2f} and {after[row]:.2f}" for row in rows)
    return figure, f"Share of pairs in which the right answer scores higher, {first} and {second}: {'; '.join(described)}."


def draw_change(
    texts: Sequence[str], ranks: Sequence[int], before: Sequence[float], after: Sequence[float]
) -> tuple[Figure, str]:
    """Draw each answer's score before and after a refit, both centred, as a line; return figure and alt text."""
    centred = [[score - fmean(scores) for score in scores] for scores in (before, after)]
    order = sorted(range(len(texts)), key=lambda i: ranks[i])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 0.9 + 0.42 * len(texts)))
        axes = figure.subplots()
        place = float("inf")
        for i in sorted(order, key=lambda i: -centred[1][i]):
            axes.plot([0, 1], [centred[0][i], centred[1][i]], color=INK, marker="o", linewidth=2.4 if ranks[i] == 0 else 0.9)
            place = min(place - 0.09 * (max(centred[1]) - min(centred[1])), centred[1][i])
            axes.text(1.03, place, f"{ranks[i] + 1}  {_short(texts[i])}", va="center", fontsize=10)
        axes.set(xticks=(0, 1), xticklabels=("before", "after"), xlim=(-0.1, 3.4), ylabel="score, mean 0")
        axes.grid(axis="x", visible=False)
        axes.spines["bottom"].set_visible(False)
    described = (f"rank {ranks[i] + 1}, {centred[0][i]:+.2f} to {centred[1][i]:+.2f}: {_short(texts[i])}" for i in order)
    return figure, f"Scores before and after, beside each its rank by the reader. {'; '.join(described)}."


def _short(text: str) -> str:
    line = " ".join(text.split())
    return safe_label(line if len(line) <= 60 else line[:57] + "...")
