"""Edit the examples of a prompt, take none to three of them, and see what the base model answers by its likeliest tokens.

By keyboard: Tab from box to box, Enter in a box runs; Tab to a button, Space to press it.
"""

from collections.abc import Sequence

import ipywidgets as widgets

from ...evaluate import sample
from ...gpt import GPT
from ...reports.comparison import own_turn
from ...tinyworld.evaluation import MAX_NEW_TOKENS
from ...tokenizer import Tokenizer
from ..safe_text import safe_html
from ..static_fallback import show_with_fallback
from .few_shot import LAYOUTS, SHOTS, Pair

EXAMPLES: tuple[Pair, ...] = (
    ("Two times coat:", "coat coat."),
    ("Three times rake:", "rake rake rake."),
    ("Four times kite:", "kite kite kite kite."),
)
"""What the boxes hold at first: SHOTS solved exercises, whose wording stands in the base model's school books."""
REQUEST = "Three times chair:"
WIDE, NARROW = {"width": "26em"}, {"width": "18em"}


def prompt_ids(layout: str, examples: Sequence[Pair], request: str, tokenizer: Tokenizer, room: int) -> list[int]:
    """Lay out examples and request as token ids. Raises: ValueError, one line, where a text is missing or they do not fit."""
    for number, texts in enumerate(examples, start=1):
        if not all(text.strip() for text in texts):
            raise ValueError(f"Example {number} lacks a text: fill in both its boxes, or take fewer examples.")
    if not request.strip():
        raise ValueError("Write a request first.")
    pairs = [(question.strip(), answer.strip()) for question, answer in examples]
    ids = LAYOUTS[layout](pairs, request.strip(), tokenizer)
    if len(ids) > room:
        raise ValueError(f"This prompt has {len(ids)} tokens, and {room} fit: shorten a text, or take fewer examples.")
    return ids


def answer_greedily(model: GPT, tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """Return what the model goes on with, always the likeliest token: its own turn, at most MAX_NEW_TOKENS tokens."""
    (drawn,) = sample(
        model, [list(ids)], seed=0, temperature=0.0, max_new_tokens=MAX_NEW_TOKENS,
        end_id=tokenizer.end_id, pad_id=tokenizer.pad_id,
    )  # fmt: skip
    return own_turn(tokenizer.decode_response(drawn))


def room_for_prompt(model: GPT) -> int:
    """Return how many tokens a prompt may have, so that an answer still fits into the context."""
    return model.config.context_length - MAX_NEW_TOKENS


def page_html(page: str, answer: str | None, n_tokens: int, room: int) -> str:
    """Write what the model reads and, bold, its answer (None: not run yet); text is escaped."""
    after = "<i>press Run, or Enter in a box</i>" if answer is None else f"<b>{safe_html(answer) or '(nothing)'}</b>"
    return (
        f'<p style="line-height: 1.35; font-family: monospace; overflow-wrap: anywhere">{safe_html(page)} {after}</p>'
        f"<p>The prompt has {n_tokens} of {room} tokens.</p>"
    )


def answers_html(model: GPT, tokenizer: Tokenizer, examples: Sequence[Pair], request: str) -> str:
    """Write a table of the model's answers to one request: a row per number of examples, a column per layout."""
    left, rows = ' style="text-align: left"', []
    for count in range(len(examples) + 1):
        prompts = [prompt_ids(each, examples[:count], request, tokenizer, room_for_prompt(model)) for each in LAYOUTS]
        cells = "".join(f"<td{left}>{safe_html(answer_greedily(model, tokenizer, ids))}</td>" for ids in prompts)
        rows.append(f"<tr><td>{count}</td>{cells}</tr>")
    head = "".join(f"<th{left}>{safe_html(name)}</th>" for name in LAYOUTS)
    shown = "; ".join(f"{question} {answer}" for question, answer in examples)
    return (
        f"<p>Answers to <b>{safe_html(request)}</b> after so many of these examples: {safe_html(shown)}</p>"
        f"<table><tr><th>examples</th>{head}</tr>{''.join(rows)}</table>"
    )


class ExampleBox(widgets.VBox):
    """Boxes for three examples and a request, buttons for the layout and the number of examples, and the answer."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, examples: Sequence[Pair] = EXAMPLES, request: str = REQUEST):
        self.model, self.tokenizer = model, tokenizer
        self.layout_choice = widgets.ToggleButtons(options=list(LAYOUTS), description="layout")
        self.count = widgets.ToggleButtons(options=list(range(SHOTS + 1)), description="examples", style={"button_width": "3em"})
        self.rows = []
        for number, (question, answer) in enumerate(examples, start=1):
            boxes = [widgets.Text(value=question, description=f"example {number}", layout=WIDE),
                     widgets.Text(value=answer, description="answer", layout=NARROW)]  # fmt: skip
            self.rows.append(widgets.HBox(boxes, layout={"flex_flow": "row wrap"}))
        self.request = widgets.Text(value=request, description="request", layout=WIDE)
        self.run_button = widgets.Button(description="Run", button_style="primary", tooltip="Let the base model answer")
        self.shown = widgets.HTML()
        texts = [*(box for row in self.rows for box in row.children), self.request]
        for control in (*texts, self.layout_choice, self.count):
            control.observe(lambda _: self.show(), "value")
        for text in texts:
            text.on_msg(lambda _, content, buffers: self.run() if content.get("event") == "submit" else None)
        self.run_button.on_click(lambda _: self.run())
        super().__init__([self.layout_choice, self.count, *self.rows, widgets.HBox([self.request, self.run_button]), self.shown])
        self.show()

    def run(self) -> None:
        """Let the model answer the prompt as it stands."""
        self.show(answered=True)

    def show(self, *, answered: bool = False) -> None:
        """Show the examples taken and the prompt, or in one line why there is none; after a change the old answer is gone."""
        for number, row in enumerate(self.rows):
            row.layout.display = "flex" if number < self.count.value else "none"
        examples = [tuple(box.value for box in row.children) for row in self.rows[: self.count.value]]
        room = room_for_prompt(self.model)
        try:
            ids = prompt_ids(self.layout_choice.value, examples, self.request.value, self.tokenizer, room)
        except ValueError as error:
            self.shown.value = f"<p>{safe_html(str(error))}</p>"
            return
        answer = answer_greedily(self.model, self.tokenizer, ids) if answered else None
        self.shown.value = page_html(self.tokenizer.decode(ids), answer, len(ids), room)


def show_examples(model: GPT, tokenizer: Tokenizer) -> None:
    """Display the boxes; the static fallback is a table of the model's answers to the first request."""
    plain = f"Run this lesson to edit the examples. The first request: {REQUEST}"
    fallback = {"text/html": answers_html(model, tokenizer, EXAMPLES, REQUEST), "text/plain": plain}
    show_with_fallback(ExampleBox(model, tokenizer), fallback)
