"""Figures of lesson 15: what of a dialogue is learnt, and the same question asked in two ways."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from ...evaluate import mean_interval
from ...reports.markdown import NAMES
from ...reports.plots import INK, PALE, SECOND, STYLE
from ...tokenizer import Tokenizer
from ..figures import draw_box
from ..safe_text import safe_label
from .dialogue_training import Messages, encode_dialogue

Pairs = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""For each model, numbers of one way of asking and of another one, one per seed."""
TITLES = {**NAMES, "alone 100": "SFT + single questions", "mixed 100": "SFT + dialogues, mixed",
          "dialogues 100": "SFT + dialogues only"}  # fmt: skip
PER_ROW = 14
"""Tokens in one row of the figure of a dialogue."""


def draw_learnt(messages: Messages, tokenizer: Tokenizer) -> tuple[Figure, str]:
    """Draw the tokens of a dialogue that ends with the assistant's turn; shaded ones are learnt."""
    encoded = encode_dialogue(messages, tokenizer)
    tokens = [f"{token}" for token in tokenizer.tokens(encoded.ids)]
    n_rows = -(-len(tokens) // PER_ROW)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 0.55 * n_rows + 0.2))
        axes = figure.subplots()
        axes.set(xlim=(0, PER_ROW), ylim=(-n_rows, 0.05))
        axes.axis("off")
        for place, (token, learnt) in enumerate(zip(tokens, encoded.mask, strict=True)):
            row, column = divmod(place, PER_ROW)
            draw_box(axes, column + 0.06, -row - 0.85, 0.86, 0.7, safe_label(token), strong=learnt, fontsize=9)
    learnt = [token for token, is_learnt in zip(tokens, encoded.mask, strict=True) if is_learnt]
    alt = f"{len(tokens)} tokens of a dialogue in boxes; {len(learnt)} of them, those of the assistant's turns, are shaded: "
    return figure, alt + " ".join(learnt)


def draw_pairs(panels: Mapping[str, Pairs], ways: tuple[str, str]) -> tuple[Figure, str]:
    """Draw, for each model, means over seeds of two ways of asking, shares or gold, joined by a line.

    Thin lines are 95 % intervals, as far as they lie between 0 and 1.

    Example: draw_pairs({"turn 2": {"sft": ([0.9, 1.0], [0.1, 0.0])}}, ("alone", "within the dialogue")).
    """
    alts = []
    with mpl.rc_context(STYLE):
        n_models = len(next(iter(panels.values())))
        figure = Figure(figsize=(11, 1.5 + 0.36 * n_models))
        all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, pairs) in zip(all_axes, panels.items(), strict=True):
            for row, (model, values) in enumerate(pairs.items()):
                (a, *first), (b, *second) = map(mean_interval, values)
                axes.plot([a, b], [row, row], color="0.6", linewidth=5, alpha=0.6, solid_capstyle="butt", zorder=1)
                axes.plot(a, row, marker="o", markersize=9, color=INK, markerfacecolor="white", linestyle="none", zorder=3,
                          label=ways[0] if row == 0 else None)  # fmt: skip
                axes.plot(b, row, marker="D", markersize=8, color=SECOND["color"], linestyle="none", zorder=3,
                          label=ways[1] if row == 0 else None)  # fmt: skip
                ends = [(max(0.0, low), min(1.0, high)) for low, high in (first, second)]
                axes.hlines([row - 0.22, row + 0.22], *zip(*ends, strict=True), color=[INK, SECOND["color"]], linewidth=1.4)
                name = TITLES.get(model, model)
                alts.append(f"{title}, {name}: {ways[0]} {a:.2f}, {ways[1]} {b:.2f} ({second[0]:.2f} to {second[1]:.2f})")
            axes.set(xlabel=title, yticks=range(len(pairs)), yticklabels=[TITLES.get(model, model) for model in pairs])
            axes.set_xlim(-0.04, 1.04)
            axes.grid(axis="y", visible=False)
        all_axes[0].set_ylim(n_models - 0.6, -0.5)
        figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure, f"Means over seeds. {'; '.join(alts)}."


def draw_shares(title: str, panels: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw bars side by side: for each group on the axis one bar per entry of `panels`, the second one hatched.

    Example: draw_shares("share stopped", {"rule": {"plain": 0.0, "rude": 1.0}, "trained": {"plain": 0.1, "rude": 1.0}}).
    """
    groups = list(next(iter(panels.values())))
    styles = ({"color": PALE, "edgecolor": INK}, {"color": "white", "edgecolor": SECOND["color"], "hatch": "///"})
    width = 0.8 / len(panels)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.0))
        axes = figure.subplots()
        for k, (name, shares) in enumerate(panels.items()):
            places = [i + width * (k - (len(panels) - 1) / 2) for i in range(len(groups))]
            bars = axes.bar(places, [shares[group] for group in groups], width=0.9 * width, label=name, **styles[k % 2])
            axes.bar_label(bars, [f"{shares[group]:.2f}" for group in groups], padding=2, fontsize=9)
        axes.set(ylabel=title, xticks=range(len(groups)), xticklabels=groups, ylim=(0, 1.12))
        axes.grid(axis="x", visible=False)
        figure.legend(loc="outside lower center", ncols=len(panels), frameon=False)
    described = (
        f"{name}: " + ", ".join(f"{group} {share:.2f}" for group, share in shares.items()) for name, shares in panels.items()
    )
    return figure, f"Bars, {title}. {'; '.join(described)}."
