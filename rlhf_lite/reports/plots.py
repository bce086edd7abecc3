"""Pictures of a run: training curves, PPO, win rates, what alignment cost, calibration.

They are read without colour: lines differ in dash and marker and carry their names. Each comes with a text for those who
cannot see it and a sentence on how to read it; what is missing is left out.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .markdown import is_number, model_name, number

Log = list[dict[str, Any]]
STYLE = {
    "font.size": 11, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "0.9", "lines.markersize": 5.5, "savefig.dpi": 130, "figure.constrained_layout.use": True,
}  # fmt: skip
INK, PALE = "0.1", "0.78"
FIRST = {"color": INK, "linestyle": "-", "marker": "o"}
SECOND = {"color": "#c2500a", "linestyle": "--", "marker": "s", "markerfacecolor": "white"}
DOTTED = {"color": INK, "linestyle": ":", "linewidth": 1.2}
PPO_PANELS = {
    "score": "reward-model score", "gold": "gold score, held-out", "kl": "KL from SFT\n(nats per response)",
    "length": "length (tokens)", "entropy": "entropy (nats per token)", "clip_fraction": "clip fraction",
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A figure, what it shows for those who cannot see it, and how to read it."""

    figure: Figure
    alt: str
    reading: str


def embed(folder: Path, name: str, picture: Picture | None, missing: str = "") -> str:
    """Save a picture under figures/ and return the Markdown that shows it, or the sentence `missing`."""
    if picture is None:
        return missing
    picture.figure.savefig(folder / "figures" / f"{name}.png")
    return f"![{picture.alt}](figures/{name}.png)\n\n{picture.reading}"


def _curve(log: Log, key: str) -> tuple[list[int], list[float]]:
    points = [(row["step"] + 1, row[key]) for row in log if is_number(row.get(key))]
    return [x for x, _ in points], [y for _, y in points]


def _label_ends(axes: Axes, ends: dict[str, float]) -> None:
    """Write names right of where lines end, far enough apart to be read."""
    place = -1.0
    axes.autoscale_view()  # limits are final before names are placed
    for name, y in sorted(ends.items(), key=lambda item: item[1]):
        place = max(axes.transLimits.transform(axes.transScale.transform((1, y)))[1], place + 0.1)
        axes.text(1.02, place, name, transform=axes.transAxes, va="center")


def _draw_steps(axes: Axes, log: Log, key: str, stage: str, unit: str) -> str:
    """Draw a noisy curve and its running mean, and the held-out loss where there is one; say where they begin and end."""
    (xs, ys), (held_xs, held_ys) = _curve(log, key), _curve(log, "held_out_loss")
    half = len(ys) // 40
    means = [sum(near) / len(near) for near in (ys[max(0, i - half) : i + half + 1] for i in range(len(ys)))]
    axes.plot(xs, ys, color=PALE, linewidth=0.8)
    axes.plot(xs, means, color=INK)
    axes.plot(held_xs, held_ys, **SECOND)
    axes.set(xlabel=f"{stage}: optimizer step", ylabel=f"{key} ({unit})")
    _label_ends(axes, {name: line[-1] for name, line in (("train", means), ("held out", held_ys)) if line})
    axes.set_visible(bool(ys))
    held_out = f", on held-out text to {number(held_ys[-1])}" if held_ys else ""
    return f"{stage} {key} from {number(means[0])} to {number(means[-1])}{held_out}" if ys else ""


def draw_training(logs: dict[str, Log]) -> Picture | None:
    """Draw the losses of pretraining, SFT and reward model, and the accuracy, step by step."""
    figure = Figure(figsize=(9, 6.4))
    (pretrain, sft), (loss, accuracy) = figure.subplots(2, 2)
    pretrain.set_yscale("log", subs=[])  # from 12 to 1.2 in a run with a primer: on a linear scale the end is flat
    pretrain.set_yticks(ticks := [1, 1.5, 2, 3, 4, 5, 6, 8, 10], ticks)
    for axes, guess in ((loss, math.log(2)), (accuracy, 0.5)):
        axes.axhline(guess, **DOTTED)
        axes.text(0.99, guess, "guessing", transform=axes.get_yaxis_transform(), ha="right", va="bottom")
    accuracy.yaxis.set_major_formatter("{x:.0%}")
    alts = [
        _draw_steps(pretrain, logs["pretrain"], "loss", "pretraining", "nats per token"),
        _draw_steps(sft, logs["sft"], "loss", "SFT", "nats per token"),
        _draw_steps(loss, logs["reward"], "loss", "reward model", "nats per pair"),
        _draw_steps(accuracy, logs["reward"], "accuracy", "reward model", "% of pairs"),
    ]
    reading = "Pale is every step, thick the mean of a twentieth of all steps around it; the scale of pretraining is logarithmic."
    return Picture(figure, f"Training curves: {'; '.join(filter(None, alts))}.", reading) if any(alts) else None


def draw_ppo(logs: dict[str, Log]) -> Picture | None:
    """Draw six panels of PPO and PPO-ptx by iteration."""
    figure, alts = Figure(figsize=(11, 6)), []
    for axes, (key, label) in zip(figure.subplots(2, 3).flat, PPO_PANELS.items(), strict=True):
        curves = {name: _curve(logs[name], key) for name in ("ppo", "ppo_ptx")}
        for first, (xs, ys), style in zip((0, 0.5), curves.values(), (FIRST, SECOND), strict=True):
            axes.plot(xs, ys, markevery=(int(first * len(xs)) // 6, max(1, len(xs) // 6)), **style)  # markers apart
        axes.set(xlabel="iteration", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        _label_ends(axes, {model_name(name): ys[-1] for name, (_, ys) in curves.items() if ys})
        alts += [f"{model_name(name)} {key} from {number(ys[0])} to {number(ys[-1])}" for name, (_, ys) in curves.items() if ys]
    figure.axes[-1].yaxis.set_major_formatter("{x:.1%}")
    reading = "If the reward-model score rises while the gold score falls, the policy has learnt to fool the reward model."
    return Picture(figure, f"PPO by iteration: {'; '.join(alts)}.", reading) if alts else None


def draw_calibration(bins: list[dict[str, float]]) -> Picture | None:
    """Draw how often the answer that the reward model prefers was ranked better."""
    figure = Figure(figsize=(5.6, 5))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], **DOTTED)
    axes.plot([row["predicted"] for row in bins], [row["observed"] for row in bins], **FIRST)
    for row in bins:
        axes.annotate(f"{row['pairs']:,}", (row["predicted"], row["observed"]), (5, -14), textcoords="offset points")
    axes.set(xlabel="probability given by the reward model\n(beside each point: how many pairs)", ylabel="share ranked better")
    points = ", ".join(f"{number(row['observed'], '.0%')} where {number(row['predicted'], '.0%')} was predicted" for row in bins)
    reading = "On the dotted diagonal the reward model is as sure as it should be; a flatter line means that it is too sure."
    return Picture(figure, f"Calibration: {points}.", reading) if bins else None


def _rows(names: Iterable[str], xlabel: str) -> tuple[Figure, Axes]:
    labels = [model_name(name).replace("_", " ") for name in names]
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(labels)))
    axes = figure.subplots()  # below: the first row on top
    axes.set(xlabel=xlabel, yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.4, -0.8))
    return figure, axes


def draw_win_rates(pairs: dict[str, dict[str, float]]) -> Picture | None:
    """Draw win rates with their intervals, one row per pair."""
    figure, axes = _rows(pairs, "prompts won by the first, ties left out")
    for y, row in enumerate(pairs.values()):
        fill = {"markerfacecolor": "white" if row["low"] <= 0.5 <= row["high"] else INK}  # hollow: an open question
        axes.plot([row["low"], row["high"]], [y, y], color=INK, marker="|", markersize=10)
        axes.plot(row["rate"], y, **FIRST | fill)
        axes.text(1.02, y, number(row["rate"], ".0%"), va="center", transform=axes.get_yaxis_transform())
    axes.axvline(0.5, **DOTTED)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    alt = "; ".join(f"{model_name(pair)} {number(row['rate'], '.0%')}" for pair, row in pairs.items())
    reading = "A bar (95% interval) that crosses the dotted 50% line (point hollow) leaves open which of the two is better."
    return Picture(figure, f"Win rates: {alt}.", reading) if pairs else None


def draw_alignment_tax(losses: dict[str, float]) -> Picture | None:
    """Draw each model's held-out loss on pretraining text beside the base model's."""
    figure, axes = _rows(losses, "held-out pretraining loss (nats per token)")
    bars = axes.barh(range(len(losses)), list(losses.values()), height=0.55, color=PALE, edgecolor=INK)
    base = losses.get("base", math.nan)
    axes.bar_label(bars, [f"{loss:.2f} ({loss - base:+.2f})" for loss in losses.values()], padding=4)
    alt = ", ".join(f"{model_name(name)} {number(loss)}" for name, loss in losses.items())
    reading = "In brackets: the change from the base model, which is the price of alignment; PPO-ptx is meant to keep it small."
    return Picture(figure, f"Held-out pretraining loss: {alt}.", reading) if "base" in losses else None


def draw_use_cases(use_cases: dict[str, dict[str, float]]) -> Picture | None:
    """Draw the gold scores of SFT and PPO-ptx by use case."""
    figure, axes = _rows(use_cases, "gold score")
    for name, style in (("sft", SECOND), ("ppo_ptx", FIRST)):
        axes.plot([row.get(name, math.nan) for row in use_cases.values()], range(len(use_cases)), **style | {"linestyle": "none"})
    first = next(iter(use_cases.values()), {})
    top = {name: first[name] for name in ("sft", "ppo_ptx") if is_number(first.get(name))}
    for side, name in zip(("right", "left"), sorted(top, key=top.get), strict=False):
        axes.annotate(model_name(name), (top[name], 0), (0, 9), textcoords="offset points", ha=side)
    alt = ", ".join(f"{name} {number(row.get('sft'))} and {number(row.get('ppo_ptx'))}" for name, row in use_cases.items())
    reading = "Hollow squares are SFT, filled circles PPO-ptx; further right is better."
    return Picture(figure, f"Gold score of SFT and PPO-ptx by use case: {alt}.", reading) if use_cases else None
