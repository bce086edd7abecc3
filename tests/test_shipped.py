"""The shipped checkpoints are whole, small, made by the tiny preset with seed 0, and as good as their manifest says."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from rlhf_lite.presets import PRESETS
from rlhf_lite.studies.ship import SHIPPED_STAGES, metric_of

FOLDER = Path(__file__).parents[1] / "data" / "checkpoints"


@pytest.fixture(scope="module")
def manifest():
    return json.loads((FOLDER / "manifest.json").read_text())


def test_manifest_names_the_preset_and_seed_that_made_the_files(manifest):
    assert manifest["seed"] == 0
    assert manifest["preset"] == json.loads(json.dumps(asdict(PRESETS["tiny"]))), "the preset changed: run make checkpoints"


def test_all_files_together_are_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 12_000_000


@pytest.mark.parametrize("stage", SHIPPED_STAGES)
def test_a_metric_measured_anew_is_the_manifests(manifest, stage):
    path = FOLDER / stage / "model.safetensors"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest["files"][stage]["sha256"]
    for name, value in metric_of(FOLDER, stage).items():
        assert value == pytest.approx(manifest["files"][stage]["metrics"][name], abs=1e-2)
