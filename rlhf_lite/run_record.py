"""What each stage of a run used, kept in run.json: stages that go on, or build on others, must have had what is asked for now."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .files import read_json
from .gpt import GPTConfig
from .presets import Preset, dotted

USES = {
    "pretrain": (("model", "documents", "primer_documents", "pretrain"), ("text",)),
    "sft": (("sft", "incoming_prompts"), ("demonstrations",)),
    "comparisons": (("comparisons", "incoming_prompts"), ("comparisons",)),
    "reward": (("reward",), ("comparisons",)),
    "judge": (("reward",), ("judge",)),
    "ppo": (("ppo", "incoming_prompts"), ("prompts", "score_fn")),
    "ppo_ptx": (("ppo_ptx", "documents", "incoming_prompts"), ("prompts", "score_fn", "text")),
}
"""Settings and data of each stage; data that no stage names, such as a released base model, belongs to all."""


def used_by(stage: str, preset: Preset | dict[str, Any], data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the part of all settings and all data that a stage uses; settings by their dotted names."""
    (names, own), settings = USES[stage], preset if isinstance(preset, dict) else asdict(preset)
    others = {key for _, keys in USES.values() for key in keys} - set(own)
    return {"settings": dotted({key: value for key, value in settings.items() if key in names}),
            "data": {key: value for key, value in data.items() if key not in others}}  # fmt: skip


def differences(was: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]], defaults: dict[str, Any] | None) -> list[str]:
    """Name what differs in what a stage used and would use, of settings that both versions of the library know.

    With `defaults`, for a stage that is done: a setting that stands at its default, and data that is not given, were not
    asked for, and do not differ. Data is a fingerprint, after which " of FILE" may stand.
    """
    done, before = defaults is not None, was["settings"]
    names = [name for name in now["settings"] if name in before and not (done and defaults.get(name) == now["settings"][name])]
    found = [(name, before[name], now["settings"][name]) for name in names if before[name] != now["settings"][name]]
    for name in now["data"] if done else {**was["data"], **now["data"]}:
        old, new = (str(part["data"].get(name, "not given")) for part in (was, now))
        found += [(name, old, new)] if old.partition(" of ")[0] != new.partition(" of ")[0] else []
    return [f"{name} was {old}, now {new}" for name, old, new in found]


def differences_of_base(base: GPTConfig, preset: Preset, defaults: dict[str, Any]) -> list[str]:
    """Name what was asked for of a model that nobody will build, since there is a base model of another shape."""
    was, now = dotted({"model": asdict(base)}), dotted({"model": asdict(preset.model)})
    return [f"{name} is {was[name]}, asked for {now[name]}" for name in now if now[name] not in (was[name], defaults.get(name))]


def read_record(folder: Path, stages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read from a run's run.json what each stage that has begun there used: "settings", "data" and "seed".

    Raises: ValueError, naming the file and what to do, if it is damaged.
    """
    path, advice = folder / "run.json", "delete that file if this is the run with these settings"
    about = read_json(path, dict, advice) if path.exists() else {"stages": {}}
    try:
        if "stages" not in about:  # earlier versions kept one record for all
            about["stages"] = {stage: used_by(stage, about["preset"], about.get("data", {})) for stage in stages}
        return {stage: {**entry, "settings": dict(entry["settings"]), "data": dict(entry["data"]), "seed": int(about["seed"])}
                for stage, entry in about["stages"].items() if (folder / stage).is_dir()}  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"{path} does not say what stages used: {advice}") from None
