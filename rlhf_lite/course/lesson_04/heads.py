"""Where each head of a Transformer looks while it translates, how often at the right word, and what is lost without it.

By keyboard: Tab moves on; in the text box type a sentence and press Enter; on a slider the arrow keys choose.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ...tinyworld.translation import SentencePair
from ...transformer import EncoderDecoderTransformer
from ..safe_text import safe_html
from ..static_fallback import show_with_figure
from ..translation.alignments import END, draw_alignment
from ..translation.pinyin import PINYIN, pinyin
from ..translation.translators import TranslationTask, translate

ALL = "all"
ALL_HEADS = "mean of all heads"


@dataclass(frozen=True)
class Looks:
    """A sentence, its translation by a model, and where the model looked in its cross-attention."""

    english: Sequence[str]
    """The words read."""
    chinese: Sequence[str]
    """The words written."""
    weights: Tensor
    """(layers, H, T, S), one row per written word and one for the end; each row sums to 1"""

    def of(self, block: int, head: int | str) -> Tensor:
        """Return the weights (T, S) of one head, or the mean over a block's heads for ALL; both are counted from 1."""
        chosen = self.weights[block - 1]
        return chosen.mean(0) if head == ALL else chosen[head - 1]


@torch.no_grad()
def look(model: EncoderDecoderTransformer, task: TranslationTask, sentence: str) -> Looks:
    """Translate a sentence and keep where each head looked.

    Raises: ValueError if the sentence is empty or has a word that training never showed.
    """
    source, mask = task.source([sentence])
    (written,) = translate(model, task, [sentence])
    target = torch.tensor([[task.chinese.start_id, *task.chinese.encode(written)]])
    return Looks(sentence.split(), written.split(), model.cross_attention(source, mask, target)[0])


@torch.no_grad()
def pointing_right(model: EncoderDecoderTransformer, task: TranslationTask, pairs: Sequence[SentencePair]) -> Tensor:
    """Return how often each head looks most at a right partner of the word that is written: shares (layers, H).

    Words without a partner are left out, and so is the end; the right words are given (teacher forcing).
    """
    batch = task.batch(pairs)
    looks = model.cross_attention(batch.source, batch.source_mask, batch.target).argmax(-1)  # (B, layers, H, T)
    partners = torch.zeros(len(pairs), looks.shape[-1], batch.source.shape[1], dtype=torch.bool)  # (B, T, S)
    for row, pair in enumerate(pairs):
        for i, j in pair.alignment:
            partners[row, i, j] = True
    hits = partners[:, None, None].expand(*looks.shape, -1).gather(-1, looks[..., None])[..., 0]
    return hits.sum((0, 3)) / partners.any(-1).sum()


def without_heads(model: EncoderDecoderTransformer, block: int, heads: Sequence[int]) -> EncoderDecoderTransformer:
    """Return a copy of a model without some heads of cross-attention: their results are no longer added to the stream.

    Blocks and heads are counted from 1.
    """
    copy = deepcopy(model)
    attention = copy.decoder[block - 1].cross_attention
    d_head = copy.config.d_model // attention.n_heads
    with torch.no_grad():
        for head in heads:
            attention.output.weight[:, d_head * (head - 1) : d_head * head] = 0
    return copy


def draw_all_heads(looks: Looks) -> tuple[Figure, str]:
    """Draw every head of every block, and the mean of all of them; return the figure and its alt text."""
    n_blocks, n_heads = looks.weights.shape[:2]
    panels = {
        f"block {block}, head {head}": looks.of(block, head) for block in range(1, n_blocks + 1) for head in range(1, n_heads + 1)
    }
    return draw_alignment(looks.english, looks.chinese, panels | {ALL_HEADS: looks.weights.mean((0, 1))})


def weights_html(looks: Looks, weights: Tensor) -> str:
    """Write weights (T, S) as a table of shaded numbers, the largest of a row in bold; words show as they are."""
    head = "".join(f'<th style="padding: 2px 8px">{safe_html(word)}</th>' for word in looks.english)
    rows = []
    for word, row in zip([*looks.chinese, END], weights.tolist(), strict=False):
        label = f"{PINYIN[word]} {word}" if word in PINYIN else word
        cells = "".join(_cell(weight, weight == max(row)) for weight in row)
        rows.append(f'<tr><th style="text-align: right; padding: 2px 8px">{safe_html(label)}</th>{cells}</tr>')
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _cell(weight: float, largest: bool) -> str:
    shade = round(255 - 190 * weight)
    style = f"background: rgb({shade}, {shade}, {shade}); color: {'white' if weight > 0.75 else '#1a1a1a'}; text-align: center"
    return f'<td style="{style}">{f"<b>{weight:.2f}</b>" if largest else f"{weight:.2f}"}</td>'


def head_box(model: EncoderDecoderTransformer, task: TranslationTask, sentence: str) -> widgets.VBox:
    """Return a text box for a sentence, sliders for block and head, and the weights that they choose."""
    wide = {"style": {"description_width": "5em"}, "layout": {"width": "34em"}}
    typed = widgets.Text(value=sentence, description="English", continuous_update=False, **wide)
    block = widgets.IntSlider(value=1, min=1, max=len(model.decoder), description="block", **wide)
    n_heads = model.config.n_heads
    head = widgets.SelectionSlider(value=ALL, options=[ALL, *range(1, n_heads + 1)], description="head", **wide)
    shown, kept = widgets.HTML(), {}

    def redraw(_: object = None) -> None:
        """Show what the controls choose, or what is wrong with the sentence."""
        try:
            if typed.value not in kept:
                kept[typed.value] = look(model, task, typed.value)
        except ValueError as error:
            shown.value = f"<p>{safe_html(str(error))}</p>"
            return
        looks = kept[typed.value]
        chinese = " ".join(looks.chinese)
        written = f"<p>{safe_html(chinese)} ({safe_html(pinyin(chinese))})</p>"
        shown.value = written + weights_html(looks, looks.of(block.value, head.value))

    for control in (typed, block, head):
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([typed, block, head, shown])


def head_picker(model: EncoderDecoderTransformer, task: TranslationTask, sentence: str) -> None:
    """Display the sliders for a sentence that the reader can change; their static fallback is a figure of all heads."""
    show_with_figure(head_box(model, task, sentence), *draw_all_heads(look(model, task, sentence)))
