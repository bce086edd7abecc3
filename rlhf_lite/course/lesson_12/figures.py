"""Figures of lesson 12: PPO's models and what flows between them, and numbers over the tokens of an answer."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...reports.plots import INK, PALE, STYLE
from ..figures import draw_arrow, draw_box

BOXES = {
    "prompts": (0.0, 1.5, 1.5, "prompts", False),
    "policy": (2.2, 1.5, 1.7, "policy\n(learns)", True),
    "answers": (4.6, 1.5, 1.7, "answers and\ntheir mask", False),
    "reward": (7.0, 3.0, 2.1, "reward model\n(fixed)", True),
    "reference": (7.0, 1.5, 2.1, "reference: SFT\n(fixed)", True),
    "value": (7.0, 0.0, 2.1, "value model\n(learns)", True),
    "rewards": (10.4, 2.25, 2.0, "reward of each\ntoken: score, KL", False),
    "advantages": (10.4, 0.0, 2.0, "advantage, return\nof each token", False),
}
"""Left, bottom, width, text, and whether it is a model; all boxes are 0.8 high."""
LOOP_ALT = (
    "PPO on a language model. Prompts go to the policy, a model that learns; it samples answers. Three models read each answer: "
    "the reward model, fixed, gives one score per answer; the reference, fixed, which is the SFT model, gives log-probabilities; "
    "the value model, which learns, gives a value for each token. The score, and the KL from the policy's log-probabilities and "
    "the reference's, make a reward for each token. Rewards and values make an advantage and a return for each token. The "
    "advantages go back to the policy as its loss, the returns to the value model as its own, and it begins again."
)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], label: str = "", *, up: float = 0.1) -> None:
    draw_arrow(axes, start, end)
    axes.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + up, label, ha="center", va="bottom", fontsize=9.5)


def draw_loop() -> tuple[Figure, str]:
    """Draw PPO's four models and what flows between them; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.1))
        axes = figure.subplots()
        axes.set(xlim=(-0.1, 12.6), ylim=(-1.3, 4.0))
        axes.axis("off")
        for x, y, width, text, is_model in BOXES.values():
            draw_box(axes, x, y, width, 0.8, text, strong=is_model, fontsize=11)
        _arrow(axes, (1.55, 1.9), (2.15, 1.9))
        _arrow(axes, (3.95, 1.9), (4.55, 1.9), "log-probs", up=0.5)
        for height in (3.3, 1.9, 0.5):
            _arrow(axes, (6.35, 1.9), (6.95, height))
        _arrow(axes, (9.15, 3.4), (10.35, 2.9), "score", up=0.15)
        _arrow(axes, (9.15, 1.9), (10.35, 2.45), "log-probs", up=-0.55)
        _arrow(axes, (9.15, 0.55), (10.35, 0.55), "values")
        _arrow(axes, (10.35, 0.15), (9.15, 0.15), "value loss", up=-0.4)
        _arrow(axes, (11.4, 2.2), (11.4, 0.87))
        axes.plot([11.4, 11.4, 3.05], [-0.05, -0.75, -0.75], color=INK, linewidth=1.1)
        _arrow(axes, (3.05, -0.75), (3.05, 1.45))
        loss = "policy loss: make tokens with a positive advantage likelier, in small steps"
        axes.text(7.2, -0.85, loss, ha="center", va="top")
    return figure, LOOP_ALT


def draw_over_tokens(tokens: Sequence[str], panels: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """Draw one bar per token, one panel per quantity, panels below each other; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(6.0, 1.2 + 0.55 * len(tokens)), 0.9 + 1.35 * len(panels)))
        all_axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
        for axes, (title, values) in zip(all_axes, panels.items(), strict=True):
            axes.bar(range(len(tokens)), values, width=0.6, color=PALE, edgecolor=INK)
            axes.axhline(0, color=INK, linewidth=0.9)
            axes.set_ylabel(title, fontsize=10.5)
            axes.grid(axis="x", visible=False)
            axes.margins(y=0.15)
        names = [token.strip() or token for token in tokens]
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    described = (
        f"{title}: " + ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True))
        for title, values in panels.items()
    )
    return figure, f"Bars over the tokens of one answer. {'; '.join(described)}."
