"""Figures of lesson 05: what a GPT leaves out, how it is stacked, what a token can change, how losses fall."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from torch import Tensor

from ...reports.plots import INK, STYLE
from ..figures import chinese_style, draw_arrow, draw_box

STROKES = ("-", "--", "-.", ":")
LEFT_OUT_ALT = (
    "Two models side by side. Left, the encoder-decoder of lesson 04: an encoder reads the source, Tom chase Jerry; a decoder "
    "reads what is written so far, 汤姆 追逐, looks back at it, looks at the encoder by cross-attention, and predicts 杰瑞. "
    "Encoder and cross-attention are drawn with dashed lines: they are left out. Right, a GPT: one decoder reads one text, "
    "Tom chase Jerry = 汤姆 追逐, looks back at all of it, and predicts 杰瑞."
)
LOOK_BACK_ALT = (
    "The text Sam has a hammer . Sam has a, and arrows from its last word back to earlier words; the thicker, the more weight. "
    "Most weight, 0.6, goes to hammer, 0.2 to the first a, little to the others. No arrow points to the right: what comes "
    "there is not yet known."
)
LOOKED_AT = (("Sam", 0.05), ("has", 0.05), ("a", 0.2), ("hammer", 0.6), (".", 0.02), ("Sam", 0.03), ("has", 0.03), ("a", 0.02))
"""Words and made-up weights of the last word's look back."""
STACK = (
    ("token ids", "(B, T)", "one number per token"),
    ("token embedding + position embedding", "(B, T, C)", "which token, and where it stands"),
    ("block 1: look back, then think", "(B, T, C)", "attention, then feed-forward; both are added"),
    ("… block L", "(B, T, C)", "the same again, with other weights"),
    ("final LayerNorm", "(B, T, C)", "a common scale"),
    ("unembedding (= token embedding again)", "(B, T, V)", "a logit for every token, at every place"),
)
"""Part, shape after it, what it is for."""


def _box(axes: Axes, *where_and_what: Any, **how: bool) -> None:
    draw_box(axes, *where_and_what, linewidth=1.2, fontsize=12, **how)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False) -> None:
    draw_arrow(axes, start, end, linestyle="--" if dashed else "-", linewidth=1.3)


def draw_left_out() -> tuple[Figure, str]:
    """Draw an encoder-decoder beside a decoder-only model, what is left out dashed; return the figure and its alt text."""
    with mpl.rc_context(chinese_style()):
        figure = Figure(figsize=(10, 3.3))
        axes = figure.subplots()
        axes.set(xlim=(-0.1, 10.1), ylim=(-0.35, 3.25))
        axes.axis("off")
        for x, title in ((2.4, "encoder-decoder (lesson 04)"), (7.95, "decoder only: GPT")):
            axes.text(x, 3.2, title, ha="center", va="top", fontsize=14)
        _box(axes, 0, 1.0, 1.9, 0.9, "encoder", dashed=True)
        _box(axes, 3.0, 1.0, 1.9, 0.9, "decoder", strong=True)
        _arrow(axes, (1.95, 1.45), (2.95, 1.45), dashed=True)
        axes.text(2.45, 1.52, "cross-\nattention", ha="center", va="bottom", fontsize=10, style="italic")
        _box(axes, 6.3, 1.0, 3.3, 0.9, "decoder", strong=True)
        for x, read in ((0.95, "Tom chase Jerry"), (3.95, "汤姆 追逐"), (7.95, "Tom chase Jerry = 汤姆 追逐")):
            axes.text(x, -0.05, read, ha="center", va="bottom", fontsize=12)
            _arrow(axes, (x, 0.4), (x, 0.95))
        for x in (3.95, 7.95):
            _arrow(axes, (x, 1.95), (x, 2.4))
            axes.text(x, 2.42, "杰瑞", ha="center", va="bottom", fontsize=13)
        axes.text(0.95, -0.32, "dashed = left out", ha="center", va="bottom", fontsize=10, style="italic")
    return figure, LEFT_OUT_ALT


def draw_look_back() -> tuple[Figure, str]:
    """Draw one look back, arrows as thick as their weights; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.1))
        axes = figure.subplots()
        axes.set(xlim=(-0.6, 8.7), ylim=(-0.5, 1.5))
        axes.axis("off")
        last = len(LOOKED_AT) - 1
        for i, (word, weight) in enumerate(LOOKED_AT):
            axes.text(i, 0, word, ha="center", va="center", fontsize=14, fontweight="bold" if i == last else "normal")
            axes.text(i, -0.38, f"{weight:.2f}", ha="center", va="center", fontsize=11)
            if i < last:
                style = {"arrowstyle": "-|>", "mutation_scale": 12, "linewidth": 0.6 + 7 * weight, "color": "0.35"}
                bend = 0.45 - 0.04 * (last - i)
                axes.add_patch(FancyArrowPatch((last, 0.2), (i, 0.2), connectionstyle=f"arc3,rad={bend}", **style))
        axes.text(8.1, 0, "?", ha="center", va="center", fontsize=14)
        axes.text(-0.55, -0.38, "weight", ha="right", va="center", fontsize=11)
        axes.set_xlim(-1.4, 8.6)
    return figure, LOOK_BACK_ALT


def draw_stack() -> tuple[Figure, str]:
    """Draw a GPT from bottom to top, the shape after each part beside it; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.6))
        axes = figure.subplots()
        axes.set(xlim=(-0.1, 10.2), ylim=(-0.1, len(STACK) - 0.2))
        axes.axis("off")
        for i, (part, shape, purpose) in enumerate(STACK):
            _box(axes, 0, i, 4.6, 0.55, part, strong=part.startswith(("block", "…")))
            axes.text(5.0, i + 0.28, shape, va="center", fontsize=12, family="monospace")
            axes.text(6.5, i + 0.28, purpose, va="center", fontsize=11, style="italic")
            if i:
                _arrow(axes, (2.3, i - 0.42), (2.3, i - 0.03))
    described = "; ".join(f"{part}, shape {shape}: {purpose}" for part, shape, purpose in STACK)
    return figure, f"A GPT from bottom to top. B sequences, T positions, C width, V tokens in the vocabulary. {described}."


def draw_changes(panels: Mapping[str, Tensor], words: Sequence[str]) -> tuple[Figure, str]:
    """Draw which logits change when one token does: one row per changed token, one column per place where logits are read.

    Shapes: each panel holds (T, T) bool, [changed, read]; words are the T tokens.

    Returns: the figure and its alt text; dark squares carry an ×.
    """
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(5.4 * len(panels), 4.4))
        for axes, (title, changed) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
            axes.imshow(changed.int().tolist(), cmap=ListedColormap(["white", "0.55"]), vmin=0, vmax=1)
            for i, j in changed.nonzero().tolist():
                axes.text(j, i, "×", ha="center", va="center", color="white", fontsize=13)
            places = range(len(words))
            axes.set(xticks=places, yticks=places, yticklabels=words, ylabel="this token is changed", title=title)
            axes.set_xticks(places, words, rotation=45, ha="right", rotation_mode="anchor")
            axes.set_xticks([i - 0.5 for i in places], minor=True)
            axes.set_yticks([i - 0.5 for i in places], minor=True)
            axes.grid(which="minor", color="0.85")
            axes.tick_params(which="minor", length=0)
            axes.set_xlabel("the logits after this token")
    described = (
        f"{title}: {int(changed.sum())} of {changed.numel()} change, "
        f"{int(changed.tril(-1).sum())} of them before the changed token"
        for title, changed in panels.items()
    )
    return figure, f"Which logits change when one token is changed, an × for each that does. {'; '.join(described)}."


def draw_losses(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], levels: Mapping[str, float] | None = None, *, top: float = 7.2
) -> tuple[Figure, str]:
    """Draw losses against steps, each line with its name, and levels to compare with; return the figure and its alt text.

    Example: draw_losses({"training": ([0, 1], [6.9, 5.0])}, {"bigram": 2.9}).
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4))
        axes = figure.subplots()
        end = max(max(steps) for steps, _ in curves.values())
        for (name, (steps, losses)), stroke in zip(curves.items(), STROKES, strict=False):
            few = len(steps) < 20
            axes.plot(steps, losses, color=INK if few else "0.45", linestyle=stroke, linewidth=2 if few else 1.2,
                      marker="o" if few else None, label=name)  # fmt: skip
        for name, level in (levels or {}).items():
            axes.plot([0, end], [level, level], color=INK, linestyle=(0, (1, 3)), linewidth=1.2)
            axes.text(end * 1.02, level, f"{name} {level:.2f}", va="center", ha="left", fontsize=11, clip_on=False)
        axes.set(xlabel="training step", ylabel="loss (nats per token)", ylim=(0, top), xlim=(0, end * 1.01))
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.6, 0.93))
    described = [
        f"{name} from {losses[0]:.2f} to {losses[-1]:.2f} in {max(steps)} steps" for name, (steps, losses) in curves.items()
    ]
    described += [f"level of {name}: {level:.2f}" for name, level in (levels or {}).items()]
    return figure, f"Losses in nats per token. {'; '.join(described)}."
