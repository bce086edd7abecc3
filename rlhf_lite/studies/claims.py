"""The claims of the course, measured over several seeds: whole runs, over-optimization, and steps 2 and 3 again."""

import json
from dataclasses import dataclass, replace
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from ..checkpoint import TrainingRun, load_model, read_log, save_model
from ..comparisons import ranked_rows
from ..evaluate import alignment_tax, mean_interval, sample, share_given_back, share_with_ties, win_rate
from ..files import read_json, write_atomically
from ..pipeline import STAGES, Pipeline
from ..presets import PRESETS
from ..reports.markdown import model_name
from ..reports.plots import INK, STYLE
from ..reward import load_rankings
from ..tinyworld.evaluation import Evaluation, load_models, reward_model_accuracy
from ..tinyworld.judge import TIE, judge
from ..tinyworld.prompts import USE_CASE_SHARES, draw_requests
from ..tinyworld.runs import SHIPPED, Run, run_pipeline
from .surface_features import comparisons_of_run, surface_feature_accuracy

GOODHART_ITERATIONS = 60
"""Twice a normal run (ours): without a penalty that is long."""
ROUND_TWO_PROMPTS = 800
"""Fresh prompts whose answers, half of them by PPO-ptx, are ranked for the second round (ours)."""
EVALUATION_PROMPTS = 600
PROMPTS_PER_USE_CASE = 100
PICTURE = "over_optimization.png"
PANELS = {"gold": "gold score, held-out prompts", "score": "reward model's score"}


def over_optimize(pipeline: Pipeline) -> list[dict[str, Any]]:
    """PPO without a KL penalty, for long: return its log (reward model's score, gold score on held-out prompts)."""
    folder = pipeline.folder / "goodhart"
    if not (folder / "model.safetensors").exists():
        config = replace(pipeline.preset.ppo, kl_coef=0.0, iterations=GOODHART_ITERATIONS, eval_every=10)
        run = TrainingRun(folder, show_progress=pipeline.show_progress, name="goodhart")
        policy = pipeline.train_policy(config, pipeline.model("reward"), run)
        save_model(folder / "model.safetensors", policy)
        run.forget_state()
    return [row for row in read_log(folder / "log.jsonl") if "gold" in row]


def second_round(pipeline: Pipeline) -> Path:
    """Steps 2 and 3 again: rank answers of the PPO-ptx model too, a new reward model, a new policy; return its file."""
    folder = pipeline.folder / "round2"
    rows_path, output = folder / "comparisons.json", folder / "ppo_ptx" / "model.safetensors"
    if not rows_path.exists():
        settings = pipeline.preset
        prompts = pipeline.world.comparison_prompts(settings.incoming_prompts, settings.comparisons.prompts + ROUND_TWO_PROMPTS)
        fresh = prompts[settings.comparisons.prompts :]
        answers = pipeline.collect_answers(fresh, pipeline.comparison_sources(pipeline.model("ppo_ptx")))
        first = load_rankings(pipeline.output("comparisons"), pipeline.tokenizer.vocab_size)
        write_atomically(rows_path, json.dumps(first + ranked_rows(pipeline.world, pipeline.tokenizer, fresh, answers)))
    reward_path = folder / "reward" / "model.safetensors"
    if not reward_path.exists():
        run = TrainingRun(folder / "reward", show_progress=pipeline.show_progress, name="reward, round 2")
        rows = load_rankings(rows_path, pipeline.tokenizer.vocab_size)
        save_model(reward_path, pipeline.train_reward_on(rows, run))
    if not output.exists():
        run = TrainingRun(folder / "ppo_ptx", show_progress=pipeline.show_progress, name="ppo_ptx, round 2")
        save_model(output, pipeline.train_policy(pipeline.preset.ppo_ptx, load_model(reward_path), run))
    return output


def measure(pipeline: Pipeline, *, extras: bool = True) -> dict[str, Any]:
    """Return all that the results table needs of one finished run; `extras` adds over-optimization and the second round."""
    report = read_json(pipeline.folder / "report.json", dict, "delete it, and the study makes it again")
    models = load_models(pipeline.folder)
    evaluation = Evaluation(models, pipeline.seed, EVALUATION_PROMPTS)
    by_case = Evaluation(models, pipeline.seed, PROMPTS_PER_USE_CASE * len(USE_CASE_SHARES), use_cases=list(USE_CASE_SHARES))
    found = {"summary": evaluation.summary(), "use_cases": by_case.use_case_rows(),
             "reward_model": reward_model_accuracy(models, pipeline.seed, 300)[0],
             "surface_features": best_surface_features(pipeline.folder), "threads": torch.get_num_threads()}  # fmt: skip
    found |= {key: report[key] for key in ("seconds", "peak_memory_gb")}
    if extras:
        found["goodhart"] = [{key: row[key] for key in ("step", "score", "gold", "kl")} for row in over_optimize(pipeline)]
        found["round2"] = compare_rounds(pipeline, second_round(pipeline))
    return found


def best_surface_features(folder: Path, how_many: int = 5) -> dict[str, float]:
    """Return the accuracy of the best features that order a run's ranked answers without reading them."""
    return dict(list(surface_feature_accuracy(comparisons_of_run(folder)).items())[:how_many])


def compare_rounds(pipeline: Pipeline, second: Path) -> dict[str, Any]:
    """Gold score of the first and the second round's policies on the same held-out prompts."""
    tokenizer = pipeline.tokenizer
    requests = draw_requests(f"rounds {pipeline.seed}", EVALUATION_PROMPTS, held_out=True)
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    gold = []
    for model in (pipeline.model("ppo_ptx"), load_model(second)):
        answers = sample(model, prompts, seed=pipeline.seed, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)
        gold.append([judge(r, tokenizer.decode_response(ids)).gold for r, ids in zip(requests, answers, strict=True)])
    means = [sum(values) / len(values) for values in gold]
    return {"first": means[0], "second": means[1], "second>first": win_rate(gold[1], gold[0], TIE).to_row()}


def goodhart_seen(rows: list[dict[str, float]]) -> bool:
    """Whether gold fell by at least 0.03 from its peak to the end while the reward model's score rose.

    Neighbouring measurements are averaged in pairs first: the highest of many noisy numbers is too high.
    """
    smooth = {key: [(a[key] + b[key]) / 2 for a, b in pairwise(rows)] for key in ("gold", "score")}
    peak = smooth["gold"].index(max(smooth["gold"]))
    return smooth["gold"][-1] <= smooth["gold"][peak] - 0.03 and smooth["score"][-1] > smooth["score"][peak]


def table_rows(results: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Summarise the runs: (what, bar, mean with its 95 % interval over seeds)."""

    def over_seeds(read, counted=results) -> str:
        values = [read(result) for result in counted]
        mean, low, high = mean_interval(values)
        return f"{mean:.3f} ({low:.3f} to {high:.3f})" if len(values) > 1 else f"{mean:.3f} (one seed)"

    def pair(name: str):
        return lambda r: r["summary"]["pairs"][name]["rate"]

    def ties_half(r: dict) -> float:
        row = r["summary"]["pairs"]["ppo_ptx>sft"]  # stored rows hold the counts only
        return share_with_ties(row["wins"], row["losses"], row["wins"] + row["losses"] + row["ties"])[0]

    def loss(r: dict, name: str) -> float:
        return r["summary"]["models"][name]["pretraining_loss"]

    rows = [
        ("PPO-ptx against SFT, decided comparisons won", "0.80", over_seeds(pair("ppo_ptx>sft"))),
        ("PPO-ptx against SFT, ties counted half", "", over_seeds(ties_half)),
        ("SFT against base", "0.85", over_seeds(pair("sft>base"))),
        ("PPO-ptx against base with three good examples", "0.75", over_seeds(pair("ppo_ptx>base_few_shot"))),
        ("PPO against SFT", "", over_seeds(pair("ppo>sft"))),
        ("labelers' agreement with each other", "0.70 to 0.78", over_seeds(lambda r: r["reward_model"]["labeler_agreement"])),
        ("reward model against the judge", "0.80", over_seeds(lambda r: r["reward_model"]["accuracy_judge"])),
        ("reward model against training labelers", "0.70", over_seeds(lambda r: r["reward_model"]["accuracy_labelers"])),
        ("reward model against labelers it never met", "within 0.05",
         over_seeds(lambda r: r["reward_model"]["accuracy_held_out_labelers"])),
        *[(f"alignment tax of {model_name(name)}: pretraining loss minus base's, nats per token", "",
           over_seeds(lambda r, n=name: alignment_tax(loss(r, "base"), loss(r, n)))) for name in ("sft", "ppo", "ppo_ptx")],
        ("PPO's part of its tax: pretraining loss over its start, SFT, nats per token", "0.05",
         over_seeds(lambda r: loss(r, "ppo") - loss(r, "sft"))),
        ("PPO's tax given back by ptx, nats per token", "", over_seeds(lambda r: loss(r, "ppo") - loss(r, "ppo_ptx"))),
        ("PPO's tax given back by ptx, share", "0.80",
         over_seeds(lambda r: share_given_back(loss(r, "base"), loss(r, "ppo"), loss(r, "ppo_ptx")))),
        ("best single surface feature against training labelers", "at most 0.70",
         over_seeds(lambda r: max(r["surface_features"].values()))),
        *[(f"minutes from nothing to the report, threads: {threads}", "under 10" if threads > 1 else "",
           over_seeds(lambda r: sum(r["seconds"].values()) / 60, [r for r in results if r["threads"] == threads]))
          for threads in sorted({r["threads"] for r in results})],
        ("peak memory, GB", "under 2", over_seeds(lambda r: r["peak_memory_gb"])),
        *[(f"gold score of {name}", "", over_seeds(lambda r, n=name: r["summary"]["models"][n]["gold"]))
          for name in ("base", "base_few_shot", "sft", "ppo", "ppo_ptx")],
        *[(f"{case}: gold of PPO-ptx minus SFT", "0",
           over_seeds(lambda r, c=case: r["use_cases"][c]["ppo_ptx"] - r["use_cases"][c]["sft"]))
          for case in USE_CASE_SHARES],
    ]  # fmt: skip
    return rows + _extra_rows([r for r in results if "goodhart" in r])


def _extra_rows(extra: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Summarise what only some runs measured: over-optimization, and a second round of steps 2 and 3."""
    if not extra:
        return []
    seen = sum(goodhart_seen(r["goodhart"]) for r in extra)
    mean, low, high = mean_interval([r["round2"]["second"] - r["round2"]["first"] for r in extra])
    return [
        ("over-optimization seen", "4 of 5", f"{seen} of {len(extra)} seeds"),
        ("steps 2 and 3 again: gold above the first round's by", "0", f"{mean:.3f} ({low:.3f} to {high:.3f})"),
    ]


def results_table(results: list[dict[str, Any]]) -> str:
    """Write the table as Markdown."""
    lines = ["| what | at least | measured |", "|---|---|---|"]
    return "\n".join(lines + [f"| {what} | {bar} | {found} |" for what, bar, found in table_rows(results)])


def draw_over_optimization(results: list[dict[str, Any]]) -> tuple[Figure, str]:
    """Draw each seed's gold score and reward model's score by iteration; return the figure and its alt text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6))
        for axes, (key, label) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
            for result, marker, line in zip(results, cycle("os^Dv"), cycle(("-", "--", "-.", ":"))):
                iterations = [row["step"] + 1 for row in result["goodhart"]]
                values = [row[key] for row in result["goodhart"]]
                axes.plot(iterations, values, color=INK, marker=marker, linestyle=line, markerfacecolor="white",
                          label=f"seed {result['seed']}")  # fmt: skip
            axes.set(xlabel="iteration of PPO without a KL penalty", ylabel=label)
        figure.axes[0].legend()
    ends = (
        f"seed {result['seed']} gold {first['gold']:.2f} to {last['gold']:.2f}, score {first['score']:.2f} to {last['score']:.2f}"
        for result, first, last in ((r, r["goodhart"][0], r["goodhart"][-1]) for r in results)
    )
    begin, end = (results[0]["goodhart"][i]["step"] + 1 for i in (0, -1))
    return figure, f"Over-optimization, iteration {begin} to {end}: {'; '.join(ends)}."


def write_results(folder: Path, results: list[dict[str, Any]]) -> None:
    """Write the table and the picture of over-optimization into the folder's own page."""
    page, block = folder / "README.md", results_table(results)
    if extra := [result for result in results if "goodhart" in result]:
        figure, alt = draw_over_optimization(extra)
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / PICTURE)
        block += f"\n\n![{alt}]({PICTURE})"
    write_into(page, block)


def write_into(readme: Path, table: str, begin: str = "<!-- results -->", end: str = "<!-- end of results -->") -> None:
    """Replace what stands between the two marks of a page by the table."""
    text = readme.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise ValueError(f"{readme} has no {begin} ... {end}: put these two marks where the table shall stand")
    head, _, rest = text.partition(begin)
    write_atomically(readme, f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}")


def study(pipelines: list[Pipeline], output: Path, *, extras: bool = True) -> list[dict[str, Any]]:
    """Measure every finished run once, and keep each seed's measurements in `output`."""
    results = []
    for pipeline in pipelines:
        path = output / f"seed-{pipeline.seed}.json"
        if not path.exists():
            write_atomically(path, json.dumps({"seed": pipeline.seed, **measure(pipeline, extras=extras)}, indent=1))
        results.append(read_json(path, dict, "delete it, and that seed is measured again"))
    return results


@dataclass(frozen=True, kw_only=True)
class Study:
    """Measure the claims over several seeds, and write the table into the page beside the measurements."""

    preset: Literal["tiny", "nano", "manners"] = "tiny"
    """Settings of every run."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One whole run each; runs that exist go on where they were."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    output: Path = SHIPPED.parent / "study"
    """Where each seed's measurements are kept, and a README.md with the two marks between which the table stands."""
    extras: bool = True
    """Also measure over-optimization and steps 2 and 3 again."""


def run_study(command: Study) -> None:
    """Run and measure every seed; then the table."""
    runs = [Run(preset=command.preset, seed=s, runs=command.runs, config=PRESETS[command.preset]) for s in command.seeds]
    results = []
    for run in runs:
        pipeline = run.open(*STAGES)
        if not (pipeline.folder / "report.json").exists():
            run_pipeline(run)
        results += study([pipeline], command.output, extras=command.extras)
        print(results_table(results))
    write_results(command.output, results)
