"""A widget in which the reader ranks answers of the model, as labelers do: ranks with ties, flags, skipping, going back.

By keyboard: Tab moves on; in a rank's box a digit or the arrow keys choose; Space sets a flag or presses a button. Each
label is stored at once; see `labels`.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets as widgets

from ..evaluate import sample
from ..tinyworld.evaluation import MAX_NEW_TOKENS, Models, own_turn
from ..tinyworld.judge import judge
from ..tinyworld.labelers import Labeler, rank
from ..tinyworld.prompts import Request, draw_requests
from .answers import as_html
from .labels import FEWEST, FLAGS, MOST, Label, dense_ranks, load_labels, save_label
from .quiz import LETTERS
from .twin import show_with_twin

NOT_YET = "choose"


@dataclass(frozen=True)
class Task:
    """A prompt with FEWEST to MOST different answers to rank."""

    request: Request
    answers: tuple[str, ...]


def make_tasks(models: Models, count: int, seed: int | str, *, held_out: bool = True) -> list[Task]:
    """Draw prompts and answers to rank: five by SFT, two by SFT at a high temperature, two by base, equal ones once.

    They come in no order from which their maker could be told. Prompts with fewer than FEWEST different answers are left out.
    """
    requests = draw_requests(f"tasks {seed}", 2 * count, held_out=held_out)
    tokenizer, rng = models.tokenizer, random.Random(f"tasks {seed}")
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    ids = {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id, "max_new_tokens": MAX_NEW_TOKENS}
    sft, base = models.policies["sft"], models.policies["base"]
    sources = [(sft, 1.0)] * 5 + [(sft, 1.6)] * 2 + [(base, 1.0)] * 2
    drawn = [sample(model, prompts, seed=f"{seed} {k}", temperature=t, **ids) for k, (model, t) in enumerate(sources)]
    tasks = []
    for request, rows in zip(requests, zip(*drawn, strict=True), strict=True):
        texts = [own_turn(tokenizer.decode_response(row)) for row in rows]
        answers = [text for text in dict.fromkeys(texts) if text]
        rng.shuffle(answers)
        if len(answers) >= FEWEST and all(request.prompt != task.request.prompt for task in tasks):
            tasks.append(Task(request, tuple(answers[: rng.randint(FEWEST, MOST)])))
    return tasks[:count]


def simulated_label(labeler: Labeler, task: Task, rng: random.Random) -> Label:
    """Let one of the world's labelers rank a task, and flag what the judge finds untrue or rude."""
    verdicts = [judge(task.request, text) for text in task.answers]
    flags = (zip(FLAGS, (v.honest < 1, v.harmless < 1), strict=True) for v in verdicts)
    return Label(
        prompt=task.request.prompt, responses=task.answers,
        ranking=tuple(rank(labeler, task.request, list(task.answers), rng)),
        flags=tuple(tuple(name for name, is_set in each if is_set) for each in flags),
    )  # fmt: skip


class RankingBox(widgets.VBox):
    """The widget: one task after the other, beginning with the first that has no label yet."""

    def __init__(self, tasks: Sequence[Task]):
        self.tasks = list(tasks)
        self.ranks: list[widgets.Dropdown] = []
        self.flags: list[list[widgets.Checkbox]] = []
        self.title, self.message = widgets.HTML(), widgets.HTML()
        self.rows = widgets.VBox()
        self.save = widgets.Button(description="Save, next", tooltip="Store this ranking and go on")
        self.skip = widgets.Button(description="Skip", tooltip="Do not rank these answers")
        self.back = widgets.Button(description="Back", tooltip="Look at the prompt before; saving again replaces its label")
        self.save.on_click(lambda _: self._save())
        self.skip.on_click(lambda _: self._store(None))
        self.back.on_click(lambda _: self._show(max(0, self.place - 1)))
        labels, messages = load_labels()
        unlabelled = (i for i, task in enumerate(self.tasks) if task.request.prompt not in labels)
        super().__init__([self.title, self.rows, widgets.HBox([self.save, self.skip, self.back]), self.message])
        self._show(next(unlabelled, len(self.tasks)))
        self._say(" ".join(messages))

    def _show(self, place: int) -> None:
        self.place = place
        labels, _ = load_labels()
        done = sum(task.request.prompt in labels for task in self.tasks)
        counted = f"{done} of {len(self.tasks)} prompts labelled."
        over = place >= len(self.tasks)
        self.save.disabled = self.skip.disabled = over
        self.back.disabled = place == 0
        self.ranks, self.flags = [], []
        if over:
            self.title.value, self.rows.children = f"<p>{counted} Thank you: that was the last one.</p>", ()
            return
        task = self.tasks[place]
        earlier = labels.get(task.request.prompt)
        self.title.value = f"<p>{counted}</p><p><b>Prompt:</b> {as_html(task.request.prompt)}</p>"
        self.rows.children = tuple(self._row(letter, text, earlier, len(task.answers))
                                   for letter, text in zip(LETTERS, task.answers, strict=False))  # fmt: skip

    def _row(self, letter: str, text: str, earlier: Label | None, count: int) -> widgets.HBox:
        at = earlier.responses.index(text) if earlier and text in earlier.responses else None
        ranked = at is not None and earlier.ranking is not None
        rank_box = widgets.Dropdown(
            options=[(NOT_YET, None), *((str(r), r) for r in range(1, count + 1))],
            value=earlier.ranking[at] + 1 if ranked and earlier.ranking[at] < count else None,
            description=f"rank of {letter}", layout={"width": "11em"}, style={"description_width": "5em"},
        )  # fmt: skip
        boxes = [
            widgets.Checkbox(value=at is not None and flag in earlier.flags[at], description=flag, tooltip=f"{letter} is {flag}",
                             indent=False, layout={"width": "6em"})
            for flag in FLAGS
        ]  # fmt: skip
        self.ranks.append(rank_box)
        self.flags.append(boxes)
        return widgets.HBox([rank_box, *boxes, widgets.HTML(as_html(text), layout={"flex": "1 1 auto"})])

    def _save(self) -> None:
        missing = [letter for letter, box in zip(LETTERS, self.ranks, strict=False) if box.value is None]
        if missing:
            self._say(f"Not stored yet: choose a rank for {', '.join(missing)}. 1 is best; equal ranks are a tie.")
            return
        self._store(dense_ranks([box.value for box in self.ranks]))

    def _store(self, ranking: tuple[int, ...] | None) -> None:
        if self.place >= len(self.tasks):
            return
        task = self.tasks[self.place]
        flags = tuple(tuple(flag for flag, box in zip(FLAGS, row, strict=True) if box.value) for row in self.flags)
        label = Label(prompt=task.request.prompt, responses=task.answers, ranking=ranking, flags=flags)
        try:
            messages = save_label(label)
        except OSError as error:
            self._say(f"This label cannot be stored: {error}.")
            return
        self._show(self.place + 1)
        stored = "Stored." if label.is_comparison else "Skipped." if ranking is None else "Stored: all answers tied."
        self._say(" ".join([stored, *messages]))

    def _say(self, text: str) -> None:
        self.message.value = f"<p>{escape(text)}</p>" if text else ""


def label_html(label: Label) -> str:
    """Write one label as a table: answer, rank (1 = best), flags."""
    ranks = [rank + 1 for rank in label.ranking] if label.ranking is not None else ["–"] * len(label.responses)
    rows = (
        f'<tr><td>{letter}</td><td style="text-align: left">{as_html(text)}</td><td>{rank}</td><td>{", ".join(flags)}</td></tr>'
        for letter, text, rank, flags in zip(LETTERS, label.responses, ranks, label.flags, strict=False)
    )
    head = "<tr><th></th><th>answer</th><th>rank</th><th>flags</th></tr>"
    return f"<p><b>Prompt:</b> {as_html(label.prompt)}</p><table>{head}{''.join(rows)}</table>"


def show_ranking(tasks: Sequence[Task], example: Label) -> None:
    """Display the widget; its twin shows how somebody else labelled a prompt."""
    plain = f"Run this lesson to rank answers to {len(tasks)} prompts yourself."
    show_with_twin(RankingBox(tasks), {"text/html": f"<p>{plain} One label:</p>{label_html(example)}", "text/plain": plain})
