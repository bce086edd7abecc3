"""Lesson 10's measurements measure what they say, and its figures tell in words what they show.

Proves: a ranking split into pairs holds every pair that is no tie, the better answer first; both ways compute about as many
answers a step; differences are the better answer's score minus the worse one's; what is stored is read again and drawn.
"""

import json
from pathlib import Path

import pytest
import torch

from rlhf_lite.course.lesson_10 import reward_study
from rlhf_lite.course.lesson_10.figures import (
    VARIANTS,
    draw_calibration,
    draw_change,
    draw_preference,
    draw_substance,
    draw_together_or_apart,
)
from rlhf_lite.course.lesson_10.refit import loss_and_accuracy_on_tokens
from rlhf_lite.course.lesson_10.reward_study import (
    APART,
    both_ways,
    differences,
    learn_rankings,
    measure_run,
    read_study,
    split_pairs,
    variants,
)
from rlhf_lite.evaluate import CalibrationBin
from rlhf_lite.records import EncodedComparison
from rlhf_lite.tinyworld.evaluation import Models
from rlhf_lite.tokenizer import Tokenizer

STORED = Path(__file__).parents[3] / "data" / "reward_study"
A, B, C = [5, 1], [6, 6, 1], [7, 1]


@pytest.fixture
def models(make_gpt, make_scalar_model):
    tokenizer = Tokenizer.train(["a b c"], 258)
    policies = {name: make_gpt(seed, vocab_size=258, context_length=320) for seed, name in enumerate(("base", "sft", "ppo_ptx"))}
    return Models(tokenizer, policies, make_scalar_model(vocab_size=258, context_length=320))


def test_a_ranking_is_split_into_its_pairs():
    pairs = split_pairs([EncodedComparison(ids=(A, B, C), ranks=(1, 0, 1)), EncodedComparison(ids=(A, A), ranks=(0, 1))])
    assert [(pair.ids, pair.ranks) for pair in pairs] == [((B, A), (0, 1)), ((B, C), (0, 1))]  # neither a tie nor the same twice


def test_both_ways_hold_as_many_answers_a_step():
    rankings = [EncodedComparison(ids=tuple([k, 1] for k in range(6)), ranks=tuple(range(6)))] * 32
    found = variants(rankings)
    pairs, apart = found[APART]
    assert len(pairs) == 32 * 15 and 2 * apart.batch_size == 6 * found["together 1"][1].batch_size
    assert found["together 4"][0] is rankings and found["together 4"][1].epochs == 4
    assert set(found) == set(VARIANTS)


def test_differences_are_better_minus_worse(models):
    class Lengths(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.anywhere = torch.nn.Parameter(torch.zeros(()))  # says on which device

        def forward(self, tokens):
            return torch.arange(1.0, tokens.shape[1] + 1).expand(tokens.shape)

    found = differences(Lengths(), [EncodedComparison(ids=(A, B, C), ranks=(1, 0, 1))], 0)
    assert found == [1.0, 1.0]  # b has three tokens, a and c two
    assert both_ways([2.0, -1.0]) == ([2.0, -1.0, -2.0, 1.0], [True, True, False, False])
    assert loss_and_accuracy_on_tokens(Lengths(), [EncodedComparison(ids=(A, B, C), ranks=(1, 0, 1))], 0)[1] == 1.0


def test_learning_starts_from_the_sft_model_and_leaves_it_alone(models):
    sft = models.policies["sft"]
    before = {name: tensor.clone() for name, tensor in sft.state_dict().items()}
    rankings = [EncodedComparison(ids=(A, B, C), ranks=(0, 1, 2))] * 16
    data, config = variants(rankings)["together 4"]
    model, seconds = learn_rankings(sft, data, config, pad_id=0, seed=0, show_progress=False)
    assert all(torch.equal(before[name], tensor) for name, tensor in sft.state_dict().items())
    first, _ = learn_rankings(sft, data, variants(rankings)["together 1"][1], pad_id=0, seed=0, show_progress=False)
    assert loss_and_accuracy_on_tokens(model, rankings, 0)[0] < loss_and_accuracy_on_tokens(first, rankings, 0)[0]
    assert seconds > 0 and not model.training


def test_a_run_is_measured_and_read_again(models, tmp_path, monkeypatch):
    rows = [{"ids": [A, B, C], "ranks": [0, 1, 2]}] * 6
    (tmp_path / "toy-7" / "comparisons").mkdir(parents=True)
    (tmp_path / "toy-7" / "comparisons" / "comparisons.json").write_text(json.dumps(rows))
    for name, value in {"PROMPTS": 5, "HELD_OUT_PROMPTS": 8, "LABELS": 6, "TAUGHT": 3}.items():
        monkeypatch.setattr(reward_study, name, value)
    monkeypatch.setattr(reward_study, "load_models", lambda folder: models)
    monkeypatch.setattr(reward_study, "measure_refits", lambda models, seed: [])
    measure_run(tmp_path / "toy-7", tmp_path / "out" / "seed-7.json")
    (found,) = read_study(tmp_path / "out")
    assert found["seed"] == 7 and set(found["batching"]) == set(VARIANTS)
    assert found["batching"]["together 2"]["answers_computed"] == 30 and found["batching"][APART]["answers_computed"] == 30


def test_what_is_stored_can_be_drawn_and_told():
    studies = read_study(STORED)
    assert len(studies) >= 3 and len({each["seed"] for each in studies}) == len(studies)
    figure, alt = draw_together_or_apart(studies)
    assert len(figure.axes) == 2 and all(title.replace("\n", " ") in alt for title in VARIANTS.values())
    for each in studies:
        rows = each["batching"]
        gap = {name: row["held_out_loss"] - row["loss"] for name, row in rows.items()}
        assert gap["together 2"] < gap[APART] < gap["together 4"]  # the lesson says so
        assert rows[APART]["answers_computed"] > 5 * rows["together 1"]["answers_computed"]
        assert len(each["refits"]) == 10


def test_figures_say_what_they_show():
    assert "nine in ten at 2.20" in draw_preference({"nine in ten": 2.197})[1]
    _, alt = draw_calibration({"good": [CalibrationBin(0.25, 0.2, 5)], "bad": [CalibrationBin(0.9, 0.6, 5)]})
    assert "good: 20% where 25% was predicted" in alt and "bad: 60% where 90%" in alt
    _, alt = draw_change(["long $ answer " * 9, "b"], [1, 0], [1.0, 3.0], [4.0, 2.0])
    assert "rank 1, +1.00 to -1.00: b" in alt and alt.index("rank 1") < alt.index("rank 2") and "..." in alt
    figure, alt = draw_substance({"old": {"who": 0.5, "rude": 1.0}, "new": {"who": 0.9, "rude": 0.8}})
    assert "old and new: who 0.50 and 0.90; rude 1.00 and 0.80" in alt
    open_marks, filled = figure.axes[0].collections
    assert open_marks.get_offsets().tolist() == [[0.5, 0], [1.0, 1]] and filled.get_offsets().tolist() == [[0.9, 0], [0.8, 1]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["old", "new"]
