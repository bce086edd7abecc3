"""A mixture of sources to move: shares, tokens per source and epochs over each follow from the weights.

The limit: no source is read more often than GPT-3's most repeated one. By keyboard: Tab to a slider, then the arrow keys.
"""

from collections.abc import Mapping

import ipywidgets as widgets
import matplotlib as mpl
from matplotlib.figure import Figure

from ...reports.plots import INK, PALE, STYLE
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure

SOURCES = {"Common Crawl": (60, 410), "WebText2": (22, 19), "Books1": (8, 12), "Books2": (8, 55), "Wikipedia": (3, 3)}
"""Weight in GPT-3's mixture, in percent (printed rounded, 101 in all), and billions of tokens: Brown 2020, table 2.2."""
READ = 300
"""Billions of tokens that GPT-3 read."""
BY_SIZE = {name: size for name, (_, size) in SOURCES.items()}
BY_GPT3 = {name: weight for name, (weight, _) in SOURCES.items()}
EVENLY = dict.fromkeys(SOURCES, 20)
MIXTURES = {"as much as there is": BY_SIZE, "GPT-3's weights": BY_GPT3, "all sources alike": EVENLY}
"""Weights of the static fallback."""


def mixed(weights: Mapping[str, float], read: float = READ) -> dict[str, tuple[float, float, float]]:
    """Return for each source its share, the billions of tokens read from it, and how often it is read (epochs).

    Example: weights 60, 22, 8, 8 and 3 give Wikipedia a share of 0.03, 8.9 billion tokens, 2.97 epochs.

    Raises:
        ValueError: if all weights are 0.
    """
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("All weights are 0: give at least one source a weight.")
    return {name: (w / total, read * w / total, read * w / total / SOURCES[name][1]) for name, w in weights.items()}


MOST_EPOCHS = max(epochs for _, _, epochs in mixed(BY_GPT3).values())
"""How often GPT-3 read its most repeated source (derived): the limit."""


def mixture_html(weights: Mapping[str, float], read: float = READ) -> str:
    """Write shares as bars, with tokens and epochs beside them, and which sources are read too often."""
    try:
        rows = mixed(weights, read)
    except ValueError as error:
        return f"<p>{safe_html(str(error))}</p>"
    bars = "".join(
        bar_row(safe_html(name), share, f"{share:.0%}, {tokens:.0f} billion tokens, {epochs:.2f} epochs", width=18)
        for name, (share, tokens, epochs) in rows.items()
    )
    often = [name for name, (_, _, epochs) in rows.items() if epochs > MOST_EPOCHS + 1e-9]
    verdict = f"Over the limit of {MOST_EPOCHS:.1f} epochs: {', '.join(often)}." if often else "No source is over the limit."
    return f"<table>{bars}</table><p>{safe_html(verdict)}</p>"


def mixture_box() -> widgets.VBox:
    """Return a slider per source and one for all tokens read, and what they make."""
    wide = {"style": {"description_width": "11em"}, "layout": {"width": "36em"}}
    jump = widgets.Dropdown(options=list(MIXTURES), value="GPT-3's weights", description="a mixture", **wide)
    sliders = {name: widgets.IntSlider(value=w, min=0, max=100, description=name, **wide) for name, w in BY_GPT3.items()}
    read = widgets.IntSlider(value=READ, min=50, max=1000, step=50, description="billions read", **wide)
    shown = widgets.HTML()

    def redraw(_: object = None) -> None:
        shown.value = mixture_html({name: slider.value for name, slider in sliders.items()}, read.value)

    def set_all(_: object = None) -> None:
        weights = MIXTURES[jump.value]
        for name, weight in weights.items():
            sliders[name].value = round(100 * weight / sum(weights.values()))

    jump.observe(set_all, "value")
    for control in (*sliders.values(), read):
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([jump, *sliders.values(), read, shown])


def draw_mixtures() -> tuple[Figure, str]:
    """Draw the epochs over each source under three mixtures, with the limit; return the figure and its alt text."""
    told = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 2.7))
        for axes, (title, weights) in zip(figure.subplots(1, len(MIXTURES), sharey=True), MIXTURES.items(), strict=True):
            epochs = {name: row[2] for name, row in mixed(weights).items()}
            bars = axes.barh(range(len(epochs)), list(epochs.values()), height=0.6, color=PALE, edgecolor=INK)
            axes.bar_label(bars, [f"{value:.2f}" for value in epochs.values()], padding=4)
            axes.axvline(MOST_EPOCHS, color=INK, linestyle=":", linewidth=1.2)
            axes.set(yticks=range(len(epochs)), yticklabels=list(epochs), xlabel="epochs")
            axes.set_ylim(len(epochs) - 0.5, -0.5)
            axes.set_title(title, fontsize=11)
            axes.margins(x=0.3)
            axes.grid(axis="y", visible=False)
            told.append(f"{title}: " + ", ".join(f"{name} {value:.2f}" for name, value in epochs.items()))
    return figure, f"Epochs over each source, 300 billion tokens read; dotted, the limit of {MOST_EPOCHS:.2f}. {'; '.join(told)}."


def mixture_slider() -> None:
    """Display the sliders; their static fallback is a figure of three mixtures."""
    show_with_figure(mixture_box(), *draw_mixtures())
