"""The merge stepper: a slider over merges re-cuts the reader's text; which pair is glued next is guessed before it is shown.

By keyboard: Tab to a control, arrow keys to move the slider, Space to press a button.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import ipywidgets as widgets

from ...bpe import BytePairEncoder, Pair, readable, split_words
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure
from .figures import after_merges, draw_cuts
from .token_strip import strip_html

LONGEST_TEXT = 400
"""Characters of the reader's text that are cut: a long run without a space takes long."""
CHOICES = 4
STAGES = (0, 4, 16, 64, 256, 1024)
"""Merges after which the static fallback shows the text."""


def count_pairs(encoder: BytePairEncoder, words: Counter[str]) -> Counter[Pair]:
    """Count the pairs of neighbouring tokens in words, each with how often it occurs."""
    counts: Counter[Pair] = Counter()
    for word, times in words.items():
        for pair in pairwise(encoder.encode(word)):
            counts[pair] += times
    return counts


def candidates(encoder: BytePairEncoder, words: Counter[str]) -> list[tuple[Pair, int]]:
    """Return the most frequent pairs with their counts, the one to be merged next first."""
    return sorted(count_pairs(encoder, words).items(), key=lambda item: (-item[1], item[0]))[:CHOICES]


def pair_name(encoder: BytePairEncoder, pair: Pair) -> str:
    """Name a pair of tokens. Example: the pair of "t" and "h" is "t + h"."""
    return " + ".join(readable(encoder.pieces[i]) for i in pair)


def cut_html(encoder: BytePairEncoder, text: str, *, with_bytes: bool) -> str:
    """Write a text's tokens as boxes, and what they cost."""
    if len(text) > LONGEST_TEXT:
        return f"<p>{len(text)} characters: give at most {LONGEST_TEXT}.</p>"
    try:
        ids = encoder.encode(text)
    except ValueError as error:  # half of a character has no bytes
        return f"<p>{safe_html(str(error))}</p>"
    n_bytes = len(text.encode())
    cost = f"{len(text)} characters, {n_bytes} bytes, <b>{len(ids)} tokens</b>"
    share = f": {n_bytes / len(ids):.2f} bytes per token" if ids else ""
    return f"{strip_html([encoder.pieces[i] for i in ids], with_bytes=with_bytes)}<p>{cost}{share}</p>"


def verdict_html(encoder: BytePairEncoder, found: Sequence[tuple[Pair, int]], guess: Pair) -> str:
    """Write whether a guess was right, and how often each candidate occurs in the texts."""
    (right, most), rows = found[0], []
    for pair, times in found:
        mark = "→ " if pair == right else ""
        rows.append(bar_row(mark + safe_html(pair_name(encoder, pair)), times / most, f"{times:,}", width=16))
    told = "✓ Right" if guess == right else f"✗ Not {safe_html(pair_name(encoder, guess))}"
    tie = " Equally frequent: the smaller ids win." if sum(times == most for _, times in found) > 1 else ""
    return f"<p><b>{told}: {safe_html(pair_name(encoder, right))} was glued.</b>{tie}</p><table>{''.join(rows)}</table>"


def stepper_box(encoder: BytePairEncoder, texts: Sequence[str], text: str) -> widgets.VBox:
    """Return the stepper for an encoder that was trained on texts, and a first text to cut."""
    words = Counter(word for each in texts for word in split_words(each))
    wide = {"style": {"description_width": "6em"}, "layout": {"width": "40em"}}
    typed = widgets.Textarea(value=text, description="your text", rows=2, **wide)
    merges = widgets.IntSlider(min=0, max=len(encoder.merges), description="merges", **wide)
    show_bytes = widgets.Checkbox(value=False, description="show the bytes", indent=False)
    buttons = [widgets.Button(layout={"width": "10em"}, tooltip="Guess this pair") for _ in range(CHOICES)]
    strip, question, verdict = widgets.HTML(), widgets.HTML(), widgets.HTML()
    guesses: list[bool] = []
    found: list[tuple[Pair, int]] = []
    offered: list[Pair] = []

    def recut(_: object = None) -> None:
        strip.value = cut_html(after_merges(encoder, merges.value), typed.value, with_bytes=show_bytes.value)

    def ask(_: object = None) -> None:
        """Offer the pairs that may be glued next."""
        is_last = merges.value == len(encoder.merges)
        found[:] = [] if is_last else candidates(after_merges(encoder, merges.value), words)
        offered[:] = sorted((pair for pair, _ in found), key=lambda pair: pair_name(encoder, pair))  # the order tells nothing
        question.value = "All merges are done." if is_last else "<b>Which pair of the training texts is glued next?</b>"
        for place, button in enumerate(buttons):
            is_used = place < len(offered)
            button.description = pair_name(encoder, offered[place]) if is_used else ""
            button.layout.display = None if is_used else "none"
        verdict.value = ""
        recut()

    def guess(button: widgets.Button) -> None:
        asked, pair = list(found), offered[buttons.index(button)]
        guesses.append(pair == asked[0][0])
        merges.value += 1  # asks the next question
        verdict.value = f"{verdict_html(encoder, asked, pair)}<p>{sum(guesses)} of {len(guesses)} guesses right.</p>"

    typed.observe(recut, "value")
    show_bytes.observe(recut, "value")
    merges.observe(ask, "value")
    for button in buttons:
        button.on_click(guess)
    ask()
    return widgets.VBox([typed, merges, show_bytes, strip, question, widgets.HBox(buttons), verdict])


def merge_stepper(encoder: BytePairEncoder, texts: Sequence[str], text: str) -> None:
    """Display the stepper; its static fallback is a figure of the text after more and more merges."""
    show_with_figure(stepper_box(encoder, texts, text), *draw_cuts(encoder, text, STAGES))
