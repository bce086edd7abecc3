"""Figures of the lessons: drawn by code, read without colour, each with words for those who cannot see it."""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import matplotlib as mpl
import noto_cjk_sans_otc
from IPython.display import HTML, display
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from ..reports.markdown import NAMES
from ..reports.plots import FIRST, INK, PALE, SECOND, STYLE
from .safe_text import safe_html, safe_label, visible_marks

STAGES = (
    ("0  Pretraining", "many texts of every kind", "base model", "continues\na text"),
    ("1  Supervised\nfine-tuning (SFT)", "prompts, each with\nan answer by a person", "SFT model", "copies such\nanswers"),
    ("2  Reward model", "several answers per prompt,\nranked by people", "reward model", "gives an answer\na score"),
    ("3  Reinforcement\nlearning (PPO)", "prompts alone;\nthe score judges", "PPO, PPO-ptx", "seeks answers\nthat score high"),
)
"""Name of each stage, what it learns from, the model it makes, what that model does."""
STAGES_ALT = (
    "The four stages from left to right. 0, pretraining: many texts make the base model, which continues a text. "
    "1, supervised fine-tuning: prompts with answers written by people make the SFT model, which starts as the base model "
    "and copies such answers. 2, reward model: answers ranked by people teach a model that starts as the SFT model to give an "
    "answer a score. 3, reinforcement learning: the SFT model goes on learning from prompts alone, and seeks answers that score "
    "high. With some pretraining text mixed in, stage 3 is called PPO-ptx."
)
STEP = 2.65
"""From one stage to the next in the figure; a box is 2 wide."""
THIRD = {"color": "0.45", "linestyle": "-.", "marker": "^"}
LINES = (FIRST, SECOND, THIRD)
"""Styles of up to three lines, told apart by dash and marker."""
CHINESE_FONT = "Noto Sans CJK SC"
EVENTS = (
    (2020 + 6 / 12, "2020-07", "davinci:\nGPT-3 to use"),
    (2021 + 6 / 12, "2021-07", "Codex:\ntrained on code"),
    (2022 + 2 / 12, "2022-03", "InstructGPT\npaper"),
    (2022 + 4.5 / 12, "2022-05/06", "text-davinci-002:\nsupervised tuning"),
    (2022 + 10 / 12, "2022-11", "text-davinci-003\nand ChatGPT: RLHF"),
)
"""Place on the axis in years, date, what came out."""


def chinese_style() -> dict[str, Any]:
    """Return the style of figures that hold Chinese text: STYLE with a font for it, which comes with the course."""
    if not any(font.name == CHINESE_FONT for font in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(noto_cjk_sans_otc.FONT_PATH)
    return STYLE | {"font.family": [CHINESE_FONT, "DejaVu Sans"], "axes.unicode_minus": False}


def show(figure: Figure, alt: str) -> None:
    """Display a figure as a picture with its alt text, and the same words folded below.

    JupyterLab does not read alt texts of pictures (some converters do), so that screen readers need the words below.
    """
    alt = visible_marks(alt)
    display({"image/png": as_png(figure), "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})
    show_words(alt)


def as_png(figure: Figure) -> str:
    """Write a figure as PNG in base 64, the form in which notebooks store pictures; few shades keep lessons small."""
    drawn, buffer = BytesIO(), BytesIO()
    shades = 64 if any(axes.images for axes in figure.axes) else 24  # lines, bars and bands need fewer than pictures
    figure.savefig(drawn, format="png", dpi=110)
    Image.open(drawn).convert("RGB").quantize(shades).save(buffer, format="png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def show_words(alt: str) -> None:
    """Display a figure's words, folded."""
    display(HTML(f"<details><summary>The figure in words</summary>{safe_html(alt)}</details>"))


def draw_box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str, *, strong: bool = False, fontsize: float = 10,
    linewidth: float | None = None, rounding: float = 0.06, dashed: bool = False,
) -> None:  # fmt: skip
    """Draw a box from its lower left corner with a text in its middle; a strong one is shaded, and its frame thicker."""
    style = {"facecolor": PALE if strong else "white", "edgecolor": INK, "linestyle": "--" if dashed else "-"}
    style["linewidth"] = linewidth or (1.6 if strong else 0.9)
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=f"round,pad=0.02,rounding_size={rounding}", **style))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=fontsize)


def draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, bend: float = 0.0, **style: Any) -> None:
    """Draw an arrow; `style` are further `arrowprops` of matplotlib."""
    curve = {"connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, **curve, **style})


def draw_stages() -> tuple[Figure, str]:
    """Draw the four stages of the recipe; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.3))
        axes = figure.subplots()
        axes.set(xlim=(-0.1, 3 * STEP + 2.1), ylim=(-0.55, 3.5))
        axes.axis("off")
        for i, (stage, data, model, does) in enumerate(STAGES):
            x = STEP * i
            axes.text(x + 1, 3.4, stage, ha="center", va="top", fontsize=11, fontweight="bold")
            draw_box(axes, x, 1.85, 2, 0.75, data)
            draw_arrow(axes, (x + 1, 1.8), (x + 1, 1.4))
            draw_box(axes, x, 0.8, 2, 0.55, model, strong=True)
            axes.text(x + 1, 0.68, does, ha="center", va="top", fontsize=10, style="italic")
        for i, meaning in enumerate(("starts\nas", "starts\nas", "gives\nscores")):
            draw_arrow(axes, (STEP * i + 2.04, 1.07), (STEP * i + STEP - 0.04, 1.07))
            axes.text(STEP * i + (2 + STEP) / 2, 1.13, meaning, ha="center", va="bottom", fontsize=9)
        draw_arrow(axes, (STEP + 1, 0.1), (3 * STEP + 1, 0.1), bend=0.13)  # PPO starts as the SFT model, not as the reward model
        axes.text(2 * STEP + 1, -0.33, "starts as", ha="center", va="top", fontsize=9)
    return figure, STAGES_ALT


def draw_timeline() -> tuple[Figure, str]:
    """Draw what came out between GPT-3 and ChatGPT; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 2.7))
        axes = figure.subplots()
        axes.axis("off")
        axes.set(xlim=(2020.2, 2023.25), ylim=(-1.3, 1.3))
        axes.axhline(0, color=INK, linewidth=1.2)
        for i, (year, date, what) in enumerate(EVENTS):
            side = 1 if i % 2 == 0 else -1
            axes.plot([year, year], [0, 0.45 * side], color=INK, linewidth=0.9)
            axes.plot(year, 0, marker="o", color=INK)
            axes.text(year, 0.55 * side, f"{date}\n{what}", ha="center", va="bottom" if side > 0 else "top", fontsize=10)
    alt = "Timeline: " + "; ".join(f"{date} {what}" for _, date, what in EVENTS).replace("\n", " ") + "."
    return figure, alt


def draw_bars(panels: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw a panel of horizontal bars, a number beside each, for each title; return the figure and its alt text.

    Models are called as in reports: sft is written SFT.

    Example: draw_bars({"gold score": {"base": -0.1, "sft": 0.4}}).
    """
    panels = {title: {NAMES.get(name, name): value for name, value in values.items()} for title, values in panels.items()}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8 * len(panels), 2.6))
        for axes, (title, values) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
            bars = axes.barh(range(len(values)), list(values.values()), height=0.6, color=PALE, edgecolor=INK)
            axes.bar_label(bars, [f"{value:.2f}" for value in values.values()], padding=4)
            axes.set(xlabel=title, yticks=range(len(values)), yticklabels=[safe_label(name) for name in values])
            axes.invert_yaxis()
            axes.axvline(0, color=INK, linewidth=0.9)
            axes.margins(x=0.22)
            axes.grid(axis="y", visible=False)
    described = (
        f"{title}: " + ", ".join(f"{name} {value:.2f}" for name, value in values.items()) for title, values in panels.items()
    )
    return figure, f"Bars. {'; '.join(described)}."


def draw_heatmap(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], title: str
) -> tuple[Figure, str]:
    """Draw a table as shades of grey with each number written in, zeros left white; return the figure and its alt text.

    Example: draw_heatmap(["the"], ["cat", "dog"], [[2, 0]], "next word").
    """
    largest = max(max(row) for row in values)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(1.6 + 0.62 * len(columns), 1.2 + 0.36 * len(rows)))
        axes = figure.subplots()
        axes.imshow(values, cmap=LinearSegmentedColormap.from_list("quiet", ["white", "0.35"]), vmin=0, aspect="auto")
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                ink = "white" if value > 0.6 * largest else INK
                axes.text(j, i, f"{value:g}" if value else "", ha="center", va="center", color=ink)
        axes.set(xticks=range(len(columns)), yticks=range(len(rows)), yticklabels=[safe_label(row) for row in rows], xlabel=title)
        labels = [safe_label(column) for column in columns]
        axes.set_xticks(range(len(columns)), labels, rotation=45, ha="left", rotation_mode="anchor")
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    described = (
        f"{name}: " + ", ".join(f"{column} {value:g}" for column, value in zip(columns, row, strict=True) if value)
        for name, row in zip(rows, values, strict=True)
        if any(row)
    )
    return figure, f"Table, {title}. {'; '.join(described)}."
