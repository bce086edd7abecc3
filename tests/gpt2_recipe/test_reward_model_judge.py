"""The judge's numbers are what they say: shares by hand, answers cut at the next turn, a page that warns of a bad judge."""

import json

import pytest
import torch
from rlhf_lite.gpt2_recipe.report import LENGTH, NO_TEXT, WEAK, write_judged_report

from rlhf_lite.gpt2_recipe.reward_model_judge import (
    HeldOut,
    calibration_bins,
    chosen_perplexity,
    judge_accuracies,
    own_turn,
    score_answers,
    share_of,
)
from rlhf_lite.likelihood import next_token_log_probs
from rlhf_lite.records import Comparison
from rlhf_lite.tokenizer import Tokenizer

ROWS = [
    Comparison("Name a color.", ("Blue it is.", "A dog."), (0, 1)),
    Comparison("Name a thing.", ("Cup.", "I do not know."), (0, 1)),
    Comparison("Say three.", ("Three.", "Three three.", "Four"), (0, 0, 1)),
]


@pytest.fixture(scope="module")
def held_out():
    tokenizer = Tokenizer.train(["User: Name a color.\nAssistant: Blue it is. A dog."], 270)
    return HeldOut(tokenizer, ROWS, ROWS, [], 8, 0, batch_size=2)


def test_shares_by_hand():
    found = share_of(8, 10)
    assert (found.share, found.low, found.high) == (0.8, pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))


def test_accuracies_by_hand(held_out):
    judged = [[1.0, 0.0], [0.0, 1.0], [2.0, 1.0, 0.0]]
    rewarded = [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0, 1.0]]
    found = judge_accuracies(judged, rewarded, held_out)
    # people decide 1 + 1 + 2 pairs: the judge has the first right, not the second, both of the third
    assert (found["judge"]["right"], found["judge"]["pairs"]) == (3, 4)
    assert (found["reward_model"]["right"], found["reward_model"]["pairs"]) == (2, 4)
    # words 3:2 right, 1:4 wrong, 1 = 1 undecided, 2:1 right
    assert (found["longer_answer"]["right"], found["longer_answer"]["pairs"]) == (2, 3)
    # both decide 1 + 1 + 2 pairs: alike, unlike, unlike twice
    assert (found["reward_model_and_judge"]["right"], found["reward_model_and_judge"]["pairs"]) == (1, 4)


def test_calibration_does_not_depend_on_which_answer_stands_first():
    rows = [Comparison("a", ("x", "y"), (0, 1))] * 6  # the better one first, always
    [low, high] = calibration_bins([[2.0, 0.0]] * 6, rows)
    assert (low["observed"], high["observed"], low["pairs"], high["pairs"]) == (0.0, 1.0, 3, 3)


def test_a_base_models_answer_ends_where_the_next_turn_begins():
    assert own_turn(" Rome.\nUser: Who?\nAssistant: I") == own_turn("Rome.\n\nHuman: Who?") == "Rome."
    assert own_turn("The user: me") == "The user: me"


def test_perplexity_by_a_plain_sum(held_out, make_gpt):
    model = make_gpt(vocab_size=held_out.tokenizer.vocab_size, context_length=64)
    nats = []
    for row in ROWS:
        ids, n = held_out.tokenizer.encode_example(row.prompt, row.responses[0])
        tokens = torch.tensor([ids])
        nats += (-next_token_log_probs(model(tokens), tokens)[0, n - 1 :]).tolist()
    assert chosen_perplexity(model, held_out) == pytest.approx(torch.tensor(nats).mean().exp().item(), rel=1e-4)


def test_an_answer_that_does_not_fit_is_cut_and_ends(held_out, make_scalar_model):
    model = make_scalar_model(vocab_size=held_out.tokenizer.vocab_size, context_length=40)
    (score,) = score_answers(model, held_out, ROWS[:1], ["� " * 50])
    assert torch.isfinite(torch.tensor(score))


def results(judge, longer):
    accuracies = {name: {"right": 1, "pairs": 10, "share": share, "low": share - 0.1, "high": share + 0.1}
                  for name, share in (("judge", judge), ("longer_answer", longer), ("reward_model", 0.6),
                                      ("reward_model_and_judge", 0.7))}  # fmt: skip
    return {"title": "x<script>", "base": "b", "comparisons": 10, "prompts": 0, "models": {}, "pairs": {}, "samples": [
        {"prompt": "a|b", "answers": {"sft": "<b>"}, "scores": {"sft": 1.0}}], "calibration": [], "cleaning": {}, "used": {},
        "plan": [], "memory": None, "seconds": {}, "accuracies": accuracies}  # fmt: skip


@pytest.mark.parametrize(("judge", "longer", "warning"), [(0.55, 0.5, WEAK), (0.65, 0.7, LENGTH), (0.75, 0.6, None)])
def test_the_page_warns_of_a_judge_that_is_not_one(tmp_path, judge, longer, warning):
    page = write_judged_report(tmp_path, results(judge, longer)).read_text(encoding="utf-8")
    assert [each for each in (WEAK, LENGTH) if each in page] == ([warning] if warning else [])
    assert NO_TEXT in page and "Not people" in page and "<script" not in page and "<b>" not in page
    assert json.loads((tmp_path / "report.json").read_text())["accuracies"]["judge"]["share"] == judge
