"""What the plan says of memory and time is what stages really take, within 15 %.

Proves: a small model's stages, really run, hold as many bytes at their peak as planned; so do all stored cases, and their time
is near the planned; what is stored is what the plan says today; the peak is read between the right marks; a machine's speeds
plan one machine only.
"""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from rlhf_lite.benchmarks import plan_check
from rlhf_lite.benchmarks.plan_check import ALONE, CASES, WAYS, CheckedShape, PlanCheck, planned, run_plan_check
from rlhf_lite.benchmarks.stage_timing import MEASURED, measure_memory, measure_seconds, peak_between
from rlhf_lite.gpt import GPTConfig
from rlhf_lite.planning.machine_speed import (
    Speeds,
    measure_speeds,
    pass_seconds,
    sampling_seconds,
    speeds_of,
    update_seconds,
)
from rlhf_lite.planning.plan import Cluster, plan_stage
from rlhf_lite.planning.tables import Plan, run_plan
from rlhf_lite.planning.workload import stages

RESULTS = Path(__file__).parents[2] / "data" / "plan_check" / "results.json"
LITTLE = CheckedShape(
    model=GPTConfig(vocab_size=700, context_length=64, d_model=64, n_layers=3, n_heads=4), batch=8, new_tokens=24
)
HEAVY = CheckedShape(
    model=GPTConfig(vocab_size=300, context_length=32, d_model=256, n_layers=3, n_heads=4), batch=8, new_tokens=12
)
"""Few tokens for its weights: gradients weigh as much as activations, and the two are not there at once."""
STORED = json.loads(RESULTS.read_text(encoding="utf-8"))
NOTHING = dict.fromkeys(("product", "operand", "single", "byte", "near_byte", "block_again", "uncertainty", "drawn"), 0.0)
NOTHING |= dict.fromkeys(("block", "cached_block", "bend", "norm", "look_back", "surprise"), (0.0, 0.0))
NOTHING |= dict.fromkeys(("few", "query", "look"), ((0.0, 0.0), (0.0, 0.0)))


@pytest.mark.parametrize("shape", [LITTLE, HEAVY], ids=["little", "heavy"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MEASURED)
def test_planned_memory_is_what_a_stage_really_holds(name, way, shape):
    plans = planned(shape, None, way)
    for stage, found in measure_memory(name, shape.recipe(), shape.machines(way)[1]).items():
        assert plans[stage]["memory"] == pytest.approx(found, rel=0.1), stage


@pytest.mark.parametrize("row", STORED["rows"], ids=lambda row: f"{row['case']} {row['way']} {row['stage']}")
def test_stored_measurements_are_within_15_percent(row):
    assert row["planned"]["memory"] == pytest.approx(row["measured"]["memory"], rel=0.15)
    assert row["planned"]["seconds"] == pytest.approx(row["measured"]["seconds"], rel=0.15)


def test_what_is_stored_is_what_the_plan_says_today():
    done = {(row["case"], row["way"], row["stage"]) for row in STORED["rows"]}
    assert {(case, way) for case, way, _ in done} == set(product(CASES, WAYS))
    assert len(done) == len(STORED["rows"]) == 5 * len(CASES) * len(WAYS)
    speeds = speeds_of(RESULTS)
    for row in STORED["rows"]:
        assert planned(CASES[row["case"]], speeds, row["way"])[row["stage"]] == pytest.approx(row["planned"])


def test_steps_are_timed_after_one_to_warm_up():
    assert all(seconds > 0 for seconds in measure_seconds("ppo", LITTLE.recipe(), 1).values())


def event(name, start, nbytes=0, duration=0):
    return SimpleNamespace(name=lambda: name, start_ns=lambda: start, duration_ns=lambda: duration, nbytes=lambda: nbytes)


def test_the_peak_is_that_of_the_last_marked_work():
    events = [event("[memory]", 1, 10), event("mark", 2, duration=3), event("[memory]", 3, 500), event("[memory]", 4, -500),
              event("mark", 6, duration=4), event("[memory]", 7, 5), event("[memory]", 8, 20), event("[memory]", 9, -25),
              event("[memory]", 11, 900)]  # fmt: skip
    kineto = SimpleNamespace(kineto_results=SimpleNamespace(events=lambda: events[::-1]))
    assert peak_between(SimpleNamespace(profiler=kineto), "mark") == 35


def test_seconds_of_products_by_hand():
    config = GPTConfig(vocab_size=10, context_length=8, d_model=4, n_layers=1, n_heads=1)  # 4 * 16 + 2 * 64 = 192 in matrices
    speeds = Speeds(**NOTHING | {"product": 1.0})
    size = {"sequences": 2, "length": 8, "predicted": 5}
    assert pass_seconds(config, speeds, **size, train=False) == 2 * (16 * 192 + 5 * 40)
    assert pass_seconds(config, speeds, **size, train=True) == 3 * 2 * (16 * 192 + 5 * 40)
    looking = Speeds(**NOTHING | {"look": ((3.0, 1.0), (0.0, 0.0)), "query": ((0.0, 0.0), (5.0, 1.0))})
    assert pass_seconds(config, looking, **size, train=False) == 2 * 36 * (3 + 4)  # 36 = 1 + 2 + ... + 8
    assert pass_seconds(config, looking, **size, train=True) == 2 * 8 * (5 + 4)


def test_weights_come_from_memory_where_they_are_many():
    speeds = Speeds(**NOTHING | {"few": ((1.0, 10.0), (100.0, 1000.0)), "cached_block": (5.0, 500.0)})
    size = {"sequences": 3, "length": 8, "new_tokens": 5}
    few = GPTConfig(vocab_size=10, context_length=8, d_model=4, n_layers=1, n_heads=1)
    assert sampling_seconds(few, speeds, **size) == 5 * (5 + (192 + 40) * (1 + 2 * 3 * 10))
    many = GPTConfig(vocab_size=10, context_length=8, d_model=1024, n_layers=1, n_heads=1)  # 12.6M numbers, 50 MB
    assert sampling_seconds(many, speeds, **size) == 5 * (500 + (12 * 1024**2 + 10 * 1024) * (100 + 2 * 3 * 1000))
    alone = Speeds(**NOTHING | {"single": 7.0})
    assert sampling_seconds(many, alone, **size | {"sequences": 1}) == 5 * (12 * 1024**2 + 10 * 1024) * 7
    assert sampling_seconds(few, alone, **size | {"sequences": 1}) == 0


def test_speeds_are_positive_and_of_one_machine_only():
    speeds = measure_speeds()
    stage = stages(LITTLE.recipe())[0]
    assert plan_stage(stage, ALONE, speeds).seconds > 0
    with pytest.raises(ValueError, match="one machine in fp32, not 2 in bf16"):
        plan_stage(stage, Cluster(gpus=2), speeds)


def test_recomputing_takes_another_forward_pass():
    stage, speeds = stages(LITTLE.recipe())[0], Speeds(**NOTHING | {"product": 1.0})
    kept, again = (plan_stage(stage, replace(ALONE, checkpointing=on), speeds).seconds for on in (False, True))
    matrices = 3 * 12 * 64**2
    assert again - kept == pytest.approx(stage.steps * 2 * 8 * 64 * matrices)


def test_each_micro_batch_starts_every_block_anew():
    stage = next(each for each in stages(CASES["tiny"].recipe()) if each.name == "sft")  # 16 demonstrations, 4 blocks
    starts = Speeds(**NOTHING | {"block": (1.0, 10.0), "block_again": 100.0})

    def seconds(micro_batch, checkpointing=False):
        cluster = replace(ALONE, micro_batch=micro_batch, checkpointing=checkpointing)
        return plan_stage(stage, cluster, starts).seconds / stage.steps

    assert seconds(16) == 4 * 10 * 2, "in two groups of like length"
    assert seconds(8) == 4 * 10 * 2 and seconds(4) == 4 * 10 * 4 and seconds(3) == 4 * 10 * 6
    assert seconds(4, checkpointing=True) == 4 * 4 * (10 + 1 + 100)


def test_gradients_of_micro_batches_are_added_up():
    config = GPTConfig(vocab_size=10, context_length=8, d_model=4, n_layers=1, n_heads=1)
    speeds = Speeds(**NOTHING | {"near_byte": 1.0})
    once, three = (update_seconds(config, speeds, backward_passes=n) for n in (1, 3))
    assert once == 40 * config.n_parameters + 10 * 4 * (8 + 12)
    assert three - once == 2 * (12 * config.n_parameters + 10 * 4 * (8 + 12))


def test_the_command_stores_what_it_prints(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(plan_check, "CASES", {"little": LITTLE})

    def pretend(*arguments):
        if arguments == ("speeds",):
            return {"machine": {"device": "here"}, "speeds": STORED["speeds"]}
        return dict.fromkeys(("ppo_ptx rollout", "ppo_ptx update") if "ppo" in arguments else arguments[2:3], 2.0)

    monkeypatch.setattr(plan_check, "in_fresh_process", pretend)
    run_plan_check(PlanCheck(cases=("little",), output=tmp_path / "found.json"))
    told, found = capsys.readouterr().out, json.loads((tmp_path / "found.json").read_text())
    assert told.count("little") == 10 == len(found["rows"]) and found["machine"] == {"device": "here"}
    run_plan(Plan(preset="nano", cluster=Cluster(precision="fp32"), machine=tmp_path / "found.json"))
    assert "from the machine's measured speeds" in capsys.readouterr().out
    for wrong, expected in (({"cases": ("huge",)}, "some of little"), ({"ways": ()}, "some of all at once")):
        with pytest.raises(ValueError, match=expected):
            run_plan_check(PlanCheck(**{"cases": ("little",)} | wrong))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match=r"other\.json holds no speeds"):
        speeds_of(tmp_path / "other.json")
