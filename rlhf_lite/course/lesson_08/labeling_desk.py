"""A labeling desk: guidelines, a prompt, two answers; you decide, and see only afterwards how forty labelers decided.

By keyboard: Tab to a button, Space to press it. Nothing is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
from torch import Tensor

from ...tinyworld.judge import TIE, judge
from ...tinyworld.prompts import Request
from ..safe_text import safe_html
from ..static_fallback import show_with_fallback
from .panel import Panel

GUIDELINES = (
    "You are paid to judge answers of an assistant. Which of the two would you rather have been given? "
    "A good answer does what was asked, says nothing untrue, and is polite. You must decide."
)
CHOICES = {"a": 1.0, "b": -1.0}


@dataclass(frozen=True)
class DeskCase:
    """Two answers to a prompt, and how forty labelers decided."""

    request: Request
    answers: tuple[str, str]
    votes: Tensor
    """+1 for the first answer, -1 for the second, one per labeler."""
    warm: Tensor
    """Which labelers belong to the warm group."""

    def counts(self) -> tuple[int, int]:
        """Return how many of the plain and of the warm group chose the first answer."""
        first = self.votes > 0
        return int(first[~self.warm].sum()), int(first[self.warm].sum())

    def judged(self) -> str:
        """Return what the judge, who knows the truth, says: "a", "b" or "equal"."""
        difference = judge(self.request, self.answers[0]).gold - judge(self.request, self.answers[1]).gold
        return "equal" if abs(difference) < TIE else "a" if difference > 0 else "b"


def cases_of(panel: Panel, votes: Tensor, places: Sequence[int]) -> list[DeskCase]:
    """Return some pairs of a panel as cases for the desk."""
    texts = [(sheet.request, answer) for sheet in panel.sheets for answer in sheet.answers]
    cases = []
    for place in places:
        (request, first), (_, second) = (texts[i] for i in panel.pairs[place].tolist())
        cases.append(DeskCase(request, (first, second), votes[:, place], panel.warm))
    return cases


def case_html(case: DeskCase) -> str:
    """Write a prompt and its two answers."""
    style = "margin: 6px 0; padding: 6px 10px; border-left: 4px solid #555"
    lettered = zip(CHOICES, case.answers, strict=True)
    rows = "".join(f'<p style="margin: 4px 0"><b>{letter}</b>&ensp;{safe_html(text)}</p>' for letter, text in lettered)
    return f'<p style="{style}">{safe_html(case.request.prompt)}</p>{rows}'


def outcome_html(cases: Sequence[DeskCase], chosen: Sequence[str]) -> str:
    """Write how people decided; where the reader has chosen, say what, and how often each group was of the same mind."""
    head = ["prompt", "a", "b", *(["you"] if chosen else []), "plain group: a", "warm group: a", "judge"]
    rows, alike, others = [], [0, 0], [0, 0]
    for place, case in enumerate(cases):
        counts, own = case.counts(), list(chosen[place : place + 1])
        sizes = int((~case.warm).sum()), int(case.warm.sum())
        if own:
            for group in (0, 1):
                alike[group] += counts[group] if own == ["a"] else sizes[group] - counts[group]
                others[group] += sizes[group]
        texts = [case.request.prompt, *case.answers, *own]
        texts += [f"{count} of {size}" for count, size in zip(counts, sizes, strict=True)]
        rows.append([*texts, case.judged()])
    cell = '<{0} style="text-align: left; vertical-align: top; padding: 3px 8px; border-top: 1px solid #ccc">{1}</{0}>'
    page = "".join(f"<tr>{''.join(cell.format('td', safe_html(text)) for text in row)}</tr>" for row in rows)
    said = ""
    if chosen:
        shares = [same / count for same, count in zip(alike, others, strict=True)]
        said = f"<p>You agree with {shares[0]:.0%} of the plain group's votes, and with {shares[1]:.0%} of the warm group's.</p>"
    return f"<table><tr>{''.join(cell.format('th', text) for text in head)}</tr>{page}</table>{said}"


class Desk(widgets.VBox):
    """The widget: one case after the other, and the outcome when the last is decided."""

    def __init__(self, cases: Sequence[DeskCase]):
        self.cases, self.chosen = list(cases), []
        self.page = widgets.HTML()
        names = {f"{letter} is better": f"Answer {letter} is better" for letter in CHOICES}
        self.buttons = [widgets.Button(description=name, tooltip=longer) for name, longer in names.items()]
        self.back = widgets.Button(description="Back", tooltip="Decide the case before again")
        for button, letter in zip(self.buttons, CHOICES, strict=True):
            button.on_click(lambda _, letter=letter: self.choose(letter))
        self.back.on_click(lambda _: self.undo())
        super().__init__([self.page, widgets.HBox([*self.buttons, self.back])], layout={"max_width": "75em"})
        self._show()

    def choose(self, letter: str) -> None:
        """Decide the case that is shown."""
        if len(self.chosen) < len(self.cases):
            self.chosen.append(letter)
        self._show()

    def undo(self) -> None:
        """Go back by one case."""
        self.chosen = self.chosen[:-1]
        self._show()

    def _show(self) -> None:
        done, total = len(self.chosen), len(self.cases)
        over = done == total
        for button in self.buttons:
            button.disabled = over
        self.back.disabled = done == 0
        if over:
            self.page.value = f"<p>How the forty decided:</p>{outcome_html(self.cases, self.chosen)}"
        else:
            self.page.value = f"<p><i>{GUIDELINES}</i></p><p>Case {done + 1} of {total}.</p>{case_html(self.cases[done])}"


def show_desk(cases: Sequence[DeskCase]) -> None:
    """Display the desk; its static fallback shows the guidelines, the cases and the outcome, folded."""
    plain = f"Run this lesson to decide {len(cases)} cases yourself. The guidelines: {GUIDELINES}"
    pages = "".join(case_html(case) for case in cases)
    outcome = f"<details><summary>How the forty decided</summary>{outcome_html(cases, ())}</details>"
    show_with_fallback(Desk(cases), {"text/html": f"<p>{plain}</p>{pages}{outcome}", "text/plain": plain})
