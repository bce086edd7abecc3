"""A run on people's comparisons as a page: report.md and report.json, from what `judged` measured and from the logs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl

from ..checkpoint import read_log
from ..files import write_atomically
from ..reports.markdown import escape, model_name, number, table
from ..reports.plots import STYLE, draw_alignment_tax, draw_calibration, draw_ppo, draw_training, draw_win_rates, embed

JUDGE = """\
**Who judges.** Not people: a second reward model, here called the judge, that learnt from {judge} comparisons which nothing
else in this run saw, with another seed, and beginning from the base model. It is a model of people's preferences. It orders
{accuracy} ({low} to {high}) of {pairs} held-out pairs as people did; guessing gives 50 %, always preferring the longer answer
{longer}. It agrees with the run's own reward model on {both}. Both share one architecture and learnt from the same kind of
comparisons, so a weakness that both have is not seen here. Read the answers below before believing a win rate."""
WEAK = "**The judge is hardly better than guessing on this data: its win rates say next to nothing.**"
LENGTH = "**The judge orders no more pairs as people do than the rule “the longer answer is better”.**"
NO_TEXT = "No pretraining text was given (`--text`): PPO-ptx was not trained and the alignment tax was not measured."
COUNTED = ("file", "rows read", "bad", "too long", "twice", "prompt known from training", "kept")
SHOWN = {"judge_score": "judge's score", "reward_score": "reward model's score", "length": "words", "finished": "ended by itself",
         "kl": "KL from SFT (nats a response)", "chosen_perplexity": "perplexity on preferred answers",
         "text_loss": "loss on held-out text (nats a token)"}  # fmt: skip
WHO = {"judge": "judge and people", "reward_model": "the run's reward model and people",
       "longer_answer": "“the longer answer” and people", "reward_model_and_judge": "reward model and judge"}  # fmt: skip
GOLD = "“Gold score” in the picture is the judge's mean score, on other held-out prompts than those above."
UNPLANNED = "Memory was not planned: there is no GPU."
HELD_OUT = "Measured on held-out comparisons; a pair counts where both sides decide."
READING = """\
The judge's score has no zero of its own: only differences count, and one of d stands for a probability of 1/(1+exp(-d)).
“Preferred answer” is the one that people ranked first, to the same prompts. A low perplexity on preferred answers is what SFT
trains for; PPO may raise it without being worse. The base model's answers are cut where it begins to write the next turn.
Where answers of a small model beat the preferred ones, suspect the judge first: it may like their length or their style."""
CUT = """\
What is too long is left out whole, never cut: models were trained and compared on shorter prompts and answers than the data
has. A row of comparisons goes if one of its answers is too long."""


def write_judged_report(folder: str | Path, results: dict[str, Any]) -> Path:
    """Write report.md, report.json and figures/*.png into a run's folder; return the path of report.md.

    `results` is what `judged.judge_models` returns, with title, base, comparisons (of the judge), cleaning, plan, seconds,
    and memory. Numbers that are not finite become null in report.json.
    """
    folder = Path(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    results = json.loads(json.dumps(results), parse_constant=lambda constant: None)  # NaN is not JSON
    write_atomically(folder / "report.json", json.dumps(results, indent=1, ensure_ascii=False))
    with mpl.rc_context(STYLE):
        blocks = [*_head(results), *_models(folder, results), *_training(folder, results), *_samples(results), *_data(results)]
    write_atomically(folder / "report.md", "\n\n".join(filter(None, blocks)) + "\n")
    return folder / "report.md"


def _head(results: dict[str, Any]) -> Iterator[str]:
    found, percent = results["accuracies"], lambda value: number(value, ".0%")
    judge = found["judge"]
    yield f"# Report: {escape(results['title'])}"
    yield f"Base model: {escape(results['base'])}."
    yield JUDGE.format(
        judge=f"{results['comparisons']:,}", accuracy=percent(judge["share"]), low=percent(judge["low"]),
        high=percent(judge["high"]), pairs=f"{judge['pairs']:,}", longer=percent(found["longer_answer"]["share"]),
        both=percent(found["reward_model_and_judge"]["share"]),
    )  # fmt: skip
    if judge["low"] <= 0.5:
        yield WEAK
    elif (judge["share"] or 0) <= (found["longer_answer"]["share"] or 0):
        yield LENGTH


def _models(folder: Path, results: dict[str, Any]) -> Iterator[str]:
    yield f"## Which model does the judge prefer, on {results['prompts']:,} held-out prompts?"
    form = "{wins}|{losses}|{ties}|{rate:.0%}|{low:.0%} to {high:.0%}"
    wins = [(model_name(pair), *form.format(**row).split("|")) for pair, row in results["pairs"].items()]
    yield table(("pair", "wins", "losses", "ties", "win rate", "95% interval"), wins, "No models were compared.")
    yield embed(folder, "win_rates", draw_win_rates(results["pairs"]))
    rows = [(model_name(name), *(_cell(row.get(key), key) for key in SHOWN)) for name, row in results["models"].items()]
    yield table(("model", *SHOWN.values()), rows, "The models were not evaluated.")
    yield READING
    yield "## What did it cost?"
    losses = {name: row["text_loss"] for name, row in results["models"].items() if row.get("text_loss") is not None}
    yield embed(folder, "alignment_tax", draw_alignment_tax(losses), NO_TEXT) if losses else NO_TEXT


def _training(folder: Path, results: dict[str, Any]) -> Iterator[str]:
    logs = {stage: read_log(folder / stage / "log.jsonl") for stage in ("pretrain", "sft", "reward", "ppo", "ppo_ptx")}
    yield "## How did training go?"
    yield embed(folder, "training", draw_training(logs), "There are no logs.")
    yield embed(folder, "ppo", draw_ppo(logs))
    yield GOLD if logs["ppo"] else ""
    yield "## Are reward model and judge right?"
    rows = [
        (WHO[name], f"{row['right']:,} of {row['pairs']:,}", number(row["share"], ".0%"),
         f"{row['low']:.0%} to {row['high']:.0%}") for name, row in results["accuracies"].items()
    ]  # fmt: skip
    yield table(("who", "agree on", "share", "95% interval"), rows, "This was not measured.")
    yield HELD_OUT
    yield embed(folder, "calibration", draw_calibration(results["calibration"]), "Calibration was not measured.")


def _samples(results: dict[str, Any]) -> Iterator[str]:
    yield "## What do the models say?"
    yield "The first held-out prompts, not chosen; the data's own texts can be offensive."
    for sample in results["samples"]:
        scores, answers = sample["scores"], sample["answers"]
        rows = [(model_name(name), text or "(nothing)", number(scores[name])) for name, text in answers.items()]
        yield table(("model", sample["prompt"], "judge's score"), rows, "Nobody answered.", align="---")


def _data(results: dict[str, Any]) -> Iterator[str]:
    yield "## Data, memory and time"
    keys = ("read", "bad", "too_long", "duplicates", "known", "kept")
    counts = [(name, *(f"{row[key]:,}" for key in keys)) for name, row in results["cleaning"].items()]
    yield table(COUNTED, counts, "Nothing was counted.")
    used = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in results["used"].items())
    yield CUT
    yield f"Used: {used}."
    planned = [(row["stage"], *(number(row[key]) for key in ("held_gb", "working_gb", "total_gb"))) for row in results["plan"]]
    yield table(("stage", "models hold (GB)", "working (GB)", "planned (GB)"), planned, UNPLANNED)
    yield f"Most memory on the GPU, in the process that wrote this: {number(results['memory'])} GB." if results["memory"] else ""
    spent = {**results["seconds"], "together": sum(results["seconds"].values())}
    yield table(("stage", "time (minutes)"), [(model_name(name), number(s / 60, ".1f")) for name, s in spent.items()], "")


def _cell(value: float | None, key: str) -> str:
    return number(value if value is None else round(value, 2) + 0.0, ".0%" if key == "finished" else ",.2f")
