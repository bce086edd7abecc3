"""Translate the reader's own sentences: what each model writes, word by word in English too, and where it looks.

By keyboard: Tab to the box, type words of the vocabulary, Tab to the button, Space. All text is escaped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import ipywidgets as widgets
import torch
from IPython.display import HTML
from torch import Tensor

from ...seq2seq import Translator
from ...tinyworld.translation import SentencePair
from ..safe_text import safe_html
from ..static_fallback import show_with_fallback
from .alignments import END
from .pinyin import pinyin
from .translators import TITLES, TranslationTask, translate

LEFT = ' style="text-align: left"'


@lru_cache(maxsize=2)
def glosses(task: TranslationTask) -> dict[str, str]:
    """Return for each Chinese word what it translates most often, several English words joined by hyphens.

    Example: {"汤姆": "Tom", "上周": "last-week"}.
    """
    counts: dict[str, Counter] = {}
    for pair in task.train:
        english, partners = pair.english.split(), {}
        for i, j in pair.alignment:
            partners.setdefault(i, []).append(english[j])
        for i, words in partners.items():
            counts.setdefault(pair.chinese.split()[i], Counter())["-".join(words)] += 1
    return {word: row.most_common(1)[0][0] for word, row in counts.items()}


def word_by_word(task: TranslationTask, chinese: str) -> str:
    """Write each Chinese word in English, in the Chinese order. Example: "汤姆 在 公园" -> "Tom in park"."""
    known = glosses(task)
    return " ".join(known.get(word, word) for word in chinese.split())


def translations_html(task: TranslationTask, rows: Sequence[tuple[str, str, str]]) -> str:
    """Write a table of translations; a row is (who wrote it, English, Chinese)."""
    head = "".join(f"<th{LEFT}>{title}</th>" for title in ("by", "English", "Chinese", "pinyin", "word by word"))
    lines = (
        "".join(
            f"<td{LEFT}>{safe_html(text)}</td>" for text in (by, english, chinese, pinyin(chinese), word_by_word(task, chinese))
        )
        for by, english, chinese in rows
    )
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def translations_table(task: TranslationTask, rows: Sequence[tuple[str, str, str]]) -> HTML:
    """Return `translations_html` for display in a notebook."""
    return HTML(translations_html(task, rows))


@torch.no_grad()
def looks(model: Translator, task: TranslationTask, english: str, chinese: str) -> Tensor:
    """Return where a model looks when it writes these Chinese words and the end: (T + 1, S)."""
    batch = task.batch([SentencePair(english, chinese, ())])
    return model.alignment(batch.source, batch.source_mask, batch.target[:, :-1])[0]


def alignment_html(english: Sequence[str], chinese: Sequence[str], weights: Tensor) -> str:
    """Write attention weights as a table with shades; one row per Chinese word, one column per English word."""
    head = "<th></th>" + "".join(f"<th>{safe_html(word)}</th>" for word in english)
    rows = []
    for word, row in zip([*chinese, END], weights.tolist(), strict=True):
        cells = "".join(f'<td style="background: rgba(128, 128, 128, {share:.2f})">{share:.2f}</td>' for share in row)
        name = f"{pinyin(word)} {word}" if word != END else END
        rows.append(f"<tr><th{LEFT}>{safe_html(name)}</th>{cells}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def translations_page(models: Mapping[str, Translator], task: TranslationTask, english: str) -> str:
    """Write what each model makes of a sentence, and where those that can look back look."""
    english = " ".join(english.split())
    written = {kind: translate(model, task, [english])[0] for kind, model in models.items()}
    page = translations_html(task, [(TITLES[kind], english, chinese) for kind, chinese in written.items()])
    for kind, model in models.items():
        if hasattr(model, "alignment"):
            table = alignment_html(english.split(), written[kind].split(), looks(model, task, english, written[kind]))
            page += f"<p>{TITLES[kind]}: where it looks when it writes each word</p>{table}"
    return page


def translate_box(models: Mapping[str, Translator], task: TranslationTask, first: str) -> widgets.VBox:
    """Return a text box whose sentence all models translate; `models` maps kinds, as in TITLES, to trained models."""
    text = widgets.Text(value=first, description="English:", layout={"width": "36em"})
    button = widgets.Button(description="Translate", tooltip="Let the models translate the sentence")
    output = widgets.HTML(translations_page(models, task, first))

    def answer_now(_: widgets.Button) -> None:
        try:
            output.value = translations_page(models, task, text.value)
        except ValueError as error:  # a word that is not in the vocabulary, or no word
            output.value = f"<p>{safe_html(str(error))}</p>"

    button.on_click(answer_now)
    return widgets.VBox([widgets.HBox([text, button]), output])


def show_translate_box(models: Mapping[str, Translator], task: TranslationTask, first: str) -> None:
    """Display the box; where nothing runs, the first sentence's answer is read."""
    plain = f"Run the cells above and this one to get a box for your own sentences. It begins with: {first}"
    fallback = {"text/html": translations_page(models, task, first), "text/plain": plain}
    show_with_fallback(translate_box(models, task, first), fallback)
