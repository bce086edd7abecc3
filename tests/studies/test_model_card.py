"""Model cards and the data card are what the hub reads, and say what manifests and folders say.

Proves: each shipped folder's card is what its manifest gives; its measured numbers are the manifest's, in the hub's form; a
metric that the page cannot explain is refused; shipping writes the card; every data file that the data card names loads.
"""

import json
from pathlib import Path

import datasets
import pytest
from huggingface_hub import DatasetCard, ModelCard

from rlhf_lite.files import write_atomically
from rlhf_lite.studies import ship as ship_module
from rlhf_lite.studies.model_card import METRICS, STAGES, model_card

DATA = Path(__file__).parents[2] / "data"
FOLDERS = [DATA / "checkpoints", DATA / "manners"]


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_stored_card_is_what_its_manifest_gives(folder):
    stored = (folder / "README.md").read_text(encoding="utf-8")
    assert stored == str(model_card(manifest_of(folder))), (
        "the manifest or the page changed: python -m rlhf_lite.studies.model_card data/checkpoints data/manners"
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_hub_reads_the_card_and_finds_the_manifests_numbers(folder):
    manifest, card = manifest_of(folder), ModelCard.load(folder / "README.md", ignore_metadata_errors=False)
    assert card.data.license == "mit" and card.data.language == "en" and "synthetic-data" in card.data.tags
    read = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert read == {
        f"{STAGES[stage][0]}: {METRICS[metric][1]}": round(value, 4)
        for stage, about in manifest["files"].items()
        for metric, value in about["metrics"].items()
    }
    assert len(read) == 5
    assert manifest["made_by"] in card.text and "What they can not do" in card.text


def test_other_numbers_give_another_card():
    manifest = manifest_of(FOLDERS[0])
    manifest["files"]["sft"]["metrics"]["pretraining_loss"] = 1.23456
    card = model_card(manifest)
    assert "| SFT | pretraining loss, nats per token | held-out documents | 1.235 |" in card.text
    assert "1.2346" in card.data.to_yaml()


def test_a_run_of_no_preset_has_a_card_too():
    manifest = manifest_of(FOLDERS[1]) | {"made_by": "a run with settings of its own"}
    card = model_card(manifest)
    assert card.text.strip().startswith("# rlhf_lite custom, seed 0") and "manners and no substance" not in card.text


def test_a_metric_without_an_explanation_is_refused():
    manifest = manifest_of(FOLDERS[0])
    manifest["files"]["sft"]["metrics"] = {"speed": 3.0}
    with pytest.raises(KeyError, match="speed"):
        model_card(manifest)


def test_shipping_writes_the_card(tmp_path, monkeypatch):
    source, written = FOLDERS[0], tmp_path / "shipped"
    write_atomically(tmp_path / "run/run.json", json.dumps({key: manifest_of(source)[key] for key in ("seed", "preset")}))
    for name in ("tokenizer.json", *(f"{stage}/model.safetensors" for stage in ship_module.SHIPPED_STAGES)):
        (tmp_path / "run" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "run" / name).write_bytes((source / name).read_bytes())
    monkeypatch.setattr(ship_module, "metric_of", lambda folder, stage: manifest_of(source)["files"][stage]["metrics"])
    manifest = ship_module.ship(tmp_path / "run", written)
    assert (written / "README.md").read_text(encoding="utf-8") == str(model_card(manifest))


def test_every_file_of_the_data_card_loads_as_the_hub_loads_it(tmp_path):
    card = DatasetCard.load(DATA / "README.md", ignore_metadata_errors=False)
    assert card.data.license == "mit" and card.data.language == "en"
    named = {each["config_name"]: each["data_files"] for each in card.data.configs}
    assert set(named.values()) == {f"samples/{path.name}" for path in (DATA / "samples").glob("*.jsonl")}
    for name, file in named.items():
        rows = datasets.load_dataset(str(DATA), name, split="train", cache_dir=str(tmp_path))
        assert len(rows) == len((DATA / file).read_text(encoding="utf-8").splitlines())
