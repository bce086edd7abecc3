"""Measurements of speed compare the same work: equal logits on both sides, the fastest of several turns, ratios as told."""

import json

import pytest
import torch

from rlhf_lite.benchmarks import against_transformers as bench
from rlhf_lite.benchmarks.bench_table import ratios
from rlhf_lite.engine import Engine, EngineConfig
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


def test_work_that_says_how_much_it_did_counts_by_the_unit(monkeypatch):
    clock = iter([0, 0, 6, 0, 8])
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(clock))
    amounts = iter([1, 2, 4])
    assert bench.fastest({"a": lambda: next(amounts)}, repeats=2) == {"a": 2}


def test_answers_end_as_often_as_asked_for_and_on_both_sides_alike():
    torch.manual_seed(0)
    model = GPT(SMALL).eval()
    bench.let_answers_end(model, mean_length=17)
    tokens = torch.randint(61, (50, 20))
    with torch.no_grad():
        ours, theirs = model(tokens).softmax(-1), bench.gpt2_of(model).eval()(tokens).logits.softmax(-1)
    chance = ours[..., bench.END]
    assert 0.7 / 17 < chance.mean() < 1.3 / 17 and chance.std() < chance.mean() / 2
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-4)


def test_bfloat16_is_measured_only_where_it_is_faster(monkeypatch):
    for gain, expected in ((0.01, ["float32"]), (3.0, ["float32", "bfloat16"])):
        monkeypatch.setattr(bench, "bfloat16_gain", lambda device, gain=gain: gain)
        assert bench.precisions(torch.device("cpu")) == expected


@pytest.mark.filterwarnings("ignore:this processor multiplies bfloat16")
@pytest.mark.parametrize("precisions", [["float32"], ["float32", "bfloat16"]])
def test_a_whole_run_is_printed_and_stored(precisions, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "precisions", lambda device: precisions)
    for table, value in (("SHAPES", SMALL), ("BATCH", (2, 16))):
        monkeypatch.setattr(bench, table, {"tiny": value})
    monkeypatch.setattr(bench, "PEAK_SIZE", 64)
    monkeypatch.setattr(bench, "ANSWERS", 4)
    bench.run_bench(bench.SpeedTest(shapes=("tiny",), repeats=1, output=tmp_path / "here.json"))
    found = json.loads((tmp_path / "here.json").read_text())
    row, told = found["shapes"]["tiny"], capsys.readouterr().out
    works = {f"{side} {precision}" for side in ("ours", "transformers") for precision in precisions}
    for measured in ("training tokens a second", "sampled tokens a second", "sampled tokens a second, answers that end"):
        assert set(row[measured]) == works and all(value > 0 for value in row[measured].values())
        for precision in precisions:  # as it comes, and in the same type of number
            for theirs in ("transformers float32", f"transformers {precision}"):
                assert f"{row[measured][f'ours {precision}'] / row[measured][theirs]:.2f} x {theirs}" in told
    assert ("bfloat16 is slower" in told) == ("bfloat16" not in precisions)
    assert "of the matrix peak" in told and found["machine"]["torch"] in told


def test_a_gpu_has_larger_batches_and_compiles_too(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert bench.ways_to_train(cpu, ["float32", "bfloat16"]) == ["float32", "bfloat16"]
    assert bench.batch_of("124M", cpu) == (4, 128)
    monkeypatch.setattr(bench, "bfloat16_gain", lambda device: 9.0)
    assert bench.precisions(gpu) == ["bfloat16"]
    assert ratios("ours bfloat16", {"ours bfloat16": 3.0, "transformers bfloat16": 2.0}) == "  1.50 x transformers bfloat16"
    for memory, sequences in ((141e9, 32), (85e9, 32), (24e9, 4), (8e9, 1)):  # an H200's, an H100's, and smaller ones
        monkeypatch.setattr(bench, "gpu_memory", lambda device, memory=memory: memory)
        assert bench.batch_of("124M", gpu) == (sequences, 1024)
    for there_is, more in ((True, ["bfloat16 compiled"]), (False, [])):
        monkeypatch.setattr(bench, "has_compiler", lambda there_is=there_is: there_is)
        assert bench.ways_to_train(gpu, ["float32", "bfloat16"]) == ["float32", "bfloat16", *more]


@pytest.mark.slow
def test_compiled_training_is_measured_and_compared(monkeypatch):
    monkeypatch.setattr(bench, "SHAPES", {"tiny": SMALL})
    monkeypatch.setattr(bench, "BATCH", {"tiny": (2, 16)})
    found = bench.measure_training("tiny", Engine(EngineConfig(device="cpu")), 1, ["float32", "float32 compiled"])
    assert set(found) == {f"{side} float32{how}" for side in ("ours", "transformers") for how in ("", " compiled")}
    told = ratios("ours float32 compiled", found)
    assert told.count("x transformers") == 2 and told.endswith("x transformers float32 compiled")
    assert ratios("transformers float32 compiled", found).count("x transformers") == 1
    assert bench.where_time_goes("tiny", Engine(), "float32 compiled")


def test_unknown_shapes_are_refused():
    with pytest.raises(ValueError, match="expected tiny, 10M, 124M"):
        bench.run_bench(bench.SpeedTest(shapes=("huge",)))
