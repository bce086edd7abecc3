"""The dial says what the planner says, moves the page, and leaves a picture where nothing runs.

Proves: the training state is 16 bytes per parameter; FLOPs are 6 N D and agree with the paper's PF-days of GPT-3 175B; twice
as many GPUs take half of the time and the same money; both sliders change the page; the static fallback shows two settings.
"""

import pytest

from rlhf_lite.course import figures, static_fallback
from rlhf_lite.course.lesson_16.dial import GPUS, H100, SIZES, dial_box, dial_html, show_dial, turn_to
from rlhf_lite.planning.costs import attention_flops, kv_cache_bytes
from rlhf_lite.planning.recipes import RECIPES


@pytest.mark.parametrize("name", SIZES)
def test_state_and_cache_of_every_size(name):
    found, shape = turn_to(name), RECIPES[name].model
    assert sum(found.memory[part] for part in ("weights", "gradients", "optimizer")) == 16 * shape.n_parameters
    assert found.memory["KV cache of one text"] == kv_cache_bytes(shape, shape.context_length, 2)
    assert found.memory["activations of one text"] > 0 and found.flops == 6 * shape.n_parameters * found.tokens


def test_gpt3_costs_what_the_paper_says():
    found = turn_to("gpt3-175b", 1000)
    assert found.pf_days == pytest.approx(3640, rel=0.001) and found.tokens == pytest.approx(300e9, rel=1e-3)
    assert found.attention == 3 * attention_flops(found.shape, found.tokens, 2048)
    speed = 1000 * H100.peak_tflops * 1e12 * H100.efficiency
    assert found.days == pytest.approx((found.flops + found.attention) / speed / 86_400)
    assert found.usd == pytest.approx(found.days * 24 * 1000 * H100.price)


def test_more_gpus_take_less_time_and_the_same_money():
    one, two = turn_to("gpt2", 1), turn_to("gpt2", 2)
    assert one.days == pytest.approx(2 * two.days) and one.usd == pytest.approx(two.usd)


def test_sizes_grow():
    counts = [RECIPES[name].model.n_parameters for name in SIZES]
    assert counts == sorted(counts) and list(GPUS) == sorted(GPUS)


def test_the_page_says_what_was_found():
    page = dial_html(turn_to("gpt3-175b", 64), 64)
    for said in ("174,604,259,328", "2,794 GB", "34.9 times", "3,638 PF-days", "adds 1.4%", "on 64 H100", "<span>$</span>"):
        assert (said in page) == (said != "<span>$</span>"), said
    assert page.count("<tr>") == 5 and "width: 100.0%" in page and "width: 16.7%" in page  # 2 bytes beside 12


def test_both_sliders_move_the_page():
    size, gpus, shown = dial_box().children
    first = shown.value
    size.value = "gpt3-13b"
    second = shown.value
    gpus.value = 8
    assert len({first, second, shown.value}) == 3 and "12,853,386,240" in second
    assert shown.value == dial_html(turn_to("gpt3-13b", 8), 8) and "on 8 H100" in shown.value


def test_the_figure_stands_beside_the_dial_and_the_fallback_shows_two_settings(monkeypatch):
    shown = []
    for module in (static_fallback, figures):
        monkeypatch.setattr(module, "display", lambda *data, **more: shown.append(data))
    monkeypatch.setattr(figures, "show_words", lambda alt: shown.insert(0, (alt,)))
    show_dial()
    assert any("image/png" in data[0] for data in shown)
    page = next(data[0]["text/html"] for data in shown if "text/html" in data[0])
    assert "948,992" in page and "174,604,259,328" in page
    assert "A laptop holds the training state of sizes up to gpt2-large; one H100 that of sizes up to gpt3-2.7b" in shown[0][0]
