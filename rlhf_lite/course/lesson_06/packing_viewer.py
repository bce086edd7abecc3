"""A window of packed documents: where they border, what each position is asked for, and what it may look at.

By keyboard: Tab to a slider, arrow keys to move it; Tab to the check box, Space to switch it.
"""

from collections.abc import Sequence
from itertools import accumulate

import ipywidgets as widgets

from ...data import pack_documents
from ...tokenizer import Tokenizer
from ..safe_text import safe_html
from ..static_fallback import show_with_figure
from .figures import draw_looks

LENGTHS = (12, 24, 36, 48, 64)
SHORT = 36
"""Tokens of the window in the static fallback."""


def document_numbers(ids: Sequence[int], end_id: int) -> list[int]:
    """Number the documents of a packed stream, from 1; an end token belongs to its document.

    Example: ([5, 6, 0, 7, 0], 0) -> [1, 1, 1, 2, 2].
    """
    return [1, *accumulate((int(token == end_id) for token in ids[:-1]), initial=1)][1:] if len(ids) else []


def may_look(documents: Sequence[int], place: int, *, masked: bool) -> list[bool]:
    """Return which positions one position may look at: itself and all before it; with a mask, in its own document only.

    Example: ([1, 1, 2, 2], 2, masked=True) -> [False, False, True, False].
    """
    return [i <= place and (not masked or documents[i] == documents[place]) for i in range(len(documents))]


def window_html(tokens: Sequence[str], documents: Sequence[int], place: int, *, masked: bool) -> str:
    """Write a window as boxes: what the position sees is shaded, the position in a thick frame, borders as numbers."""
    seen, boxes = may_look(documents, place, masked=masked), []
    for i, token in enumerate(tokens):
        if i == 0 or documents[i] != documents[i - 1]:
            boxes.append(f'<b style="margin: 0 3px 0 9px">document {documents[i]}:</b>')
        style = "background: #c7c7c7; color: #000;" if seen[i] else "background: #fff; color: #000;"
        border = "3px solid #c2500a" if i == place else "3px double #000" if i == place + 1 else "1px solid #555"
        boxes.append(f'<span style="{style} border: {border}; padding: 1px 4px; margin: 1px; display: inline-block">'
                     f"{safe_html(token)}</span>")  # fmt: skip
    return f'<div style="line-height: 2; font-size: 92%">{"".join(boxes)}</div>'


def story_html(tokens: Sequence[str], documents: Sequence[int], place: int, *, masked: bool) -> str:
    """Say what one position is asked for, how much it sees, and how much of that belongs to other documents."""
    seen = may_look(documents, place, masked=masked)
    foreign = sum(kept and documents[i] != documents[place] for i, kept in enumerate(seen))
    asked = f"is asked for <code>{safe_html(tokens[place + 1])}</code>" if place + 1 < len(tokens) else (
        "is asked for nothing here: its next token begins the next window"
    )  # fmt: skip
    last = place + 1 == len(tokens) or documents[place + 1] == documents[place]
    new = "" if last else " It must guess how another document begins."
    return (
        f"<p>Position {place + 1} of {len(tokens)}, <code>{safe_html(tokens[place])}</code>, {asked}.{new}<br>"
        f"It looks at {sum(seen)} tokens, {foreign} of them in other documents.</p>"
    )


def packing_box(documents: Sequence[str], tokenizer: Tokenizer) -> widgets.VBox:
    """Return sliders for the length of windows, the window and the position, the mask's check box, and what they show."""
    ids = pack_documents(documents, tokenizer).tolist()
    numbers, names = document_numbers(ids, tokenizer.end_id), tokenizer.tokens(ids)
    wide = {"style": {"description_width": "11em"}, "layout": {"width": "36em"}}
    length = widgets.SelectionSlider(options=LENGTHS, value=SHORT, description="tokens per window", **wide)
    window = widgets.IntSlider(value=1, min=1, max=len(ids) // SHORT, description="window", **wide)
    place = widgets.IntSlider(value=SHORT // 2, min=1, max=SHORT, description="position", **wide)
    said = "mask what belongs to other documents (GPT-3 does not)"
    masked = widgets.Checkbox(value=False, description=said, indent=False, layout={"width": "36em"})
    page = widgets.HTML()

    def redraw(_: object = None) -> None:
        n = length.value
        place.max, window.max = n, len(ids) // n  # values that are too large follow
        part = slice((window.value - 1) * n, window.value * n)
        shown = (names[part], numbers[part], place.value - 1)
        rest = len(ids) % n
        total = f"<p>{len(ids)} tokens of {numbers[-1]} documents: {len(ids) // n} windows of {n}, {rest} left over.</p>"
        page.value = total + window_html(*shown, masked=masked.value) + story_html(*shown, masked=masked.value)

    redraw()
    for control in (length, window, place, masked):
        control.observe(redraw, "value")
    return widgets.VBox([length, window, place, masked, page])


def packing_viewer(documents: Sequence[str], tokenizer: Tokenizer) -> None:
    """Display the viewer; its static fallback is a figure of what each position of the first window may look at."""
    ids = pack_documents(documents, tokenizer).tolist()[:SHORT]
    figure, alt = draw_looks(document_numbers(ids, tokenizer.end_id), tokenizer.tokens(ids))
    show_with_figure(packing_box(documents, tokenizer), figure, alt)
