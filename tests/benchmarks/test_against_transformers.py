"""Measurements of speed compare the same work: equal logits on both sides, answers of equal length, ratios by hand."""

import json

import pytest
import torch

from rlhf_lite.benchmarks import against_transformers as bench
from rlhf_lite.benchmarks.against_transformers import ratios
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.planning.costs import attention_flops, training_flops

SMALL = GPTConfig(vocab_size=61, context_length=80, d_model=16, n_layers=2, n_heads=2)


def test_both_sides_are_the_same_model():
    torch.manual_seed(0)
    model, tokens = GPT(SMALL).eval(), torch.randint(61, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(bench.gpt2_of(model).eval()(tokens).logits, model(tokens), atol=1e-5, rtol=1e-4)


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
        assert bench.ways_of(torch.device("cpu")) == expected


@pytest.mark.filterwarnings("ignore:this processor multiplies bfloat16")
@pytest.mark.parametrize("ways", [["float32"], ["float32", "bfloat16"]])
def test_a_whole_run_is_printed_and_stored(ways, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "ways_of", lambda device: ways)
    for table, value in (("SHAPES", SMALL), ("BATCH", (2, 16)), ("GPU_BATCH", (2, 16))):
        monkeypatch.setattr(bench, table, {"tiny": value})
    monkeypatch.setattr(bench, "matrix_peak", lambda device, dtype: 1e9)
    monkeypatch.setattr(bench, "ANSWERS", 4)
    bench.run_bench(bench.SpeedTest(shapes=("tiny",), repeats=1, output=tmp_path / "here.json"))
    found = json.loads((tmp_path / "here.json").read_text())
    row, told = found["shapes"]["tiny"], capsys.readouterr().out
    works = {f"{side} {way}" for side in ("ours", "transformers") for way in ways}
    for measured in ("training", "sampling", "sampling, answers that end"):
        assert set(row[measured]) == works and all(value > 0 for value in row[measured].values())
        for way in ways:  # in float32, and in the same type of number
            for theirs in ("transformers float32", f"transformers {way}"):
                assert f"{row[measured][f'ours {way}'] / row[measured][theirs]:.2f} x {theirs}" in told
    flops = training_flops(SMALL, 1) + 3 * attention_flops(SMALL, 1, 16)
    share = row["training"]["ours float32"] * flops / 1e9
    assert row["share of the matrix peak"]["float32"] == pytest.approx(share) and f"{share:8.0%} of the matrix peak" in told


def test_a_small_gpu_gets_fewer_sequences(monkeypatch):
    assert bench.batch_of("124M", torch.device("cpu")) == (4, 128)
    for memory, sequences in ((141e9, 32), (85e9, 32), (24e9, 4), (8e9, 1)):  # an H200's, an H100's, and smaller ones
        monkeypatch.setattr(bench, "gpu_memory", lambda device, memory=memory: memory)
        assert bench.batch_of("124M", torch.device("cuda")) == (sequences, 1024)


def test_ratios_by_hand():
    speeds = {"ours bfloat16": 3.0, "transformers bfloat16": 2.0, "transformers float32": 1.0}
    assert ratios("ours bfloat16", speeds) == "  3.00 x transformers float32,  1.50 x transformers bfloat16"
    assert ratios("transformers bfloat16", speeds) == ""


@pytest.mark.slow
def test_compiled_training_is_measured_and_compared(monkeypatch):
    monkeypatch.setattr(bench, "SHAPES", {"tiny": SMALL})
    monkeypatch.setattr(bench, "BATCH", {"tiny": (2, 16)})
    found = bench.measure_training("tiny", torch.device("cpu"), 1, ["float32", "float32 compiled"])
    assert set(found) == {f"{side} float32{how}" for side in ("ours", "transformers") for how in ("", " compiled")}
    told = ratios("ours float32 compiled", found)
    assert told.count("x transformers") == 2 and told.endswith("x transformers float32 compiled")


def test_unknown_shapes_are_refused():
    with pytest.raises(ValueError, match="expected tiny, 10M, 124M"):
        bench.run_bench(bench.SpeedTest(shapes=("huge",)))
