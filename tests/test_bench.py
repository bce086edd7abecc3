"""Measurements of speed compare the same work: equal logits on both sides, the fastest of several turns, ratios as told."""

import json

import pytest
import torch

from rlhf_lite import bench
from rlhf_lite.gpt import GPT, GPTConfig

SMALL = GPTConfig(vocab_size=61, context_length=80, d_model=16, n_layers=2, n_heads=2)


def test_both_sides_are_the_same_model():
    torch.manual_seed(0)
    model, tokens = GPT(SMALL).eval(), torch.randint(61, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(bench.gpt2_of(model).eval()(tokens).logits, model(tokens), atol=1e-5, rtol=1e-4)


def test_the_fastest_turn_counts_and_the_first_warms_up(monkeypatch):
    clock = iter([0, 0, 0, 7, 0, 3, 0, 5, 0, 4])
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(clock))
    assert bench.fastest({"a": lambda: None, "b": lambda: None}, repeats=2) == {"a": 5, "b": 3}


def test_a_whole_run_is_printed_and_stored(monkeypatch, tmp_path, capsys):
    for table, value in (("SHAPES", SMALL), ("BATCH", (2, 16))):
        monkeypatch.setattr(bench, table, {"tiny": value})
    monkeypatch.setattr(bench, "PEAK_SIZE", 64)
    monkeypatch.setattr(bench, "ANSWERS", 4)
    bench.run_bench(bench.SpeedTest(shapes=("tiny",), repeats=1, output=tmp_path / "here.json"))
    found = json.loads((tmp_path / "here.json").read_text())
    row, told = found["shapes"]["tiny"], capsys.readouterr().out
    sides, precisions = ("ours", "transformers"), ("float32", "bfloat16")
    assert set(row["training tokens a second"]) == {f"{side} {precision}" for side in sides for precision in precisions}
    assert all(value > 0 for value in (*row["training tokens a second"].values(), *row["sampled tokens a second"].values()))
    ratio = row["sampled tokens a second"]["ours"] / row["sampled tokens a second"]["transformers"]
    assert f"{ratio:.2f} x transformers" in told and "of the matrix peak" in told and found["machine"]["torch"] in told


def test_unknown_shapes_are_refused():
    with pytest.raises(ValueError, match="expected tiny, 10M, 124M"):
        bench.run_bench(bench.SpeedTest(shapes=("huge",)))
