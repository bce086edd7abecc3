"""Figures of lesson 09: which tokens count, what each costs, measurements over epochs and seeds, a head that is replaced."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from ...evaluate import mean_interval
from ...reports.plots import INK, PALE, STYLE
from ..figures import LINES, draw_arrow
from ..safe_text import safe_label

Curves = Mapping[str, Mapping[float, Sequence[float]]]
"""Name of a line -> epoch -> one value per seed."""


def draw_masks(tokens: Sequence[str], masks: Mapping[str, Sequence[bool]], n_prompt: int) -> tuple[Figure, str]:
    """Draw the tokens of one row of a batch once for each mask, those that count shaded; return figure and alt text.

    Example: draw_masks(["Hi", "there", "end"], {"right": [False, True, True]}, n_prompt=1).
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 0.85 + 0.62 * len(masks)))
        axes = figure.subplots()
        axes.axis("off")
        axes.set(xlim=(-3.4, len(tokens)), ylim=(len(masks) + 0.05, -0.75))
        for row, (title, mask) in enumerate(masks.items()):
            axes.text(-0.2, row + 0.45, title, ha="right", va="center")
            for place, (token, counts) in enumerate(zip(tokens, mask, strict=True)):
                _cell(axes, place, row, token, counts)
        for text, left, right in (("prompt", 0, n_prompt), ("answer", n_prompt, len(tokens))):
            axes.annotate("", (left + 0.05, -0.2), (right - 0.05, -0.2), arrowprops={"arrowstyle": "|-|,widthA=0.2,widthB=0.2"})
            axes.text((left + right) / 2, -0.3, text, ha="center", va="bottom", fontweight="bold")
    described = (
        f"{title}: " + (" ".join(token for token, counts in zip(tokens, mask, strict=True) if counts) or "nothing")
        for title, mask in masks.items()
    )
    return figure, f"Tokens {' '.join(tokens)}; the first {n_prompt} are the prompt. Counted, {'; '.join(described)}."


def _cell(axes: Axes, x: float, y: float, text: str, counts: bool) -> None:
    look = {"facecolor": PALE if counts else "white", "edgecolor": INK, "linewidth": 1.8 if counts else 0.6}
    axes.add_patch(Rectangle((x + 0.04, y + 0.08), 0.92, 0.74, **look))
    axes.text(x + 0.5, y + 0.45, safe_label(text), ha="center", va="center", fontsize=8.5 if len(text) < 7 else 6.5)


def draw_token_surprises(
    tokens: Sequence[str], counts: Sequence[bool], surprises: Mapping[str, Sequence[float]]
) -> tuple[Figure, str]:
    """Draw each token's surprise under each model; tokens that do not count stand on white, those that do on a shaded ground.

    Shapes: T tokens and counts, T - 1 surprises per model, since nothing predicts the first token.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.2))
        axes = figure.subplots()
        first = list(counts).index(True)
        axes.axvspan(first - 0.5, len(tokens) - 0.5, color="0.93", zorder=0)
        for (name, values), line in zip(surprises.items(), LINES, strict=False):
            axes.plot(range(1, len(tokens)), list(values), label=name, **line)
        axes.set(ylabel="surprise (nats)", ylim=(0, None), xlim=(-0.5, len(tokens) - 0.5))
        labels = [safe_label(token) for token in tokens]
        axes.set_xticks(range(len(tokens)), labels, rotation=50, ha="right", rotation_mode="anchor", fontsize=10)
        axes.text(
            len(tokens) - 0.6, 0.97, "these count", transform=axes.get_xaxis_transform(), ha="right", va="top", style="italic"
        )
        axes.legend(loc="upper left")
    described = (
        f"{name}: " + ", ".join(f"{token} {value:.1f}" for token, value in zip(tokens[1:], values, strict=True))
        for name, values in surprises.items()
    )
    return figure, f"Surprise in nats at each token; those from {tokens[first]} on count. {'; '.join(described)}."


def draw_over_epochs(panels: Mapping[str, Curves]) -> tuple[Figure, str]:
    """Draw curves over epochs, one panel per title: the mean over seeds, shaded its 95 % interval, thin one line per seed."""
    with mpl.rc_context(STYLE):
        figure, described = Figure(figsize=(5.5 * len(panels), 3.5)), []
        for axes, (title, curves) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
            for (name, points), line in zip(curves.items(), LINES, strict=False):
                epochs, intervals = list(points), [mean_interval(values) for values in points.values()]
                means, lows, highs = zip(*intervals, strict=True)
                axes.plot(epochs, means, label=name, **line)
                if len(next(iter(points.values()))) > 1:
                    axes.fill_between(epochs, lows, highs, color=line["color"], alpha=0.1, linewidth=0)
                    axes.plot(epochs, list(points.values()), color=line["color"], linestyle=line["linestyle"], linewidth=0.5)
                described.append(f"{title}, {name}: " + ", ".join(f"{e:g} {m:.2f}" for e, m in zip(epochs, means, strict=True)))
            axes.set(xscale="log", xlabel="epochs", ylabel=title)
            axes.set_xticks(epochs, [f"{epoch:g}" for epoch in epochs])
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.minorticks_off()
            if len(curves) > 1:
                axes.legend()
    return figure, f"Means over seeds by epoch. {'; '.join(described)}."


def draw_intervals(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> tuple[Figure, str]:
    """Draw a panel per title: one row per name, one ring per seed, and the mean with its 95 % interval as a bar and a line."""
    with mpl.rc_context(STYLE):
        rows = max(len(values) for values in panels.values())
        figure, described = Figure(figsize=(5.5 * len(panels), 0.9 + 0.48 * rows)), []
        for axes, (title, values) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True):
            for row, (_, seeds) in enumerate(values.items()):
                mean, low, high = mean_interval(seeds)
                axes.plot([low, high], [row, row], color=INK, linewidth=1.4)
                axes.plot(mean, row, marker="|", markersize=18, markeredgewidth=2.5, color=INK)
                axes.plot(seeds, [row] * len(seeds), linestyle="none", marker="o", markerfacecolor="none", markeredgecolor="0.4")
            axes.set(xlabel=title, yticks=range(len(values)), yticklabels=list(values), ylim=(len(values) - 0.5, -0.5))
            means = {name: mean_interval(seeds) for name, seeds in values.items()}
            shown = ", ".join(f"{name} {m:.2f} ({low:.2f} to {high:.2f})" for name, (m, low, high) in means.items())
            described.append(f"{title}: {shown}")
    return figure, f"Means with 95 % intervals over seeds. {'; '.join(described)}."


HEADS = (
    ("language model", "head: 1,024 numbers,\none per token", "what comes next?", False),
    ("classifier", "new head: 1 number", "praise or blame?", True),
    ("reward model", "new head: 1 number", "how good is the answer?", True),
)
"""Name of the model, its head, the question that the head answers, whether the head is new."""


def draw_replaced_head() -> tuple[Figure, str]:
    """Draw three models with the same body and different heads; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.3))
        axes = figure.subplots()
        axes.axis("off")
        axes.set(xlim=(-0.2, 9.4), ylim=(-0.5, 3.3))
        for i, (name, head, question, new) in enumerate(HEADS):
            x = 3.3 * i
            for y, height, text, fill in ((0, 1.1, "body: embedding\nand blocks", PALE), (1.35, 0.8, head, "white")):
                axes.add_patch(Rectangle((x, y), 2.6, height, facecolor=fill, edgecolor=INK, linewidth=1.0,
                                         linestyle="--" if new and fill == "white" else "-"))  # fmt: skip
                axes.text(x + 1.3, y + height / 2, text, ha="center", va="center")
            axes.text(x + 1.3, 2.3, question, ha="center", va="bottom", style="italic")
            axes.text(x + 1.3, 2.85, name, ha="center", va="bottom", fontweight="bold")
            axes.text(x + 1.3, -0.12, "text goes in", ha="center", va="top", fontsize=10)
            if i:
                draw_arrow(axes, (x - 0.64, 0.55), (x - 0.06, 0.55))
                axes.text(x - 0.35, 0.7, "kept", ha="center", va="bottom", fontsize=10)
    described = "; ".join(f"{name}: {head}, which asks {question}".replace("\n", " ") for name, head, question, _ in HEADS)
    return figure, f"Three models with the same body, which is kept from left to right. Only the head on top differs. {described}"
