"""The arms: each pull brings the score that belongs to it, the sum is the sum, and thirty pulls are the end.

Proves: the n-th pull of an arm is the same for everybody; noise has standard deviation 1; the rules pull as they say and
collect what their pulls bring; the true means are hidden before the last pull; the static fallback does not tell them.
"""

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_11.arms import MEANS, PULLS, ArmsBox, arms_html, at_random, draw_scores, play, show_arms, twice_each


@pytest.fixture
def box():
    return ArmsBox()


def test_scores_are_means_plus_noise_and_the_seed_decides():
    assert draw_scores(1) == draw_scores(1) != draw_scores(2)
    noise = torch.tensor([draw_scores(seed) for seed in range(200)]) - torch.tensor(MEANS)[:, None]
    assert noise.mean().abs() < 0.03 and abs(noise.std() - 1) < 0.03


def test_rules_pull_as_they_say_and_collect_what_their_pulls_bring():
    total, pulled = play(twice_each, 5)
    assert pulled[:8] == [0, 0, 1, 1, 2, 2, 3, 3] and len(pulled) == PULLS
    scores = draw_scores(5)
    assert total == pytest.approx(sum(sum(scores[arm][: pulled.count(arm)]) for arm in range(4)))
    means = [sum(scores[arm][:2]) / 2 for arm in range(4)]
    assert pulled[8] == means.index(max(means))
    assert set(play(at_random, 5)[1]) == {0, 1, 2, 3}


def test_a_rule_that_finds_the_best_arm_collects_more_than_any_arm():
    simple, any_arm = (sum(play(rule, seed)[0] for seed in range(50)) / 50 for rule in (twice_each, at_random))
    assert simple > any_arm + 15


def test_a_pull_brings_the_arms_next_score_and_is_counted(box):
    box.buttons[1].click()
    box.buttons[1].click()
    box.buttons[3].click()
    scores = draw_scores()
    assert box.brought == [[], scores[1][:2], [], scores[3][:1]]
    assert f"Arm d brought {scores[3][0]:+.2f}." in box.said.value and f"Pull 3 of {PULLS}" in box.said.value
    assert f"sum {sum(scores[1][:2]) + scores[3][0]:+.2f}" in box.said.value
    assert f"2 pulls, mean {sum(scores[1][:2]) / 2:+.2f}" in box.table.value and "0 pulls" in box.table.value


def test_after_the_last_pull_nothing_is_pulled_and_the_truth_is_told(box):
    for _ in range(PULLS - 1):
        box.buttons[0].click()
    assert "truly" not in box.table.value
    box.buttons[0].click()
    assert all(button.disabled for button in box.buttons) and "last one" in box.said.value
    assert box.table.value.count("truly") == len(MEANS) and "truly +1.0" in box.table.value
    box.buttons[2].click()
    assert box.pulls == PULLS


def test_one_can_begin_again(box):
    first = draw_scores()[2][0]
    box.buttons[2].click()
    box.again.click()
    assert box.pulls == 0 and "Pull 0 of" in box.said.value and not box.buttons[0].disabled
    box.buttons[2].click()
    assert box.brought[2] == [first]


def test_bars_are_as_long_as_their_share_of_pulls():
    page = arms_html([[1.0, 2.0], [1.0], [], []], shown_means=False)
    assert "width: 100.0%" in page and "width: 50.0%" in page and "width: 0.0%" in page and "mean +1.50" in page


def test_the_static_fallback_shows_a_play_and_keeps_the_means_to_itself(monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    show_arms()
    (data,) = shown
    assert set(data) == {static_fallback.WIDGET_VIEW, "text/html", "text/plain"}
    assert f"{play(twice_each, 'lesson 11')[0]:+.2f}" in data["text/plain"] and "truly" not in data["text/html"]
