"""Choose a word of a sentence to hide, and see what BERT and GPT put there, side by side.

By keyboard: Tab to a word's button, Space to hide it; Tab to the text box to write another sentence, Enter to read it.
"""

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
from torch import Tensor

from ...bert import Bert
from ...gpt import GPT
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure
from .figures import draw_guesses
from .pair import Texts, bert_fills, gpt_continues, gpt_fills

SENTENCE = "Anna met Tom at the park and saw a kite. Tom liked the kite very much."
PLACE = 9
"""The word that is hidden at first, "kite": it stands again further right, where the left side does not reach."""
BEST = 5
"""Words shown per model."""
MOST_WORDS = 40


def name_of(texts: Texts, token: int) -> str:
    """Write a token as a reader knows it."""
    if token == texts.mask_id:
        return "[MASK]"
    return "end" if token == texts.tokenizer.end_id else texts.tokenizer.decode([token]).strip() or "(line end)"


def best_words(texts: Texts, distribution: Tensor) -> dict[str, float]:
    """Return the BEST likeliest words with their probabilities; pieces that read alike are added up."""
    found: dict[str, float] = {}
    for share, token in zip(*distribution.topk(2 * BEST), strict=True):
        found[name_of(texts, int(token))] = found.get(name_of(texts, int(token)), 0.0) + share.item()
    return dict(sorted(found.items(), key=lambda item: -item[1])[:BEST])


def guess(bert: Bert, gpt: GPT, texts: Texts, ids: Sequence[int], place: int) -> dict[str, dict[str, float]]:
    """Return the likeliest words at one place: BERT, GPT from the left side, GPT trying every word."""
    return {
        "BERT": best_words(texts, bert_fills(bert, texts, ids, place)),
        "GPT, left side": best_words(texts, gpt_continues(gpt, texts, ids[:place])),
        f"GPT, {len(texts.vocabulary)} words tried": best_words(texts, gpt_fills(gpt, texts, ids, place, texts.vocabulary)),
    }


def guesses_html(right: str, guesses: Mapping[str, Mapping[str, float]]) -> str:
    """Write the guesses as tables beside each other; the right word is marked with a star and bold; text is escaped."""
    tables = []
    for name, shares in guesses.items():
        rows = []
        for word, share in shares.items():
            shown = f"<b>{safe_html(word)} ★</b>" if word == right else safe_html(word)
            rows.append(bar_row(shown, share, f"{share:.2f}", width=7))
        tables.append(f'<div style="margin-right: 2em"><b>{safe_html(name)}</b><table>{"".join(rows)}</table></div>')
    return f'<div style="display: flex; flex-wrap: wrap">{"".join(tables)}</div><p>★ the word that stood there</p>'


class BlankBox(widgets.VBox):
    """A text box, one button per word, and the guesses."""

    def __init__(self, bert: Bert, gpt: GPT, texts: Texts, sentence: str = SENTENCE, place: int = PLACE):
        self.bert, self.gpt, self.texts, self.ids, self.place = bert, gpt, texts, [], place
        self.sentence = widgets.Text(value=sentence, description="sentence", continuous_update=False, layout={"width": "46em"})
        self.row, self.shown = widgets.Box(layout={"display": "flex", "flex_flow": "row wrap"}), widgets.HTML()
        self.sentence.observe(lambda _: self.read(0), "value")
        super().__init__([self.sentence, self.row, self.shown])
        self.read(place)

    def read(self, place: int) -> None:
        """Cut the sentence into words, make a button of each, and hide one."""
        self.ids = self.texts.tokenizer.encode(self.sentence.value.strip())[:MOST_WORDS]
        buttons = []
        for i, token in enumerate(self.ids):
            name = name_of(self.texts, token)
            button = widgets.Button(description=name, tooltip=f"Hide word {i + 1}", layout={"width": f"{len(name) + 3}ch"})
            button.on_click(lambda _, i=i: self.hide(i))
            buttons.append(button)
        self.row.children = buttons
        if self.ids:
            self.hide(min(place, len(self.ids) - 1))
        else:
            self.shown.value = "<p>Write a sentence first.</p>"

    def hide(self, place: int) -> None:
        """Hide one word and show what each model puts there."""
        self.place = place
        for i, button in enumerate(self.row.children):
            button.description = "____" if i == place else name_of(self.texts, self.ids[i])
            button.button_style = "warning" if i == place else ""
        guesses = guess(self.bert, self.gpt, self.texts, self.ids, place)
        self.shown.value = guesses_html(name_of(self.texts, self.ids[place]), guesses)


def show_blanks(bert: Bert, gpt: GPT, texts: Texts) -> None:
    """Display the widget; its static fallback is a figure of the first blank."""
    box = BlankBox(bert, gpt, texts)
    words = [name_of(texts, token) for token in box.ids]
    show_with_figure(box, *draw_guesses(words, PLACE, guess(bert, gpt, texts, box.ids, PLACE)))
