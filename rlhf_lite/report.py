"""A run as a page with pictures: report.md, report.json and figures/*.png, from its evaluation and its logs.

Pictures are read without colour: lines differ in dash and marker and carry their names. What is missing is left out and said.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .checkpoint import read_log, write_atomically

Log = list[dict[str, Any]]
STYLE = {
    "font.size": 11, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "0.9", "lines.markersize": 5.5, "savefig.dpi": 130, "figure.constrained_layout.use": True,
}  # fmt: skip
INK, PALE = "0.1", "0.78"
FIRST = {"color": INK, "linestyle": "-", "marker": "o"}
SECOND = {"color": "#c2500a", "linestyle": "--", "marker": "s", "markerfacecolor": "white"}
DOTTED = {"color": INK, "linestyle": ":", "linewidth": 1.2}
NAMES = {"base": "base", "base_few_shot": "base, few-shot", "sft": "SFT", "ppo": "PPO", "ppo_ptx": "PPO-ptx"}
AGREEMENTS = {
    "accuracy_labelers": "reward model and a labeler it learnt from", "accuracy_judge": "reward model and judge",
    "accuracy_held_out_labelers": "reward model and a labeler it never learnt from", "labeler_agreement": "two labelers",
}  # fmt: skip
PPO_PANELS = {
    "score": "reward-model score", "gold": "gold score, held-out", "kl": "KL from SFT\n(nats a response)",
    "length": "length (tokens)", "entropy": "entropy (nats a token)", "clip_fraction": "clip fraction",
}  # fmt: skip
CLEANED = "{incoming} prompts: {personal} with personal data, {duplicates} duplicates, {over_cap} over a user's cap; {kept} kept."


@dataclass(frozen=True)
class Picture:
    """A figure, what it shows for those who cannot see it, and how to read it."""

    figure: Figure
    alt: str
    reading: str


def write_report(folder: str | Path, results: dict[str, Any]) -> Path:
    """Write report.md, report.json and figures/*.png into a run's folder; return the path of report.md.

    `results` may hold: preset, seed, summary (what `python -m rlhf_lite evaluate --json` prints), use_cases, calibration,
    samples, cleaning, seconds, peak_memory_gb, reward_model. Numbers that are not finite become null in report.json.
    """
    folder = Path(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    results = json.loads(json.dumps(results), parse_constant=lambda constant: None)  # NaN is not JSON
    write_atomically(folder / "report.json", json.dumps(results, indent=1, ensure_ascii=False))
    logs = {stage: read_log(folder / stage / "log.jsonl") for stage in ("pretrain", "sft", "reward", "ppo", "ppo_ptx")}
    results = {"summary": {}} | {key: value for key, value in results.items() if value is not None}
    title = f"# Report: preset {escape(str(results.get('preset', '–')))}, seed {results.get('seed', '–')}"
    with mpl.rc_context(STYLE):
        sections = _models(folder, results) + _training(folder, logs, results)
    blocks = [title, _in_three_sentences(results["summary"]), *sections, *_samples_and_data(results)]
    write_atomically(folder / "report.md", "\n\n".join(filter(None, blocks)) + "\n")
    return folder / "report.md"


def escape(text: str) -> str:
    """Make any text safe in a cell of a Markdown table: it shows as it is and does nothing.

    Example: 'a|b <i>' -> 'a&#124;b &#60;i&#62;'; lines are joined with <br>.
    """
    lines = text.strip().splitlines()
    return "<br>".join(re.sub(r"[^\w\s%'()+,./;=?–-]|_", lambda match: f"&#{ord(match[0])};", line) for line in lines)


def number(value: float | None, form: str = ",.2f") -> str:
    """Write a number, '.0%' for a share in percent; a dash where it is missing or not finite."""
    return format(value, form) if _is_number(value) else "–"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], missing: str, *, align: str = "---:") -> str:
    """Write a Markdown table, all cells escaped; without rows, the sentence `missing` instead."""
    lines = [[*map(escape, header)], ["---"] + [align] * (len(header) - 1), *([*map(escape, row)] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) if len(lines) > 2 else missing


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _name(model: str) -> str:
    return " over ".join(NAMES.get(part, part) for part in model.split(">"))


def _in_three_sentences(summary: dict[str, Any]) -> str:
    wins, tax = "PPO-ptx and SFT were not compared.", "The alignment tax was not measured."
    reward, losses = "The reward model was not measured.", _pretraining_losses(summary)
    if row := summary.get("pairs", {}).get("ppo_ptx>sft"):
        verdict = "better" if row["low"] > 0.5 else "worse" if row["high"] < 0.5 else "not clearly better or worse"
        share = f"{row['rate']:.0%} (95% interval {row['low']:.0%} to {row['high']:.0%})"
        where = f"of {row['wins'] + row['losses']} held-out prompts that were no tie"
        wins = f"The judge preferred PPO-ptx to SFT on {share} {where}: PPO-ptx is {verdict}."
    if row := summary.get("reward_model"):
        alike, people = (number(row.get(key), ".0%") for key in ("accuracy_labelers", "labeler_agreement"))
        reward = f"The reward model orders {alike} of held-out pairs as a labeler does; two labelers agree on {people}."
    if {"base", "ppo", "ppo_ptx"} <= losses.keys():
        changes = " and ".join(f"{losses[name] - losses['base']:+.2f} with {_name(name)}" for name in ("ppo", "ppo_ptx"))
        tax = f"Alignment tax: held-out pretraining loss, {losses['base']:.2f} nats a token for base, changes by {changes}."
    return f"{wins} {reward} {tax}"


def _pretraining_losses(summary: dict[str, Any]) -> dict[str, float]:
    losses = {name: row.get("pretraining_loss") for name, row in summary.get("models", {}).items()}
    return {name: loss for name, loss in losses.items() if _is_number(loss) and name != "base_few_shot"}  # that is base again


def _models(folder: Path, results: dict[str, Any]) -> list[str]:
    summary = results["summary"]
    pairs, keys = summary.get("pairs", {}), ("gold", "helpful", "honest", "harmless", "length", "pretraining_loss")
    header = ("model", "gold score", "helpful", "honest", "harmless", "length (words)", "pretraining loss (nats a token)")
    rows = [(_name(name), *(number(row.get(key)) for key in keys)) for name, row in summary.get("models", {}).items()]
    form = "{wins}|{losses}|{ties}|{rate:.0%}|{low:.0%} to {high:.0%}"
    wins = [(_name(pair), *form.format(**row).split("|")) for pair, row in pairs.items()]
    distances = [(_name(name), number(kl)) for name, kl in summary.get("kl_from_sft", {}).items()]
    return [
        f"## Which model is better on {summary.get('prompts', 'the')} held-out prompts?",
        table(header, rows, "The models were not evaluated."),
        table(("pair", "wins", "losses", "ties", "win rate", "95% interval"), wins, "No models were compared."),
        _embed(folder, "win_rates", _draw_win_rates(pairs)),
        _embed(folder, "use_cases", _draw_use_cases(results.get("use_cases", {})), "Use cases were not measured one by one."),
        "## What did it cost?",
        _embed(folder, "alignment_tax", _draw_alignment_tax(_pretraining_losses(summary)), "Pretraining loss was not measured."),
        table(("model", "KL from SFT (nats a response)"), distances, "KL from the SFT model was not measured."),
    ]


def _training(folder: Path, logs: dict[str, Log], results: dict[str, Any]) -> list[str]:
    found = results["summary"].get("reward_model", {}) | results.get("reward_model", {})
    rows = [(label, number(found[key], ".0%")) for key, label in AGREEMENTS.items() if key in found]
    missing = ", ".join(_name(stage) for stage, log in logs.items() if not log)
    return [
        "## How did training go?",
        f"These stages left no log, so their curves are missing: {missing}." if missing else "",
        _embed(folder, "training", _draw_training(logs)),
        _embed(folder, "ppo", _draw_ppo(logs)),
        "## Is the reward model right?",
        table(("who", "agree on pairs"), rows, "Agreement with labelers was not measured."),
        _embed(folder, "calibration", _draw_calibration(results.get("calibration", [])), "Calibration was not measured."),
    ]


def _samples_and_data(results: dict[str, Any]) -> list[str]:
    samples, seconds = [], results.get("seconds", {})
    for sample in results.get("samples", []):
        gold = sample.get("gold", {})
        rows = [(_name(name), text or "(nothing)", number(gold.get(name))) for name, text in sample["answers"].items()]
        samples.append(table((sample["use_case"], sample["prompt"], "gold score"), rows, "Nobody answered.", align="---"))
    times = [(_name(stage), number(spent / 60, ".1f")) for stage, spent in {**seconds, "together": sum(seconds.values())}.items()]
    counts = {key: number(n, ",") for key, n in results.get("cleaning", {}).items()}
    return [
        "## What do the models say?",
        *(samples or ["No samples were kept."]),
        "## Data and time",
        CLEANED.format(**counts) if counts else "What cleaning left out was not counted.",
        table(("stage", "time (minutes)"), times if seconds else [], "Time was not measured."),
        f"Memory, at most: {number(results['peak_memory_gb'])} GB." if "peak_memory_gb" in results else "",
    ]


def _embed(folder: Path, name: str, picture: Picture | None, missing: str = "") -> str:
    if picture is None:
        return missing
    picture.figure.savefig(folder / "figures" / f"{name}.png")
    return f"![{picture.alt}](figures/{name}.png)\n\n{picture.reading}"


def _curve(log: Log, key: str) -> tuple[list[int], list[float]]:
    points = [(row["step"] + 1, row[key]) for row in log if _is_number(row.get(key))]
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


def _draw_training(logs: dict[str, Log]) -> Picture | None:
    figure = Figure(figsize=(9, 6.4))
    (pretrain, sft), (loss, accuracy) = figure.subplots(2, 2)
    pretrain.set_yscale("log", subs=[])  # from 12 to 1.2 in a run with a primer: on a linear scale the end is flat
    pretrain.set_yticks(ticks := [1, 1.5, 2, 3, 4, 5, 6, 8, 10], ticks)
    for axes, guess in ((loss, math.log(2)), (accuracy, 0.5)):
        axes.axhline(guess, **DOTTED)
        axes.text(0.99, guess, "guessing", transform=axes.get_yaxis_transform(), ha="right", va="bottom")
    accuracy.yaxis.set_major_formatter("{x:.0%}")
    alts = [
        _draw_steps(pretrain, logs["pretrain"], "loss", "pretraining", "nats a token"),
        _draw_steps(sft, logs["sft"], "loss", "SFT", "nats a token"),
        _draw_steps(loss, logs["reward"], "loss", "reward model", "nats a pair"),
        _draw_steps(accuracy, logs["reward"], "accuracy", "reward model", "% of pairs"),
    ]
    reading = "Pale is every step, thick the mean of a twentieth of all steps around it; the scale of pretraining is logarithmic."
    return Picture(figure, f"Training curves: {'; '.join(filter(None, alts))}.", reading) if any(alts) else None


def _draw_ppo(logs: dict[str, Log]) -> Picture | None:
    figure, alts = Figure(figsize=(11, 6)), []
    for axes, (key, label) in zip(figure.subplots(2, 3).flat, PPO_PANELS.items(), strict=True):
        curves = {name: _curve(logs[name], key) for name in ("ppo", "ppo_ptx")}
        for first, (xs, ys), style in zip((0, 0.5), curves.values(), (FIRST, SECOND), strict=True):
            axes.plot(xs, ys, markevery=(int(first * len(xs)) // 6, max(1, len(xs) // 6)), **style)  # markers apart
        axes.set(xlabel="iteration", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        _label_ends(axes, {_name(name): ys[-1] for name, (_, ys) in curves.items() if ys})
        alts += [f"{_name(name)} {key} from {number(ys[0])} to {number(ys[-1])}" for name, (_, ys) in curves.items() if ys]
    figure.axes[-1].yaxis.set_major_formatter("{x:.1%}")
    reading = "If the reward-model score rises while the gold score falls, the policy has learnt to fool the reward model."
    return Picture(figure, f"PPO by iteration: {'; '.join(alts)}.", reading) if alts else None


def _draw_calibration(bins: list[dict[str, float]]) -> Picture | None:
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
    labels = [_name(name).replace("_", " ") for name in names]
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(labels)))
    axes = figure.subplots()  # below: the first row on top
    axes.set(xlabel=xlabel, yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.4, -0.8))
    return figure, axes


def _draw_win_rates(pairs: dict[str, dict[str, float]]) -> Picture | None:
    figure, axes = _rows(pairs, "prompts won by the first, ties left out")
    for y, row in enumerate(pairs.values()):
        fill = {"markerfacecolor": "white" if row["low"] <= 0.5 <= row["high"] else INK}  # hollow: an open question
        axes.plot([row["low"], row["high"]], [y, y], color=INK, marker="|", markersize=10)
        axes.plot(row["rate"], y, **FIRST | fill)
        axes.text(1.02, y, number(row["rate"], ".0%"), va="center", transform=axes.get_yaxis_transform())
    axes.axvline(0.5, **DOTTED)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    alt = "; ".join(f"{_name(pair)} {number(row['rate'], '.0%')}" for pair, row in pairs.items())
    reading = "A bar (95% interval) that crosses the dotted 50% line (point hollow) leaves open which of the two is better."
    return Picture(figure, f"Win rates: {alt}.", reading) if pairs else None


def _draw_alignment_tax(losses: dict[str, float]) -> Picture | None:
    figure, axes = _rows(losses, "held-out pretraining loss (nats a token)")
    bars = axes.barh(range(len(losses)), list(losses.values()), height=0.55, color=PALE, edgecolor=INK)
    base = losses.get("base", math.nan)
    axes.bar_label(bars, [f"{loss:.2f} ({loss - base:+.2f})" for loss in losses.values()], padding=4)
    alt = ", ".join(f"{_name(name)} {number(loss)}" for name, loss in losses.items())
    reading = "In brackets: the change from the base model, which is the price of alignment; PPO-ptx is meant to keep it small."
    return Picture(figure, f"Held-out pretraining loss: {alt}.", reading) if "base" in losses else None


def _draw_use_cases(use_cases: dict[str, dict[str, float]]) -> Picture | None:
    figure, axes = _rows(use_cases, "gold score")
    for name, style in (("sft", SECOND), ("ppo_ptx", FIRST)):
        axes.plot([row.get(name, math.nan) for row in use_cases.values()], range(len(use_cases)), **style | {"linestyle": "none"})
    first = next(iter(use_cases.values()), {})
    top = {name: first[name] for name in ("sft", "ppo_ptx") if _is_number(first.get(name))}
    for side, name in zip(("right", "left"), sorted(top, key=top.get), strict=False):
        axes.annotate(_name(name), (top[name], 0), (0, 9), textcoords="offset points", ha=side)
    alt = ", ".join(f"{name} {number(row.get('sft'))} and {number(row.get('ppo_ptx'))}" for name, row in use_cases.items())
    reading = "Hollow squares are SFT, filled circles PPO-ptx; further right is better."
    return Picture(figure, f"Gold score of SFT and PPO-ptx by use case: {alt}.", reading) if use_cases else None
