"""What the models know, read, count and follow, over seeds: the mean and the worst seed of every row beside what is asked of it.

`python -m rlhf_lite.studies.substance runs/tiny-0 runs/tiny-1` measures every finished run that is not measured yet,
keeps one file per seed under data/substance, and writes the tables of all that are kept into that folder's page and the README;
without runs it writes the tables only.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..evaluate import sample, share_given_back
from ..files import read_json, write_atomically
from ..reports.markdown import model_name
from ..tinyworld.evaluation import Evaluation, Models, load_models
from ..tinyworld.minimal_pairs import SUBSTANCE
from ..tinyworld.prompts import USE_CASE_SHARES
from ..tinyworld.runs import SHIPPED
from .claims import write_into
from .stored import read_measured, rounded

FOLDER = SHIPPED.parent / "substance"
EVALUATION_SEED = 7
"""Prompts of the evaluation: the same for every run (ours)."""
EVALUATION_PROMPTS, PER_USE_CASE = 300, 40
LANDMARK, DRAWS = "What is the landmark of Xi'an?", 20
FOLLOWS = ("names", "times", "list", "exchange", "polite", "opinion", "summary")
MODELS = ("base", "sft", "ppo", "ppo_ptx")
USERS_ROWS = ("landmark", "country", "who", "where", "missing", *FOLLOWS)


@dataclass(frozen=True)
class Bar:
    """One row of the table: what is measured, how it is read from a run's measurements, and the least that is asked."""

    what: str
    read: Callable[[dict[str, Any]], float]
    mean: float | None
    worst: float | None


def _ability(model: str, row: str, mean: float, worst: float) -> Bar:
    return Bar(f"{row}, {model}", lambda r: r["abilities"][model][row], mean, worst)


def _at_best(kind: str) -> Callable[[dict[str, Any]], float]:
    return lambda r: r["best_temperature"]["pairs"]["ppo_ptx>sft"][kind]


def _loss(r: dict[str, Any], name: str) -> float:
    return r["models"][name]["pretraining_loss"]


BARS = (
    *(_ability("base", row, 0.95, 0.9) for row in ("copies a city", "copies a name", "copies a thing")),
    *(Bar(f"known facts told, {model}", lambda r, m=model: r["facts"][m]["known"]["true"], *bar)
      for model, bar in (("sft", (0.85, 0.75)), ("ppo_ptx", (0.92, 0.85)))),
    _ability("ppo_ptx", "invented", 0.95, 0.85),
    *(_ability(model, row, *bar) for row in ("who", "where", "missing")
      for model, bar in (("sft", (0.8, 0.7)), ("ppo_ptx", (0.9, 0.8)))),
    *(_ability("ppo_ptx", row, 0.9, 0.8) for row in FOLLOWS),
    *(Bar(f"{row}, ppo_ptx minus sft", lambda r, row=row: r["abilities"]["ppo_ptx"][row] - r["abilities"]["sft"][row],
          None, -0.05) for row in (*USERS_ROWS, "invented", "Chinese word", "story")),
    *(Bar(f"minimal pairs: {row}", lambda r, row=row: r["minimal_pairs"]["substance"][row],
          *((None, None) if row == "right fact that nobody asked for" else (0.85, 0.75))) for row in SUBSTANCE),
    Bar("gold score, ppo_ptx", lambda r: r["models"]["ppo_ptx"]["gold"], 0.9, 0.82),
    Bar("gold score in the worst use case, ppo_ptx",
        lambda r: min(case["ppo_ptx"] for case in r["by_use_case"].values()), 0.75, 0.6),
    Bar("ppo_ptx against sft, decided", lambda r: r["pairs"]["ppo_ptx>sft"]["rate"], 0.85, 0.8),
    Bar("the same, ties counted half", lambda r: r["pairs"]["ppo_ptx>sft"]["with_ties"], 0.7, 0.65),
    Bar("the same, equal manners, decided", lambda r: r["pairs_equal_manners"]["ppo_ptx>sft"]["rate"], None, None),
    Bar("each at its best temperature, decided", _at_best("rate"), 0.7, 0.6),
    Bar("each at its best temperature: gold above sft's",
        lambda r: r["best_temperature"]["gold"]["ppo_ptx"] - r["best_temperature"]["gold"]["sft"], 0.04, 0.0),
    Bar("sft against base, decided", lambda r: r["pairs"]["sft>base"]["rate"], 0.85, None),
    Bar("ppo_ptx against base with three good examples, decided",
        lambda r: r["pairs"]["ppo_ptx>base_few_shot"]["rate"], 0.75, None),
    Bar("labelers' agreement (0.70 to 0.78)", lambda r: r["reward_model"]["labeler_agreement"], 0.7, None),
    Bar("reward model against the judge", lambda r: r["reward_model"]["accuracy_judge"], 0.8, None),
    Bar("reward model against labelers", lambda r: r["reward_model"]["accuracy_labelers"], 0.7, None),
    Bar("pretraining loss, ppo over sft, nats per token", lambda r: _loss(r, "ppo") - _loss(r, "sft"), 0.05, None),
    Bar("share of it that ptx gives back",
        lambda r: share_given_back(_loss(r, "sft"), _loss(r, "ppo"), _loss(r, "ppo_ptx")), 0.8, None),
    Bar(f"{LANDMARK} {DRAWS} draws at temperature 1, ppo_ptx, right", lambda r: r["xian_right"], 17, 14),
)  # fmt: skip


IN_SHORT = ("ppo_ptx against sft", "each at its best", "missing, ppo_ptx", "gold score in the worst", "pretraining loss",
            "share of it")  # fmt: skip
"""Beginnings of the rows that the README shows."""
MARKS = ("<!-- substance -->", "<!-- end of substance -->")


def xian_right(models: Models) -> int:
    """Count right answers among 20 that PPO-ptx gives to the course's first question at temperature 1."""
    tokenizer = models.tokenizer
    prompts = [tokenizer.encode_prompt(LANDMARK)] * DRAWS
    answers = sample(models.policies["ppo_ptx"], prompts, seed="xian", end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)
    return sum("Bell Tower" in tokenizer.decode_response(ids) for ids in answers)


def measure(folder: Path) -> dict[str, Any]:
    """Measure one finished run: all that `evaluate --json` prints, gold by use case on as many prompts each, and its course."""
    models = load_models(folder)
    found = Evaluation(models, EVALUATION_SEED, EVALUATION_PROMPTS).summary()
    cases = list(USE_CASE_SHARES)
    found["by_use_case"] = Evaluation(models, EVALUATION_SEED, PER_USE_CASE * len(cases), use_cases=cases).use_case_rows()
    found["xian_right"] = xian_right(models)
    about = read_json(folder / "run.json", dict, "train the run anew")
    seconds = read_json(folder / "seconds.json", dict, "delete it; it tells only how long stages took")
    log = [json.loads(line) for line in (folder / "pretrain" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    primer = [{key: row[key] for key in ("step", "term", "answered")} for row in log if "answered" in row]
    return {"run_seed": about["seed"], "seconds": seconds, "primer": primer, "preset": about["preset"]} | found


def table(results: list[dict[str, Any]], *, only: tuple[str, ...] = ("",)) -> str:
    """Write the rows whose names begin with one of `only` as Markdown; those that miss what is asked are marked."""
    lines = ["| what | asked: mean, worst | mean | worst seed | |", "|---|---|---|---|---|"]
    for bar in (each for each in BARS if each.what.startswith(only)):
        values = [bar.read(result) for result in results]
        mean, worst = sum(values) / len(values), min(values)
        missed = (bar.mean is not None and mean < bar.mean) or (bar.worst is not None and worst < bar.worst)
        asked = ", ".join("–" if each is None else f"{each:g}" for each in (bar.mean, bar.worst))
        lines.append(f"| {bar.what} | {asked} | {mean:.2f} | {worst:.2f} | {'missed' if missed else ''} |")
    return "\n".join(lines)


def table_of_models(results: list[dict[str, Any]]) -> str:
    """Write as Markdown what each model can, the mean over seeds and in brackets the worst seed."""
    rows: dict[str, Callable[[dict[str, Any], str], float]] = {
        f"{row}: share right": lambda r, m, row=row: r["abilities"][m][row] for row in (*USERS_ROWS, "invented")
    }
    rows["gold score"] = lambda r, m: r["models"][m]["gold"]
    lines = ["| what | " + " | ".join(map(model_name, MODELS)) + " |", "|---" * (len(MODELS) + 1) + "|"]
    for what, read in rows.items():
        found = [[read(result, name) for result in results] for name in MODELS]
        lines.append(f"| {what} | " + " | ".join(f"{sum(each) / len(each):.2f} ({min(each):.2f})" for each in found) + " |")
    return "\n".join(lines)


def write_tables(readme: Path, page: Path, results: list[dict[str, Any]]) -> None:
    """Write what each model can into both pages, and below it every row, or in `readme` those `IN_SHORT`."""
    for path, only in ((readme, IN_SHORT), (page, ("",))):
        write_into(path, f"{table_of_models(results)}\n\n{table(results, only=only)}", *MARKS)


def main() -> None:
    """Measure the runs that are named, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of measurements and their page")
    parser.add_argument("--readme", type=Path, default=FOLDER.parents[1] / "README.md", help="page with the tables in short")
    arguments = parser.parse_args()
    for folder in arguments.runs:
        seed = read_json(folder / "run.json", dict, "train the run anew")["seed"]
        path = arguments.output / f"seed-{seed}.json"
        if not path.exists():
            write_atomically(path, json.dumps(rounded(measure(folder)), indent=1))
    results = read_measured(arguments.output, "name a finished run, and it is measured")
    write_tables(arguments.readme, arguments.output / "README.md", results)
    print(f"{len(results)} seeds\n{table_of_models(results)}\n\n{table(results)}")


if __name__ == "__main__":
    main()
