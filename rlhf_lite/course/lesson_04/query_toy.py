"""A query-key-value toy: move a query or a key, and see scores, weights and the mixed value follow.

By keyboard: Tab to a slider, then the arrow keys.
"""

import ipywidgets as widgets
import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ...attention import scaled_dot_product_attention
from ...reports.plots import STYLE
from ..figures import LINES, draw_arrow
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure

WORDS = ("Tom", "chase", "Jerry")
QUERY = (1.0, 2.0)
KEYS = ((2.0, 0.0), (-2.0, 0.0), (1.0, 2.0))
VALUES = ((10.0, 0.0), (0.0, 5.0), (20.0, 0.0))
AXES = ("a name?", "acted upon?")
"""What the two made-up numbers of queries and keys ask and tell."""
TURNS = (("as it is", QUERY), ("turned away", (1.0, -2.0)), ("ten times as long", (10.0, 20.0)))
"""Queries of the static fallback."""


def attended(query: Tensor, keys: Tensor, *, scale: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Return scores (3,), weights (3,) and the mixed value (2,) of one query (2,) against keys (3, 2)."""
    root = query.shape[0] ** 0.5
    mixed, weights = scaled_dot_product_attention(query[None] * (1 if scale else root), keys, torch.tensor(VALUES))
    return keys @ query / (root if scale else 1), weights[0], mixed[0]


def toy_html(query: Tensor, keys: Tensor, *, scale: bool = True) -> str:
    """Write scores, weights as bars, and the mix in HTML."""
    scores, weights, mixed = attended(query, keys, scale=scale)
    rows = "".join(
        bar_row(f"{safe_html(word)}, score {score:.2f}", weight, f"{weight:.2f}", width=20)
        for word, score, weight in zip(WORDS, scores.tolist(), weights.tolist(), strict=True)
    )
    return f"<table>{rows}</table><p>mixed value: [{mixed[0]:.1f}, {mixed[1]:.1f}]</p>"


def toy_box() -> widgets.VBox:
    """Return sliders for the query's two numbers and one word's key, a switch for the scale, and what follows from them."""
    wide = {"style": {"description_width": "11em"}, "layout": {"width": "36em"}}
    keys, shown = [list(key) for key in KEYS], widgets.HTML()
    query = [
        widgets.FloatSlider(value=value, min=-4, max=4, step=0.5, description=f"query: {name}", **wide)
        for value, name in zip(QUERY, AXES, strict=True)
    ]
    chosen = widgets.Dropdown(options=WORDS, value="Jerry", description="key to move", **wide)
    key = [widgets.FloatSlider(min=-4, max=4, step=0.5, description=f"key: {name}", **wide) for name in AXES]
    scale = widgets.Checkbox(value=True, description="divide by the root of 2, the width", indent=False)

    def redraw(_: object = None) -> None:
        shown.value = toy_html(torch.tensor([q.value for q in query]), torch.tensor(keys), scale=scale.value)

    def load_key(_: object = None) -> None:
        values = list(keys[WORDS.index(chosen.value)])
        for slider, value in zip(key, values, strict=True):
            slider.value = value

    def move_key(change: dict) -> None:
        keys[WORDS.index(chosen.value)][key.index(change["owner"])] = change["new"]
        redraw()

    load_key()
    chosen.observe(load_key, "value")
    for slider in key:
        slider.observe(move_key, "value")
    for control in (*query, scale):
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([*query, chosen, *key, scale, shown])


def draw_toy() -> tuple[Figure, str]:
    """Draw the keys and three queries as arrows, with the weights that each query gives; return the figure and its alt text."""
    told, keys = [], torch.tensor(KEYS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 3.6))
        for axes, (title, query) in zip(figure.subplots(1, len(TURNS)), TURNS, strict=True):
            _, weights, _ = attended(torch.tensor(query), keys)
            for word, key, weight in zip(WORDS, KEYS, weights.tolist(), strict=True):
                draw_arrow(axes, (0, 0), key, linewidth=1.2 + 4 * weight, shrinkA=0, shrinkB=0)
                side = "right" if key[1] else "center"  # the query may lie along a key that points up
                axes.text(key[0] - 0.3 * (key[1] != 0), key[1] + 0.3, f"{word} {weight:.2f}", ha=side, fontsize=11)
            end = tuple(number * 2.4 / max(map(abs, query)) for number in query)  # the arrow shows the direction
            style = {"color": LINES[1]["color"], "linestyle": "--", "linewidth": 2.0, "shrinkA": 0, "shrinkB": 0}
            draw_arrow(axes, (0, 0), end, **style)
            axes.text(end[0] + 0.2, end[1], "query", ha="left", color=LINES[1]["color"], fontsize=11)
            axes.set(xlim=(-3.4, 3.4), ylim=(-3, 3), xlabel=AXES[0], ylabel=AXES[1])
            axes.set_title(f"query {title}", fontsize=11)
            found = ", ".join(f"{word} {weight:.2f}" for word, weight in zip(WORDS, weights.tolist(), strict=True))
            told.append(f"query {title}: {found}")
    return figure, f"Three keys as arrows, and a dashed query, in three panels; the weights. {'; '.join(told)}."


def query_key_value_toy() -> None:
    """Display the toy; its static fallback is a figure of three queries."""
    show_with_figure(toy_box(), *draw_toy())
