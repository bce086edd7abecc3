"""A run as a page with pictures: report.md, report.json and figures/*.png, from its evaluation and its logs.

Whoever judged, the tiny world's truth or a reward model: results have one form, and one page shows them. What is missing is
left out and said. The **gold score** is the judge's, which no training saw (Gao 2022's word).
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
    draw_alignment_tax,
    draw_calibration,
    draw_ppo,
    draw_training,
    draw_use_cases,
    draw_win_rates,
    embed,
)

STAGES = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
MEASURES = {
    "gold": "gold score", "reward_score": "reward model's score", "helpful": "helpful", "honest": "honest",
    "harmless": "harmless", "length": "length (words)", "finished": "ended by itself",
    "pretraining_loss": "pretraining loss (nats per token)",
}  # fmt: skip
"""Columns of the table of models, where they were measured."""
AGREEMENTS = {
    "accuracy_labelers": "reward model and a labeler it learnt from", "accuracy_people": "reward model and people",
    "accuracy_judge": "reward model and judge", "judge_and_people": "judge and people",
    "longer_and_people": "the rule “the longer answer is better” and people",
    "accuracy_held_out_labelers": "reward model and a labeler it never learnt from", "labeler_agreement": "two labelers",
}  # fmt: skip
CLEANED = "{incoming} prompts: {personal} with personal data, {duplicates} duplicates, {over_cap} over a user's cap; {kept} kept."


def write_report(folder: str | Path, results: dict[str, Any]) -> Path:
    """Write report.md, report.json and figures/*.png into a run's folder; return the path of report.md.

    `results` may hold: title, or preset and seed; intro (paragraphs of Markdown); summary (what `python -m rlhf_lite evaluate
    --json` prints), use_cases, calibration, samples, cleaning, used, seconds, peak_memory_gb, reward_model. Numbers that are
    not finite become null in report.json.
    """
    folder = Path(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    results = json.loads(json.dumps(results), parse_constant=lambda constant: None)  # NaN is not JSON
    write_atomically(folder / "report.json", json.dumps(results, indent=1, ensure_ascii=False))
    results = {"summary": {}} | {key: value for key, value in results.items() if value is not None}
    title = results.get("title", f"preset {results.get('preset', '–')}, seed {results.get('seed', '–')}")
    with mpl.rc_context(STYLE):
        sections = _models(folder, results) + _training(folder, results)
    intro = [*results.get("intro", []), _in_three_sentences(results)]
    blocks = [f"# Report: {escape(title)}", *intro, *sections, *_samples(results), *_data(results)]
    write_atomically(folder / "report.md", "\n\n".join(filter(None, blocks)) + "\n")
    return folder / "report.md"


def _in_three_sentences(results: dict[str, Any]) -> str:
    summary = results["summary"]
    wins, tax = "PPO-ptx and SFT were not compared.", "The alignment tax was not measured."
    reward, losses = "The reward model was not measured.", _pretraining_losses(summary)
    if row := summary.get("pairs", {}).get("ppo_ptx>sft"):
        verdict = "better" if row["low"] > 0.5 else "worse" if row["high"] < 0.5 else "not clearly better or worse"
        share = f"{row['rate']:.0%} (95% interval {row['low']:.0%} to {row['high']:.0%})"
        where = f"of {row['wins'] + row['losses']} held-out prompts that were no tie"
        wins = f"The judge preferred PPO-ptx to SFT on {share} {where}: PPO-ptx is {verdict}."
    if row := _agreements(results):
        alike, people = row.get("accuracy_labelers", row.get("accuracy_people")), row.get("labeler_agreement")
        reward = f"The reward model orders {_share(alike)} of held-out pairs as people do"
        reward += f"; two labelers agree on {_share(people)}." if people else "."
    if {"base", "ppo", "ppo_ptx"} <= losses.keys():
        changes = " and ".join(f"{losses[name] - losses['base']:+.2f} with {model_name(name)}" for name in ("ppo", "ppo_ptx"))
        tax = f"Alignment tax: held-out pretraining loss, {losses['base']:.2f} nats per token for base, changes by {changes}."
    return f"{wins} {reward} {tax}"


def _agreements(results: dict[str, Any]) -> dict[str, Any]:
    return results["summary"].get("reward_model", {}) | results.get("reward_model", {})


def _share(value: float | dict[str, float] | None) -> str:
    """Write a share, and its 95 % interval where there is one."""
    if not isinstance(value, dict):
        return number(value, ".0%")
    return f"{number(value['share'], '.0%')} ({number(value['low'], '.0%')} to {number(value['high'], '.0%')})"


def _pretraining_losses(summary: dict[str, Any]) -> dict[str, float]:
    losses = {name: row.get("pretraining_loss") for name, row in summary.get("models", {}).items()}
    return {name: loss for name, loss in losses.items() if is_number(loss) and name != "base_few_shot"}  # that is base again


def _models(folder: Path, results: dict[str, Any]) -> list[str]:
    summary = results["summary"]
    models, pairs = summary.get("models", {}), summary.get("pairs", {})
    shown = {key: title for key, title in MEASURES.items() if any(key in row for row in models.values())}
    forms = {"finished": ".0%"}
    rows = [(model_name(name), *(number(row.get(key), forms.get(key, ",.2f")) for key in shown)) for name, row in models.items()]
    divergences = [(model_name(name), number(kl)) for name, kl in summary.get("kl_from_sft", {}).items()]
    return [
        f"## Which model is better on {summary.get('prompts', 'the')} held-out prompts?",
        table(("model", *shown.values()), rows, "The models were not evaluated."),
        _win_rates(pairs, "No models were compared."),
        embed(folder, "win_rates", draw_win_rates(pairs)),
        *_fair_comparisons(summary),
        embed(folder, "use_cases", draw_use_cases(results.get("use_cases", {})), "Use cases were not measured one by one."),
        *_abilities(summary),
        "## What did it cost?",
        embed(folder, "alignment_tax", draw_alignment_tax(_pretraining_losses(summary)), "Pretraining loss was not measured."),
        table(("model", "KL from SFT (nats per response)"), divergences, "KL from the SFT model was not measured."),
    ]


def _win_rates(pairs: dict[str, dict[str, float]], missing: str) -> str:
    form = "{wins}|{losses}|{ties}|{rate:.0%}|{low:.0%} to {high:.0%}"
    rows = [
        (model_name(pair), *form.format(**row).split("|"), number(row.get("with_ties"), ".0%")) for pair, row in pairs.items()
    ]
    return table(("pair", "wins", "losses", "ties", "win rate", "95% interval", "ties counted half"), rows, missing)


def _fair_comparisons(summary: dict[str, Any]) -> list[str]:
    """What is left of the win rates where manners are equal, and where every model has its best temperature."""
    polite, cooled = summary.get("pairs_equal_manners", {}), summary.get("best_temperature", {})
    gold = [
        (model_name(name), number(cooled["temperatures"].get(name, 1.0), "g"), number(mean))
        for name, mean in cooled.get("gold", {}).items()
    ]  # fmt: skip
    return [
        "Where both answers have good manners (no insult, no question asked back, no shrug, no turn of the user):"
        if polite
        else "",
        _win_rates(polite, "Answers of equal manners were not compared."),
        "Each model at the temperature that suits it best, chosen on other prompts:" if cooled else "",
        table(("model", "temperature", "gold score"), gold, "Other temperatures were not compared."),
        _win_rates(cooled["pairs"], "No models were compared.") if cooled else "",
    ]


def _abilities(summary: dict[str, Any]) -> list[str]:
    """What each model can do, and which facts it tells, a column a model."""
    shares, facts = summary.get("abilities", {}), summary.get("facts", {})
    can = [(row, *(number(shares[name][row]) for name in shares)) for row in next(iter(shares.values()), {})]
    told = [
        (f"{group} towns: {kind}", *(number(facts[name][group][kind]) for name in facts))
        for group, kinds in next(iter(facts.values()), {}).items()
        for kind in kinds
    ]
    return [
        "## What can the models do?",
        table(("share right, asked greedily", *map(model_name, shares)), can, "Abilities were not measured one by one."),
        table(("facts told", *map(model_name, facts)), told, "Facts told were not counted."),
    ]


def _minimal_pairs(summary: dict[str, Any]) -> str:
    kinds = summary.get("minimal_pairs", {})
    rows = [(row, kind, number(share)) for kind, shares in kinds.items() for row, share in shares.items()]
    header = ("the better of two answers that differ in one thing scores higher", "differing in", "share")
    return table(header, rows, "Minimal pairs were not scored.")


def _training(folder: Path, results: dict[str, Any]) -> list[str]:
    logs, found = {stage: read_log(folder / stage / "log.jsonl") for stage in STAGES}, _agreements(results)
    rows = [(label, _share(found[key])) for key, label in AGREEMENTS.items() if key in found]
    missing = ", ".join(model_name(stage) for stage, log in logs.items() if not log)
    return [
        "## How did training go?",
        f"These stages left no log, so their curves are missing: {missing}." if missing else "",
        embed(folder, "training", draw_training(logs)),
        embed(folder, "ppo", draw_ppo(logs)),
        "## Is the reward model right?",
        table(("who", "agree on pairs"), rows, "Agreement with labelers was not measured."),
        embed(folder, "calibration", draw_calibration(results.get("calibration", [])), "Calibration was not measured."),
        _minimal_pairs(results["summary"]),
    ]


def _samples(results: dict[str, Any]) -> list[str]:
    samples = []
    for sample in results.get("samples", []):
        gold = sample.get("gold", {})
        rows = [(model_name(name), text or "(nothing)", number(gold.get(name))) for name, text in sample["answers"].items()]
        header = (sample.get("use_case", "model"), sample["prompt"], "gold score")
        samples.append(table(header, rows, "Nobody answered.", align="---"))
    return ["## What do the models say?", *(samples or ["No samples were kept."])]


def _data(results: dict[str, Any]) -> list[str]:
    cleaning, seconds, used = (results.get(key, {}) for key in ("cleaning", "seconds", "used"))
    if any(isinstance(counts, dict) for counts in cleaning.values()):  # a file each
        header = ("file", *(key.replace("_", " ") for key in next(iter(cleaning.values()))))
        cleaned = table(header, [(name, *(number(n, ",") for n in counts.values())) for name, counts in cleaning.items()], "")
    else:
        cleaned = CLEANED.format(**{key: number(n, ",") for key, n in cleaning.items()}) if cleaning else ""
    seconds = seconds and seconds | {"together": sum(seconds.values())}
    spent = [(model_name(stage), number(each / 60, ".1f")) for stage, each in seconds.items()]
    return [
        "## Data and time",
        cleaned or "What cleaning left out was not counted.",
        f"Used: {', '.join(f'{count:,} {name}' for name, count in used.items())}." if used else "",
        table(("stage", "time (minutes)"), spent, "Time was not measured."),
        f"Memory, at most: {number(results['peak_memory_gb'])} GB." if "peak_memory_gb" in results else "",
    ]
