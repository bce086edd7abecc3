"""The mask viewer shows what the library computes, for each token and each mask.

Proves: its losses are `sft_loss`'s; the masks count the places that they say; text shows as it is; slider, masks and text
boxes do what they say, and what is too long is said; stored lessons keep a figure.
"""

import pytest
import torch

from rlhf_lite.course.lesson_09 import mask_viewer as module
from rlhf_lite.course.lesson_09.mask_viewer import (
    MASKS,
    mask_box,
    mean_of_counted,
    read_demonstration,
    story_html,
    tokens_html,
)
from rlhf_lite.records import Example, collate_examples
from rlhf_lite.sft import sft_loss
from rlhf_lite.tokenizer import Tokenizer

PROMPT, RESPONSE = "Name <b>a</b> bird.", "A crow."


@pytest.fixture
def tokenizer():
    return Tokenizer.train(["User: Name a bird.\nAssistant: A crow."] * 3, 290)


@pytest.fixture
def models(make_gpt, tokenizer):
    return {name: make_gpt(seed, vocab_size=tokenizer.vocab_size, context_length=60) for seed, name in enumerate(("base", "SFT"))}


def test_masks_count_the_places_that_they_say():
    counted = {name: [t for t, counts in enumerate(mask(6, 3)) if counts] for name, mask in MASKS.items()}
    assert counted == {
        "answer only": [3, 4, 5], "no mask": [1, 2, 3, 4, 5],
        "end token left out": [3, 4], "one too early": [2, 3, 4], "one too late": [4, 5],
    }  # fmt: skip


def test_the_loss_shown_is_the_library_s(models, tokenizer):
    read = read_demonstration(models, tokenizer, PROMPT, RESPONSE)
    ids, n = tokenizer.encode_example(PROMPT, RESPONSE)
    for name, model in models.items():
        expected = sft_loss(model, collate_examples([Example(ids, n)], tokenizer.pad_id))[0].item()
        assert mean_of_counted(read.of[name], MASKS["answer only"](len(ids), n)) == pytest.approx(expected, abs=1e-5)
    assert mean_of_counted([1.0, 2.0, 6.0], [True, False, True, True]) == 4.0


def test_tokens_and_story_show_text_as_it_is(models, tokenizer):
    read = read_demonstration(models, tokenizer, PROMPT, RESPONSE)
    mask, last = MASKS["answer only"](len(read.tokens), read.prompt_length), len(read.tokens) - 1
    shown = tokens_html(read, mask, last)
    assert "<b>" not in shown and "&lt;" in shown
    assert shown.count("font-weight: bold") == sum(mask) and shown.count("3px solid") == 1
    assert "It counts. It teaches the model to stop." in story_html(read, mask, last)
    assert "belongs to the prompt. It is read and does not count." in story_html(read, mask, 2)


def test_controls_do_what_they_say(models, tokenizer):
    box = mask_box(models, tokenizer, PROMPT, RESPONSE)
    asked, answered, kind, place, shown = box.children
    n = tokenizer.encode_example(PROMPT, RESPONSE)[1]
    assert place.value == n + 1 and f"Token {n + 1} of {place.max}" in shown.value
    place.value = 2
    assert "Token 2 of" in shown.value and "does not count" in shown.value
    kind.value = "no mask"
    assert "It counts." in shown.value
    answered.value = "A raven and a crow."
    assert place.max == len(tokenizer.encode_example(PROMPT, "A raven and a crow.")[0])
    asked.value = "word " * 100
    assert "do not fit into context_length 60" in shown.value
    asked.value = "Hi"
    assert "Token" in shown.value


def test_stored_lessons_keep_a_figure_with_its_words(models, tokenizer, monkeypatch):
    kept = []
    monkeypatch.setattr(module, "show_with_figure", lambda widget, figure, alt: kept.append(alt))
    torch.manual_seed(0)
    module.mask_viewer(models, tokenizer, PROMPT, RESPONSE)
    assert "base: " in kept[0] and "SFT: " in kept[0] and "<|end|>" in kept[0]
