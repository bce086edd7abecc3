"""The judge with known faults: each fault is what it says, the repairs take away what they should, and control pairs find them.

Proves: without faults and noise the judge is the truth; position moves the first place by its size, and swapping takes it away;
length and warmth count per word and per remark; the logistic fit is the one of gradient descent, and gives back a known slope;
control pairs are equally good; the widget shows what the sliders say.
"""

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_14.faulty_judge import (
    FaultyJudge,
    Judged,
    control_pairs,
    fit_preferences,
    gold_share,
    length_controlled,
    length_feature,
    look_at,
    repaired,
)
from rlhf_lite.course.lesson_14.judge_mixer import draw_mixed, judge_mixer, mixed_html, mixer_box
from rlhf_lite.tinyworld.prompts import draw_requests


def judged(gold, words=None, warm=None):
    n = len(gold)
    columns = (gold, words or [5] * n, warm or [0] * n)
    return Judged([f"answer {i}" for i in range(n)], *(torch.tensor(each, dtype=torch.float64) for each in columns))


def prefers(judge, ours, theirs, first=True):
    return judge.prefers(ours, theirs, ours_first=first, seed=0).tolist()


def test_without_faults_and_noise_it_is_the_truth():
    ours, theirs = judged([0.9, 0.1, 0.5]), judged([0.2, 0.8, 0.5])
    assert prefers(FaultyJudge(noise=0.0), ours, theirs)[:2] == [1.0, 0.0]
    assert gold_share(ours, theirs) == pytest.approx(0.5) and gold_share(judged([0.9, 0.9]), judged([0.2, 0.9])) == 0.75


def test_each_fault_is_as_large_as_it_says():
    quiet = {"noise": 0.0}
    ours, theirs = judged([0.5, 0.5], words=[9, 9], warm=[1, 1]), judged([0.65, 0.75])
    assert prefers(FaultyJudge(position=0.2, **quiet), ours, theirs) == [1.0, 0.0]
    assert prefers(FaultyJudge(position=0.2, **quiet), ours, theirs, first=False) == [0.0, 0.0]
    assert prefers(FaultyJudge(length=0.05, **quiet), ours, theirs) == [1.0, 0.0]  # 4 words more: 0.2
    assert prefers(FaultyJudge(warmth=0.2, **quiet), ours, theirs) == [1.0, 0.0]
    assert prefers(FaultyJudge(length=0.05, warmth=0.2, **quiet), ours, theirs) == [1.0, 1.0]


def test_swapping_takes_position_away_and_leaves_length():
    generator = torch.Generator().manual_seed(0)
    gold = torch.rand(2, 4000, generator=generator).tolist()
    ours, theirs = judged(gold[0], words=[8] * 4000), judged(gold[1])
    at = {name: repaired(FaultyJudge(**faults), ours, theirs) for name, faults in
          {"none": {}, "position": {"position": 0.2}, "length": {"length": 0.05}}.items()}  # fmt: skip
    assert at["position"]["ours first"] > at["none"]["ours first"] + 0.1
    assert at["position"]["both orders"] == pytest.approx(at["none"]["both orders"], abs=0.02)
    assert at["length"]["both orders"] > at["none"]["both orders"] + 0.08
    assert at["none"]["gold"] == pytest.approx(0.5, abs=0.02)


def test_the_fit_finds_a_known_slope_and_quality():
    generator = torch.Generator().manual_seed(1)
    length = torch.rand(20_000, generator=generator, dtype=torch.float64) * 2 - 1
    preferred = (torch.rand(20_000, generator=generator, dtype=torch.float64) < (0.4 + 1.5 * length).sigmoid()).double()
    assert fit_preferences(preferred, length).tolist() == pytest.approx([0.4, 1.5], abs=0.07)
    weights, features = torch.zeros(2, dtype=torch.float64), torch.stack([torch.ones_like(length), length], 1)
    for _ in range(300):
        weights -= 2.0 * features.T @ ((features @ weights).sigmoid() - preferred) / len(length)
    assert fit_preferences(preferred, length).tolist() == pytest.approx(weights.tolist(), abs=1e-3)


def test_length_control_undoes_length_that_comes_by_chance():
    generator = torch.Generator().manual_seed(2)
    gold = torch.rand(2, 6000, generator=generator)
    words = torch.randint(4, 20, (2, 6000), generator=generator) + torch.tensor([[0], [3]])
    ours, theirs = judged((gold[0] + 0.15).tolist(), words=words[0].tolist()), judged(gold[1].tolist(), words=words[1].tolist())
    clean, biased = (repaired(FaultyJudge(length=size), ours, theirs) for size in (0.0, 0.05))
    assert biased["both orders"] < clean["both orders"] - 0.08
    assert biased["and length controlled"] == pytest.approx(clean["both orders"], abs=0.04)
    assert length_feature(ours, theirs).abs().max() <= 1
    assert length_controlled(torch.full((6000,), 0.5, dtype=torch.float64), ours, theirs) == pytest.approx(0.5)


def test_control_pairs_are_equally_good_and_differ_in_one_thing():
    # equal and longer; worse; equal and shorter; equal and warm; better, longer and warm
    one = judged([1.0, 0.5, 1.0, 1.0, 1.0], words=[9, 9, 5, 8, 9], warm=[0, 0, 0, 1, 1])
    other = judged([1.0, 0.9, 1.0, 1.0, 0.4], words=[5, 5, 8, 4, 5], warm=[0, 0, 0, 0, 0])
    found = control_pairs([one, other])
    longer, shorter = found["longer, equally good"]
    assert (longer.words - shorter.words).tolist() == [4.0, 3.0] and torch.equal(longer.gold, shorter.gold)
    warm, cold = found["warmer, equally good"]
    assert warm.warm.tolist() == [1.0] and cold.warm.tolist() == [0.0] and warm.texts == ["answer 3"]
    assert found["the same twice"][0] is found["the same twice"][1]


def test_an_answer_is_looked_at():
    (request,) = draw_requests("look", 1, use_cases=["chat"])
    seen = look_at([request, request], [request.good, f"{request.good} I hope this helps."])
    assert seen.words[1] == seen.words[0] + 4 and seen.warm.tolist() == [0.0, 1.0] and seen.gold[0] > 0.9


def test_the_widget_shows_what_the_sliders_say(monkeypatch):
    ours, theirs = judged([0.6] * 60, words=[9] * 60), judged([0.6] * 60)
    box = mixer_box(ours, theirs)
    *sliders, shown = box.children
    assert [slider.description for slider in sliders] == ["position", "length", "warmth"]
    before = shown.value
    sliders[1].value = 0.1
    assert shown.value == mixed_html(FaultyJudge(length=0.1), ours, theirs) != before
    figure, alt = draw_mixed(ours, theirs)
    assert len(figure.axes) == 3 and "length 0.06" in alt
    displayed = []
    monkeypatch.setattr(static_fallback, "display", lambda *data, **more: displayed.append(data))
    monkeypatch.setattr(static_fallback, "show_words", lambda alt: None)
    judge_mixer(ours, theirs)
    assert any("image/png" in data[0] for data in displayed)
