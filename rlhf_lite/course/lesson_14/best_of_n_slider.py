"""A slider for n: of n real answers, which one does the reward model pick, and what is it worth?

By keyboard: Tab to a slider or menu, arrow keys to move it. Text of models is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from ..safe_text import safe_html
from ..static_fallback import show_with_fallback

SHOWN = (1, 4, 16, 64)
"""What the static fallback shows, as far as there are so many answers."""
CELL = "text-align: left; padding: 2px 10px"


@dataclass(frozen=True)
class Drawn:
    """One prompt with the answers that were drawn, in order, what the reward model thinks of each, and what is true."""

    prompt: str
    texts: list[str]
    scores: list[float]
    gold: list[float]

    def picked(self, n: int) -> int:
        """Place of the highest score among the first n answers."""
        return max(range(n), key=lambda i: self.scores[i])

    def row(self, n: int) -> tuple[str, str, str, str]:
        """Write what is picked among the first n: n, answer, score, gold."""
        i = self.picked(n)
        return str(n), self.texts[i], f"{self.scores[i]:.2f}", f"{self.gold[i]:.2f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th style="{CELL}">{name}</th>' for name in ("n", "picked answer", "score", "gold"))
    lines = ("".join(f'<td style="{CELL}">{safe_html(cell)}</td>' for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def picks_html(drawn: Sequence[Drawn]) -> str:
    """Write for every prompt what is picked among the first 1, 4, 16 and 64 answers."""
    parts = []
    for each in drawn:
        rows = [each.row(n) for n in SHOWN if n <= len(each.texts)]
        parts.append(f"<p><b>{safe_html(each.prompt)}</b></p>{_table(rows)}")
    return "".join(parts)


def picks_box(drawn: Sequence[Drawn]) -> widgets.VBox:
    """Return a menu of prompts, the slider, and the picked answer beside what was picked at smaller n."""
    menu = widgets.Dropdown(options=[(each.prompt, i) for i, each in enumerate(drawn)], description="prompt",
                            layout={"width": "44em"})  # fmt: skip
    slider = widgets.IntSlider(value=1, min=1, max=len(drawn[0].texts), description="n", layout={"width": "30em"})
    shown = widgets.HTML()

    def redraw(_: object = None) -> None:
        each = drawn[menu.value]
        newest = [n for n in range(1, slider.value + 1) if n == 1 or each.picked(n) != each.picked(n - 1)]
        shown.value = _table([each.row(n) for n in newest])

    for control in (menu, slider):
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([menu, slider, shown])


def best_of_n_slider(drawn: Sequence[Drawn]) -> None:
    """Display the slider; its static fallback is a table per prompt."""
    plain = "\n".join(f"{each.prompt} n = {', '.join(each.row(n)[0] for n in SHOWN if n <= len(each.texts))}" for each in drawn)
    show_with_fallback(picks_box(drawn), {"text/html": picks_html(drawn), "text/plain": plain})
