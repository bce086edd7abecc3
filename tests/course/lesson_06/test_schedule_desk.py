"""The desk of schedules shows stored runs: every choice has its curve, its rates are the library's, the fallback lists all.

Proves: rates end where they should; each combination of buttons gives another page with that schedule's end and its interval.
"""

from itertools import product

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_06 import schedule_desk
from rlhf_lite.course.lesson_06.loss_curves import RATE, STEPS, TIMES, WARMUP, Curve, schedule_grid, schedule_name
from rlhf_lite.course.lesson_06.schedule_desk import desk_html, rates_of, schedule_box

LINES = {"ln V": 6.9}
CHOICES = list(product(TIMES, (0, WARMUP), (0.1, 1.0)))


def made_up(seed):
    """Every schedule with an end of its own: 2.00, 2.05, ... and a little more on later seeds."""
    ends = {name: 2 + 0.05 * i + 0.01 * seed for i, name in enumerate(schedule_grid())}
    return {name: Curve(first=7.0, train=[6.0, 3.0], held_out=[5.0, end], fresh=[5.0, end]) for name, end in ends.items()}


STORED = [made_up(seed) for seed in range(3)]
RUNS = {name: [seed[name] for seed in STORED] for name in STORED[0]}


def test_rates_of_a_schedule():
    rates = rates_of(10.0, WARMUP, 0.1)
    assert len(rates) == STEPS and rates[0] == pytest.approx(10 * RATE / WARMUP) and max(rates) == pytest.approx(10 * RATE)
    assert rates[-1] == pytest.approx(RATE)
    assert rates_of(1.0, 0, 1.0) == pytest.approx([RATE] * STEPS)


def test_every_choice_has_a_page_with_its_own_end():
    pages = {choice: desk_html(RUNS, choice, LINES) for choice in CHOICES}
    for i, choice in enumerate(CHOICES):
        assert schedule_name(*choice) == list(schedule_grid())[i]
        assert f"chosen {2.01 + 0.05 * i:.2f} (" in pages[choice] and "3 seeds" in pages[choice] and 'alt="' in pages[choice]
    assert len(set(pages.values())) == len(CHOICES)


def test_the_sound_schedule_is_not_compared_with_itself():
    assert "sound" not in desk_html(RUNS, schedule_desk.SOUND, LINES).rpartition("<p>")[2]
    assert "sound" in desk_html(RUNS, CHOICES[0], LINES).rpartition("<p>")[2]


def test_buttons_move_the_page():
    box = schedule_box(RUNS, LINES)
    peak, warmup, end, page = box.children
    seen = {page.value}
    for control, value in ((peak, TIMES[-1]), (warmup, 0), (end, 1.0)):
        control.value = value
        seen.add(page.value)
    assert len(seen) == 4 and page.value == desk_html(RUNS, (TIMES[-1], 0, 1.0), LINES)


def test_the_static_fallback_lists_all_schedules_from_best_to_worst(monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    schedule_desk.schedule_desk(STORED[::-1], LINES)
    (text,) = [data["text/plain"] for data in shown if "image/png" in data]
    places = [text.index(f"{name}: ") for name in schedule_grid()]
    assert places == sorted(places) and "3 seeds" in text
