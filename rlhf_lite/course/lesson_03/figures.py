"""Figures of lesson 03: an encoder-decoder with one context and with one for each word, and lines over sentence length."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...reports.plots import FIRST, INK, SECOND, STYLE
from ..figures import chinese_style, draw_arrow, draw_box

READ, WRITTEN = ("Tom", "chase", "Jerry"), ("汤姆", "追逐", "杰瑞")
BEFORE = ("<start>", "汤姆", "追逐")
GAP, SECOND_PART = 1.5, 6.3
"""From box to box, and where the decoder begins."""
ONE_CONTEXT_ALT = (
    "Encoder and decoder. The encoder is a chain of three boxes that read Tom, chase, Jerry, each handing its state to the next; "
    "the last state becomes C. From C an arrow leads to each of the decoder's three boxes, also a chain. They are given <start>, "
    "Tāngmǔ (汤姆) and zhuīzhú (追逐), and write Tāngmǔ (汤姆), zhuīzhú (追逐) and Jiéruì (杰瑞)."
)
ATTENTION_ALT = (
    "The same encoder and decoder with attention. The encoder's three boxes are joined in both directions, and each keeps a "
    "note: h1, h2, h3. Before the third word, Jiéruì (杰瑞), is written, a dashed arrow leads from the decoder's state s2 up to "
    "C3: it asks. Arrows lead from all three notes to C3, with the weights 0.1, 0.1 and 0.8; the one from Jerry's note is thick. "
    "From C3 an arrow leads to s3."
)


def _box(axes: Axes, x: float, y: float, text: str, *, strong: bool = False) -> None:
    draw_box(axes, x - 0.42, y - 0.3, 0.84, 0.6, text, strong=strong, linewidth=1.4, rounding=0.08, fontsize=12)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], width: float = 1.2) -> None:
    draw_arrow(axes, start, end, linewidth=width, shrinkA=0, shrinkB=0)


def _chain(axes: Axes, begin: float, names: Sequence[str], below: Sequence[str], above: Sequence[str] = ()) -> None:
    for i, (name, word) in enumerate(zip(names, below, strict=True)):
        x = begin + GAP * i
        _box(axes, x, 0, name)
        axes.text(x, -1.15, word, ha="center", va="center", fontsize=12)
        _arrow(axes, (x, -0.95), (x, -0.34))
        if i:
            _arrow(axes, (x - GAP + 0.46, 0), (x - 0.46, 0))
        if above:
            axes.text(x, 1.15, above[i], ha="center", va="center", fontsize=13)
            _arrow(axes, (x, 0.34), (x, 0.93))


def _canvas(height: float, top: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(10, height))
    axes = figure.subplots()
    axes.axis("off")
    axes.set(xlim=(-0.6, SECOND_PART + 2 * GAP + 0.85), ylim=(-1.6, top))
    axes.text(GAP, -1.58, "encoder: reads", ha="center", va="bottom", fontsize=11, style="italic")
    axes.text(SECOND_PART + GAP, -1.58, "decoder: writes", ha="center", va="bottom", fontsize=11, style="italic")
    return figure, axes


def draw_one_context() -> tuple[Figure, str]:
    """Draw encoder, one context C, decoder; return the figure and its alt text."""
    with mpl.rc_context(chinese_style()):
        figure, axes = _canvas(3.2, 1.5)
        _chain(axes, 0, ("h₁", "h₂", "h₃"), READ)
        _chain(axes, SECOND_PART, ("s₁", "s₂", "s₃"), BEFORE, WRITTEN)
        middle = (2 * GAP + SECOND_PART) / 2
        _box(axes, middle, 0, "C", strong=True)
        _arrow(axes, (2 * GAP + 0.46, 0), (middle - 0.46, 0), 2.2)
        _arrow(axes, (middle + 0.46, 0), (SECOND_PART - 0.46, 0), 2.2)
        last = SECOND_PART + 2 * GAP - 0.25
        axes.plot([middle, middle, last], [0.32, 0.68, 0.68], color=INK, linewidth=2.2)
        for i in (1, 2):
            _arrow(axes, (SECOND_PART + GAP * i - 0.25, 0.7), (SECOND_PART + GAP * i - 0.25, 0.32), 2.2)
    return figure, ONE_CONTEXT_ALT


def draw_attention() -> tuple[Figure, str]:
    """Draw how a context for one word is mixed from all notes; return the figure and its alt text."""
    with mpl.rc_context(chinese_style()):
        figure, axes = _canvas(4.2, 2.85)
        _chain(axes, 0, ("h₁", "h₂", "h₃"), READ)
        _chain(axes, SECOND_PART, ("s₁", "s₂", "s₃"), BEFORE, WRITTEN)
        middle = (2 * GAP + SECOND_PART) / 2
        _box(axes, middle, 2.4, "C₃", strong=True)
        for i, (weight, width) in enumerate((("0.1", 0.9), ("0.1", 0.9), ("0.8", 4.0))):
            begin, end = (GAP * i, 0.34), (middle + 0.28 * (i - 1), 2.08)
            _arrow(axes, begin, end, width)
            place = [(a + b) / 2 for a, b in zip(begin, end, strict=True)]
            axes.text(*place, weight, ha="center", va="center", fontsize=11, backgroundcolor="white")
        for i in (1, 2):  # the encoder reads backward too
            _arrow(axes, (GAP * i - 0.46, -0.16), (GAP * (i - 1) + 0.46, -0.16))
        asks = {"linewidth": 1.6, "linestyle": "--", "shrinkA": 0, "shrinkB": 0}
        draw_arrow(axes, (SECOND_PART + GAP - 0.3, 0.34), (middle + 0.46, 2.15), bend=0.25, **asks)
        axes.text(middle + 2.55, 2.0, "s₂ asks: which note?", ha="center", va="center", fontsize=11, style="italic")
        side = SECOND_PART + 2 * GAP + 0.75
        axes.plot([middle + 0.44, side, side], [2.4, 2.4, 0], color=INK, linewidth=2.2)
        _arrow(axes, (side, 0), (side - 0.31, 0), 2.2)
    return figure, ATTENTION_ALT


def draw_lines(
    series: Mapping[str, Mapping[float, float]], x_title: str, y_title: str, *, top: float | None = None
) -> tuple[Figure, str]:
    """Draw one or two lines, told apart by dash and marker; return the figure and its alt text.

    Example: draw_lines({"one context C": {3: 0.9, 12: 0.3}}, "words", "share right", top=1).
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.6))
        axes = figure.subplots()
        for (name, points), style in zip(series.items(), (FIRST, SECOND), strict=False):
            many = {"marker": ""} if len(points) > 30 else {}
            axes.plot(list(points), list(points.values()), label=name, linewidth=1.8, **style | many)
        axes.set(xlabel=x_title, ylabel=y_title, ylim=(-0.03 * (top or 0), top and 1.05 * top) if top else (0, None))
        if len(series) > 1:
            axes.legend(frameon=False)
    described = []
    for name, points in series.items():
        shown = list(points.items())[:: max(1, len(points) // 8)]
        described.append(f"{name}: " + ", ".join(f"{x:g} {y:.2f}" for x, y in shown))
    return figure, f"Lines, {y_title} against {x_title}. {'; '.join(described)}."
