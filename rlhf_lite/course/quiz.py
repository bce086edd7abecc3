"""Quizzes: questions with an explanation for every choice, kept on the reader's machine.

By keyboard: Tab to a choice's letter, Space to choose it. Without a kernel all choices and explanations can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from .languages import tr
from .progress import record_answer, stored_answers
from .safe_text import safe_html
from .static_fallback import show_with_fallback

LETTERS = "abcdefghi"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question with several choices, one of them right."""

    text: str
    choices: Sequence[tuple[str, str]]
    """Pairs of a choice and what to say to whoever chooses it."""
    right: int
    """Place of the right choice, from 0."""


def verdict_html(question: Question, choice: int) -> str:
    """Write in HTML whether a choice is right, and why."""
    verdict = tr("✓ Right.") if choice == question.right else tr("✗ Not this one.")
    return f"<b>{LETTERS[choice]}: {verdict}</b> {safe_html(tr(question.choices[choice][1]))}"


def quiz_html(questions: Sequence[Question]) -> str:
    """Write the quiz to be read where nothing runs: the explanations are folded."""
    parts = []
    for number, question in enumerate(questions, start=1):
        lettered = zip(LETTERS, question.choices, strict=False)
        choices = "<br>".join(f"{letter}: {safe_html(tr(text))}" for letter, (text, _) in lettered)
        answers = "<br>".join(verdict_html(question, choice) for choice in range(len(question.choices)))
        parts.append(
            f"<p><b>{number}. {safe_html(tr(question.text))}</b><br>{choices}</p>"
            f"<details><summary>{tr('Answer')}</summary>{answers}</details>"
        )
    return "".join(parts)


def quiz_box(lesson: str, questions: Sequence[Question]) -> widgets.VBox:
    """Return the quiz to be answered; earlier answers are there again, and each new one is stored at once."""
    earlier = stored_answers(lesson)
    return widgets.VBox([_question_box(lesson, n, question, earlier.get(n)) for n, question in enumerate(questions)])


def _question_box(lesson: str, number: int, question: Question, earlier: int | None) -> widgets.VBox:
    verdict = widgets.HTML()

    def answer(choice: int) -> None:
        verdict.value = verdict_html(question, choice)

    def row(choice: int, text: str) -> widgets.HBox:
        letter = LETTERS[choice]
        tooltip = tr("Answer {number} {letter}", number=number + 1, letter=letter)
        button = widgets.Button(description=letter, tooltip=tooltip, layout={"width": "3em"})
        button.on_click(lambda _: (answer(choice), record_answer(lesson, number, choice)))
        return widgets.HBox([button, widgets.HTML(safe_html(tr(text)), layout={"flex": "1 1 auto"})])

    rows = [row(choice, text) for choice, (text, _) in enumerate(question.choices)]
    if earlier is not None and earlier < len(rows):
        answer(earlier)
    title = widgets.HTML(f"<b>{number + 1}. {safe_html(tr(question.text))}</b>")
    return widgets.VBox([title, *rows, verdict], layout={"margin": "0 0 1em 0"})


def show_quiz(lesson: str, questions: Sequence[Question]) -> None:
    """Display a lesson's quiz."""
    plain = "\n".join(f"{n}. {tr(question.text)}" for n, question in enumerate(questions, start=1))
    show_with_fallback(quiz_box(lesson, questions), {"text/html": quiz_html(questions), "text/plain": plain})
