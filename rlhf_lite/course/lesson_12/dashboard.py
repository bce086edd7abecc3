"""A dashboard of PPO while it trains: curves that grow, an answer that changes, and sliders that act between iterations.

By keyboard: Tab to a button, Space to press it; Tab to a slider, arrow keys to move it. Training is a task of the kernel's
own event loop and gives way after each part of an iteration, so that clicks and other cells come in between; nothing is
printed after the cell has ended. `python -m rlhf_lite.course.lesson_12.dashboard` records anew the run that its
static fallback shows.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as widgets
import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from tqdm.auto import tqdm

from ...files import check_is_file, course_folder, write_atomically
from ...ppo import PPOConfig
from ...reports.plots import DOTTED, INK, PALE, PPO_PANELS, STYLE
from ...tinyworld.evaluation import Models, load_models
from ..figures import as_png
from ..safe_text import safe_attribute, safe_html
from ..source import COURSE_DATA
from ..static_fallback import show_with_figure
from .live_ppo import KNOBS, LIVE, Change, LivePPO, changes_in_words

ROOT = course_folder()
RECORDED = ROOT / "data" / "dashboard.json"
BREATH = 0.02
"""Seconds that the loop gives away between two parts of an iteration, enough to take in some clicks."""
SHOWN_ANSWERS = 4
SCRIPT = ((8, "kl_coef", 0.0), (16, "kl_coef", 0.2))
"""Of the recorded run: after how many iterations which slider was moved where."""
RECORDED_ITERATIONS = 24

History = Sequence[Mapping[str, float]]


def draw_dashboard(history: History, changes: Sequence[Change] = (), earlier: History = ()) -> tuple[Figure, str]:
    """Draw what is watched, a panel each: this run, the run before it in pale, and a line where a slider was moved.

    Returns the figure and its alt text.
    """
    with mpl.rc_context(STYLE | {"font.size": 10, "figure.constrained_layout.use": False}):  # which would double the time
        figure = Figure(figsize=(9.6, 4.4))
        panels = figure.subplots(2, 3, sharex=True)
        figure.subplots_adjust(left=0.055, right=0.99, bottom=0.11, top=0.9, hspace=0.38, wspace=0.2)
        for axes, (key, label) in zip(panels.flat, PPO_PANELS.items(), strict=True):
            for n, change in enumerate(changes, start=1):
                axes.axvline(change.iteration + 0.5, **DOTTED)
                axes.text(change.iteration + 0.5, 1.0, f"[{n}]", transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                          fontsize=8)  # fmt: skip
            if earlier:
                axes.plot(range(1, len(earlier) + 1), [row[key] for row in earlier], color=PALE, linestyle="--", linewidth=1.6)
            marker = "o" if len(history) < 25 else None
            axes.plot(range(1, len(history) + 1), [row[key] for row in history], color=INK, marker=marker, markersize=3.5)
            axes.set_title(label.replace("\n", " "), fontsize=10, loc="left", pad=12 if changes else 6)
            axes.set_xlim(0.5, max(10, len(history), len(earlier)) + 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in panels[1]:
            axes.set_xlabel("iteration")
    return figure, dashboard_alt(history, changes, earlier)


def dashboard_alt(history: History, changes: Sequence[Change], earlier: History = ()) -> str:
    """Describe what `draw_dashboard` shows."""
    if not history:
        return "No iteration is done yet."
    described = (
        f"{label.replace(chr(10), ' ')} {history[0][key]:.2f} to {history[-1][key]:.2f}"
        + (f" ({earlier[-1][key]:.2f})" if earlier else "")
        for key, label in PPO_PANELS.items()
    )
    last = ", in brackets the last value of the run before" if earlier else ""
    moved = f" Sliders moved: {changes_in_words(changes)}." if changes else ""
    return f"Curves of PPO, iteration 1 to {len(history)}{last}: {'; '.join(described)}.{moved}"


def newest_answers_html(prompt: str, answers: Sequence[str]) -> str:
    """Write a prompt and its newest answers, SFT's first; answers are numbered by the iterations done. Text is escaped.

    Example: ("Hi <b>", ["No."]) holds "Hi &lt;b&gt;".
    """
    kept = [0, *range(max(1, len(answers) - SHOWN_ANSWERS + 1), len(answers))]
    rows = "".join(
        f'<tr><td style="text-align: left">{f"after iteration {i}" if i else "before (SFT)"}</td>'
        f'<td style="text-align: left">{safe_html(answers[i].strip() or "(nothing)")}</td></tr>'
        for i in kept
    )
    return f"<p><b>One held-out prompt:</b> {safe_html(prompt)}</p><table>{rows}</table>"


class Dashboard(widgets.VBox):
    """The widget. Everything that touches a model runs on the event loop in which the widget was made, one part at a time."""

    running: ClassVar["Dashboard | None"] = None
    """The one dashboard that trains; starting another pauses it."""

    def __init__(self, live: LivePPO):
        self.live, self.earlier = live, ()
        self._loop, self._task = asyncio.get_running_loop(), None
        self._paused = self._restart = False
        self.buttons = {
            name: self._button(name, tooltip, action)
            for name, tooltip, action in (
                ("Start", "Train on", self._start), ("Pause", "Stop after this iteration", self._pause),
                ("Step", "Do one iteration", lambda: self._start(1)),
                ("Reset", "Begin again from the SFT model, with the sliders as they are", self._reset),
            )
        }  # fmt: skip
        self.sliders = {key: self._slider(key) for key in KNOBS}
        self.status, self.moved, self.answer = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.picture = widgets.HTML()
        sliders = list(self.sliders.values())
        super().__init__([
            widgets.HBox(list(self.buttons.values())), widgets.HBox(sliders[:2]), widgets.HBox(sliders[2:]),
            self.status, self.picture, self.moved, self.answer,
        ])  # fmt: skip
        self._redraw("Press Start, or Step for a single iteration.")

    def _button(self, name: str, tooltip: str, action: Callable[[], Any]) -> widgets.Button:
        button = widgets.Button(description=name, tooltip=tooltip, layout={"width": "7em"})
        button.on_click(lambda _: self._loop.call_soon_threadsafe(action))  # front ends may call from a thread of their own
        return button

    def _slider(self, key: str) -> widgets.SelectionSlider:
        knob = KNOBS[key]
        value = knob.of(self.live.wanted)
        slider = widgets.SelectionSlider(
            options=[(f"{v:g}", v) for v in sorted({*knob.values, value})], value=value, description=knob.label,
            style={"description_width": "7.5em"}, layout={"width": "30em"},
        )  # fmt: skip
        slider.observe(lambda change: self._move(key, change["new"]), "value")
        return slider

    def _move(self, key: str, value: float) -> None:
        """Note a slider's new place; the next iteration uses it. Front ends may call this from a thread of their own."""
        self.live.wanted = KNOBS[key].put(self.live.wanted, value)

    def _start(self, iterations: int | None = None) -> None:
        if self._task is None:
            if Dashboard.running is not None:
                Dashboard.running._pause()
            Dashboard.running = self
            self._paused = self._restart = False
            most = self.live.wanted.iterations
            self._task = self._loop.create_task(self._train(min(most, self.live.done + iterations) if iterations else most))

    def _pause(self) -> None:
        self._paused = True
        if self._task is not None:
            self._say("Pausing after this iteration …")

    def _reset(self) -> None:
        self._paused = self._restart = True
        if self._task is None:
            self._begin_again()

    def _begin_again(self) -> None:
        self._restart = False
        self.earlier = tuple(self.live.history) or self.earlier
        self.live.restart()
        self._redraw("Back at the SFT model. The dashed grey line is the run before.")

    async def _train(self, until: int) -> None:
        """Train up to iteration `until` or until Pause is pressed; other tasks run after each part of an iteration."""
        self._show_buttons()
        end = ""
        try:
            while self.live.done < until and not self._paused:
                for part in self.live.iterate():
                    self._say(f"Iteration {self.live.done + 1}: {part} …" + (" Pausing after it." if self._paused else ""))
                    await asyncio.sleep(BREATH)
                    if self._restart:
                        break
                else:
                    self._redraw()
                    await asyncio.sleep(BREATH)
        except Exception as error:  # a task's error would be shown nowhere
            end = f"Stopped by {type(error).__name__}: {error}. Reset, and try other settings."
        finally:
            self._task = None
            Dashboard.running = None if Dashboard.running is self else Dashboard.running
        if self._restart:
            self._begin_again()
        else:
            over = self.live.done >= self.live.wanted.iterations
            self._redraw(end or ("That is the last one: Reset to begin again." if over else "Paused."))

    def _say(self, text: str) -> None:
        self.status.value = f'<p role="status">{safe_html(text)}</p>'

    def _show_buttons(self) -> None:
        trains, over = self._task is not None, self.live.done >= self.live.wanted.iterations
        for name, off in (("Start", trains or over), ("Pause", not trains), ("Step", trains or over)):
            self.buttons[name].disabled = off

    def _redraw(self, text: str = "") -> None:
        live = self.live
        figure, alt = draw_dashboard(live.history, live.changes, self.earlier)
        wide, high = (round(110 * inches) for inches in figure.get_size_inches())
        self.picture.value = (
            f'<img alt="{safe_attribute(alt)}" src="data:image/png;base64,{as_png(figure)}" width="{wide}" height="{high}" '
            'style="max-width: 100%; height: auto">'
        )
        self.moved.value = f"<p>Sliders moved: {safe_html(changes_in_words(live.changes))}.</p>" if live.changes else ""
        self.answer.value = newest_answers_html(live.prompt, live.answers)
        self._show_buttons()
        if text:
            self._say(f"{live.done} iterations done. {text}")


def recorded_run(path: Path = RECORDED) -> tuple[list[dict[str, float]], list[Change], str, list[str]]:
    """Read the recorded run: history, changes, prompt, answers.

    Raises: FileNotFoundError where the course's data folder is not there.
    """
    check_is_file(path, f"no file {path}: {COURSE_DATA}", COURSE_DATA)
    row = json.loads(path.read_text(encoding="utf-8"))
    return row["history"], [Change(**change) for change in row["changes"]], row["prompt"], row["answers"]


def show_dashboard(models: Models, *, iterations: int = 3, config: PPOConfig = LIVE, seed: int = 0) -> LivePPO:
    """Train a few iterations at once, then display the dashboard, with which the reader goes on; return its run.

    Its static fallback, for those who only read, is a recorded run in which a slider was moved twice.
    """
    live = LivePPO(models, config, seed=seed)
    for _ in tqdm(range(iterations), desc="PPO"):
        live.advance()
    history, changes, _, _ = recorded_run()
    figure, alt = draw_dashboard(history, changes)
    show_with_figure(Dashboard(live), figure, f"A recorded run. {alt}")
    return live


def main() -> None:
    """Record the run of the static fallback."""
    live = LivePPO(load_models(ROOT / "data" / "checkpoints"))
    at = {iteration: (key, value) for iteration, key, value in SCRIPT}
    for iteration in tqdm(range(RECORDED_ITERATIONS)):
        if iteration in at:
            key, value = at[iteration]
            live.wanted = KNOBS[key].put(live.wanted, value)
        live.advance()
    row = live.to_row()
    row["history"] = [{key: float(f"{each[key]:.4g}") for key in PPO_PANELS} for each in row["history"]]
    row = {"made_by": "python -m rlhf_lite.course.lesson_12.dashboard", **row}
    write_atomically(RECORDED, json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
