"""Numbers that say which model is better are computed as in the textbook.

Proves: Wilson's interval, Student's interval, win rates with ties, agreement of two rankings and calibration, all by hand;
samples depend on the seed alone; a policy has no KL from itself and a positive one from another; the final evaluation
cuts base models' answers at the next user's turn and gives few-shot prompts of the training side.
"""

import math
import random
from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.data import seeded_generator
from rlhf_lite.evaluate import (
    STUDENT_T_975,
    accuracy_bound,
    agreement,
    alignment_tax,
    calibration,
    fallen,
    kl_from,
    mean_interval,
    sample,
    share_given_back,
    watched,
    wilson_interval,
    win_rate,
)
from rlhf_lite.generate import generate
from rlhf_lite.likelihood import next_token_log_probs
from rlhf_lite.tinyworld import evaluation
from rlhf_lite.tinyworld.prompts import draw_requests, is_held_out
from rlhf_lite.tokenizer import Tokenizer

END, PAD = 1, 0


def test_wilson_by_hand():
    # 8 of 10, z = 1.96: z^2 = 3.8416. centre (0.8 + 0.19208) / 1.38416 = 0.71674;
    # half 1.96 / 1.38416 * sqrt(0.016 + 0.009604) = 1.41602 * 0.160012 = 0.22658
    assert wilson_interval(8, 10, z=1.96) == pytest.approx((0.71674 - 0.22658, 0.71674 + 0.22658), abs=2e-4)
    assert wilson_interval(8, 10) == pytest.approx((0.490, 0.943), abs=5e-4)
    # 0 of 10: from 0 to z^2 / (10 + z^2) = 3.8415 / 13.8415
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-4)
    assert wilson_interval(10, 10) == pytest.approx((1 - 0.27753, 1.0), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_covers_the_truth_about_95_times_in_100():
    rng, covered = random.Random(0), 0
    for _ in range(2000):
        low, high = wilson_interval(sum(rng.random() < 0.7 for _ in range(50)), 50)
        covered += low <= 0.7 <= high
    assert 0.93 < covered / 2000 < 0.975


def test_win_rate_leaves_ties_out():
    #              win   loss  tie (0.04)  win (just)  tie
    ours, theirs = [1.0, 0.0, 0.50, 0.75, -1.0], [0.0, 1.0, 0.54, 0.5, -1.0]
    found = win_rate(ours, theirs, tie=0.25)
    assert (found.wins, found.losses, found.ties) == (2, 1, 2)
    assert found.rate == pytest.approx(2 / 3)
    assert (found.low, found.high) == wilson_interval(2, 3)
    swapped = win_rate(theirs, ours, tie=0.25)
    assert (swapped.wins, swapped.losses, swapped.rate) == (1, 2, pytest.approx(1 / 3))
    assert found.to_row() == {f.name: getattr(found, f.name) for f in fields(found)}


def test_win_rate_of_equals_decides_nothing():
    found = win_rate([0.5, 0.5], [0.5, 0.52], tie=0.05)
    assert (found.ties, found.rate, found.low, found.high) == (2, 0.5, 0.0, 1.0)
    with pytest.raises(ValueError, match="2 scores against 1"):
        win_rate([1.0, 2.0], [1.0], tie=0.05)


def test_mean_interval_by_hand():
    # mean 2, variance (1 + 0 + 1) / 2 = 1, error sqrt(1 / 3), t for 2 degrees of freedom 4.303: half 2.4843
    assert mean_interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, -0.4843, 4.4843), abs=1e-4)
    # two runs: error sqrt(0.5 / 2) = 0.5, t = 12.706
    assert mean_interval([1.0, 2.0]) == pytest.approx((1.5, 1.5 - 6.353, 1.5 + 6.353))
    assert mean_interval([4.0]) == (4.0, -math.inf, math.inf)
    assert mean_interval([2.0] * 5) == (2.0, 2.0, 2.0)
    assert len(STUDENT_T_975) == 10 and sorted(STUDENT_T_975, reverse=True) == list(STUDENT_T_975)


def test_agreement_by_hand():
    # pairs of (3, 2, 1) and (3, 1, 2): a > b in both, a > c in both, b > c against b < c
    assert agreement([3, 2, 1], [3, 1, 2]) == (2, 3)
    assert agreement([3, 3, 1], [3, 1, 2]) == (1, 2)  # the first does not decide between a and b
    assert agreement([3, 2, 1], [0.5, 0.5, 0.52], tie=0.05) == (0, 0)
    assert agreement([3, 2], [0.5, 0.25], tie=0.25) == (1, 1)  # from `tie` on
    assert agreement([], []) == agreement([1], [1]) == (0, 0)


def test_calibration_by_hand():
    # sigmoid(-2) = 0.119, sigmoid(-1.5) = 0.182: the lower of two bins, 1 of 2 came true; sigmoid(1) = 0.731: the upper
    low, high = calibration([-2.0, -1.5, 1.0], [True, False, True], bins=2)
    assert low.predicted == pytest.approx((0.119203 + 0.182426) / 2, abs=1e-5)
    assert (low.observed, low.pairs, high.observed, high.pairs) == (0.5, 2, 1.0, 1)
    assert high.predicted == pytest.approx(0.731059, abs=1e-5)
    assert [row.pairs for row in calibration([100.0, -100.0], [True, False], bins=4)] == [1, 1]  # the ends have a bin
    assert calibration([], []) == []


def test_true_log_odds_are_calibrated():
    rng = random.Random(0)
    differences = [rng.uniform(-3, 3) for _ in range(20_000)]
    outcomes = [rng.random() < 1 / (1 + math.exp(-d)) for d in differences]
    assert all(abs(row.predicted - row.observed) < 0.03 for row in calibration(differences, outcomes))


def test_samples_depend_on_seed_and_prompt_alone(make_gpt):
    model, prompts = make_gpt(), [[3, 4], [5], [6, 7, 8]]
    arguments = {"end_id": END, "pad_id": PAD, "max_new_tokens": 5}
    first = sample(model, prompts, seed=0, **arguments)
    torch.manual_seed(99)
    assert sample(model, prompts, seed=0, **arguments) == first
    assert sample(model, prompts, seed=1, **arguments) != first
    assert len(sample(model, prompts * 3, seed=0, batch_size=2, **arguments)) == 9


def test_kl_of_a_policy_from_itself_and_from_another(make_gpt):
    policy, other, prompts = make_gpt(0), make_gpt(1), [[3, 4], [5, 6, 7]] * 20
    arguments = {"seed": 0, "end_id": END, "pad_id": PAD, "max_new_tokens": 5}
    assert kl_from(policy, policy, prompts, **arguments) == pytest.approx(0.0, abs=1e-5)
    assert kl_from(policy, other, prompts, **arguments) > 0.1


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([f"{r.prompt} {r.good}" for r in draw_requests(0, 300)], 400)


def test_few_shot_prompts_show_three_examples_of_the_training_side(tokenizer, monkeypatch):
    shown = []
    monkeypatch.setattr(evaluation, "draw_requests", lambda *a, **k: shown.append(draw_requests(*a, **k)) or shown[-1])
    request = draw_requests("evaluation 0", 1, held_out=True, use_cases=["open_qa"])[0]
    text = evaluation.few_shot_prompt(request, tokenizer, 300, random.Random(0))
    assert text.endswith(f"\nExercise: {request.prompt}\nSolution:") and text.count("Solution:") == 4
    assert len(shown[-1]) == 3 and all(example.good in text for example in shown[-1])
    assert not any(is_held_out(example.use_case, example.combination) for example in shown[-1])
    assert len(tokenizer.encode(text)) <= 300
    with pytest.raises(ValueError, match="do not fit into 10 tokens"):
        evaluation.few_shot_prompt(request, tokenizer, 10, random.Random(0))


def test_base_answers_end_where_the_next_user_speaks(tokenizer, make_gpt, monkeypatch):
    ids = tokenizer.encode("Paris.\nUser: Who knows?")
    monkeypatch.setattr(evaluation, "sample", lambda model, prompts, **k: [ids] * len(prompts))
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=600)
    models = evaluation.Models(tokenizer, dict.fromkeys(("base", "sft", "ppo", "ppo_ptx"), model), None)
    found = evaluation.Evaluation(models, 0, 4)
    assert found.answers["base"] == found.answers["base_few_shot"] == ["Paris."] * 4
    assert found.answers["sft"] == ["Paris.\nUser: Who knows?"] * 4
    with pytest.raises(ValueError, match="0 prompts, expected at least 1"):
        evaluation.Evaluation(SimpleNamespace(), 0, 0)


def test_kl_is_summed_over_a_responses_tokens(make_gpt):
    policy, other = make_gpt(0), make_gpt(1)
    arguments = {"seed": 0, "end_id": END, "pad_id": PAD}
    drawn = generate(policy, [[3, 4]], max_new_tokens=5, generator=seeded_generator("kl", 0), end_id=END, pad_id=PAD)
    n_prompt, ids = 2, drawn.tokens[0, : drawn.lengths[0]]
    assert len(ids) - n_prompt > 1
    rows = [next_token_log_probs(model(ids[None]), ids[None])[0, n_prompt - 1 :] for model in (policy, other)]
    expected = (rows[0] - rows[1]).sum().item()
    assert kl_from(policy, other, [[3, 4]], max_new_tokens=5, **arguments) == pytest.approx(expected, abs=1e-4)


def test_calibration_bins_do_not_round():
    # sigmoid(0.2) = 0.5498: of 4 bins the third, [0.5, 0.75), not the second as rounding 2.2 down by accident could give
    rows = calibration([0.2, 1.0, -0.2], [True, True, False], bins=4)
    assert [(row.pairs, round(row.predicted, 3)) for row in rows] == [(1, 0.45), (2, 0.64)]


def test_share_given_back_serves_losses_and_accuracies():
    assert share_given_back(1.0, 2.0, 1.25) == 0.75
    assert share_given_back(64.0, 44.0, 54.0) == 0.5
    assert share_given_back(1.0, 1.0, 0.5) == 0.0
    assert alignment_tax(1.0, 1.25) == 0.25


def test_ties_count_half_beside_the_decided_ones():
    found = win_rate([1.0, 1.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.5], tie=0.1)  # two wins, a loss, a tie
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)
    assert found.rate == pytest.approx(2 / 3) and found.with_ties == pytest.approx(2.5 / 4)
    # variance of 1, 1, 0, 1/2: 2.25 / 4 - 0.625^2 = 0.171875; half-width 1.96 * sqrt(0.171875 / 4) = 0.4063
    assert (found.with_ties_low, found.with_ties_high) == (pytest.approx(0.2187, abs=1e-4), 1.0)
    nothing = win_rate([], [], tie=0.1)
    assert (nothing.with_ties, nothing.with_ties_low, nothing.with_ties_high) == (0.5, 0.0, 1.0)


@pytest.mark.parametrize("tie", [0.0, 0.25])
def test_a_draw_is_neither_won_nor_lost_and_the_tie_itself_decides(tie):
    found = win_rate([1.0, 1.0, 0.0], [1.0, 0.75, 0.25], tie=tie)
    assert (found.wins, found.losses, found.ties) == (1, 1, 1)


def test_what_agreement_bounds():
    assert accuracy_bound(0.5) == 0.5 and accuracy_bound(1.0) == 1.0
    assert accuracy_bound(0.76) == pytest.approx(0.8606, abs=1e-4)
    for p in (0.6, 0.75, 0.9):  # two people who are each right with p agree where both are, or neither is
        assert accuracy_bound(p**2 + (1 - p) ** 2) == pytest.approx(p)
    with pytest.raises(ValueError, match="agreement is 0.4, expected 0.5 to 1"):
        accuracy_bound(0.4)


def test_what_fell_by_more_than_a_tenth_by_hand():
    start = {"who": 0.9, "list": 0.5, "times": 0.8, "where": 0.3}
    assert fallen(start, {"who": 0.6, "list": 0.4, "times": 0.9}) == {"who": 0.3}
    assert fallen(start, {"who": 0.7, "list": 0.39, "where": 0.3}) == {"who": 0.2, "list": 0.11}
    assert fallen({}, {"who": 0.0}) == {} == fallen(start, {})


class World:
    """A world in which a policy is its share of right answers."""

    def abilities(self, policy, tokenizer):
        return {"who": policy}

    def monitor(self, policy, tokenizer):
        assert tokenizer == "tokenizer"
        return {"gold": 1.0, "abilities": self.abilities(policy, tokenizer)}


def test_a_policy_that_can_do_less_than_at_its_start_is_told_and_noted():
    told = []
    evaluate = watched(World(), 0.9, "tokenizer", tell=told.append)
    assert evaluate(0.85, None) == {"gold": 1.0, "abilities": {"who": 0.85}} and told == []
    assert evaluate(0.5, None) == {"gold": 1.0, "abilities": {"who": 0.5}, "fallen": {"who": 0.4}}
    assert told == ["warning: the policy can do less than before PPO: who 0.90 -> 0.50"]
    assert watched(World(), 0.9, "tokenizer", tell=None)(0.5)["fallen"] == {"who": 0.4}


def test_a_world_without_abilities_is_watched_without_warnings():
    assert watched(SimpleNamespace(monitor=lambda policy, tokenizer: {"gold": policy}), 1.0, None)(0.0) == {"gold": 0.0}
