"""Presets and plans as tables and as JSON: the commands `presets` and `plan`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import tyro

from .cluster import Cluster
from .costs import GB
from .plan import USABLE, StagePlan, plan
from .recipes import RECIPES, Recipe, recipe_named

ASSUMED = """\
Upper bounds: every sequence is as long as it may be. Models gather, read and write one after another: totals count the
largest, not the sum. FLOPs are 2 or 6 per parameter and token; attention is in the time, not in the PF-days.
Stated, not measured: {efficiency:.0%} of {peak_tflops:g} TFLOP/s, memory at {memory_bandwidth:g} GB/s,
network at {network:g} GB/s, {price:g} USD per GPU and hour.
busy: share of the GPUs' time for which the batch has sequences; GPUs that wait cost as much as those that work."""


def recipes_table() -> str:
    """Write one line per preset."""
    titles = f"{'preset':<17}{'parameters':>16}{'layers':>8}{'heads':>7}{'width':>7}{'context':>9}{'vocabulary':>12}"
    lines = [f"{titles}  shape    note"]
    for name, recipe in RECIPES.items():
        m = recipe.model
        numbers = f"{m.n_parameters:>16,}{m.n_layers:>8}{m.n_heads:>7}{m.d_model:>7}{m.context_length:>9,}{m.vocab_size:>12,}"
        lines.append(f"{name:<17}{numbers}  {recipe.tags.get('model.d_model', 'ours'):<7}  {recipe.note}".rstrip())
    return "\n".join([*lines, "", "python -m rlhf_lite presets NAME lists every setting of one, with its tag."])


def settings_table(recipe: Recipe) -> str:
    """Write one line per setting: name, value, tag."""
    lines = [f"{name:<34}{value!s:>14}  {tag}" for name, (value, tag) in recipe.settings().items()]
    return "\n".join([f"{recipe.name}: {recipe.note}" if recipe.note else recipe.name, *lines])


def readable_number(value: float) -> str:
    """Write three digits, and large numbers whole. Examples: 0.00123, 4.50, 78.9, 1,234."""
    if value >= 99.95 or value == 0:
        return f"{value:,.0f}"
    return f"{value:#.3g}"


def readable_time(days: float) -> str:
    """Write a time in the largest unit of which there are two. Examples: 3.50 days, 40.0 hours, 90.0 minutes, 3.00 seconds."""
    for unit, length in {"days": 1.0, "hours": 24.0, "minutes": 1440.0}.items():
        if days * length >= 2:
            return f"{readable_number(days * length)} {unit}"
    return f"{readable_number(days * 86_400)} seconds"


def plan_numbers(recipe: Recipe, cluster: Cluster, planned: list[StagePlan]) -> dict[str, Any]:
    """Return a whole plan as a JSON-able object, units in the names."""
    models = {model.role: model.config.n_parameters for each in planned for model in each.stage.residents}
    rows = [_stage_numbers(each, cluster) for each in planned]
    total = {name: sum(row[name] for row in rows) for name in ("flops", "pf_days", "days", "gpu_hours", "usd")}
    return {"preset": recipe.name, "cluster": asdict(cluster), "parameters": models, "stages": rows, "total": total}


def _stage_numbers(planned: StagePlan, cluster: Cluster) -> dict[str, Any]:
    hours = planned.seconds / 3600 * cluster.gpus
    memory = {role: {f"{name}_gb": value / GB for name, value in asdict(part).items()} for role, part in planned.memory.items()}
    same = ("at_once", "advice", "flops", "attention_flops", "pf_days", "limit", "busy")
    return {"stage": planned.stage.name, "steps": planned.stage.steps} | {name: getattr(planned, name) for name in same} | {
        "memory": memory, "total_gb": planned.total_memory / GB, "fits": planned.fits(cluster),
        "days": planned.seconds / 86_400, "gpu_hours": hours, "usd": hours * cluster.price,
    }  # fmt: skip


def plan_text(recipe: Recipe, cluster: Cluster, planned: list[StagePlan]) -> str:
    """Write a whole plan as two tables, for people."""
    numbers = plan_numbers(recipe, cluster, planned)
    gpus = f"{cluster.gpus:,} GPU{'s' if cluster.gpus > 1 else ''}"
    title = f"{recipe.name} on {gpus} of {cluster.gpu_memory:g} GB: memory of the fullest GPU, in GB"
    return "\n".join([title, "", *_memory_lines(numbers), "", *_time_lines(numbers), "", ASSUMED.format(**asdict(cluster))])


def _memory_lines(numbers: dict[str, Any]) -> Iterator[str]:
    columns = ("weights", "gradients", "optimizer", "gathered", "activations", "kv_cache")
    usable = readable_number(USABLE * numbers["cluster"]["gpu_memory"])
    yield f"{'stage':<17}{'model':<14}{'parameters':>16}" + "".join(f"{name.replace('_', ' '):>13}" for name in columns)
    for row in numbers["stages"]:
        for role, part in row["memory"].items():
            cells = "".join(f"{readable_number(part[f'{name}_gb']):>13}" for name in columns)
            yield f"{row['stage']:<17}{role:<14}{numbers['parameters'][role]:>16,}{cells}"
        verdict = "fits" if row["fits"] else "DOES NOT FIT; any one of these would do:"
        yield f"{'':<17}{readable_number(row['total_gb'])} GB of {usable} usable: {verdict}"
        yield from (f"{'':<19}{text}" for text in row["advice"])


def _time_lines(numbers: dict[str, Any]) -> Iterator[str]:
    yield f"{'stage':<17}{'steps':>9}{'at once':>13}{'PF-days':>14}{'time':>15}{'USD':>14}{'busy':>7}  limited by"
    for row in numbers["stages"]:
        work = f"{row['stage']:<17}{row['steps']:>9,}{row['at_once']:>13,}"
        yield f"{work}{_costs(row)}{row['busy']:>7.0%}  {row['limit']}"
    yield f"{'together':<39}{_costs(numbers['total'])}"


def _costs(row: dict[str, Any]) -> str:
    return f"{readable_number(row['pf_days']):>14}{readable_time(row['days']):>15}{readable_number(row['usd']):>14}"


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
    recipe, cluster = recipe_named(command.preset), command.cluster
    planned = plan(recipe, cluster)
    print(json.dumps(plan_numbers(recipe, cluster, planned)) if command.json else plan_text(recipe, cluster, planned))
