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
from .languages import language, tr
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
    (0.0, "2020-07", "davinci\nGPT-3\n+ language, knowledge,\nlearning from examples"),
    (1.0, "2021-07", "code-cushman-001\nCodex, 12B\n+ writing programs"),
    (1.0, "2022-03", "text-davinci-001\nInstructGPT's stage 1\n+ following instructions"),
    (2.0, "2022-04", "code-davinci-002\n+ programs, and probably\nlong chains of reasoning"),
    (3.0, "2022-05/06", "text-davinci-002\n+ following instructions\n\u2212 some learning from\nexamples"),
    (4.0, "2022-11", "text-davinci-003\n+ some of that again,\nneutral, detailed answers"),
    (4.0, "2022-11", "ChatGPT\n+ memory of a dialogue\n\u2212 most learning from\nexamples"),
)
"""Column in the family tree, date, and what came out: its name, then what it gained and what it lost."""
HEIGHTS = (0.0, 1.0, -1.0, 1.0, 0.0, 1.0, -1.0)
PARENTS = ((0, 1, "code"), (0, 2, "supervised"), (0, 3, ""), (3, 4, "supervised"), (4, 5, "RLHF"), (4, 6, "RLHF on dialogues"))
"""Places in EVENTS of parent and child, and how the one was made from the other; Codex stands on the way to code-davinci-002."""


def chinese_style() -> dict[str, Any]:
    """Return the style of figures that hold Chinese text: STYLE with a font for it, which comes with the course."""
    if not any(font.name == CHINESE_FONT for font in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(noto_cjk_sans_otc.FONT_PATH)
    return STYLE | {"font.family": [CHINESE_FONT, "DejaVu Sans"], "axes.unicode_minus": False}


def figure_style() -> dict[str, Any]:
    """Return the style of figures in the language in force."""
    return chinese_style() if language() == "zh" else STYLE


def heading_weight() -> str:
    """Return the weight of headings in figures: the Chinese font has one weight."""
    return "normal" if language() == "zh" else "bold"


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
    display(HTML(f"<details><summary>{tr('The figure in words')}</summary>{safe_html(alt)}</details>"))


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
    with mpl.rc_context(figure_style()):
        figure = Figure(figsize=(10, 4.3))
        axes = figure.subplots()
        axes.set(xlim=(-0.1, 3 * STEP + 2.1), ylim=(-0.55, 3.5))
        axes.axis("off")
        for i, texts in enumerate(STAGES):
            stage, data, model, does = map(tr, texts)
            x = STEP * i
            axes.text(x + 1, 3.4, stage, ha="center", va="top", fontsize=11, fontweight=heading_weight())
            draw_box(axes, x, 1.85, 2, 0.75, data)
            draw_arrow(axes, (x + 1, 1.8), (x + 1, 1.4))
            draw_box(axes, x, 0.8, 2, 0.55, model, strong=True)
            axes.text(x + 1, 0.68, does, ha="center", va="top", fontsize=10, style="italic")
        for i, meaning in enumerate(("starts\nas", "starts\nas", "gives\nscores")):
            draw_arrow(axes, (STEP * i + 2.04, 1.07), (STEP * i + STEP - 0.04, 1.07))
            axes.text(STEP * i + (2 + STEP) / 2, 1.13, tr(meaning), ha="center", va="bottom", fontsize=9)
        draw_arrow(axes, (STEP + 1, 0.1), (3 * STEP + 1, 0.1), bend=0.13)  # PPO starts as the SFT model, not as the reward model
        axes.text(2 * STEP + 1, -0.33, tr("starts as"), ha="center", va="top", fontsize=9)
    return figure, tr(STAGES_ALT)


def draw_timeline() -> tuple[Figure, str]:
    """Draw the family tree from GPT-3 to ChatGPT, oldest on the left; return the figure and its alt text."""
    with mpl.rc_context(figure_style()):
        figure = Figure(figsize=(11, 4.6))
        axes = figure.subplots()
        axes.axis("off")
        axes.set(xlim=(-0.5, 4.5), ylim=(-1.55, 1.6))
        for (column, date, what), height in zip(EVENTS, HEIGHTS, strict=True):
            name, _, more = tr(what).partition("\n")
            draw_box(axes, column - 0.4, height - 0.4, 0.8, 0.76, "", strong=name == "ChatGPT", linewidth=1.2)
            axes.text(column, height + 0.4, date, ha="center", va="bottom", fontsize=9, style="italic")
            axes.text(column, height + 0.3, name, ha="center", va="top", fontsize=10, fontweight=heading_weight())
            axes.text(column, height + 0.14, more, ha="center", va="top", fontsize=9, linespacing=1.3)
        for parent, child, how in PARENTS:
            _draw_descent(axes, parent, child, how)
    names = [f"{date} {what.partition(chr(10))[0]}" for _, date, what in EVENTS]
    by = {how: tr(" by {how}", how=tr(how)) if how else "" for *_, how in PARENTS}
    born = [tr("{child} from {parent}{by}", child=names[child], parent=names[old], by=by[how]) for old, child, how in PARENTS]
    lines = "; ".join(f"{date} {tr(what)}" for _, date, what in EVENTS)
    told = lines.replace("\n+", tr(", gained")).replace("\n\u2212", tr(", lost")).replace("\n", " ")
    return figure, tr("Family tree. {told}. Descent: {born}.", told=told, born="; ".join(born))


def _draw_descent(axes: Axes, parent: int, child: int, how: str) -> None:
    """Draw an arrow from one event to another, and beside it how the one was made from the other."""
    (x, y), (to_x, to_y) = ((EVENTS[i][0], HEIGHTS[i]) for i in (parent, child))
    start, end = (x + 0.42, y), (to_x - 0.42, to_y)
    if to_x - x > 1:  # below the box between them
        end = (to_x - 0.3, to_y - 0.43)
    draw_arrow(axes, start, end, linewidth=1.2)
    where = {"ha": "right", "va": "bottom"} if to_y > y else {"ha": "right", "va": "top"}
    axes.text((start[0] + end[0]) / 2 - 0.03, (start[1] + end[1]) / 2, tr(how) if how else "", fontsize=9, **where)


def draw_bars(panels: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw a panel of horizontal bars, a number beside each, for each title; return the figure and its alt text.

    Models are called as in reports: sft is written SFT.

    Example: draw_bars({"gold score": {"base": -0.1, "sft": 0.4}}).
    """
    panels = {tr(title): {tr(NAMES.get(name, name)): v for name, v in values.items()} for title, values in panels.items()}
    with mpl.rc_context(figure_style()):
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
    return figure, tr("Bars. {described}.", described="; ".join(described))


def draw_heatmap(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], title: str
) -> tuple[Figure, str]:
    """Draw a table as shades of grey with each number written in, zeros left white; return the figure and its alt text.

    Example: draw_heatmap(["the"], ["cat", "dog"], [[2, 0]], "next word").
    """
    largest = max(max(row) for row in values)
    with mpl.rc_context(figure_style() | {"axes.grid": False}):
        figure = Figure(figsize=(1.6 + 0.62 * len(columns), 1.2 + 0.36 * len(rows)))
        axes = figure.subplots()
        axes.imshow(values, cmap=LinearSegmentedColormap.from_list("quiet", ["white", "0.35"]), vmin=0, aspect="auto")
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                ink = "white" if value > 0.6 * largest else INK
                axes.text(j, i, f"{value:g}" if value else "", ha="center", va="center", color=ink)
        axes.set(xticks=range(len(columns)), yticks=range(len(rows)), yticklabels=[safe_label(row) for row in rows])
        axes.set_xlabel(tr(title))
        labels = [safe_label(column) for column in columns]
        axes.set_xticks(range(len(columns)), labels, rotation=45, ha="left", rotation_mode="anchor")
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    described = (
        f"{name}: " + ", ".join(f"{column} {value:g}" for column, value in zip(columns, row, strict=True) if value)
        for name, row in zip(rows, values, strict=True)
        if any(row)
    )
    return figure, tr("Table, {title}. {described}.", title=tr(title), described="; ".join(described))
