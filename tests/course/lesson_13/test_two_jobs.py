"""The toy with two jobs does what it says: PPO ends in its closed form, the tax is a side effect, text heals it."""

from math import exp

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_13.two_jobs import (
    FORUM,
    SCORES,
    SFT,
    WORDS,
    draw_two_jobs,
    outcome_html,
    train_two_jobs,
    two_jobs_box,
    two_jobs_sliders,
)


def test_untrained_it_is_the_sft_model_and_knows_the_forum():
    start = train_two_jobs(0.05, 0.5, steps=0)
    assert start.answers == pytest.approx(SFT) and start.forum == pytest.approx(FORUM)
    assert start.kl == pytest.approx(0.0)


def test_answers_end_where_the_formula_says():
    weights = [p * exp(score / 0.5) for p, score in zip(SFT, SCORES, strict=True)]
    expected = [weight / sum(weights) for weight in weights]
    assert train_two_jobs(0.5, 0.0, steps=2000).answers == pytest.approx(expected, abs=1e-3)
    assert train_two_jobs(0.5, 0.5, steps=2000).answers == pytest.approx(expected, abs=1e-3)


def test_ppo_pays_a_tax_a_tight_leash_stops_learning_and_text_heals():
    start = train_two_jobs(0.05, 0.0, steps=0)
    ppo, leash, ptx = train_two_jobs(0.05, 0.0), train_two_jobs(2.0, 0.0), train_two_jobs(0.05, 0.5)
    assert ppo.text_loss > start.text_loss + 0.5
    assert leash.text_loss < start.text_loss + 0.05 and leash.score < 0.4 * ppo.score
    assert ptx.text_loss < start.text_loss + 0.01 and ptx.score > 0.98 * ppo.score


def test_html_tells_both_jobs_and_the_terms():
    page = outcome_html(train_two_jobs(0.05, 0.0, steps=0))
    assert page.count("<tr><td") == 2 * len(WORDS)
    assert "KL from SFT 0.00 nats" in page and "loss on forum text 1.17" in page


def test_each_slider_retrains():
    kl, ptx, shown = two_jobs_box().children
    first = shown.value
    kl.value = 5.0
    second = shown.value
    ptx.value = 1.0
    assert len({first, second, shown.value}) == 3


def test_the_static_fallback_shows_four_settings_in_words(monkeypatch):
    seen = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **_: seen.append(data))
    two_jobs_sliders()
    assert "image/png" in seen[0] and seen[0]["text/plain"] == draw_two_jobs()[1]
    assert "PPO, on a forum page: an answer 0.74" in seen[0]["text/plain"]
