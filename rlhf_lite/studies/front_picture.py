"""The picture of the README: what four models of one run answer to the same prompts, and what aligning brought and cost.

`python -m rlhf_lite.studies.front_picture` draws it anew from `data/checkpoints` and `data/substance`, into data/front.png. The
prompts are the first that a seed draws, and the first answers that a seed samples: nothing is chosen.
"""

from pathlib import Path
from textwrap import shorten

import matplotlib as mpl
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluate import sample
from ..files import course_folder
from ..reports.markdown import model_name
from ..reports.plots import INK, STYLE
from ..tinyworld.evaluation import MAX_NEW_TOKENS, Models, load_models, own_turn
from ..tinyworld.judge import judge
from ..tinyworld.prompts import draw_requests
from .stored import read_measured

SHOWN = ("base", "sft", "ppo", "ppo_ptx")
N_PROMPTS = 3
COLORS = {"base": "0.55", "sft": "#0072b2", "ppo": "#d55e00", "ppo_ptx": "#009e73"}  # Okabe and Ito: also told apart in grey
MARKERS = {"base": "o", "sft": "s", "ppo": "^", "ppo_ptx": "D"}


def answers(models: Models, seed: str = "front picture") -> list[tuple[str, dict[str, tuple[str, float]]]]:
    """Return the first prompts of a seed with each model's first answer and its gold score."""
    requests, tokenizer = draw_requests(seed, N_PROMPTS, held_out=True), models.tokenizer
    prompts, found = [tokenizer.encode_prompt(request.prompt) for request in requests], [{} for _ in requests]
    for name in SHOWN:
        drawn = sample(models.policies[name], prompts, seed=seed, max_new_tokens=MAX_NEW_TOKENS, end_id=tokenizer.end_id,
                       pad_id=tokenizer.pad_id)  # fmt: skip
        for row, request, ids in zip(found, requests, drawn, strict=True):
            text = own_turn(tokenizer.decode_response(ids))
            row[name] = text, judge(request, text).gold
    return [(request.prompt, row) for request, row in zip(requests, found, strict=True)]


def draw(rows: list[tuple[str, dict[str, tuple[str, float]]]], studies: list[dict]) -> Figure:
    """Draw answers on the left, gold score and pretraining loss of every seed on the right."""
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(11, 4.4))
        text, (gold, loss) = figure.subplots(1, 3, width_ratios=(3.4, 1, 1))[0], figure.axes[1:]
        _write(text, rows)
        _dots(gold, studies, "gold", "gold score (true judge)")
        _dots(loss, studies, "pretraining_loss", "pretraining loss (nats per token)")
    return figure


def _write(axes: Axes, rows: list[tuple[str, dict[str, tuple[str, float]]]]) -> None:
    axes.axis("off")
    lines, height = len(rows) * (len(SHOWN) + 1.6), 0.0
    for prompt, row in rows:
        axes.text(0, 1 - height / lines, shorten(prompt, 88, placeholder=" …"), weight="bold", va="top", transform=axes.transAxes)
        for k, name in enumerate(SHOWN, start=1):
            y = 1 - (height + k * 1.02) / lines
            axes.text(0.02, y, model_name(name), color=COLORS[name], va="top", transform=axes.transAxes)
            answer = shorten(row[name][0], 62, placeholder=" …") or "(nothing)"
            axes.text(0.16, y, f"{answer}  ({row[name][1]:+.2f})", va="top", transform=axes.transAxes)
        height += len(SHOWN) + 1.6


def _dots(axes: Axes, studies: list[dict], key: str, label: str) -> None:
    for place, name in enumerate(SHOWN):
        values = [study["models"][name][key] for study in studies]
        axes.plot([place] * len(values), values, MARKERS[name], color=COLORS[name], markerfacecolor="white")
        axes.plot(place, sum(values) / len(values), "_", color=INK, markersize=18, markeredgewidth=2)
    axes.margins(x=0.15)
    axes.set_xticks(range(len(SHOWN)), [model_name(name) for name in SHOWN], rotation=40)
    axes.set_title(label.replace(" (", "\n("), fontsize=10)


def main(output: Path = Path("front.png")) -> None:
    """Draw the picture; a relative path lies in data/."""
    data = course_folder() / "data"
    studies = read_measured(data / "substance", "python -m rlhf_lite.studies.substance RUN ...")
    draw(answers(load_models(data / "checkpoints")), studies).savefig(data / output)
    print(f"wrote {data / output}")


if __name__ == "__main__":
    tyro.cli(main)
