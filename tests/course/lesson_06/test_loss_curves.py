"""Each fault does what its name says and nothing else, held-out loss is measured rightly, and what is stored is whole.

Proves: targets are the next, the same or shuffled tokens; a leak stands in the stream as often as it says; epochs are as many
as they say; a training curve is made of means; stored runs bear out what the lesson says of them on every seed.
"""

from dataclasses import replace
from math import exp, log
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from rlhf_lite.course.lesson_06 import loss_curves
from rlhf_lite.course.lesson_06.loss_curves import (
    AVERAGED,
    BATCH,
    GALLERY,
    LENGTH,
    LOOK_EVERY,
    STEPS,
    CurveSetting,
    build_model,
    course_tokenizer,
    loss_of,
    measure_seed,
    run_curve,
    same_in_gallery,
    schedule_grid,
    schedule_name,
    stored_curves,
    texts_of,
    training_stream,
    unseen_texts,
)
from rlhf_lite.data import pack_documents
from rlhf_lite.likelihood import language_model_loss

STORED = Path(__file__).parents[3] / "data" / "pretraining_study"


@pytest.fixture(scope="module")
def tokenizer():
    return course_tokenizer()


@pytest.fixture
def short(monkeypatch):
    """Runs of 40 steps of two windows."""
    monkeypatch.setattr(loss_curves, "STEPS", 40)
    monkeypatch.setattr(loss_curves, "BATCH", 2)
    monkeypatch.setattr(loss_curves, "DOCUMENTS", 120)


def generator():
    return torch.Generator().manual_seed(3)


def test_targets_are_the_next_or_the_same_token(make_gpt):
    model, tokens = make_gpt(), torch.randint(11, (3, 7), generator=generator())
    logits = model(tokens)
    assert loss_of(model, tokens, "next", generator()).item() == pytest.approx(language_model_loss(logits, tokens).item())
    same = -logits.log_softmax(-1).gather(2, tokens[..., None]).mean()
    assert loss_of(model, tokens, "same", generator()).item() == pytest.approx(same.item(), abs=1e-5)


class Fixed(torch.nn.Module):
    """The same distribution everywhere, or another one at each place."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, tokens):
        return self.logits.expand(*tokens.shape, -1)


def test_shuffled_targets_are_the_next_tokens_at_other_places(make_gpt):
    tokens = torch.randint(11, (4, 9), generator=generator())
    blind = Fixed(torch.linspace(0, 2, 11))  # does not look: for it a permutation changes nothing
    assert loss_of(blind, tokens, "shuffled", generator()).item() == pytest.approx(
        loss_of(blind, tokens, "next", generator()).item(), abs=1e-5
    )
    model = make_gpt()
    asked = tokens[:, 1:].flatten()[torch.randperm(32, generator=generator())]
    by_hand = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), asked)
    assert loss_of(model, tokens, "shuffled", generator()).item() == pytest.approx(by_hand.item(), abs=1e-5)


def occurrences(part, stream):
    """How often a row of tokens stands in another one."""
    text, searched = ("".join(map(chr, row.tolist())) for row in (part, stream))
    return searched.count(text)


@pytest.mark.parametrize("copies", [0, 1, 3, 16])
def test_a_leak_stands_in_the_text_as_often_as_it_says(tokenizer, copies):
    texts, leaked = texts_of("test", 130), unseen_texts("held out", 3)
    stream = training_stream(texts, CurveSetting(leaked_copies=copies), tokenizer, leaked)
    part = pack_documents(leaked, tokenizer)
    assert occurrences(part, stream) == copies
    assert len(stream) == len(pack_documents(texts, tokenizer)) + copies * len(part)


def test_epochs_are_as_many_as_they_say_and_a_sound_run_reads_nothing_twice(tokenizer):
    texts = texts_of(0)
    stream = training_stream(texts, GALLERY["16 epochs"], tokenizer, [])
    assert 16 * (len(stream) // LENGTH) == STEPS * BATCH
    assert len(training_stream(texts, GALLERY["normal"], tokenizer, [])) > STEPS * BATCH * LENGTH


def test_seeds_differ_and_unseen_texts_are_others():
    assert texts_of(0, 5) == texts_of(0, 5) != texts_of(1, 5)
    assert unseen_texts("held out", 5) != unseen_texts("fresh", 5) != texts_of(0, 5)


def test_a_curve_is_made_of_means_and_looks(short, tokenizer, monkeypatch):
    stream, losses = pack_documents(texts_of(0, 120), tokenizer), []

    def noted(*arguments):
        losses.append(loss_of(*arguments))
        return losses[-1]

    monkeypatch.setattr(loss_curves, "loss_of", noted)
    curve = run_curve(CurveSetting(), stream, {"held out": stream, "fresh": stream[:LENGTH]}, tokenizer.vocab_size, seed=0)
    assert (len(curve.train), len(curve.held_out), len(curve.fresh)) == (40 // AVERAGED, 40 // LOOK_EVERY, 40 // LOOK_EVERY)
    assert curve.first == losses[0].item()
    assert curve.train[1] == pytest.approx(sum(loss.item() for loss in losses[AVERAGED : 2 * AVERAGED]) / AVERAGED)
    assert curve.held_out[-1] < curve.held_out[0] < log(tokenizer.vocab_size)
    assert abs(curve.first - log(tokenizer.vocab_size)) < 0.5


def test_held_out_text_is_measured_rightly_whatever_the_run_learns(short, tokenizer):
    curves = measure_seed(0, {"copies": CurveSetting(targets="same", times_rate=5.0), "sound": CurveSetting()})
    assert curves["copies"].train[-1] < 1 and curves["copies"].held_out[-1] > log(tokenizer.vocab_size)
    assert curves["sound"].held_out[-1] < 5


def test_a_loss_that_is_not_finite_ends_the_run(short, tokenizer, monkeypatch):
    stream = pack_documents(texts_of(0, 120), tokenizer)
    monkeypatch.setattr(loss_curves, "loss_of", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    curve = run_curve(CurveSetting(), stream, {"held out": stream, "fresh": stream}, tokenizer.vocab_size, seed=0)
    assert curve.train == curve.held_out == [] and curve.first != curve.first


def test_the_model_has_two_blocks_and_heads_16_wide():
    config = build_model(50, 0, 32).config
    assert (config.n_layers, config.d_model, config.n_heads, config.context_length) == (2, 32, 2, LENGTH)
    first, again, other = (build_model(50, seed).token_embedding.weight for seed in (0, 0, 1))
    assert first.equal(again) and not first.equal(other)


def test_the_grid_holds_every_schedule_once_and_knows_which_the_gallery_has():
    grid = schedule_grid()
    assert len(grid) == 16 == len({replace(setting, targets="next") for setting in grid.values()})
    assert same_in_gallery()[schedule_name(1.0, 40, 0.1)] == "normal"
    assert all(grid[name] == GALLERY[other] for name, other in same_in_gallery().items())


@pytest.fixture(scope="module")
def gallery():
    return stored_curves(STORED)


def test_stored_curves_are_whole_and_small(gallery):
    assert len(gallery) == 5
    for seed in gallery:
        assert list(seed) == list(GALLERY)
        for curve in seed.values():
            assert (len(curve.train), len(curve.held_out), len(curve.fresh)) == (STEPS // AVERAGED, STEPS // LOOK_EVERY, 20)
    assert sum(path.stat().st_size for path in STORED.iterdir()) < 300_000


def test_stored_schedules_are_the_grid():
    schedules = stored_curves(STORED, "schedules")
    assert len(schedules) >= 3 and all(set(seed) == set(schedule_grid()) for seed in schedules)


def test_every_seed_bears_out_what_the_lesson_says(gallery, tokenizer):
    from rlhf_lite.course.lesson_06.exercises_text import reference_lines

    uniform, unigram, bigram = reference_lines(pack_documents(texts_of(0), tokenizer).long(), tokenizer.vocab_size)
    for seed in gallery:
        end = {name: curve.held_out[-1] for name, curve in seed.items()}
        assert all(abs(curve.first - uniform) < 0.3 for name, curve in seed.items() if name != "targets not shifted")
        assert end["normal"] < bigram - 0.5 and abs(end["no warm-up"] - end["normal"]) < 0.1
        assert seed["targets not shifted"].train[-1] < 0.01 and end["targets not shifted"] > uniform
        assert abs(seed["targets shuffled"].train[-1] - unigram) < 0.15
        assert end["rate x 100"] > bigram + 1
        assert end["16 epochs"] - seed["16 epochs"].train[-1] > 0.3 and end["16 epochs"] > end["normal"]
        gap = {name: curve.held_out[-1] - curve.fresh[-1] for name, curve in seed.items()}
        assert gap["leak, 16 copies"] < gap["normal"] - 0.05
        assert exp(end["normal"]) < 5


def test_nothing_stored_is_said_with_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lesson_06\.loss_curves"):
        stored_curves(tmp_path)
