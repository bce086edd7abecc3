"""Sliders for temperature, top-k and top-p: what each does to the distribution of the next token, and a word drawn from it.

By keyboard: Tab to a slider, arrow keys to move it; Tab to the button, Space to draw.
"""

from collections.abc import Callable, Sequence

import ipywidgets as widgets
import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ...data import seeded_generator
from ...generate import draw, next_token_probs
from ...reports.plots import INK, PALE
from ..figures import figure_style
from ..languages import tr
from ..safe_text import safe_html, safe_label
from ..static_fallback import bar_row, show_with_figure

Distribution = Callable[[str], tuple[Sequence[str], Tensor]]
"""Text so far -> all tokens as text, and their logits (V,)."""
SHOWN = 12
ALL = "all"
END = "(end)"
"""How a distribution writes the token that ends a text; drawn, it ends the text and adds nothing."""
LINE, MOST_ROWS = 60, 12
"""Characters per line of the text box, and how far it grows."""
SETTINGS = (
    ("temperature 1", {}),
    ("temperature 0.5", {"temperature": 0.5}),
    ("temperature 2", {"temperature": 2.0}),
    ("top-k 3", {"top_k": 3}),
    ("top-p 0.8", {"top_p": 0.8}),
)
"""What the static fallback shows."""


def visible(token: str) -> str:
    """Write a token so that line ends are seen."""
    return token.replace("\n", "\\n")


def likeliest(tokens: Sequence[str], probs: Tensor) -> list[tuple[str, float]]:
    """Return the likeliest tokens with their probabilities, SHOWN at most, those with probability 0 left out."""
    top = probs.topk(min(SHOWN, len(tokens)))
    return [(tokens[i], p) for i, p in zip(top.indices.tolist(), top.values.tolist(), strict=True) if p > 0]


def bars_html(tokens: Sequence[str], probs: Tensor) -> str:
    """Draw the likeliest tokens as bars in HTML, each with its probability; text of tokens shows as it is."""
    named = ((safe_html(visible(token)), p) for token, p in likeliest(tokens, probs))
    rows = "".join(
        bar_row(f'<code style="white-space: pre-wrap">{name}</code>', p, f"{p:.1%}", width=24) for name, p in named
    )
    told = tr("{n} of {total} tokens can be drawn.", n=int((probs > 0).sum()), total=len(tokens))
    return f"<table>{rows}</table><p>{told}</p>"


def rows_for(text: str) -> int:
    """Return how many rows show all of a text, a spare one included, so that its end stays in sight."""
    return min(MOST_ROWS, 1 + sum(1 + len(line) // LINE for line in text.split("\n")))


def sampling_box(distribution: Distribution, text: str) -> widgets.VBox:
    """Return sliders, the bars that they move, and a button that draws a token and adds it to the text."""
    wide = {"style": {"description_width": "7em"}, "layout": {"width": "34em"}}
    typed = widgets.Textarea(value=text, description=tr("text so far"), rows=rows_for(text), continuous_update=False, **wide)
    kept = [*((str(k), k) for k in (1, 2, 3, 5, 10, 20, 50)), (tr(ALL), ALL)]
    temperature = widgets.FloatSlider(value=1.0, min=0.0, max=3.0, step=0.1, description=tr("temperature"), **wide)
    top_k = widgets.SelectionSlider(value=ALL, options=kept, description="top-k", **wide)
    top_p = widgets.FloatSlider(value=1.0, min=0.05, max=1.0, step=0.05, description="top-p", **wide)
    button = widgets.Button(description=tr("Draw a token"), tooltip=tr("Draw a token and add it to the text"))
    bars, generator = widgets.HTML(), seeded_generator("sampling box", text)

    def current() -> tuple[Sequence[str], Tensor]:
        if not typed.value:
            raise ValueError(tr("Type the beginning of a text."))
        tokens, logits = distribution(typed.value)
        k, p = None if top_k.value == ALL else top_k.value, None if top_p.value == 1 else top_p.value
        return tokens, next_token_probs(logits[None], temperature.value, k, p)[0]

    def redraw(_: object = None) -> None:
        typed.rows = rows_for(typed.value)
        try:
            bars.value = bars_html(*current())
        except (ValueError, KeyError) as error:  # too long, or a word that the model has never met
            bars.value = f"<p>{safe_html(tr(str(error.args[0])))}</p>"

    def draw_one(_: widgets.Button) -> None:
        """Draw a token and add it to the text, which moves the bars; the end token ends the text and is not added."""
        try:
            tokens, probs = current()
        except (ValueError, KeyError):
            return  # `redraw` has said why
        token = tokens[int(draw(probs[None], torch.rand(1, generator=generator)))]
        if token == END:
            bars.value = f"<p>{tr('The model ends its text here. Change the text to go on.')}</p>"
        else:
            typed.value += token

    for control in (typed, temperature, top_k, top_p):
        control.observe(redraw, "value")
    button.on_click(draw_one)
    redraw()
    return widgets.VBox([widgets.HBox([typed, button]), temperature, top_k, top_p, bars])


def draw_settings(tokens: Sequence[str], logits: Tensor) -> tuple[Figure, str]:
    """Draw the same distribution under five settings, a panel each; return the figure and its alt text."""
    order = logits.argsort(descending=True)[: min(8, int(logits.isfinite().sum()))]
    names, alts = [visible(tokens[i]) for i in order.tolist()], []
    with mpl.rc_context(figure_style()):
        figure = Figure(figsize=(11, 3.0))
        for axes, (title, setting) in zip(figure.subplots(1, len(SETTINGS), sharey=True, sharex=True), SETTINGS, strict=True):
            probs = next_token_probs(logits[None], **setting)[0, order].tolist()
            bars = axes.barh(range(len(names)), probs, height=0.65, color=PALE, edgecolor=INK)
            axes.bar_label(bars, [f"{p:.2f}" if p else tr("out") for p in probs], padding=3, fontsize=9)
            axes.set(yticks=range(len(names)), yticklabels=[safe_label(name) for name in names], ylim=(len(names) - 0.5, -0.5))
            axes.set_title(tr(title), fontsize=11)
            axes.margins(x=0.3)
            axes.grid(visible=False)
            alts.append(f"{tr(title)}: " + ", ".join(f"{name.strip()} {p:.2f}" for name, p in zip(names, probs, strict=True)))
    told = "The likeliest next tokens under {n} settings. {shown}."
    return figure, tr(told, n=len(SETTINGS), shown="; ".join(alts))


def sampling_sliders(distribution: Distribution, text: str) -> None:
    """Display the sliders for a text that the reader can change; their static fallback is a figure of five settings."""
    show_with_figure(sampling_box(distribution, text), *draw_settings(*distribution(text)))
