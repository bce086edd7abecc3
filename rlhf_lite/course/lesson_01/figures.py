"""Figures of lesson 01: words on a line from 0 to 1, surprise, and a loss that falls onto the one of counting."""

from collections.abc import Mapping, Sequence
from math import log

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...reports.plots import DOTTED, INK, PALE
from ..figures import LINES, draw_arrow, figure_style
from ..languages import tr
from ..safe_text import safe_label


def draw_pieces(probabilities: Mapping[str, float], u: float) -> tuple[Figure, str]:
    """Draw words on a line from 0 to 1, each with a piece as long as its probability, and an arrow at u.

    Example: draw_pieces({"you": 0.5, "I": 0.3, "we": 0.2}, 0.7).
    """
    start, pieces = 0.0, []
    with mpl.rc_context(figure_style()):
        figure = Figure(figsize=(8.5, 1.9))
        axes = figure.subplots()
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.55, 1.75))
        axes.axis("off")
        for word, p in probabilities.items():
            hit = start <= u < start + p
            axes.add_patch(Rectangle((start, 0), p, 0.75, facecolor=PALE if hit else "white", edgecolor=INK, linewidth=1.3))
            axes.text(start + p / 2, 0.37, f"{safe_label(word)}  {p:g}", ha="center", va="center", fontsize=13)
            axes.text(start, -0.1, f"{start:.3g}", ha="center", va="top")
            told = tr("{word} from {start} to {end}", word=word, start=f"{start:.3g}", end=f"{start + p:.3g}")
            pieces.append(told + tr(", hit") * hit)
            start += p
        axes.text(start, -0.1, f"{start:.3g}", ha="center", va="top")
        draw_arrow(axes, (u, 1.4), (u, 0.8), linewidth=1.6)
        axes.text(u, 1.42, f"u = {u:g}", ha="center", va="bottom", fontsize=13)
    told = "A line from 0 to 1 with a piece per word, and an arrow at u = {u}. {pieces}."
    return figure, tr(told, u=f"{u:g}", pieces="; ".join(pieces))


def draw_surprise(given: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw surprise, -log p, over the probability p, with a mark at what each word was given."""
    with mpl.rc_context(figure_style()):
        figure = Figure(figsize=(6.5, 2.9))
        axes = figure.subplots()
        line = torch.linspace(0.02, 1, 200)
        axes.plot(line, -line.log(), color=INK)
        for word, p in given.items():
            axes.plot(p, -log(p), color=LINES[1]["color"], marker="s", markersize=7)
            axes.annotate(f"{safe_label(word)} {-log(p):.2f}", (p, -log(p)), xytext=(8, 6), textcoords="offset points")
        axes.set(xlabel=tr("probability that the model gave"), ylabel=tr("surprise (nats)"), xlim=(0, 1.08), ylim=(-0.1, 4))
    marks = (tr("{word} at {p} has {surprise}", word=w, p=f"{p:g}", surprise=f"{-log(p):.2f}") for w, p in given.items())
    told = "Surprise over probability: steep and high near 0, falling to 0 at 1. {marks}."
    return figure, tr(told, marks=", ".join(marks))


def draw_descent(losses: Sequence[float], lines: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw a training loss over steps with named level lines; return the figure and its alt text.

    Example: draw_descent([6.0, 4.0, 3.0], {"counted table": 2.3}).
    """
    with mpl.rc_context(figure_style()):
        figure = Figure(figsize=(8.5, 3.4))
        axes = figure.subplots()
        axes.plot(range(len(losses)), losses, color=LINES[1]["color"], linewidth=1.4)
        for name, level in lines.items():
            axes.axhline(level, **DOTTED)
            lowest = level == min(lines.values())  # the loss ends just above it
            where = {"y": level - 0.08, "va": "top"} if lowest else {"y": level + 0.06, "va": "bottom"}
            axes.text(len(losses), s=f"{safe_label(tr(name))} {level:.2f}", ha="right", **where)
        axes.set(xlabel=tr("step"), ylabel=tr("loss (nats per word)"))
        axes.set(xlim=(0, len(losses)), ylim=(0, 1.1 * max(lines.values())))
    levels = ", ".join(f"{tr(name)} {level:.2f}" for name, level in lines.items())
    first, last = f"{losses[0]:.2f}", f"{losses[-1]:.2f}"
    told = "The loss falls from {first} to {last} in {n} steps. Level lines: {levels}."
    return figure, tr(told, first=first, last=last, n=len(losses), levels=levels)
