"""Which word translates which: the links of a sentence pair, and where a model looks, with the Chinese also in pinyin."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from ...reports.plots import INK
from ...tinyworld.translation import SentencePair
from ..figures import chinese_style
from ..safe_text import safe_label
from .pinyin import PINYIN, pinyin

SHADES = LinearSegmentedColormap.from_list("quiet", ["white", "0.25"])
WRITTEN = 0.1
"""Smaller weights are drawn but not written in."""
END = "(end)"


def draw_links(pair: SentencePair) -> tuple[Figure, str]:
    """Draw a sentence pair as two rows of words, a line from each Chinese word to what it translates; return it and its words."""
    english, chinese = pair.english.split(), pair.chinese.split()
    with mpl.rc_context(chinese_style()):
        figure = Figure(figsize=(10, 2.4))
        axes = figure.subplots()
        axes.axis("off")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.35, 1.25))
        above, below = _places(len(english)), _places(len(chinese))
        for i, j in pair.alignment:
            axes.plot([below[i], above[j]], [0.12, 0.88], color=INK, linewidth=1.1)
        for x, word in zip(above, english, strict=True):
            axes.text(x, 1.0, safe_label(word), ha="center", va="center", fontsize=13)
        for x, word in zip(below, chinese, strict=True):
            axes.text(x, -0.02, word, ha="center", va="center", fontsize=14)
            axes.text(x, -0.22, PINYIN.get(word, word), ha="center", va="center", fontsize=10)
    described = (f"{PINYIN.get(chinese[i], chinese[i])} translates {english[j]}" for i, j in pair.alignment)
    return figure, f"Above: {pair.english}. Below: {pair.chinese} ({pinyin(pair.chinese)}). Lines: {'; '.join(described)}."


def _places(n: int) -> list[float]:
    return [(i + 0.5) / n for i in range(n)]


def draw_alignment(
    english: Sequence[str], chinese: Sequence[str], panels: Mapping[str, Tensor], columns: int = 3
) -> tuple[Figure, str]:
    """Draw where a model looked as shades of grey: one row per Chinese word to write, one column per English word.

    Shapes: each panel's weights (T, S), rows summing to 1; T may be one more than the Chinese words, for the end.
    Returns the figure and its alt text: for each panel and each Chinese word, what it looked at most.
    """
    columns = min(columns, len(panels))
    n_rows = -(-len(panels) // columns)
    width = 1.7 + 0.62 * len(english)
    height = 1.5 + 0.36 * max(len(weights) for weights in panels.values())
    described = []
    with mpl.rc_context(chinese_style() | {"axes.grid": False}):
        figure = Figure(figsize=(width * columns, height * n_rows))
        grid = list(figure.subplots(n_rows, columns, squeeze=False).flat)
        for axes, (title, weights) in zip(grid, panels.items(), strict=False):
            words = [*chinese, END][: len(weights)]
            _draw_weights(axes, english, words, weights, title)
            described.append(f"{title}: {_in_words(english, words, weights)}")
        for axes in grid[len(panels) :]:
            axes.axis("off")
    return figure, f"Where the model looks when it writes each word. {'. '.join(described)}."


def _draw_weights(axes: Axes, english: Sequence[str], words: Sequence[str], weights: Tensor, title: str) -> None:
    axes.imshow(weights.tolist(), cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for i, row in enumerate(weights.tolist()):
        for j, weight in enumerate(row):
            if weight >= WRITTEN:
                color = "white" if weight > 0.7 else INK
                axes.text(j, i, f"{weight:.1f}", ha="center", va="center", color=color, fontsize=10)
    labels = [f"{PINYIN[word]}  {word}" if word in PINYIN else safe_label(word) for word in words]
    axes.set(yticks=range(len(words)), yticklabels=labels)
    axes.set_xticks(range(len(english)), [safe_label(word) for word in english], rotation=45, ha="left", rotation_mode="anchor")
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    axes.set_xlabel(title, fontsize=12)


def _in_words(english: Sequence[str], words: Sequence[str], weights: Tensor) -> str:
    best = weights.max(-1)
    return ", ".join(
        f"{PINYIN.get(word, word)} at {english[j]} {share:.2f}"
        for word, j, share in zip(words, best.indices.tolist(), best.values.tolist(), strict=True)
    )
