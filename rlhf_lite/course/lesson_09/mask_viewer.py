"""Step through the tokens of a demonstration: what the model has read, what it is surprised by, and what of it counts.

By keyboard: Tab to the slider, arrow keys to step; Tab to the masks, arrow keys to choose; Tab to a text box to type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import torch

from ...gpt import GPT
from ...likelihood import next_token_log_probs
from ...tokenizer import Tokenizer
from ..safe_text import safe_html
from ..static_fallback import show_with_figure
from .figures import draw_token_surprises

MASKS: dict[str, Callable[[int, int], list[bool]]] = {
    "answer only": lambda T, n: [t >= n for t in range(T)],
    "no mask": lambda T, n: [t > 0 for t in range(T)],
    "end token left out": lambda T, n: [n <= t < T - 1 for t in range(T)],
    "one too early": lambda T, n: [n - 1 <= t < T - 1 for t in range(T)],
    "one too late": lambda T, n: [t > n for t in range(T)],
}
"""Name of a mask -> which of T tokens count where the first n are the prompt; "answer only" is the library's."""


@dataclass(frozen=True)
class Surprises:
    """One demonstration as models read it."""

    tokens: list[str]
    """T readable tokens."""
    prompt_length: int
    """How many of them belong to the prompt."""
    of: dict[str, list[float]]
    """Model -> T - 1 surprises in nats; number t speaks of token t + 1."""


@torch.no_grad()
def read_demonstration(models: Mapping[str, GPT], tokenizer: Tokenizer, prompt: str, response: str) -> Surprises:
    """Let models read a demonstration, and note how each token surprised them.

    Raises: ValueError if it is longer than the models can read.
    """
    ids, prompt_length = tokenizer.encode_example(prompt, response)
    tokens = torch.tensor([ids])
    of = {name: (-next_token_log_probs(model(tokens), tokens))[0].tolist() for name, model in models.items()}
    return Surprises(tokenizer.tokens(ids), prompt_length, of)


def mean_of_counted(surprises: Sequence[float], mask: Sequence[bool]) -> float:
    """Average the surprises (T - 1) of the tokens that count (T): the loss of this one demonstration."""
    counted = [surprise for surprise, counts in zip(surprises, mask[1:], strict=True) if counts]
    return sum(counted) / len(counted) if counted else float("nan")


def tokens_html(read: Surprises, mask: Sequence[bool], place: int) -> str:
    """Write the tokens as boxes: those that count shaded and bold, the one looked at in a thick frame; text is escaped."""
    boxes = []
    for t, token in enumerate(read.tokens):
        style = "background: #c7c7c7; color: #000; font-weight: bold;" if mask[t] else "background: #fff; color: #000;"
        border = "3px solid #c2500a" if t == place else "1px solid #555"
        boxes.append(f'<span style="{style} border: {border}; padding: 2px 5px; margin: 1px; display: inline-block">'
                     f"{safe_html(token)}</span>")  # fmt: skip
    return f'<div style="line-height: 2.1">{"".join(boxes)}</div>'


def story_html(read: Surprises, mask: Sequence[bool], place: int) -> str:
    """Describe one token: whose it is, whether it counts, how much it surprised each model; and the loss of all that count."""
    part = "the prompt" if place < read.prompt_length else "the answer"
    end = " It teaches the model to stop." if place == len(read.tokens) - 1 and mask[place] else ""
    counts = "counts" if mask[place] else "is read and does not count"
    costs = ", ".join(f"{safe_html(name)} {values[place - 1]:.2f}" for name, values in read.of.items())
    losses = ", ".join(f"{safe_html(name)} {mean_of_counted(values, mask):.2f}" for name, values in read.of.items())
    return (
        f"<p>Token {place + 1} of {len(read.tokens)}, <code>{safe_html(read.tokens[place])}</code>, belongs to {part}. "
        f"It {counts}.{end}<br>Surprise in nats: {costs}.<br><b>Loss, the mean over all that count:</b> {losses}.</p>"
    )


def mask_box(models: Mapping[str, GPT], tokenizer: Tokenizer, prompt: str, response: str) -> widgets.VBox:
    """Return the slider, the choice of a mask, two text boxes, and what they show."""
    wide = {"style": {"description_width": "5em"}, "layout": {"width": "44em"}, "continuous_update": False}
    asked = widgets.Text(value=prompt, description="prompt", **wide)
    answered = widgets.Text(value=response, description="answer", **wide)
    kind = widgets.ToggleButtons(
        options=list(MASKS), description="mask", style={"description_width": "5em", "button_width": "9em"}
    )
    place = widgets.IntSlider(value=2, min=2, max=3, description="token", **(wide | {"continuous_update": True}))
    shown, kept = widgets.HTML(), []

    def redraw(_: object = None) -> None:
        if kept:
            read = kept[-1]
            mask = MASKS[kind.value](len(read.tokens), read.prompt_length)
            shown.value = tokens_html(read, mask, place.value - 1) + story_html(read, mask, place.value - 1)

    def read_again(_: object = None) -> None:
        """Let the models read what is typed, and go to the answer's first token."""
        try:
            read = read_demonstration(models, tokenizer, asked.value, answered.value)
        except ValueError as error:  # longer than the models can read, or no valid text
            shown.value = f"<p>{safe_html(str(error))}</p>"
            return
        kept[:] = [read]
        place.max = len(read.tokens)
        place.value = read.prompt_length + 1
        redraw()

    for box in (asked, answered):
        box.observe(read_again, "value")
    for control in (kind, place):
        control.observe(redraw, "value")
    read_again()
    return widgets.VBox([asked, answered, kind, place, shown])


def mask_viewer(models: Mapping[str, GPT], tokenizer: Tokenizer, prompt: str, response: str) -> None:
    """Display the widget; its static fallback is a figure of every token's surprise under each model."""
    read = read_demonstration(models, tokenizer, prompt, response)
    mask = MASKS["answer only"](len(read.tokens), read.prompt_length)
    show_with_figure(mask_box(models, tokenizer, prompt, response), *draw_token_surprises(read.tokens, mask, read.of))
