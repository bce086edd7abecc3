"""Three models of equal size on one task: the scoreboard of lessons 03 and 04 compares nothing but the models.

Proves: sizes are equal within 2 percent; a seed decides weights and training; marks by hand; the loss goes down; what is
stored is read back as it was; the figure says its numbers, and intervals only where there are several seeds.
"""

import json

import pytest
import torch

from rlhf_lite.course.translation import scoreboard
from rlhf_lite.course.translation.scoreboard import choose, draw_scoreboard, interval, load_scores, print_scoreboard
from rlhf_lite.course.translation.translators import (
    TITLES,
    Score,
    TranslatorConfig,
    build_translator,
    mark,
    n_parameters_of,
    score_translator,
    train_translator,
    translate,
    translation_loss,
    translation_task,
)
from rlhf_lite.tinyworld.translation import SentencePair

every_kind = pytest.mark.parametrize("kind", TITLES)


@pytest.fixture(scope="module")
def task():
    return translation_task(0, 200, 40)


def small(kind, task, seed=0):
    return build_translator(kind, task, seed, d_model=16)


def score(kind="fixed", seed=0, share=0.5, **changes):
    right, asked = {3: int(10 * share), 11: 0}, {3: 10, 11: 10}
    fields = {"steps": 600, "parameters": 250_000, "seconds": 20.0, "right": right, "asked": asked} | changes
    return Score(kind=kind, seed=seed, **fields)


def test_the_three_have_equal_sizes():
    sizes = [n_parameters_of(build_translator(kind, translation_task())) for kind in TITLES]
    assert max(sizes) / min(sizes) < 1.02, sizes


def test_the_two_parts_share_no_sentence_and_no_held_out_word_is_new():
    task = translation_task()
    assert len(task.train) + len(task.held_out) == 4000 and len(task.held_out) >= 1000
    assert not {pair.chinese for pair in task.train} & {pair.chinese for pair in task.held_out}
    task.source([pair.english for pair in task.held_out])  # raises at unknown words


@every_kind
def test_a_seed_decides_weights_and_leaves_other_random_numbers_alone(kind, task):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (next(iter(small(kind, task, seed).parameters())) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first, again) and not torch.equal(first, other)


@every_kind
def test_training_lowers_the_loss_in_the_same_way_each_time(kind, task):
    losses = []
    for seed in (0, 0, 1):
        model = small(kind, task)
        losses.append(train_translator(model, task, TranslatorConfig(steps=40), seed=seed, show_progress=False)[0])
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][-1] < losses[0][0] - 0.5
    assert not model.training


def test_the_loss_is_that_of_the_words_and_the_end_and_not_of_padding(task):
    model, pairs = small("fixed", task), sorted(task.train, key=lambda pair: len(pair.chinese))
    short, both = task.batch(pairs[:1]), task.batch([pairs[0], pairs[-1]])
    logits = model(both.source, both.source_mask, both.target)
    n = int(both.target_mask[0].sum())
    by_hand = torch.nn.functional.cross_entropy(logits[0, :n], both.target[0, 1 : n + 1])
    torch.testing.assert_close(translation_loss(model, short), by_hand)


def test_marks_by_hand():
    pairs = [SentencePair("a b", "x y", ()), SentencePair("a", "x", ()), SentencePair("b c", "y z", ())]
    assert mark(pairs, ["x y", "y", "y z z"]) == ({1: 0, 2: 1}, {1: 1, 2: 2})


def test_exact_match_by_length():
    assert score().exact_match() == 0.25
    assert score().exact_match(3, 4) == 0.5
    with pytest.raises(ValueError, match=r"no sentence of 7 to 8 words was marked: lengths are \[3, 11\]"):
        score().exact_match(7, 8)


def test_a_trained_model_is_marked_on_held_out_sentences(task):
    model = small("attention", task)
    marked = score_translator("attention", model, task, steps=0, seconds=1.0)
    assert sum(marked.asked.values()) == len(task.held_out)
    assert marked.exact_match() == 0 and marked.parameters == n_parameters_of(model)


def test_own_sentences_are_translated_or_refused(task):
    model = small("fixed", task)
    assert len(translate(model, task, ["Tom chase Jerry", "Jerry chase Tom"])) == 2
    with pytest.raises(ValueError, match=r"not in the vocabulary: sees, dragon$"):
        translate(model, task, ["Tom sees dragon"])
    with pytest.raises(ValueError, match="the sentence is empty"):
        translate(model, task, [" "])
    with pytest.raises(ValueError, match="kind is 'lstm', expected one of fixed, attention, transformer"):
        build_translator("lstm", task)


def test_measuring_stores_what_is_read_back_and_measures_nothing_twice(tmp_path, monkeypatch, capsys):
    small_task = translation_task(3, 60, 20)
    monkeypatch.setattr(scoreboard, "translation_task", lambda seed: small_task)
    monkeypatch.setattr("sys.argv", ["scoreboard", str(tmp_path), "3", "--steps", "1", "2"])
    threads = torch.get_num_threads()
    scoreboard.main()
    scores = load_scores(tmp_path)
    assert sorted((each.kind, each.steps) for each in scores) == sorted((kind, n) for n in (1, 2) for kind in TITLES)
    (chosen,) = choose(scores, "attention", 2)
    stored = json.loads((tmp_path / "attention-2-seed-3.json").read_text())
    assert json.loads(json.dumps(chosen.to_row())) == stored
    assert capsys.readouterr().out.count(" in ") == 6
    scoreboard.main()
    assert capsys.readouterr().out == ""
    torch.set_num_threads(threads)
    with pytest.raises(FileNotFoundError, match="no .*-seed-"):
        load_scores(tmp_path / "nothing")


def test_interval_over_seeds_is_that_of_students_t():
    mean, low, high = interval([score(share=share) for share in (0.4, 0.5, 0.6)], 3, 4)
    assert mean == pytest.approx(0.5) and low == pytest.approx(0.5 - 0.2484, abs=1e-3) and high == pytest.approx(0.7484, abs=1e-3)
    assert interval([score(share=1.0)]) == (0.5, 0.0, 1.0)  # one seed says nothing about others


def full(kind, seed, share):
    asked = dict.fromkeys(range(3, 13), 10)
    return score(kind, seed, asked=asked, right={length: round(10 * share) for length in asked})


def test_the_figure_says_its_numbers(capsys):
    groups = [[full("fixed", 0, 0.5)], [full("attention", seed, 0.9) for seed in (0, 1)]]
    figure, alt = draw_scoreboard(groups)
    assert "GRU, one context C: 3-4 words 0.50" in alt and "11-12 words 0.90" in alt and "20 CPU-seconds" in alt
    lines = figure.axes[0].containers
    assert [line.has_yerr for line in lines] == [False, True]
    assert len({(line[0].get_linestyle(), line[0].get_marker()) for line in lines}) == 2  # told apart without colour
    print_scoreboard(groups)
    header, fixed, _ = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["model", "parameters"] and fixed.split()[-5:] == ["250,000", "20", "0.50", "0.50", "0.50"]
