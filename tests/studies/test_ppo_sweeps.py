"""A sweep varies one thing at a time, goes on where it was stopped, and what the course ships of it is whole."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rlhf_lite.presets import PRESETS
from rlhf_lite.studies import ppo_sweeps as sweeps
from rlhf_lite.studies.ppo_sweeps import (
    EPISODES,
    ITERATIONS,
    KL_COEFS,
    MEASURED_EVERY,
    PTX_COEFS,
    Bench,
    load_sweeps,
    rounded,
    sweep,
    sweep_configs,
    write_rows,
)  # fmt: skip
from rlhf_lite.tinyworld.evaluation import load_models

DATA = Path(__file__).parents[2] / "data"
MEASURES = {"gold", "win_rate", "score", "kl", "pretraining_loss", "loss_rise", "exercises", "length"}


def test_configs_vary_one_coefficient_at_a_time_and_nothing_else():
    usual = PRESETS["tiny"].ppo
    configs = sweep_configs(usual)
    pairs = [(config.kl_coef, config.ptx_coef) for config in configs]
    assert len(pairs) == len(set(pairs)) == len(KL_COEFS) + len(PTX_COEFS)
    assert {kl for kl, ptx in pairs if ptx == 0} == set(KL_COEFS)
    assert {(usual.kl_coef, ptx) for ptx in PTX_COEFS} == {pair for pair in pairs if pair[1] > 0}
    for config in configs:
        assert replace(config, kl_coef=usual.kl_coef, ptx_coef=0.0) == replace(
            usual, iterations=ITERATIONS, eval_every=MEASURED_EVERY, episodes=EPISODES, minibatch_size=EPISODES // 2
        )
        assert config.minibatches == usual.minibatches, "as many updates per iteration as a normal run"


class CountingBench:
    """Stands for a bench: counts the points it is asked for, and stops at one of them."""

    asked: list = []  # noqa: RUF012
    stop_at = None

    def __init__(self, models, seed):
        self.seed = seed

    def stage_rows(self):
        self.asked.append("stages")
        return {"sft": {"gold": 0.123456}}

    def point(self, config):
        pair = (config.kl_coef, config.ptx_coef)
        if pair == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(pair)
        return [{"kl_coef": pair[0], "ptx_coef": pair[1], "seed": self.seed, "iterations": n, "gold": 1 / 3} for n in (8, 16)]


def test_a_sweep_goes_on_after_the_last_point_that_was_done(tmp_path, monkeypatch):
    pairs = [(config.kl_coef, config.ptx_coef) for config in sweep_configs(PRESETS["tiny"].ppo)]
    monkeypatch.setattr(sweeps, "Bench", CountingBench)
    monkeypatch.setattr(sweeps, "load_models", lambda folder: None)
    monkeypatch.setattr(CountingBench, "asked", [])
    monkeypatch.setattr(CountingBench, "stop_at", pairs[2])
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, 7, tmp_path / "seed-7.json")
    (kept,) = load_sweeps(tmp_path)
    done = [(row["kl_coef"], row["ptx_coef"], row["iterations"]) for row in kept["rows"]]
    assert done == [(*pair, n) for pair in pairs[:2] for n in (8, 16)]
    monkeypatch.setattr(CountingBench, "stop_at", None)
    sweep(tmp_path, 7, tmp_path / "seed-7.json")
    assert CountingBench.asked == ["stages", *pairs]


def test_files_are_short_read_back_and_hold_four_digits(tmp_path):
    found = {"seed": 3, "stages": {"sft": {"gold": 2 / 3, "sources": {"forum": 1 / 3}}}, "rows": [{"kl": 1 / 3, "iterations": 8}]}
    write_rows(tmp_path / "seed-3.json", found)
    assert load_sweeps(tmp_path) == [rounded(found)]
    assert rounded(found)["stages"]["sft"] == {"gold": 0.6667, "sources": {"forum": 0.3333}}
    assert rounded([1, True, "a", None, 0.00004]) == [1, True, "a", None, 0.0]


def test_an_empty_folder_is_named():
    with pytest.raises(FileNotFoundError, match="no seed-"):
        load_sweeps(DATA)


@pytest.mark.parametrize("found", load_sweeps(DATA / "sweeps"), ids=lambda found: f"seed {found['seed']}")
def test_shipped_measurements_are_in_order_and_agree_with_the_study(found):
    pairs = [(config.kl_coef, config.ptx_coef) for config in sweep_configs(PRESETS["tiny"].ppo)]
    lengths = range(MEASURED_EVERY, ITERATIONS + 1, MEASURED_EVERY)
    measured = [(row["kl_coef"], row["ptx_coef"], row["iterations"]) for row in found["rows"]]
    assert measured == [(*pair, n) for pair in pairs for n in lengths][: len(measured)], "a sweep goes from the telling points on"
    assert all(set(row) >= MEASURES and row["seed"] == found["seed"] for row in found["rows"])
    study = json.loads((DATA / "substance" / "seed-0.json").read_text(encoding="utf-8"))["models"]  # the same models
    for name, row in found["stages"].items():
        assert row["pretraining_loss"] == pytest.approx(study[name]["pretraining_loss"], abs=0.01)
        assert row["gold"] == pytest.approx(study[name]["gold"], abs=0.12)  # other prompts
    start = found["stages"]["sft"]["pretraining_loss"]
    assert all(row["loss_rise"] == pytest.approx(row["pretraining_loss"] - start, abs=2e-4) for row in found["rows"])


@pytest.mark.slow
def test_a_point_is_trained_and_measured_and_the_start_is_sft_itself():
    bench = Bench(load_models(DATA / "checkpoints"), 0, n_prompts=8, n_documents=300, incoming=600)
    start = bench.measure(bench.sft)
    assert (start["kl"], start["loss_rise"], start["win_rate"]) == (0.0, 0.0, 0.5)
    config = replace(PRESETS["tiny"].ppo, iterations=2, eval_every=1, episodes=8, minibatch_size=8, ptx_coef=0.5)
    before = [p.clone() for p in bench.sft.parameters()]
    rows = bench.point(config)
    assert [row["iterations"] for row in rows] == [1, 2]
    assert all(set(row) >= MEASURES | {"entropy", "gradient_ratio"} for row in rows)
    assert rows[1]["gradient_ratio"] > 0 and 0 < abs(rows[1]["loss_rise"]) < 0.05
    assert all((a == b).all() for a, b in zip(before, bench.sft.parameters(), strict=True)), "SFT is the start of every point"
