"""The shipped models are whole, small, made by the preset that their manifest names, with seed 0, and as good as it says."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rlhf_lite.presets import PRESETS
from rlhf_lite.studies.ship import SHIPPED_STAGES, made_by, metric_of

DATA = Path(__file__).parents[1] / "data"
FOLDERS = {"tiny": DATA / "checkpoints", "manners": DATA / "manners"}


@pytest.fixture(scope="module", params=FOLDERS)
def shipped(request):
    """Return the preset's name, the folder of its models, and their manifest."""
    folder = FOLDERS[request.param]
    return request.param, folder, json.loads((folder / "manifest.json").read_text())


def test_manifest_names_the_preset_and_seed_that_made_the_files(shipped):
    preset, _, manifest = shipped
    assert manifest["made_by"] == made_by(manifest) == f"python -m rlhf_lite pipeline --preset {preset} --seed 0"
    assert manifest["seed"] == 0
    assert manifest["preset"] == json.loads(json.dumps(asdict(PRESETS[preset]))), "the preset changed: train and ship it again"


def test_settings_of_no_preset_are_not_called_one():
    other = replace(PRESETS["tiny"], documents=7)
    assert made_by({"preset": json.loads(json.dumps(asdict(other))), "seed": 0}) == "a run with settings of its own"


def test_all_files_together_are_small(shipped):
    assert sum(path.stat().st_size for path in shipped[1].rglob("*") if path.is_file()) < 12_000_000


@pytest.mark.parametrize("stage", SHIPPED_STAGES)
def test_a_metric_measured_anew_is_the_manifests(shipped, stage):
    _, folder, manifest = shipped
    assert hashlib.sha256((folder / stage / "model.safetensors").read_bytes()).hexdigest() == manifest["files"][stage]["sha256"]
    for name, value in metric_of(folder, stage).items():
        assert value == pytest.approx(manifest["files"][stage]["metrics"][name], abs=1e-2)
