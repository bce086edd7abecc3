"""Figures of lesson 02: a text cut after more and more merges, and bits per byte by text read and by computation."""

import unicodedata
from collections.abc import Sequence
from itertools import islice

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...bpe import BytePairEncoder, readable
from ...evaluate import mean_interval
from ...reports.plots import INK, SECOND, STYLE
from ..figures import THIRD, chinese_style
from ..safe_text import safe_label
from .tokenizer_study import MERGES, Reading

GAP = 0.45
"""Between two tokens, in widths of a letter."""
LINES = (
    {"color": INK, "linestyle": ":", "marker": "o"},
    THIRD,
    SECOND,
    {"color": INK, "linestyle": "-", "marker": "D"},
)
"""Told apart by dash and marker, not by colour."""
TICKS = (0.4, 0.5, 0.7, 1, 1.5, 2, 3)
"""Bits per byte that are written at the axis."""
BUDGETS = (("bytes_read", 1e6, "text read (megabytes)"), ("flops", 1e12, "computation (10¹² FLOPs)"))


def name_of(merges: int) -> str:
    """Name a tokenizer by its number of merges."""
    return f"{merges:,} merges" if merges else "bytes"


def letters_wide(text: str) -> int:
    """Return the width of a text in letters; a Chinese character is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def after_merges(encoder: BytePairEncoder, n_merges: int) -> BytePairEncoder:
    """Return the encoder as it was after its first merges."""
    return BytePairEncoder(islice(encoder.merges, n_merges))


def draw_cuts(encoder: BytePairEncoder, text: str, stages: Sequence[int]) -> tuple[Figure, str]:
    """Draw a text's tokens after each number of merges, one row per stage; return the figure and its alt text."""
    rows = []
    for n_merges in stages:
        earlier = after_merges(encoder, n_merges)
        rows.append([readable(earlier.pieces[i]) for i in earlier.encode(text)])
    with mpl.rc_context(chinese_style()):
        figure = Figure(figsize=(11, 0.5 + 0.48 * len(rows)))
        axes = figure.subplots()
        for y, row in enumerate(rows):
            _draw_row(axes, y, row)
        widest = max(sum(letters_wide(piece) + GAP for piece in row) for row in rows)
        names = [f"{name_of(n)}: {len(row)} tokens" for n, row in zip(stages, rows, strict=True)]
        axes.set(xlim=(-0.3, widest), ylim=(len(rows) - 0.4, -0.6), xticks=[], yticks=range(len(rows)), yticklabels=names)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
    described = "; ".join(f"{name}: {' | '.join(row)}" for name, row in zip(names, rows, strict=True))
    return figure, f"A text cut into tokens after more and more merges, a dot for each space. {described}."


def _draw_row(axes: Axes, y: int, row: Sequence[str]) -> None:
    """Draw the tokens of one row as boxes, every second one shaded."""
    x = 0.0
    for place, piece in enumerate(row):
        width = letters_wide(piece)
        shade = "0.86" if place % 2 else "white"
        axes.add_patch(Rectangle((x, y - 0.36), width, 0.72, facecolor=shade, edgecolor=INK, linewidth=0.8))
        axes.text(x + width / 2, y, safe_label(piece), ha="center", va="center", fontsize=10)
        x += width + GAP


def draw_budgets(seeds: Sequence[Sequence[Reading]]) -> tuple[Figure, str]:
    """Draw bits per byte against text read and against computation, one line per tokenizer with 95 % intervals over seeds."""
    described = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 4.2))
        panels = figure.subplots(1, 2, sharey=True)
        for merges, line in zip(MERGES, LINES, strict=True):
            runs = [[reading for reading in readings if reading.merges == merges] for readings in seeds]
            moments = list(zip(*runs, strict=True))  # each: one reading per seed
            spans = [mean_interval([reading.bits_per_byte for reading in moment]) for moment in moments]
            means, lows, highs = zip(*spans, strict=True)
            for axes, (field, unit, _) in zip(panels, BUDGETS, strict=True):
                x = [sum(getattr(reading, field) for reading in moment) / len(moment) / unit for moment in moments]
                axes.fill_between(x, lows, highs, color="0.85", linewidth=0)
                axes.plot(x, means, label=name_of(merges), **line)
            described.append(f"{name_of(merges)} from {means[0]:.2f} to {means[-1]:.2f} with {x[-1]:.1f} × 10¹² FLOPs")
        for axes, (_, _, label) in zip(panels, BUDGETS, strict=True):
            axes.set(xlabel=label, xlim=(0, None), yscale="log")
            axes.set_yticks(TICKS, [str(tick) for tick in TICKS])
            axes.minorticks_off()
        panels[0].set_ylabel("bits per byte, unseen documents")
        panels[0].legend(frameon=False)
    read = sum(run[-1].bytes_read for run in seeds) / len(seeds) / 1e6
    return figure, f"Bits per byte, mean of {len(seeds)} seeds, up to {read:.1f} megabytes of text read: {'; '.join(described)}."
