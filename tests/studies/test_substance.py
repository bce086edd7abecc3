"""The table of substance reads each measurement from its place and marks what misses its bar.

Proves: every row of the table can be read from what is measured of a run; means and worst seeds are right by hand; rows below
their bar are marked, and no others; only runs that are not measured yet are measured.
"""

import json
import sys
from copy import deepcopy

import pytest

from rlhf_lite.studies import substance
from rlhf_lite.studies.stored import read_measured
from rlhf_lite.tinyworld.abilities import COPIES, ROWS
from rlhf_lite.tinyworld.evaluation import COOLED
from rlhf_lite.tinyworld.minimal_pairs import SUBSTANCE

PAIR = {"rate": 0.9, "with_ties": 0.8}
GOOD = {
    "models": {name: {"gold": 0.95, "pretraining_loss": loss}
               for name, loss in (("base", 1.0), ("sft", 1.0), ("ppo", 1.2), ("ppo_ptx", 1.0))},
    "pairs": dict.fromkeys(("ppo_ptx>sft", "sft>base", "ppo_ptx>base_few_shot"), PAIR),
    "pairs_equal_manners": {"ppo_ptx>sft": PAIR},
    "best_temperature": {"pairs": {"ppo_ptx>sft": PAIR}, "gold": {"sft": 0.9, "ppo_ptx": 0.95}},
    "abilities": {name: dict.fromkeys((*ROWS, *COPIES), 1.0) for name in ("base", "ppo", *COOLED)},
    "facts": {name: {"known": {"true": 1.0}} for name in COOLED},
    "minimal_pairs": {"substance": dict.fromkeys(SUBSTANCE, 1.0)},
    "reward_model": {"labeler_agreement": 0.75, "accuracy_judge": 0.9, "accuracy_labelers": 0.8},
    "by_use_case": {"chat": {"ppo_ptx": 0.9}, "other": {"ppo_ptx": 0.8}},
    "xian_right": 20,
}


def rows(results):
    return {line.split(" | ")[0].removeprefix("| "): line.split(" | ")[1:] for line in substance.table(results).split("\n")[2:]}


def test_nothing_is_marked_where_all_is_well_and_every_row_is_there():
    found = rows([GOOD, GOOD])
    assert len(found) == len(substance.BARS) and not any("missed" in cells[-1] for cells in found.values())
    assert found["gold score in the worst use case, ppo_ptx"][1:3] == ["0.80", "0.80"]
    assert found["share of it that ptx gives back"][1] == "1.00"


@pytest.mark.parametrize(("worse", "mean", "worst", "missed"), [
    (0.9, "0.95", "0.90", ""), (0.8, "0.90", "0.80", ""), (0.7, "0.85", "0.70", "missed"),
])  # fmt: skip
def test_mean_and_worst_seed_by_hand(worse, mean, worst, missed):
    bad = deepcopy(GOOD)
    bad["abilities"]["ppo_ptx"]["list"] = worse
    assert rows([GOOD, bad])["list, ppo_ptx"] == ["0.9, 0.8", mean, worst, f"{missed} |"]


def test_an_ability_that_falls_under_sfts_on_one_seed_is_marked():
    bad = deepcopy(GOOD)
    bad["abilities"]["ppo_ptx"]["polite"] = 0.94
    cells = rows([GOOD, GOOD, GOOD, bad])["polite, ppo_ptx minus sft"]
    assert cells == ["–, -0.05", "-0.02", "-0.06", "missed |"]


def test_the_table_of_models_has_a_column_each_and_the_worst_seed_in_brackets():
    bad = deepcopy(GOOD)
    bad["abilities"]["sft"]["who"] = 0.5
    lines = substance.table_of_models([GOOD, bad]).split("\n")
    assert lines[0] == "| what | base | SFT | PPO | PPO-ptx |"
    assert "| who: share right | 1.00 (1.00) | 0.75 (0.50) | 1.00 (1.00) | 1.00 (1.00) |" in lines
    assert lines[-1] == "| gold score | 0.95 (0.95) | 0.95 (0.95) | 0.95 (0.95) | 0.95 (0.95) |"


def test_runs_are_measured_once_and_told_on_both_pages(tmp_path, monkeypatch, capsys):
    measured, out = [], tmp_path / "out"
    out.mkdir()
    pages = [tmp_path / "README.md", out / "README.md"]
    for page in pages:
        page.write_text("before <!-- substance --> old <!-- end of substance --> after")
    monkeypatch.setattr(substance, "measure", lambda folder: measured.append(folder.name) or GOOD)
    for seed in (3, 4):
        (tmp_path / f"run-{seed}").mkdir()
        (tmp_path / f"run-{seed}" / "run.json").write_text(json.dumps({"seed": seed}))
    for wanted in (["run-3"], ["run-3", "run-4"]):
        folders = [str(tmp_path / name) for name in wanted]
        monkeypatch.setattr(sys, "argv", ["substance", *folders, "--output", str(out), "--readme", str(pages[0])])
        substance.main()
    assert measured == ["run-3", "run-4"] and len(read_measured(out, "")) == 2
    assert capsys.readouterr().out.split("\n")[0] == "1 seeds"
    short, whole = (page.read_text() for page in pages)
    assert short.startswith("before") and short.endswith("after") and " old " not in short
    assert "minimal pairs" in whole and "minimal pairs" not in short and "ppo_ptx against sft, decided" in short
