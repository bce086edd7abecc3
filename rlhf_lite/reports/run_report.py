"""A run as a page with pictures: report.md, report.json and figures/*.png, from its evaluation and its logs.

Pictures are read without colour: lines differ in dash and marker and carry their names. What is missing is left out and said.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

from ..checkpoint import read_log
from ..files import write_atomically
from .markdown import escape, is_number, model_name, number, table
from .plots import (
    STYLE,
    Log,
    draw_alignment_tax,
    draw_calibration,
    draw_ppo,
    draw_training,
    draw_use_cases,
    draw_win_rates,
    embed,
)

AGREEMENTS = {
    "accuracy_labelers": "reward model and a labeler it learnt from", "accuracy_judge": "reward model and judge",
    "accuracy_held_out_labelers": "reward model and a labeler it never learnt from", "labeler_agreement": "two labelers",
}  # fmt: skip
CLEANED = "{incoming} prompts: {personal} with personal data, {duplicates} duplicates, {over_cap} over a user's cap; {kept} kept."


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
        changes = " and ".join(f"{losses[name] - losses['base']:+.2f} with {model_name(name)}" for name in ("ppo", "ppo_ptx"))
        tax = f"Alignment tax: held-out pretraining loss, {losses['base']:.2f} nats a token for base, changes by {changes}."
    return f"{wins} {reward} {tax}"


def _pretraining_losses(summary: dict[str, Any]) -> dict[str, float]:
    losses = {name: row.get("pretraining_loss") for name, row in summary.get("models", {}).items()}
    return {name: loss for name, loss in losses.items() if is_number(loss) and name != "base_few_shot"}  # that is base again


def _models(folder: Path, results: dict[str, Any]) -> list[str]:
    summary = results["summary"]
    pairs, keys = summary.get("pairs", {}), ("gold", "helpful", "honest", "harmless", "length", "pretraining_loss")
    header = ("model", "gold score", "helpful", "honest", "harmless", "length (words)", "pretraining loss (nats a token)")
    rows = [(model_name(name), *(number(row.get(key)) for key in keys)) for name, row in summary.get("models", {}).items()]
    form = "{wins}|{losses}|{ties}|{rate:.0%}|{low:.0%} to {high:.0%}"
    wins = [(model_name(pair), *form.format(**row).split("|")) for pair, row in pairs.items()]
    distances = [(model_name(name), number(kl)) for name, kl in summary.get("kl_from_sft", {}).items()]
    return [
        f"## Which model is better on {summary.get('prompts', 'the')} held-out prompts?",
        table(header, rows, "The models were not evaluated."),
        table(("pair", "wins", "losses", "ties", "win rate", "95% interval"), wins, "No models were compared."),
        embed(folder, "win_rates", draw_win_rates(pairs)),
        embed(folder, "use_cases", draw_use_cases(results.get("use_cases", {})), "Use cases were not measured one by one."),
        "## What did it cost?",
        embed(folder, "alignment_tax", draw_alignment_tax(_pretraining_losses(summary)), "Pretraining loss was not measured."),
        table(("model", "KL from SFT (nats a response)"), distances, "KL from the SFT model was not measured."),
    ]


def _training(folder: Path, logs: dict[str, Log], results: dict[str, Any]) -> list[str]:
    found = results["summary"].get("reward_model", {}) | results.get("reward_model", {})
    rows = [(label, number(found[key], ".0%")) for key, label in AGREEMENTS.items() if key in found]
    missing = ", ".join(model_name(stage) for stage, log in logs.items() if not log)
    return [
        "## How did training go?",
        f"These stages left no log, so their curves are missing: {missing}." if missing else "",
        embed(folder, "training", draw_training(logs)),
        embed(folder, "ppo", draw_ppo(logs)),
        "## Is the reward model right?",
        table(("who", "agree on pairs"), rows, "Agreement with labelers was not measured."),
        embed(folder, "calibration", draw_calibration(results.get("calibration", [])), "Calibration was not measured."),
    ]


def _samples_and_data(results: dict[str, Any]) -> list[str]:
    samples, seconds = [], results.get("seconds", {})
    for sample in results.get("samples", []):
        gold = sample.get("gold", {})
        rows = [(model_name(name), text or "(nothing)", number(gold.get(name))) for name, text in sample["answers"].items()]
        samples.append(table((sample["use_case"], sample["prompt"], "gold score"), rows, "Nobody answered.", align="---"))
    spent = {**seconds, "together": sum(seconds.values())}
    times = [(model_name(stage), number(each / 60, ".1f")) for stage, each in spent.items()]
    counts = {key: number(n, ",") for key, n in results.get("cleaning", {}).items()}
    return [
        "## What do the models say?",
        *(samples or ["No samples were kept."]),
        "## Data and time",
        CLEANED.format(**counts) if counts else "What cleaning left out was not counted.",
        table(("stage", "time (minutes)"), times if seconds else [], "Time was not measured."),
        f"Memory, at most: {number(results['peak_memory_gb'])} GB." if "peak_memory_gb" in results else "",
    ]
