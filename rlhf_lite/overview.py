"""Presets and plans as tables and as JSON: the commands `presets` and `plan`."""

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import tyro

from .costs import GB
from .plan import SLACK, Cluster, StagePlan, fits, plan
from .sizes import RECIPES, Recipe, recipe_named

ASSUMED = """\
Upper bounds: every sequence is as long as the context. Models gather, read and write one after another: totals count the
largest, not the sum. FLOPs are 2 or 6 a parameter and token; attention is in the time, not in the PF-days.
Stated, not measured: {efficiency:.0%} of {peak_tflops:g} TFLOP/s, memory at {memory_bandwidth:g} GB/s,
network at {network:g} GB/s, {price:g} USD a GPU and hour.
busy: share of the GPUs' time for which the batch has sequences; GPUs that wait cost as much as those that work."""


def recipes_table() -> str:
    """Write one line a preset."""
    lines = [
        f"{'preset':<17}{'parameters':>16}{'layers':>8}{'heads':>7}{'width':>7}{'context':>9}{'vocabulary':>12}  shape    note"
    ]
    for name, recipe in RECIPES.items():
        m = recipe.model
        numbers = f"{m.n_parameters:>16,}{m.n_layers:>8}{m.n_heads:>7}{m.d_model:>7}{m.context_length:>9,}{m.vocab_size:>12,}"
        lines.append(f"{name:<17}{numbers}  {recipe.tags.get('model.d_model', 'ours'):<7}  {recipe.note}".rstrip())
    return "\n".join([*lines, "", "python -m rlhf_lite presets NAME lists every setting of one, with its tag."])


def settings_table(recipe: Recipe) -> str:
    """Write one line a setting: name, value, tag."""
    lines = [f"{name:<34}{value!s:>14}  {tag}" for name, (value, tag) in recipe.settings().items()]
    return "\n".join([f"{recipe.name}: {recipe.note}" if recipe.note else recipe.name, *lines])


def _row(planned: StagePlan, cluster: Cluster) -> dict[str, Any]:
    """Give a stage's numbers with their units in their names."""
    hours = planned.seconds / 3600 * cluster.gpus
    memory = {role: {f"{name}_gb": value / GB for name, value in asdict(part).items()} for role, part in planned.memory.items()}
    return {
        "stage": planned.stage.name, "steps": planned.stage.steps, "micro_batch": planned.micro_batch, "memory": memory,
        "total_gb": planned.total_memory / GB, "fits": fits(planned, cluster), "advice": list(planned.advice),
        "flops": planned.flops, "attention_flops": planned.attention_flops, "pf_days": planned.pf_days,
        "days": planned.seconds / 86_400, "gpu_hours": hours, "usd": hours * cluster.price, "limit": planned.limit,
        "busy": planned.busy,
    }  # fmt: skip


def plan_numbers(recipe: Recipe, cluster: Cluster) -> dict[str, Any]:
    """Give the whole plan as numbers, for machines: JSON-able."""
    planned = plan(recipe, cluster)
    models = {model.role: model.config.n_parameters for each in planned for model in each.stage.residents}
    rows = [_row(each, cluster) for each in planned]
    total = {name: sum(row[name] for row in rows) for name in ("flops", "pf_days", "days", "gpu_hours", "usd")}
    return {"preset": recipe.name, "cluster": asdict(cluster), "parameters": models, "stages": rows, "total": total}


def plan_text(recipe: Recipe, cluster: Cluster) -> str:
    """Write the whole plan as two tables, for people."""
    numbers = plan_numbers(recipe, cluster)
    columns = ("weights", "gradients", "optimizer", "gathered", "activations", "kv_cache")
    gpus = f"{cluster.gpus:,} GPU{'s' if cluster.gpus > 1 else ''}"
    lines = [f"{recipe.name} on {gpus} of {cluster.gpu_memory:g} GB: memory of the fullest GPU, in GB", ""]
    lines.append(f"{'stage':<17}{'model':<14}{'parameters':>16}" + "".join(f"{name.replace('_', ' '):>13}" for name in columns))
    for row in numbers["stages"]:
        for role, part in row["memory"].items():
            cells = "".join(f"{part[f'{name}_gb']:>13.2f}" for name in columns)
            lines.append(f"{row['stage']:<17}{role:<14}{numbers['parameters'][role]:>16,}{cells}")
        verdict = "fits" if row["fits"] else "DOES NOT FIT; any one of these would do:"
        lines += [f"{'':<17}{row['total_gb']:.1f} GB of {SLACK * cluster.gpu_memory:.1f} usable: {verdict}"]
        lines += [f"{'':<19}{text}" for text in row["advice"]]
    lines += ["", f"{'stage':<17}{'steps':>9}{'micro-batch':>13}{'PF-days':>14}{'days':>12}{'USD':>14}{'busy':>7}  limited by"]
    for row in numbers["stages"]:
        work = (
            f"{row['steps']:>9,}{row['micro_batch'] or '':>13}{row['pf_days']:>14,.4g}{row['days']:>12,.3g}{row['usd']:>14,.0f}"
        )
        lines.append(f"{row['stage']:<17}{work}{row['busy']:>7.0%}  {row['limit']}")
    total = numbers["total"]
    lines.append(f"{'together':<39}{total['pf_days']:>14,.4g}{total['days']:>12,.3g}{total['usd']:>14,.0f}")
    return "\n".join([*lines, "", ASSUMED.format(**asdict(cluster))])


@dataclass(frozen=True, kw_only=True)
class Presets:
    """List the sizes of the recipe, or every setting of one with its source."""

    name: tyro.conf.Positional[str] = ""
    """One of the list; none: the list."""
    json: bool = False
    """Print one JSON object on stdout and nothing else."""


def run_presets(command: Presets) -> None:
    """Print the list, or one preset's settings."""
    chosen = {command.name: recipe_named(command.name)} if command.name else RECIPES
    if command.json:
        print(json.dumps({name: {"note": recipe.note, "settings": recipe.settings()} for name, recipe in chosen.items()}))
    else:
        print(settings_table(chosen[command.name]) if command.name else recipes_table())


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan a run before it starts: memory, time and money of each stage, and whether it fits."""

    preset: str = "tiny"
    """One that `python -m rlhf_lite presets` lists."""
    cluster: Annotated[Cluster, tyro.conf.arg(name="")] = field(default_factory=Cluster)
    """What it runs on."""
    json: bool = False
    """Print one JSON object on stdout and nothing else."""


def run_plan(command: Plan) -> None:
    """Print a plan as tables, or JSON."""
    recipe = recipe_named(command.preset)
    print(json.dumps(plan_numbers(recipe, command.cluster)) if command.json else plan_text(recipe, command.cluster))
