"""What widgets share: something to read where nothing runs, keys that reach the widget, and bars.

Where a kernel runs, readers move the widget; elsewhere they read its static fallback. Both go into one output. Stored
lessons keep the fallback only (see `rerun`): a stored widget without its kernel is an error message. The fallback must be
the same for every reader, since stored outputs are compared.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure

from .figures import as_png, show_words
from .safe_text import visible_marks

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEYS_SCRIPT = """document.addEventListener("focusin", ({target}) => {
  if (target.closest(".jupyter-widgets")) target.setAttribute("data-lm-suppress-shortcuts", "true");
});"""


def keep_keys() -> None:
    """Mark every control of a widget as soon as it has the focus, so that JupyterLab leaves its keys alone.

    While a button has the focus, JupyterLab takes letters and digits for commands of its own: x cuts the whole cell, and
    the widget with it. It looks for the mark. Where no browser reads the script, nothing happens.
    """
    display({"application/javascript": KEYS_SCRIPT, "text/plain": ""}, raw=True)


def show_with_fallback(widget: widgets.Widget, fallback: Mapping[str, str], alt: str = "") -> None:
    """Display a widget; `fallback` maps kinds of text to what is read where nothing runs, "text/plain" always among them."""
    keep_keys()
    data: dict[str, Any] = {WIDGET_VIEW: widget._repr_mimebundle_()[WIDGET_VIEW], **fallback}
    display(data, raw=True, metadata={"image/png": {"alt": alt}} if "image/png" in fallback else {})


def show_with_figure(widget: widgets.Widget, figure: Figure, alt: str) -> None:
    """Display a widget whose static fallback is a figure; the figure's words are folded below both."""
    alt = visible_marks(alt)
    show_with_fallback(widget, {"image/png": as_png(figure), "text/plain": alt}, alt)
    show_words(alt)


def bar_row(name: str, share: float, number: str, *, width: int, padding: int = 6) -> str:
    """Write one row of an HTML table: a name, a bar as long as its share of `width` ems, and a number; `name` is HTML.

    Example: bar_row("cat", 0.5, "50%", width=20).
    """
    side = f"text-align: right; padding: 0 {padding}px"
    bar = f'<div style="background: #888; height: 0.9em; width: {100 * share:.1f}%"></div>'
    middle = f'<td style="text-align: left; width: {width}em; padding: 0">{bar}</td>'
    return f'<tr><td style="{side}">{name}</td>{middle}<td style="{side}">{number}</td></tr>'
