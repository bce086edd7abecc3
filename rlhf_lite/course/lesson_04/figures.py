"""Figures of lesson 04: paths between words, curves, waves of positions, and the encoder-decoder."""

from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..figures import draw_arrow, draw_box

LINES = (FIRST, SECOND, DOTTED | {"marker": "^"})
"""Styles of up to three lines in a panel, told apart by dash and marker."""
WORDS = ("the", "boy", "who", "likes", "Tom", "runs")
PATHS_ALT = (
    "Two pictures of the words the, boy, who, likes, Tom, runs. Left, a recurrent network: a state above each word, and arrows "
    "from each state to the next, so that it takes four steps from boy to runs. Right, attention: "
    "runs is joined to each word by one arrow of its own."
)
ENCODER_DECODER_ALT = (
    "The encoder-decoder. Left, the encoder, from the bottom: English words plus positions; then two blocks, each of "
    "self-attention, where every word looks at every word, and feed-forward. Right, the decoder: Chinese words so far plus "
    "positions; then two blocks, each of masked self-attention, where every word looks back, cross-attention, and "
    "feed-forward; on top, the logits of the next word. An arrow leads from the top of the encoder to cross-attention in each "
    "decoder block. Beside every part runs the residual stream, to which each part adds."
)


def _box(axes: Axes, x: float, y: float, text: str, *, width: float = 2.6, strong: bool = False) -> None:
    draw_box(axes, x - width / 2, y - 0.22, width, 0.44, text, strong=strong, fontsize=10.5)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, bend: float = 0.0, width: float = 1.0) -> None:
    draw_arrow(axes, start, end, bend=bend, linewidth=width, shrinkA=0, shrinkB=0)


def draw_paths() -> tuple[Figure, str]:
    """Draw how a word's news reaches another one, with recurrence and with attention; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 2.7))
        chain, direct = figure.subplots(1, 2)
        for axes, title in ((chain, "recurrence: step after step"), (direct, "attention: one step")):
            axes.axis("off")
            axes.set(xlim=(-0.6, 5.6), ylim=(-0.35, 2.0))
            axes.set_title(title, fontsize=12, fontweight="bold")
            for i, word in enumerate(WORDS):
                axes.text(i, -0.2, word, ha="center", va="center", fontsize=12, fontweight="bold" if i in (1, 5) else None)
        for i in range(len(WORDS)):
            chain.plot(i, 0.9, marker="o", markersize=15, markerfacecolor=PALE if i else "white", color=INK)
            _arrow(chain, (i, 0.0), (i, 0.7))
            if i:
                _arrow(chain, (i - 0.83, 0.9), (i - 0.17, 0.9), width=2.2 if i > 1 else 1.0)
        direct.plot(5, 1.55, marker="o", markersize=15, markerfacecolor=PALE, color=INK)
        for i in range(len(WORDS)):
            _arrow(direct, (i, 0.0), (5 - 0.13 * (i < 5), 1.4), width=2.2 if i == 1 else 1.0)
        chain.text(3.5, 1.35, "4 steps from boy to runs", ha="center", fontsize=11, style="italic")
        direct.text(1.6, 1.55, "runs sees boy as it sees Tom", ha="center", fontsize=11, style="italic")
    return figure, PATHS_ALT


def draw_curves(
    panels: Mapping[str, Mapping[str, Mapping[float, float]]], xlabel: str, *, log_x: bool = False, log_y: bool = False
) -> tuple[Figure, str]:
    """Draw up to three named curves (x -> y) in each titled panel; return the figure and its alt text.

    Example: draw_curves({"gradient": {"GRU": {1: 0.5, 2: 0.25}}}, "distance", log_y=True).
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.4 * len(panels), 3.3))
        for axes, (title, curves) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
            for (name, curve), style in zip(curves.items(), LINES, strict=False):
                axes.plot(list(curve), list(curve.values()), label=name, **style)
            axes.set(xlabel=xlabel, title=title, xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
            if not log_y:
                axes.set_ylim(bottom=0)
            if log_x:
                axes.set_xticks(list(curve), [f"{x:g}" for x in curve], minor=False)
                axes.minorticks_off()
            axes.legend(frameon=False)
    return figure, "Curves. " + " ".join(
        f"{title}: " + "; ".join(f"{name} from {_ends(curve)}" for name, curve in curves.items()) + "."
        for title, curves in panels.items()
    )


def _ends(curve: Mapping[float, float]) -> str:
    first, last = min(curve), max(curve)
    return f"{curve[first]:.2g} at {first:g} to {curve[last]:.2g} at {last:g}"


def draw_waves(positions: Tensor) -> tuple[Figure, str]:
    """Draw the numbers of each position as a row of greys, -1 white to 1 black; return the figure and its alt text."""
    n, d = positions.shape
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(9, 3.4))
        axes = figure.subplots()
        image = axes.imshow(positions.numpy(), cmap="Greys", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        axes.set(xlabel="column: sine and cosine of each rate, fast on the left, slow on the right", ylabel="position")
        figure.colorbar(image, ax=axes, ticks=[-1, 0, 1])
    alt = (
        f"{n} positions, a row each, in {d} columns. On the left the grey changes from row to row, further right more and more "
        "slowly, on the far right hardly at all."
    )
    return figure, alt


def draw_encoder_decoder() -> tuple[Figure, str]:
    """Draw the encoder-decoder from the bottom up; return the figure and its alt text."""
    sides = (
        (0.0, "English words + positions", ("self-attention", "feed-forward"), "encoder: 2 blocks"),
        (5.0, "Chinese words so far + positions", ("masked self-attention", "cross-attention", "feed-forward"),
         "decoder: 2 blocks"),
    )  # fmt: skip
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.4))
        axes = figure.subplots()
        axes.axis("off")
        axes.set(xlim=(-2.3, 7.4), ylim=(-0.3, 4.7))
        for x, bottom, parts, title in sides:
            _box(axes, x, 0.0, bottom, width=3.6)
            _arrow(axes, (x - 1.75, 0.22), (x - 1.75, 3.6), width=2.2)
            for i, part in enumerate(parts):
                y = 1.0 + i if len(parts) == 3 else 1.0 + 2 * i
                _box(axes, x, y, part, strong="attention" in part)
                _arrow(axes, (x - 1.75, y - 0.42), (x - 1.32, y - 0.12))
                _arrow(axes, (x - 1.32, y + 0.12), (x - 1.75, y + 0.38))
            axes.text(x - 0.1, 4.5, title, ha="center", va="center", fontsize=12, fontweight="bold")
            axes.text(x - 2.0, 1.9, "stream", rotation=90, ha="center", va="center", fontsize=10, style="italic")
        axes.text(-1.75, 3.78, "a note on each word", ha="left", va="center", fontsize=10.5)
        axes.text(3.25, 3.78, "logits of the next word", ha="left", va="center", fontsize=10.5)
        _arrow(axes, (0.75, 3.78), (3.66, 2.08), bend=-0.25, width=2.2)
        axes.text(2.15, 3.0, "keys and values", ha="center", va="center", fontsize=10)
    return figure, ENCODER_DECODER_ALT
