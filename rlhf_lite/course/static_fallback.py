"""A widget with its static twin: where a kernel runs, readers move the widget; elsewhere they read the twin.

Both go into one output. Stored lessons keep the twin only (see `rerun`): a stored widget without its kernel is an error
message. The twin must be the same for every reader, since stored outputs are compared.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure

from .figures import as_png, show_words
from .keys import keep_keys

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def show_with_twin(widget: widgets.Widget, twin: Mapping[str, str], alt: str = "") -> None:
    """Display a widget; `twin` maps kinds of text to what is read where nothing runs, "text/plain" always among them."""
    keep_keys()
    data: dict[str, Any] = {WIDGET_VIEW: widget._repr_mimebundle_()[WIDGET_VIEW], **twin}
    display(data, raw=True, metadata={"image/png": {"alt": alt}} if "image/png" in twin else {})


def show_with_figure(widget: widgets.Widget, figure: Figure, alt: str) -> None:
    """Display a widget whose twin is a figure; the figure's words are folded below both."""
    show_with_twin(widget, {"image/png": as_png(figure), "text/plain": alt}, alt)
    show_words(alt)
