"""What is measured on a GPU is put beside the plan: each stage in each way; where there is no GPU, that is said.

Proves what can be proven without one: a small shape's stages run in all ways on a CPU, and the memory once measured on an
H200 is what is planned today.
"""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from rlhf_lite.benchmarks import against_transformers as bench
from rlhf_lite.benchmarks import gpu_check
from rlhf_lite.benchmarks.gpu_check import GPUCheck, check, row_text, run_gpu_check, ways
from rlhf_lite.benchmarks.plan_check import ALONE, CheckedShape
from rlhf_lite.gpt import GPTConfig
from rlhf_lite.planning.memory_fit import needed_gb
from rlhf_lite.planning.plan import plan_stage
from rlhf_lite.planning.workload import stages

LITTLE = CheckedShape(model=GPTConfig(vocab_size=61, context_length=32, d_model=16, n_layers=2, n_heads=2), batch=8, new_tokens=8)
CPU = torch.device("cpu")
STORED = json.loads((Path(__file__).parents[2] / "data" / "plan_check" / "h200.json").read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("ignore:this processor multiplies bfloat16")
def test_all_stages_are_measured_in_all_ways(monkeypatch):
    monkeypatch.setattr(gpu_check, "SHAPE", LITTLE)
    monkeypatch.setattr(gpu_check, "has_compiler", lambda: False)
    monkeypatch.setattr(bench, "PEAK_SIZE", 64)
    rows = list(check(CPU))
    names = [stage.name for stage in stages(LITTLE.recipe())]
    assert [(row["way"], row["stage"]) for row in rows] == list(product(("all at once", "saving memory"), names))
    cluster = ways(CPU)["saving memory"][0]
    assert cluster.precision == "bf16" and cluster.checkpointing and cluster.micro_batch == 2
    for row, stage in zip(rows[-len(names) :], stages(LITTLE.recipe()), strict=True):
        assert row["planned GB"] == needed_gb(plan_stage(stage, cluster))
        assert row["seconds"] > 0 < row["share of the peak"]
    assert "of the peak" in row_text(rows[0]) and "of the peak" not in row_text(rows[3])  # a rollout waits for memory


def test_what_a_gpu_has_no_room_for_is_left_out(monkeypatch):
    plans = {stage.name: plan_stage(stage, ALONE) for stage in stages(LITTLE.recipe())}
    needs = max(needed_gb(plans["ppo_ptx rollout"]), needed_gb(plans["ppo_ptx update"]))
    for has, expected in ((needs * 1e9 / 0.9 + 1, 0), (needs * 1e9 / 0.9 - 1e3, needs)):
        monkeypatch.setattr(gpu_check, "gpu_memory", lambda device, has=has: has)
        assert gpu_check.too_much("ppo", plans, torch.device("cuda")) == expected
    assert gpu_check.too_much("ppo", plans, CPU) == 0


def test_compiled_is_a_way_where_there_is_a_compiler(monkeypatch):
    monkeypatch.setattr(gpu_check, "has_compiler", lambda: True)
    cluster, engine = ways(CPU)["compiled"]
    assert engine.compile and engine.bfloat16 and cluster == ways(CPU)["all at once"][0]


def test_what_is_measured_is_told_and_stored(monkeypatch, tmp_path, capsys):
    row = {"way": "compiled", "stage": "sft", "first step": 9.0, "seconds": 0.25, "share of the peak": 0.47, "measured GB": 10.0,
           "planned GB": 9.5}  # fmt: skip
    monkeypatch.setattr(gpu_check, "check", lambda device: iter([row]))
    monkeypatch.setattr(gpu_check, "machine", lambda device: {"device": "a card"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    run_gpu_check(GPUCheck(output=tmp_path / "gpu.json"))
    told = capsys.readouterr().out
    assert "9.50   10.00 GB   0.95" in told and "47% of the peak" in told
    assert json.loads((tmp_path / "gpu.json").read_text()) == {"machine": {"device": "a card"}, "rows": [row]}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so():
    with pytest.raises(ValueError, match="needs a GPU and PyTorch finds none; plan-check measures on a CPU"):
        run_gpu_check(GPUCheck())


@pytest.mark.parametrize("row", STORED["rows"], ids=lambda row: f"{row['way']} {row['stage']}")
def test_memory_measured_on_an_h200_is_within_15_percent_of_the_plan(row):
    ways = {
        "in quarters": replace(ALONE, micro_batch=8, sampling_batch=32),
        "blocks computed again": replace(ALONE, checkpointing=True),
    }
    cluster = replace(ways.get(row["way"], ALONE), precision="bf16")
    (stage,) = (each for each in stages(gpu_check.SHAPE.recipe()) if each.name == row["stage"])
    assert needed_gb(plan_stage(stage, cluster)) == pytest.approx(row["measured GB"], rel=0.15)
