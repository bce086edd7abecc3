"""The shape sliders count what a real model has, say what cannot be built, and jump to published shapes.

Proves: the parts are those of a built GPT and sum to its size; numbers are written with the right unit; every slider moves
the page; a shape whose heads do not divide the width gives the library's message and no numbers.
"""

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_05.shape_sliders import (
    IN_FALLBACK,
    OWN,
    SHAPES,
    draw_parts,
    facts_of,
    memory,
    nearest_published,
    parameters_by_part,
    shape_box,
    shape_html,
    shape_sliders,
    with_size_word,
)
from rlhf_lite.gpt import GPT, GPTConfig


@pytest.mark.parametrize("config", [GPTConfig(), GPTConfig(vocab_size=50, d_model=24, n_layers=3, n_heads=2, d_ff=40)])
def test_parts_are_those_of_a_built_model(config):
    with torch.device("meta"):
        named = dict(GPT(config).named_parameters())

    def count(*words):
        return sum(p.numel() for name, p in named.items() if p.dim() == 2 and any(word in name for word in words))

    parts = parameters_by_part(config)
    assert parts == {
        "token embedding": count("token_embedding"), "position embedding": count("position_embedding"),
        "attention": count("attention.query", "attention.key_value", "attention.output"),
        "feed-forward": count("widen.weight", "narrow.weight"),
        "biases and LayerNorms": sum(p.numel() for p in named.values() if p.dim() == 1),
    }  # fmt: skip
    assert sum(parts.values()) == config.n_parameters


def test_numbers_are_written_with_their_size():
    assert [with_size_word(n) for n in (948_992, 124_439_808, 1.746e11, 1.05e12, 512)] == [
        "0.949 million", "124 million", "175 billion", "1.05 trillion", "512",
    ]  # fmt: skip
    assert [memory(n) for n in (2048, 3.8e6, 3.5e11, 3.14e12)] == ["2.05 kB", "3.8 MB", "350 GB", "3.14 TB"]


def test_costs_of_gpt3_are_those_of_the_facts():
    facts = facts_of(SHAPES["gpt3-175b"])
    assert facts["memory to train it"].startswith("3.14 TB")  # 18 bytes a parameter
    assert "4.72 MB of cache per token" in facts["memory to run it"] and "349 GB" in facts["memory to run it"]
    assert facts["to learn from one token"] == "1.05 trillion FLOPs"
    assert "0.01% off" in facts["formula 12·L·d² + (V + T)·d"]


def test_nearest_goes_by_the_factor_not_by_the_difference():
    assert nearest_published(GPTConfig()) == "gpt2"
    assert nearest_published(GPTConfig(vocab_size=50257, d_model=8192, n_layers=80, n_heads=64)) == "gpt3-175b"  # 65 billion


def parts(box):
    jump, layers, width, heads, vocabulary, context, page = box.children
    return jump, layers, width, heads, vocabulary, context, page


def test_every_slider_moves_the_page():
    jump, layers, width, heads, vocabulary, context, page = parts(shape_box())
    assert jump.value == "gpt2" and "124,439,808" in page.value
    seen = {page.value}
    for slider, value in ((layers, 13), (width, 1536), (vocabulary, 1024), (context, 2048)):
        slider.value = value
        assert jump.value == OWN
        seen.add(page.value)
    assert len(seen) == 5
    same = page.value
    heads.value = 16
    assert page.value == same  # heads share the width: no number changes


def test_a_known_shape_sets_all_sliders_and_is_recognised():
    jump, layers, width, heads, vocabulary, context, page = parts(shape_box())
    jump.value = "gpt3-13b"
    assert [s.value for s in (layers, width, heads, vocabulary, context)] == [40, 5120, 40, 50257, 2048]
    assert "12,853,386,240" in page.value
    layers.value = 39
    assert jump.value == OWN
    layers.value = 40
    assert jump.value == "gpt3-13b"
    jump.value = OWN
    assert layers.value == 40 and "12,853,386,240" in page.value


def test_what_cannot_be_built_says_why():
    *_, heads, _, _, page = parts(shape_box("gpt3-xl"))
    heads.value = 24  # as the paper prints it
    assert "This cannot be built" in page.value and "2048 cannot be split over 24 heads" in page.value
    assert "parameters" not in page.value
    heads.value = 16
    assert "1,315,723,264" in page.value


def test_bars_are_as_long_as_the_shares():
    page = shape_html(SHAPES["gpt2"])
    assert "width: 31.0%" in page and "31.0%</td>" in page  # 50,257 * 768 of 124,439,808


def test_the_static_fallback_shows_known_shapes_in_words_too(monkeypatch):
    _, alt = draw_parts({name: SHAPES[name] for name in IN_FALLBACK})
    assert all(name in alt for name in IN_FALLBACK) and "token embedding 31.0%" in alt
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append((data, more)))
    shape_sliders()
    ((data, more),) = shown
    assert set(data) == {static_fallback.WIDGET_VIEW, "image/png", "text/plain"} and data["text/plain"] == alt
    assert more["metadata"]["image/png"]["alt"] == alt
