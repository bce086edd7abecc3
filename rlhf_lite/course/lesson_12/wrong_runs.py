"""Runs of PPO that went wrong, one for each of `faults`, beside sound ones: trained for real, stored, drawn to be diagnosed.

`python -m rlhf_lite.course.lesson_12.wrong_runs` trains them all anew into data/wrong_runs (about 30 minutes on one core);
with names of faults, those.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import ipywidgets as widgets
import matplotlib as mpl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from ... import ppo
from ...checkpoint import TrainingRun
from ...data import pack_documents
from ...files import check_is_file, course_folder, write_atomically
from ...gpt import GPT, copy_gpt, copy_scalar
from ...ppo import PPOConfig
from ...presets import PRESETS
from ...real_data.score_functions import text_score
from ...reports.plots import INK, PALE, STYLE
from ...reward import score_sequences
from ...rollout import Rollout, ScoreFunction, reward_model_score
from ...tinyworld.baselines import answers_at, gold_scores
from ...tinyworld.evaluation import Models, load_models
from ...tinyworld.prompts import draw_requests
from ...tinyworld.world import TinyWorld
from ..figures import as_png
from ..safe_text import safe_attribute
from ..source import COURSE_DATA
from ..static_fallback import show_with_figure
from .injected_faults import FAULTS, SOUND, Fault, injected
from .live_ppo import training_prompts, training_requests

ROOT = course_folder()
CHECKPOINTS, FOLDER = ROOT / "data" / "checkpoints", ROOT / "data" / "wrong_runs"
CONFIG = replace(PRESETS["tiny"].ppo, iterations=21, episodes=64, minibatch_size=32, eval_every=3)
"""The course's settings of PPO at a quarter of its episodes, so that an iteration takes two seconds (ours)."""
TEXTS = 3000
"""Pretraining documents, where they are mixed in (ours)."""
WATCHED = 100
"""Held-out prompts on which the gold score is watched (ours)."""
SEEDS = (0, 1, 2)
RUNS = {
    "A": "dropout on", "B": "KL off", "C": "reward on padding", "D": "mask off by one", "E": "wrong temperature",
    "F": "no whitening", "G": "reference trained too", "H": "ptx too strong", "I": "reward model of manners",
}  # fmt: skip
"""Under which letter a reader meets which fault."""
PANELS = {
    "score": "score", "gold": "gold score, held-out", "kl": "KL, nats per response", "entropy": "entropy, nats per token",
    "clip_fraction": "clip fraction", "length": "length, tokens", "explained_variance": "explained variance",
    "grad_norm": "gradient norm",
}  # fmt: skip
"""What is drawn of a run, each with its label."""
LINEAR_UP_TO = {"kl": 10.0, "explained_variance": 1.0, "grad_norm": 1.0}
"""Numbers that may leave the sound range by powers of ten: beyond this, their axis is then logarithmic."""
OVERVIEW = ("score", "gold", "kl", "explained_variance", "grad_norm")
Curves = dict[str, list[float | None]]
KEPT = ("score", "gold", "kl", "entropy", "clip_fraction", "length", "finished", "ratio", "approx_kl", "explained_variance",
        "value_loss", "grad_norm")  # fmt: skip
"""What is stored of each iteration."""
DIGITS = 4


def score_of(fault: Fault, models: Models, seed: int) -> ScoreFunction:
    """Return the run's own reward model as a score function, or another run's, which reads the same words in its own tokens."""
    if not fault.reward_model:
        return reward_model_score(deepcopy(models.reward_model))
    other = load_models(ROOT / "data" / fault.reward_model)

    def read(prompts: list[str], responses: list[str]) -> torch.Tensor:
        rows = [other.tokenizer.encode_example(prompt, response)[0] for prompt, response in zip(prompts, responses, strict=True)]
        return score_sequences(other.reward_model, rows, other.tokenizer.pad_id)

    prompts = [request.prompt for request in training_requests(seed)]
    return text_score(read, models.tokenizer, {tuple(models.tokenizer.encode_prompt(prompt)): prompt for prompt in prompts})


class ShortRun(TrainingRun):
    """A run that stops early; rates of learning are those of the whole one."""

    def __init__(self, until: int, **more: Any):
        super().__init__(None, **more)
        self.until = until

    def steps(self, total: int, *more: Any) -> Iterator[int]:
        """Yield the steps up to `until`, and close the progress bar there."""
        for step in super().steps(total, *more):
            yield step
            if step + 1 == self.until < total:
                self._bar.total = self.until
                self._bar.update()
                self._bar.close()
                return


def train_with(
    fault: Fault, models: Models, seed: int, config: PPOConfig = CONFIG, *, until: int = CONFIG.iterations,
    show_progress: bool = True,
) -> list[dict]:
    """Train PPO from the SFT model with a fault, up to iteration `until`; return its log, one row per iteration.

    The models are left as they are.
    """
    policy, config = copy_gpt(models.policies["sft"], dropout=fault.dropout), replace(config, **fault.settings)
    tokenizer, world = models.tokenizer, TinyWorld(seed, drills=True)
    texts = pack_documents(world.documents(TEXTS), tokenizer) if config.ptx_coef > 0 else None
    run = ShortRun(until, show_progress=show_progress, name=f"{fault.name}, seed {seed}")

    requests = draw_requests("wrong runs", WATCHED, held_out=True)

    def watch(ema_policy: GPT, _: Rollout) -> dict[str, float]:
        return {"gold": fmean(gold_scores(requests, answers_at(ema_policy, tokenizer, requests, temperature=1.0, seed=seed)))}

    with injected(fault), torch.random.fork_rng():
        torch.manual_seed(seed)  # dropout
        ppo.train_ppo(
            policy, copy_scalar(models.reward_model), score_of(fault, models, seed), training_prompts(models, seed), config,
            end_id=tokenizer.end_id, pad_id=tokenizer.pad_id, seed=seed, run=run, pretraining_tokens=texts, evaluate=watch,
        )  # fmt: skip
    return run.history


def columns(history: list[dict]) -> Curves:
    """Turn a log into one list per metric, rounded; None where nothing was measured.

    Example: [{"score": 0.123456}, {"score": 1.0}] -> {"score": [0.1235, 1.0]}.
    """

    def rounded(row: dict, name: str) -> float | None:
        return float(f"{row[name]:.{DIGITS}g}") if name in row else None

    return {name: [rounded(row, name) for row in history] for name in KEPT if any(name in row for row in history)}


def file_of(name: str, folder: Path = FOLDER) -> Path:
    """Path of a fault's stored runs."""
    return folder / f"{name.replace(' ', '_').lower()}.json"


def record(fault: Fault, folder: Path = FOLDER) -> None:
    """Train one fault's runs, seed by seed, and store the curves after each."""
    models, runs = load_models(CHECKPOINTS), {}
    about = {"made_by": f"python -m rlhf_lite.course.lesson_12.wrong_runs {fault.name!r}", "fault": fault.name}
    for seed in SEEDS:
        runs[seed] = columns(train_with(fault, models, seed))
        write_atomically(file_of(fault.name, folder), json.dumps({**about, "runs": runs}) + "\n")


def stored_runs(name: str, folder: Path = FOLDER) -> dict[str, Curves]:
    """Read a fault's curves, or the sound ones: seed -> metric -> one number per iteration, None where it was not measured."""
    path = file_of(name, folder)
    check_is_file(path, f"no file {path}: {COURSE_DATA}", COURSE_DATA)
    return json.loads(path.read_text(encoding="utf-8"))["runs"]


def _points(curve: Sequence[float | None]) -> tuple[list[int], list[float]]:
    """Return iterations, counted from 1, and values where something was measured."""
    measured = [(i, value) for i, value in enumerate(curve, start=1) if value is not None]
    return [i for i, _ in measured], [value for _, value in measured]


def _draw_panel(axes: Axes, key: str, wrong: dict[str, Curves], sound: dict[str, Curves]) -> None:
    x, _ = _points(next(iter(sound.values()))[key])
    columns_of_sound = list(zip(*(_points(run[key])[1] for run in sound.values()), strict=True))
    if len(x) == 1:  # a range of no width would not be seen
        x, columns_of_sound = [x[0] - 0.2, x[0] + 0.2], 2 * columns_of_sound
    axes.fill_between(x, [min(c) for c in columns_of_sound], [max(c) for c in columns_of_sound], color=PALE, linewidth=0)
    for run, line in zip(wrong.values(), ("-", "--", ":"), strict=False):
        points = _points(run[key])
        axes.plot(*points, color=INK, linestyle=line, linewidth=1.3, marker="o" if len(points[0]) == 1 else None, markersize=4)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    furthest = max(abs(value) for runs in (wrong, sound) for run in runs.values() for value in _points(run[key])[1])
    if key in LINEAR_UP_TO and furthest > 10 * LINEAR_UP_TO[key]:  # or the sound range would be a line
        axes.set_yscale("symlog", linthresh=LINEAR_UP_TO[key])
        axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=LINEAR_UP_TO[key]))
        axes.minorticks_off()
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))


def first_and_last(key: str, wrong: dict[str, Curves], sound: dict[str, Curves]) -> str:
    """Describe where a number begins and ends, the mean over seeds, in brackets that of the sound runs."""

    def mean(runs: dict[str, Curves], place: int) -> float:
        return fmean(_points(run[key])[1][place] for run in runs.values())

    (begin, end), (sound_begin, sound_end) = ((mean(runs, 0), mean(runs, -1)) for runs in (wrong, sound))
    return f"{PANELS[key]} {begin:.2f} to {end:.2f} (sound: {sound_begin:.2f} to {sound_end:.2f})"


def _draw_large(wrong: dict[str, Curves], sound: dict[str, Curves], title: str) -> Figure:
    with mpl.rc_context(STYLE | {"font.size": 10}):
        figure = Figure(figsize=(10.4, 4.4))
        for axes, (key, label) in zip(figure.subplots(2, 4, sharex=True).flat, PANELS.items(), strict=True):
            _draw_panel(axes, key, wrong, sound)
            axes.set_title(label, fontsize=10, loc="left")
        figure.supxlabel(title, fontsize=10)
    return figure


def draw_run(letter: str, folder: Path = FOLDER) -> tuple[Figure, str]:
    """Draw one of the wrong runs, one line per seed, over the range of the sound runs; return the figure and its alt text."""
    wrong, sound = stored_runs(RUNS[letter], folder), stored_runs(SOUND.name, folder)
    figure = _draw_large(wrong, sound, f"iteration of run {letter} (lines: three seeds; grey: range of three sound runs)")
    return figure, f"Run {letter}. Means of three seeds, first to last iteration: " + "; ".join(
        first_and_last(key, wrong, sound) for key in PANELS
    ) + "."


def draw_own_run(name: str, curves: Curves, folder: Path = FOLDER) -> tuple[Figure, str]:
    """Draw a reader's run over as many iterations of the sound ones; return the figure and its alt text."""
    done = len(curves["score"])
    sound = {seed: {key: curve[:done] for key, curve in run.items()} for seed, run in stored_runs(SOUND.name, folder).items()}
    figure = _draw_large({"own": curves}, sound, f"iteration (line: {name}; grey: range of three sound runs)")
    told = "; ".join(first_and_last(key, {"own": curves}, sound) for key in PANELS)
    return figure, f"A run of one's own, {name}: {told}."


def draw_runs(folder: Path = FOLDER) -> tuple[Figure, str]:
    """Draw all wrong runs, a row each, four numbers each; return the figure and its alt text."""
    sound, told_of = stored_runs(SOUND.name, folder), []
    with mpl.rc_context(STYLE | {"font.size": 9}):
        figure = Figure(figsize=(8.4, 9.0))
        for row, letter in zip(figure.subplots(len(RUNS), len(OVERVIEW), sharex=True), RUNS, strict=True):
            wrong = stored_runs(RUNS[letter], folder)
            for axes, key in zip(row, OVERVIEW, strict=True):
                _draw_panel(axes, key, wrong, sound)
                axes.grid(visible=False)  # which would double the picture's bytes
                if letter == next(iter(RUNS)):
                    axes.set_title(PANELS[key], fontsize=10)
            row[0].set_ylabel(letter, rotation=0, fontsize=15, labelpad=14, va="center")
            told_of.append(f"run {letter}: " + ", ".join(first_and_last(key, wrong, sound) for key in OVERVIEW))
        figure.supxlabel("iteration (lines: three seeds; grey: range of three sound runs)", fontsize=10)
    return figure, f"{len(RUNS)} wrong runs, means of three seeds, first to last iteration. {'; '.join(told_of)}."


def runs_box() -> widgets.VBox:
    """Return a row of letters; the chosen run is drawn large."""
    letters = widgets.ToggleButtons(options=list(RUNS), description="run", style={"button_width": "3em"})
    picture = widgets.HTML()

    def redraw(_: object = None) -> None:
        figure, alt = draw_run(letters.value)
        picture.value = f'<img alt="{safe_attribute(alt)}" src="data:image/png;base64,{as_png(figure)}" style="max-width: 100%">'

    letters.observe(redraw, "value")
    redraw()
    return widgets.VBox([letters, picture])


def show_wrong_runs() -> None:
    """Display the wrong runs, to be looked at one by one; the static fallback shows all of them at once."""
    show_with_figure(runs_box(), *draw_runs())


def main() -> None:
    """Train the runs named on the command line, or all."""
    known = {SOUND.name: SOUND, **FAULTS}
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"no run {name!r}: choose among {', '.join(map(repr, known))}")
        record(known[name])
        print(f"stored {file_of(name).relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
