"""The slider for kl_coef: gradient ascent finds the closed form at every price, and the page shows both.

Proves: reference * e ** (score / kl_coef) is where the climb ends, although the climb never sees the formula; a higher price
means less KL and less score; the slider moves the page; the static fallback shows the same policies.
"""

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_11.exercises_policy_gradient import best_policy
from rlhf_lite.course.lesson_11.target_sliders import (
    ANSWERS,
    CHOICES,
    REFERENCE,
    SCORES,
    SHOWN,
    draw_targets,
    learn_policy,
    target_box,
    target_slider,
)


@pytest.mark.parametrize("kl_coef", CHOICES)
def test_the_climb_ends_at_the_closed_form(kl_coef):
    found = learn_policy(kl_coef)
    assert found.closed_form == pytest.approx(best_policy(list(REFERENCE), list(SCORES), kl_coef))
    assert found.learned == pytest.approx(found.closed_form, abs=0.003)
    assert found.score == pytest.approx(sum(p * s for p, s in zip(found.learned, SCORES, strict=True)))


def test_a_higher_price_buys_less_score_and_less_kl():
    found = [learn_policy(kl_coef) for kl_coef in CHOICES]
    for what in ("score", "kl"):
        values = [getattr(each, what) for each in found]
        assert values == sorted(values, reverse=True)


def test_the_slider_moves_the_page():
    slider, shown = target_box().children
    before = shown.value
    assert all(answer in before for answer in ANSWERS) and f"{learn_policy(0.5).closed_form[0]:.3f}" in before
    slider.value = 5.0
    assert shown.value != before and "KL 0.01 nats" in shown.value


def test_the_static_fallback_says_the_learned_policies(monkeypatch):
    figure, alt = draw_targets()
    assert len(figure.axes) == len(SHOWN) and "kl_coef 0.5: The Colosseum. 0.54" in alt
    shown = []
    for name in ("display", "keep_keys"):
        monkeypatch.setattr(static_fallback, name, lambda *data, **more: shown.append(data))
    monkeypatch.setattr(static_fallback, "show_words", lambda alt: None)
    target_slider()
    assert any("image/png" in data[0] for data in shown if data)
