"""The results table says what was measured: means over seeds, bars beside them, over-optimization only where it is."""

import copy

import pytest

from rlhf_lite.studies.claims import PICTURE, goodhart_seen, results_table, table_rows, write_into, write_results
from rlhf_lite.tinyworld.evaluation import MODELS, PAIRS
from rlhf_lite.tinyworld.prompts import USE_CASE_SHARES

AGREEMENTS = ("accuracy_judge", "accuracy_labelers", "accuracy_held_out_labelers", "labeler_agreement")
LOSSES = {"base": 1.0, "base_few_shot": 1.0, "sft": 1.2, "ppo": 1.4, "ppo_ptx": 1.25}


def measured(rate=0.8, **more):
    return {
        "summary": {
            "models": {name: {"gold": 0.5, "pretraining_loss": LOSSES[name]} for name in MODELS},
            "pairs": {pair: {"rate": rate, "wins": 6, "losses": 2, "ties": 2} for pair in PAIRS},
        },
        "use_cases": {case: {"ppo_ptx": 0.6, "sft": 0.4} for case in USE_CASE_SHARES},
        "reward_model": dict.fromkeys(AGREEMENTS, 0.75),
        "surface_features": {"length (words)": 0.6, "word 'the'": 0.58},
        "seconds": {"pretrain": 200.0, "evaluation": 40.0},
        "peak_memory_gb": 0.9, "threads": 2,
    } | more  # fmt: skip


def curve(gold, score):
    return [{"gold": g, "score": s} for g, s in zip(gold, score, strict=True)]


def test_table_gives_means_with_intervals_and_their_bars():
    rows = {what: (bar, found) for what, bar, found in table_rows([measured(0.7), measured(0.9)])}
    # mean of 0.7 and 0.9; half-width 12.706 * 0.1 by Student's t with one degree of freedom
    assert rows["PPO-ptx against SFT, decided comparisons won"] == ("0.80", "0.800 (-0.471 to 2.071)")
    assert rows["PPO-ptx against SFT, ties counted half"][1].startswith("0.700")  # (6 + 2 / 2) / 10
    assert rows["alignment tax of PPO: pretraining loss minus base's, nats per token"][1].startswith("0.400")
    assert rows["PPO's part of its tax: pretraining loss over its start, SFT, nats per token"][1].startswith("0.200")
    assert rows["PPO's tax given back by ptx, nats per token"][1].startswith("0.150")
    assert rows["PPO's tax given back by ptx, share"][1].startswith("0.375")  # (1.4 - 1.25) / (1.4 - 1.0): against base
    assert rows["minutes from nothing to the report, threads: 2"][1].startswith("4.000")
    assert rows["best single surface feature against training labelers"][1].startswith("0.600")
    assert rows["chat: gold of PPO-ptx minus SFT"][1].startswith("0.200")
    assert not any("over-optimization" in what for what in rows)
    assert "| SFT against base | 0.85 | 0.700 (one seed) |" in results_table([measured(0.7)])


def test_extras_count_only_the_seeds_that_measured_them():
    seen, unseen = curve([0.1, 0.5, 0.5, 0.2, 0.2], [0, 1, 2, 3, 4]), curve([0.1, 0.2, 0.3, 0.4, 0.5], [0, 1, 2, 3, 4])
    round2 = {"first": 0.5, "second": 0.6}
    results = [measured(goodhart=seen, round2=round2), measured(goodhart=unseen, round2=round2), measured()]
    rows = {what: found for what, _, found in table_rows(results)}
    assert rows["over-optimization seen"] == "1 of 2 seeds"
    assert rows["steps 2 and 3 again: gold above the first round's by"].startswith("0.100")


def test_over_optimization_is_a_fall_of_gold_while_the_score_rises():
    fall = [0.1, 0.5, 0.5, 0.2, 0.2]
    assert goodhart_seen(curve(fall, [0, 1, 2, 3, 4]))
    assert not goodhart_seen(curve(fall, [0, 4, 4, 3, 2]))  # the score fell too: it got worse at everything
    assert not goodhart_seen(curve([0.1, 0.5, 0.5, 0.48, 0.48], [0, 1, 2, 3, 4]))  # too little
    assert not goodhart_seen(curve([0.2, 0.2, 0.25, 0.2, 0.2], [0, 1, 2, 3, 4]))  # one lucky measurement is no peak


def test_the_table_replaces_what_stood_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before <!-- results -->\nold\n<!-- end of results --> after")
    write_into(page, "new")
    assert page.read_text() == "before <!-- results -->\nnew\n<!-- end of results --> after"
    kept = copy.copy(page.read_text()).replace("<!-- results -->", "")
    page.write_text(kept)
    with pytest.raises(ValueError, match="put these two marks where the table shall stand"):
        write_into(page, "new")
    assert page.read_text() == kept


def test_the_picture_shows_every_seed_and_stands_below_the_table(tmp_path):
    rows = [{"step": 9, "gold": 0.5, "score": 0.1}, {"step": 19, "gold": 0.2, "score": 0.9}]
    round2 = {"first": 0.5, "second": 0.6}
    results = [measured(seed=seed, goodhart=rows, round2=round2) for seed in (3, 7)]
    page = tmp_path / "study" / "README.md"
    page.parent.mkdir()
    page.write_text("<!-- results -->\n<!-- end of results -->")
    write_results(tmp_path / "study", results)
    alt = "seed 3 gold 0.50 to 0.20, score 0.10 to 0.90; seed 7 gold 0.50 to 0.20, score 0.10 to 0.90."
    assert f"iteration 10 to 20: {alt}]({PICTURE})" in page.read_text() and "peak memory" in page.read_text()
    assert (tmp_path / "study" / PICTURE).read_bytes().startswith(b"\x89PNG")
    write_results(tmp_path / "study", [measured(seed=3)])  # nothing of the kind was measured
    assert PICTURE not in page.read_text() and "PPO-ptx against SFT" in page.read_text()
