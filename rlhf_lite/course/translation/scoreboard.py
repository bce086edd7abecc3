"""The scoreboard of lessons 03 and 04: exact match by sentence length, training time, parameters; and stored measurements.

`python -m rlhf_lite.course.translation.scoreboard data/translation 0 1 2` measures what is not yet stored for these seeds,
one file per trained model (about seven minutes per seed on one thread); `--steps 600` measures the short runs only. A seed
decides the sentences, the split, the first weights and the order of the batches.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate import mean_interval
from ...files import write_atomically
from ...reports.plots import INK, PALE, SECOND, STYLE
from ...studies.stored import read_measured
from .translators import (
    TITLES,
    Score,
    TranslatorConfig,
    build_translator,
    score_translator,
    train_translator,
    translation_task,
)

LENGTHS = ((3, 4), (5, 6), (7, 8), (9, 10), (11, 12))
"""English words per sentence: shortest and longest of each group."""
SHORT, LONG = 600, 2400
"""Optimizer steps of a lesson's live training, and of the longer one."""
LINES = {
    "fixed": {"color": INK, "linestyle": ":", "marker": "o"},
    "attention": SECOND,
    "transformer": {"color": INK, "linestyle": "-", "marker": "^"},
}
"""Told apart by dash and marker, not by colour."""


def measure_translator(kind: str, steps: int, seed: int) -> Score:
    """Train one model from the beginning and mark it."""
    task = translation_task(seed)
    model = build_translator(kind, task, seed)
    _, seconds = train_translator(model, task, TranslatorConfig(steps=steps), seed=seed, show_progress=False)
    return score_translator(kind, model, task, steps=steps, seconds=seconds, seed=seed)


def measure_translators(folder: Path, seeds: Sequence[int], all_steps: Sequence[int] = (SHORT, LONG)) -> None:
    """Measure every model that has no file yet, for all seeds and numbers of steps."""
    for steps, kind, seed in product(all_steps, TITLES, seeds):
        path = folder / f"{kind}-{steps}-seed-{seed}.json"
        if not path.exists():
            score = measure_translator(kind, steps, seed)
            write_atomically(path, json.dumps(score.to_row(), indent=1) + "\n")
            print(f"{path.name}: {score.exact_match():.3f} in {score.seconds:.0f} s", flush=True)


def load_scores(folder: str | Path) -> list[Score]:
    """Read all stored measurements.

    Raises: FileNotFoundError if there are none.
    """
    how = f"run `python -m rlhf_lite.course.translation.scoreboard {folder} 0 1 2`"
    return [Score.from_row(row) for row in read_measured(folder, how, "*-seed-*.json")]


def choose(scores: Sequence[Score], kind: str, steps: int) -> list[Score]:
    """Return one model's scores after a number of steps, one per seed."""
    return [score for score in scores if (score.kind, score.steps) == (kind, steps)]


def interval(scores: Sequence[Score], shortest: int = 0, longest: int = 12) -> tuple[float, float, float]:
    """Return mean exact match over seeds with its 95 % interval, cut to what a share can be."""
    mean, low, high = mean_interval([score.exact_match(shortest, longest) for score in scores])
    return mean, max(0.0, low), min(1.0, high)


def scoreboard_rows(groups: Sequence[Sequence[Score]]) -> list[list[str]]:
    """Return one line of text cells per model: name, parameters, CPU-seconds, exact match on all, short and long sentences."""
    rows = []
    for scores in groups:
        first, shares = scores[0], (interval(scores)[0], interval(scores, 3, 6)[0], interval(scores, 11, 12)[0])
        seconds = sum(score.seconds for score in scores) / len(scores)
        rows.append([TITLES[first.kind], f"{first.parameters:,}", f"{seconds:.0f}", *(f"{share:.2f}" for share in shares)])
    return rows


def print_scoreboard(groups: Sequence[Sequence[Score]]) -> None:
    """Print the scoreboard as text, one line per model; a group holds one model's scores, one per seed."""
    print(f"{'model':<20}{'parameters':>12}{'CPU-seconds':>13}{'exact match':>13}{'3-6 words':>11}{'11-12 words':>13}")
    for name, *numbers in scoreboard_rows(groups):
        print(f"{name:<20}" + "".join(f"{number:>{width}}" for number, width in zip(numbers, (12, 13, 13, 11, 13), strict=True)))


def draw_scoreboard(groups: Sequence[Sequence[Score]]) -> tuple[Figure, str]:
    """Draw exact match against sentence length, one line per model, beside training time and parameters.

    A group holds one model's scores, one per seed; bars show 95 % intervals where there are several seeds.
    Returns the figure and its alt text.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 4.2))
        grid = figure.add_gridspec(2, 2, width_ratios=(2, 1))
        described = _draw_lines(figure.add_subplot(grid[:, 0]), groups)
        names = [TITLES[scores[0].kind] for scores in groups]
        seconds = [sum(score.seconds for score in scores) / len(scores) for scores in groups]
        _draw_bars(figure.add_subplot(grid[0, 1]), names, seconds, "training time (CPU-seconds)", "{:.0f}")
        sizes = [scores[0].parameters / 1000 for scores in groups]
        _draw_bars(figure.add_subplot(grid[1, 1]), names, sizes, "parameters (thousands)", "{:.0f}")
    pairs = zip(names, seconds, sizes, strict=True)
    costs = "; ".join(f"{name} {second:.0f} CPU-seconds, {size:.0f} thousand parameters" for name, second, size in pairs)
    return figure, f"Exact match by number of English words. {'. '.join(described)}. Training: {costs}."


def _draw_lines(axes: Axes, groups: Sequence[Sequence[Score]]) -> list[str]:
    labels, described = [f"{low}-{high}" for low, high in LENGTHS], []
    for scores in groups:
        kind, points = scores[0].kind, [interval(scores, *length) for length in LENGTHS]
        means = [mean for mean, _, _ in points]
        errors = [[mean - low for mean, low, _ in points], [high - mean for mean, _, high in points]]
        errors = errors if len(scores) > 1 else None
        axes.errorbar(labels, means, yerr=errors, capsize=3, linewidth=1.8, label=TITLES[kind], **LINES[kind])
        shares = (f"{label} words {mean:.2f}" for label, mean in zip(labels, means, strict=True))
        described.append(f"{TITLES[kind]}: {', '.join(shares)}")
    axes.set(ylim=(-0.03, 1.05), xlabel="English words in the sentence", ylabel="share translated exactly")
    axes.legend(loc="lower left", frameon=False)
    return described


def _draw_bars(axes: Axes, names: Sequence[str], values: Sequence[float], title: str, form: str) -> None:
    bars = axes.barh(range(len(names)), values, height=0.6, color=PALE, edgecolor=INK)
    axes.bar_label(bars, [form.format(value) for value in values], padding=4)
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel=title)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)


def main() -> None:
    """Measure the seeds named on the command line and store them in the folder named first."""
    parser = argparse.ArgumentParser(description="Measure the translators of lessons 03 and 04.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--steps", type=int, nargs="+", default=(SHORT, LONG))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    measure_translators(arguments.folder, arguments.seeds, arguments.steps)


if __name__ == "__main__":
    main()
