"""Few-shot prompts and their controls: each differs from the examples in one thing.

Proves: shuffled answers are the same answers at other questions; layouts are those that the base model has read; controls are
about as long; examples come from the training side and the question from the held-out; a row is measured per condition.
"""

import random
from pathlib import Path

import pytest

from rlhf_lite.course.lesson_07 import few_shot
from rlhf_lite.course.lesson_07.seed_files import read_rows
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.tinyworld.prompts import is_held_out
from rlhf_lite.tinyworld.runs import SHIPPED
from rlhf_lite.tokenizer import Tokenizer

STORED = Path(__file__).parents[3] / "data" / "bert_study"


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.load(SHIPPED / "tokenizer.json")


@pytest.fixture(scope="module")
def shown(tokenizer):
    return few_shot.prepare_all(tokenizer, 192, "test", 1)


def test_shuffled_answers_by_hand():
    assert few_shot.shuffled((("a", "1"), ("b", "2"), ("c", "3"))) == (("a", "2"), ("b", "3"), ("c", "1"))


def test_layouts_by_hand(tokenizer):
    pairs = (("Say hat.", "hat."),)
    chat = tokenizer.decode(few_shot.as_chat(pairs, "Say cup.", tokenizer))
    assert chat == "User: Say hat.\nAssistant: hat.\nUser: Say cup.\nAssistant:"
    book = tokenizer.decode(few_shot.as_school_book(pairs, "Say cup.", tokenizer))
    assert book == "Exercise: Say hat.\nSolution: hat.\nExercise: Say cup.\nSolution:"
    assert tokenizer.decode(few_shot.as_chat((), "Say cup.", tokenizer)) == "User: Say cup.\nAssistant:"


def test_every_use_case_once_and_the_question_is_held_out(shown):
    assert [each.request.use_case for each in shown] == few_shot.USE_CASES and "summarization" not in few_shot.USE_CASES
    assert all(is_held_out(each.request.use_case, each.request.combination) for each in shown)
    assert all(len(each.examples) == len(each.others) == few_shot.SHOTS for each in shown)
    assert all(each.request.prompt not in {prompt for prompt, _ in each.examples} for each in shown)


def test_each_control_differs_in_one_thing_and_is_as_long(shown, tokenizer):
    for each in shown:
        for layout in few_shot.LAYOUTS:
            rows = few_shot.contexts(each, layout, tokenizer)
            assert len(rows) == 7 and max(map(len, rows.values())) <= 192 - few_shot.MAX_NEW_TOKENS
            good, turned = rows["examples", 3], rows["answers shuffled", 3]
            assert sorted(good) == sorted(turned)
            assert len(rows["random text", 0]) <= len(good) + 1 and len(rows["random text", 0]) > len(good) - 30
            ends = {tuple(row[-8:]) for row in rows.values()}
            assert len(ends) == 1, "all end with the same question"
            lengths = [len(rows["examples", n]) for n in range(4)]
            assert lengths == sorted(set(lengths))


def test_text_is_whole_sentences_up_to_a_length(tokenizer):
    for n_tokens in (40, 80):
        text = few_shot.some_text(random.Random(1), n_tokens, tokenizer)
        assert n_tokens - 30 < len(tokenizer.encode(text)) <= n_tokens and text.endswith(".")


def test_what_does_not_fit_is_refused(shown, tokenizer):
    with pytest.raises(ValueError, match="do not fit into 30"):
        few_shot.prepare(shown[0].request, tokenizer, 30, random.Random(0))


def test_a_row_per_condition(tokenizer, monkeypatch):
    monkeypatch.setattr(few_shot, "MAX_NEW_TOKENS", 4)
    base = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=16, n_layers=1, n_heads=2)).eval()
    rows = few_shot.measure_shots(base, tokenizer, 0, per_use_case=1)
    assert len(rows) == 14 and len({(row["layout"], row["arm"], row["shots"]) for row in rows}) == 14
    assert all(list(row["gold"]) == few_shot.USE_CASES for row in rows)


def test_stored_conditions_are_of_like_length():
    for rows in read_rows(STORED, "shots"):
        tokens = {(row["layout"], row["arm"], row["shots"]): row["tokens"] for row in rows}
        for layout in few_shot.LAYOUTS:
            full = tokens[layout, "examples", 3]
            assert tokens[layout, "answers shuffled", 3] == full
            assert tokens[layout, "another task", 3] == pytest.approx(full, rel=0.1)
            assert tokens[layout, "random text", 0] == pytest.approx(full, rel=0.1)
