"""A widget in which the reader ranks answers of the model, as labelers do: ranks with ties, flags, skipping, going back.

By mouse: press a rank beside each answer. By keyboard: type all ranks into one line, one digit per answer, and press Enter;
or Tab to any button and press Space. Line and buttons always show the same. Each label is stored at once; see `labels`.
"""

import re
from collections.abc import Sequence

import ipywidgets as widgets

from ..quiz import LETTERS
from ..safe_text import safe_html
from ..static_fallback import show_with_fallback
from .labels import FLAGS, RANKED, Label, dense_ranks, labels_folder, load_labels, now, save_label
from .tasks import Task

NO_RANK = "-"
MARKS = {flag[0]: flag for flag in FLAGS}
"""How flags are typed: u = untrue, h = harmful."""
SKIP, BACK = "s", "b"
EXPLAINED = "one digit per answer, 1 = best; u = untrue, h = harmful; Enter saves. Alone: s skips, b goes back."
Ranks = list[int | None]
Flags = list[set[str]]


def parse_line(line: str, count: int) -> tuple[Ranks, Flags]:
    """Read typed ranks, from 1, and flags: "21u-" for 3 answers -> ([2, 1, None], [set(), {"untrue"}, set()]).

    Spaces and commas may stand anywhere; answers not reached have no rank.

    Raises: ValueError saying what cannot be understood.
    """
    ranks: Ranks = []
    flags: Flags = []
    for mark in re.sub(r"[\s,]", "", line.lower()):
        if mark in MARKS and ranks:
            flags[-1].add(MARKS[mark])
        elif mark == NO_RANK or (mark.isdecimal() and 1 <= int(mark) <= count):
            ranks.append(None if mark == NO_RANK else int(mark))
            flags.append(set())
        else:
            raise ValueError(f"{mark!r} is not understood here: type ranks from 1 to {count}, then u or h for flags")
    if len(ranks) > count:
        raise ValueError(f"{len(ranks)} ranks for {count} answers")
    missing = count - len(ranks)
    return ranks + [None] * missing, flags + [set() for _ in range(missing)]


def write_line(ranks: Sequence[int | None], flags: Sequence[set[str]]) -> str:
    """Write ranks and flags as they would be typed; the other way round than `parse_line`. Nothing chosen: ""."""
    parts = [
        (NO_RANK if rank is None else str(rank)) + "".join(mark for mark, flag in MARKS.items() if flag in chosen)
        for rank, chosen in zip(ranks, flags, strict=True)
    ]
    while parts and parts[-1] == NO_RANK:
        parts.pop()
    return " ".join(parts)


def order_in_words(ranks: Sequence[int | None]) -> str:
    """Describe an order. Example: [2, 1, None, 2] -> "Best first: b; a = d. No rank yet: c." """
    chosen = sorted({rank for rank in ranks if rank is not None})
    places = [" = ".join(LETTERS[i] for i, rank in enumerate(ranks) if rank == place) for place in chosen]
    missing = [LETTERS[i] for i, rank in enumerate(ranks) if rank is None]
    said = [f"Best first: {'; '.join(places)}."] if places else []
    return " ".join(said + ([f"No rank yet: {', '.join(missing)}."] if missing else []))


class AnswerRow(widgets.HBox):
    """One answer with a button for each rank and a box for each flag."""

    def __init__(self, letter: str, text: str, count: int):
        ranks = [str(rank) for rank in range(1, count + 1)]
        self.rank = widgets.ToggleButtons(
            options=list(zip(ranks, range(1, count + 1), strict=True)), value=None,
            tooltips=[f"rank {rank} for {letter}" for rank in ranks],
            style={"button_width": "2.7em"}, layout={"flex": "0 0 auto", "margin": "0 12px"},
        )  # fmt: skip
        self.flags = {
            flag: widgets.Checkbox(description=flag, tooltip=f"{letter} is {flag}", indent=False,
                                   layout={"width": "5.6em", "flex": "0 0 auto"})
            for flag in FLAGS
        }  # fmt: skip
        shown = f'<div style="line-height: 1.35; padding: 5px 0"><b>{letter}</b>&ensp;{safe_html(text)}</div>'
        words = widgets.HTML(shown, layout={"flex": "1 1 0", "min_width": "0"})
        super().__init__(
            [words, self.rank, *self.flags.values()],
            layout={"border_top": "1px solid #ccc", "align_items": "center", "padding": "2px 0"},
        )

    def chosen_flags(self) -> set[str]:
        """Return the flags that are set."""
        return {flag for flag, box in self.flags.items() if box.value}

    def set_choice(self, rank: int | None, flags: set[str]) -> None:
        """Set the buttons to a rank and flags that were typed or stored."""
        self.rank.value = rank
        for flag, box in self.flags.items():
            box.value = flag in flags


class RankingBox(widgets.VBox):
    """The widget: one task after the other, beginning with the first that has no label yet."""

    def __init__(self, tasks: Sequence[Task], reader: str = ""):
        self.tasks, self.reader = list(tasks), reader
        self.place, self._echo = 0, False
        self.title, self.order, self.message = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.rows = widgets.VBox()
        # not a Text: of that, Enter is a message of its own, which overtakes the last letters of whoever types fast
        self.line = widgets.Textarea(description="type ranks", rows=1, layout={"width": "22em", "height": "34px"})
        self.save = widgets.Button(description="Save, next", button_style="primary", tooltip="Store this ranking and go on")
        self.skip = widgets.Button(description="Skip", tooltip="Do not rank these answers")
        self.back = widgets.Button(description="Back", tooltip="Look at the prompt before; saving again replaces its label")
        self.line.observe(lambda _: self._typed(), "value")
        self.save.on_click(lambda _: self._save())
        self.skip.on_click(lambda _: self._store(None))
        self.back.on_click(lambda _: self._show(max(0, self.place - 1)))
        help_text = widgets.HTML(f'<span style="line-height: 1.35">{EXPLAINED}</span>')
        controls = [widgets.HBox([self.line, help_text]), widgets.HBox([self.save, self.skip, self.back])]
        super().__init__([self.title, self.rows, self.order, *controls, self.message], layout={"max_width": "75em"})
        labels, messages = load_labels()
        unlabelled = (i for i, task in enumerate(self.tasks) if task.request.prompt not in labels)
        self._show(next(unlabelled, len(self.tasks)))
        self._say(" ".join(messages))

    @property
    def ranks(self) -> Ranks:
        """What is chosen now, one rank per answer, from 1."""
        return [row.rank.value for row in self.rows.children]

    @property
    def flags(self) -> Flags:
        """The flags that are set now, one set per answer."""
        return [row.chosen_flags() for row in self.rows.children]

    def _show(self, place: int) -> None:
        self.place = place
        labels, _ = load_labels()
        done = sum(task.request.prompt in labels for task in self.tasks)
        counted = f"{done} of {len(self.tasks)} prompts labelled."
        over = place >= len(self.tasks)
        self.save.disabled = self.skip.disabled = self.line.disabled = over
        self.back.disabled = place == 0
        self._say("")
        if over:
            thanks = f"Thank you: that was the last one. Your labels are in {safe_html(f'{labels_folder().name}/{RANKED}')}."
            self.title.value, self.rows.children, self.order.value = f"<p>{counted} {thanks}</p>", (), ""
            self.line.value = ""
            return
        task = self.tasks[place]
        self.title.value = (
            f'<div style="line-height: 1.35">Prompt {place + 1} of {len(self.tasks)}. {counted}'
            f'<p style="margin: 6px 0; padding: 6px 10px; border-left: 4px solid #555; background: #8882">'
            f"{safe_html(task.request.prompt)}</p></div>"
        )
        rows = tuple(AnswerRow(*each, len(task.answers)) for each in zip(LETTERS, task.answers, strict=False))
        self.rows.children = rows
        if earlier := labels.get(task.request.prompt):
            _show_label(earlier, task, rows)
        for row in rows:
            for control in (row.rank, *row.flags.values()):
                control.observe(lambda _: self._pressed(), "value")
        self._pressed()

    def _pressed(self) -> None:
        """Show the order that the buttons say, and write it as a typed line, unless that line has set the buttons."""
        self.order.value = f'<div style="border-top: 1px solid #ccc; padding-top: 4px">{order_in_words(self.ranks)}</div>'
        if not self._echo:
            self._say("")
            self._write(write_line(self.ranks, self.flags))

    def _write(self, line: str) -> None:
        """Show a line that nobody typed."""
        self._echo = True
        self.line.value = line
        self._echo = False

    def _typed(self) -> None:
        if self._echo:
            return
        line, entered = self.line.value.replace("\n", ""), "\n" in self.line.value
        command = line.strip().lower()
        if entered:
            self._write(line)
        if command in (SKIP, BACK):
            if entered:
                self._store(None) if command == SKIP else self._show(max(0, self.place - 1))
        elif self._understood(line) and entered:
            self._save()

    def _understood(self, line: str) -> bool:
        """Press the buttons that a typed line means, or say what is wrong with it."""
        try:
            choices = parse_line(line, len(self.rows.children))
        except ValueError as error:
            self._say(f"{error}.")
            return False
        self._say("")
        self._echo = True
        for row, rank, flags in zip(self.rows.children, *choices, strict=True):
            row.set_choice(rank, flags)
        self._echo = False
        return True

    def _save(self) -> None:
        if self.place >= len(self.tasks):
            return
        ranks = self.ranks
        if not self._understood(self.line.value):
            return
        if None in ranks:
            missing = ", ".join(letter for letter, rank in zip(LETTERS, ranks, strict=False) if rank is None)
            self._say(f"Not stored yet: choose a rank for {missing}. 1 is best; equal ranks are a tie.")
            return
        self._store(dense_ranks(ranks))

    def _store(self, ranking: tuple[int, ...] | None) -> None:
        if self.place >= len(self.tasks):
            return
        task = self.tasks[self.place]
        flags = tuple(tuple(flag for flag in FLAGS if flag in chosen) for chosen in self.flags)
        label = Label(
            prompt=task.request.prompt, responses=task.answers, ranking=ranking, flags=flags, reader=self.reader, at=now()
        )  # fmt: skip
        try:
            messages = save_label(label)
        except OSError as error:
            self._say(f"This label cannot be stored: {error}.")
            return
        self._show(self.place + 1)
        stored = "Stored." if label.is_comparison else "Skipped." if ranking is None else "Stored: all answers tied."
        self._say(" ".join([stored, *messages]))

    def _say(self, text: str) -> None:
        self.message.value = f"<p>{safe_html(text)}</p>" if text else ""


def _show_label(label: Label, task: Task, rows: Sequence[AnswerRow]) -> None:
    """Set the buttons to a stored label, for those of its answers that are shown now."""
    for row, text in zip(rows, task.answers, strict=True):
        if text in label.responses:
            at = label.responses.index(text)
            ranked = label.ranking is not None and label.ranking[at] < len(rows)
            row.set_choice(label.ranking[at] + 1 if ranked else None, set(label.flags[at]))


def label_html(label: Label) -> str:
    """Write one label as a table: answer, rank (1 = best), flags."""
    ranks = [rank + 1 for rank in label.ranking] if label.ranking is not None else ["–"] * len(label.responses)
    rows = (
        f'<tr><td>{letter}</td><td style="text-align: left">{safe_html(text)}</td><td>{rank}</td><td>{", ".join(flags)}</td></tr>'
        for letter, text, rank, flags in zip(LETTERS, label.responses, ranks, label.flags, strict=False)
    )
    head = "<tr><th></th><th>answer</th><th>rank</th><th>flags</th></tr>"
    return f"<p><b>Prompt:</b> {safe_html(label.prompt)}</p><table>{head}{''.join(rows)}</table>"


def show_ranking(tasks: Sequence[Task], example: Label, *, reader: str = "") -> None:
    """Display the widget, whose labels carry the reader's name; its static fallback shows somebody else's label."""
    plain = f"Run this lesson to rank answers to {len(tasks)} prompts yourself."
    page = f"<p>{plain} One label:</p>{label_html(example)}"
    show_with_fallback(RankingBox(tasks, reader), {"text/html": page, "text/plain": plain})
