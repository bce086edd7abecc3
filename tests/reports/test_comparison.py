"""Answers of several models are cut, averaged and paired as their names say."""

import math

import pytest

from rlhf_lite.reports.comparison import PAIRS, mean, own_turn, pair_rows, sample_rows


@pytest.mark.parametrize(
    "text", [" Rome.\nUser: Who?\nAssistant: I", "Rome.\n\nHuman: Who?", "Rome.\n  Exercise: 2", "Rome.\nSystem: no"]
)
def test_a_base_models_answer_ends_where_the_next_turn_begins(text):
    assert own_turn(text) == "Rome."


def test_the_assistant_ends_its_own_turn_only_where_asked():
    text = "Rome.\nAssistant: Or Paris."
    assert own_turn(text) == text and own_turn(text, ("User", "Assistant")) == "Rome."


def test_a_speaker_within_a_line_ends_nothing():
    assert own_turn("The User: me\nUsers: you") == "The User: me\nUsers: you"


def test_mean_of_nothing_is_nan():
    assert mean([1.0, 2.0]) == 1.5 and math.isnan(mean([]))


def test_pairs_by_hand_where_both_have_scores():
    found = pair_rows({"sft": [1.0, 1.0, 0.0, 0.5], "base": [0.0, 0.9, 1.0, 0.0], "chosen": [2.0] * 4}, tie=0.2)
    assert list(found) == ["sft>base", "sft>chosen"] and set(found) <= set(PAIRS)
    assert [found["sft>base"][key] for key in ("wins", "losses", "ties")] == [2, 1, 1]
    assert found["sft>chosen"]["losses"] == 4


def test_samples_are_the_first_prompts():
    answers, gold = {"sft": ["a", "b", "c"], "base": ["d", "e", "f"]}, {"sft": [1, 2, 3], "base": [4, 5, 6]}
    assert sample_rows(["p", "q", "r"], answers, gold, 2) == [
        {"prompt": "p", "answers": {"sft": "a", "base": "d"}, "gold": {"sft": 1, "base": 4}},
        {"prompt": "q", "answers": {"sft": "b", "base": "e"}, "gold": {"sft": 2, "base": 5}},
    ]
