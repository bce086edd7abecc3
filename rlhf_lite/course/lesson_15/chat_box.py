"""A chat in the notebook: answers stream in, a meter shows how much history fits, Retry draws again, thumbs are stored.

By keyboard: type and press Enter; Tab to any button and press Space.
"""

import time

import ipywidgets as widgets

from ...tokenizer import Tokenizer
from ..quiz import LETTERS
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_fallback
from .conversation import Conversation, Filter
from .dialogue_training import Messages
from .thumbs import DOWN, UP, thumbs_path

PAUSE = 0.03
"""Seconds between two tokens, so that one sees them come."""
WORDS = {UP: "liked", DOWN: "disliked"}


def talk_html(messages: Messages, n_forgotten: int = 0) -> str:
    """Write what was said; the first `n_forgotten` messages, which the model is not given any more, are marked."""
    rows = []
    for place, message in enumerate(messages):
        who = "You" if message["role"] == "user" else "Model"
        mark = ' style="opacity: 0.55"' if place < n_forgotten else ""
        note = " <i>(no longer given to the model)</i>" if place < n_forgotten else ""
        rows.append(f"<p{mark}><b>{who}:</b> {safe_html(message['content'])}{note}</p>")
    return f'<div style="line-height: 1.35">{"".join(rows)}</div>'


def meter_html(used: int, room: int) -> str:
    """Write how many tokens of the room for history are used, as a bar."""
    table = f"<table>{bar_row('history', min(1.0, used / room), f'{used} of {room} tokens', width=16)}</table>"
    return f'<div style="white-space: nowrap">{table}</div>'


class AnswerLine(widgets.HBox):
    """One answer with its two thumbs."""

    def __init__(self, letter: str):
        self.letter = letter
        self.text = widgets.HTML(layout={"flex": "1 1 0", "min_width": "0"})
        self.up = widgets.Button(description="Like", tooltip=f"Like answer {letter}", layout={"width": "5.4em"})
        self.down = widgets.Button(description="Dislike", tooltip=f"Dislike answer {letter}", layout={"width": "5.4em"})
        super().__init__([self.text, self.up, self.down], layout={"align_items": "center"})
        self.show_text("", 0)

    def show_text(self, text: str, thumb: int) -> None:
        """Show the answer, as far as it has come, and in words how it was rated."""
        said = f" <i>({WORDS[thumb]})</i>" if thumb else ""
        self.text.value = f'<div style="line-height: 1.35"><b>Model, {self.letter}:</b> {safe_html(text)}{said}</div>'


class ChatBox(widgets.VBox):
    """The widget."""

    def __init__(self, models: dict, tokenizer: Tokenizer, *, is_stopped: Filter | None = None, pause: float = PAUSE):
        self.models, self.tokenizer, self.is_stopped, self.pause = models, tokenizer, is_stopped, pause
        self.model = widgets.Dropdown(options=list(models), description="model", layout={"width": "20em"})
        self.filter = widgets.Checkbox(description="filter before the output", value=False, indent=False,
                                       layout={"display": "none" if is_stopped is None else ""})  # fmt: skip
        self.talk, self.meter, self.message = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.lines = widgets.VBox()
        self.line = widgets.Textarea(placeholder="Say something; Enter sends", rows=1, layout={"width": "30em", "height": "34px"})
        self.send = widgets.Button(description="Send", button_style="primary", tooltip="Send what was typed")
        self.retry = widgets.Button(description="Retry", tooltip="Draw another answer to the last message")
        self.new = widgets.Button(description="New chat", tooltip="Forget what was said")
        self.line.observe(lambda _: self._typed(), "value")
        self.send.on_click(lambda _: self._send())
        self.retry.on_click(lambda _: self._answer())
        self.new.on_click(lambda _: self._begin())
        self.model.observe(lambda _: self._begin(), "value")
        self.filter.observe(lambda _: self._begin(), "value")
        controls = [widgets.HBox([self.line, self.send, self.retry, self.new]), self.message]
        super().__init__(
            [widgets.HBox([self.model, self.filter]), self.meter, self.talk, self.lines, *controls], layout={"max_width": "60em"}
        )
        self._begin()

    def _begin(self) -> None:
        stopped = self.is_stopped if self.filter.value else None
        self.conversation = Conversation(self.models[self.model.value], self.tokenizer, is_stopped=stopped)
        self.lines.children = ()
        self._show("")

    def _show(self, message: str) -> None:
        talk = self.conversation
        given = len(talk.given()) if talk.messages else 0
        self.talk.value = talk_html(talk.messages, len(talk.messages) - given)
        self.meter.value = meter_html(talk.used(), talk.room)
        self.message.value = f'<p style="line-height: 1.35">{safe_html(message)}</p>' if message else ""
        self.retry.disabled = not talk.messages or len(talk.answers) >= len(LETTERS)

    def _typed(self) -> None:
        if "\n" in self.line.value:
            self._send()

    def _send(self) -> None:
        text = self.line.value.strip()
        try:
            self.conversation.say(text)
        except ValueError as error:
            self._show(f"{str(error).capitalize()}.")
            self.line.value = text
            return
        self.line.value = ""
        self.lines.children = ()
        self._answer()

    def _answer(self) -> None:
        number = len(self.conversation.answers)
        line = AnswerLine(LETTERS[number])
        self.lines.children = (*self.lines.children, line)
        self._show("")
        for text in self.conversation.answer():
            line.show_text(text, 0)
            time.sleep(self.pause)
        for button, thumb in ((line.up, UP), (line.down, DOWN)):
            button.on_click(lambda _, thumb=thumb: self._rate(number, thumb))
        self._show("")

    def _rate(self, number: int, thumb: int) -> None:
        try:
            message = self.conversation.rate(number, thumb)
        except OSError as error:
            message = f"This cannot be stored: {error}."
        for line, text, given in zip(self.lines.children, self.conversation.answers, self.conversation.thumbs, strict=True):
            line.show_text(text, given)
        self._show(message)


def show_chat(models: dict, tokenizer: Tokenizer, example: Messages, *, is_stopped: Filter | None = None) -> None:
    """Display the chat; its static fallback shows a conversation that somebody had."""
    plain = f"Run this lesson to talk to the model; thumbs are stored in {thumbs_path().parent.name}/{thumbs_path().name}."
    page = f"<p>{safe_html(plain)} A conversation:</p>{talk_html(example)}"
    show_with_fallback(ChatBox(models, tokenizer, is_stopped=is_stopped), {"text/html": page, "text/plain": plain})
