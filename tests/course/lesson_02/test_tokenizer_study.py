"""Bits per byte: measured as by hand, the same for the same surprise however it is cut; equal texts for every tokenizer."""

from math import log
from pathlib import Path

import pytest
import torch

from rlhf_lite.course.lesson_02 import tokenizer_study
from rlhf_lite.course.lesson_02.exercises_encoding import bits_per_byte
from rlhf_lite.course.lesson_02.tokenizer_study import (
    BATCH,
    GROUP,
    LONGEST,
    MERGES,
    as_tensors,
    held_out,
    in_batches,
    short_documents,
    stored_readings,
    texts_of,
    train_with,
)
from rlhf_lite.likelihood import next_token_log_probs
from rlhf_lite.tokenizer import Tokenizer

STORED = Path(__file__).parents[3] / "data" / "tokenizer_study"


@pytest.fixture(scope="module")
def documents():
    return short_documents("test", 40)


@pytest.fixture(scope="module")
def tokenizer(documents):
    return Tokenizer.train(documents, 300)


class Uniform(torch.nn.Module):
    """A model that finds every token equally likely."""

    def __init__(self, vocab_size):
        super().__init__()
        self.vocab_size = vocab_size

    def forward(self, tokens):
        return torch.zeros(*tokens.shape, self.vocab_size)


def test_a_model_that_knows_nothing_costs_log_of_the_vocabulary_per_token(tokenizer, documents):
    nats, bits = held_out(Uniform(300), documents, tokenizer)
    n_tokens = sum(len(ids) + 1 for ids in tokenizer.encode_batch(documents))  # each end is predicted too
    n_bytes = sum(len(text.encode()) for text in documents)
    assert nats == pytest.approx(log(300))
    assert bits == pytest.approx(n_tokens * log(300) / log(2) / n_bytes)


def test_measured_as_the_exercise_does(tokenizer, documents, make_gpt):
    model = make_gpt(vocab_size=300, context_length=LONGEST + 2)
    tokens, mask = as_tensors(documents, tokenizer)
    with torch.no_grad():
        log_probs = next_token_log_probs(model(tokens), tokens)
    by_hand = bits_per_byte(log_probs, mask[:, 1:], sum(len(text.encode()) for text in documents))
    assert held_out(model, documents, tokenizer)[1] == pytest.approx(by_hand, rel=1e-4)


def test_a_way_of_cutting_is_used_and_changes_the_measure(tokenizer, documents, make_gpt):
    model = make_gpt(vocab_size=300, context_length=LONGEST + 2)
    as_bytes = Tokenizer.train(documents, 258).encode  # the same ids for bytes
    tokens, _ = as_tensors(["ab"], tokenizer, as_bytes)
    assert tokens.tolist() == [[1, *as_bytes("ab"), 1]]
    assert held_out(model, documents, tokenizer, as_bytes) != held_out(model, documents, tokenizer)


def test_rows_stand_between_end_tokens_and_padding_is_not_real(tokenizer):
    tokens, mask = as_tensors(["a", "abc"], tokenizer)
    assert tokens[0, 0] == tokens[1, 0] == tokenizer.end_id
    assert mask.sum(1).tolist() == [len(tokenizer.encode("a")) + 2, len(tokenizer.encode("abc")) + 2]
    assert (tokens[~mask] == tokenizer.pad_id).all() and tokens[1][mask[1]][-1] == tokenizer.end_id


def test_documents_are_short_and_drawn_by_seed():
    texts, unseen = texts_of(3, 30)
    assert len(texts) == 30 and len(unseen) == 256 and max(len(text.encode()) for text in (*texts, *unseen)) <= LONGEST
    assert texts == texts_of(3, 60)[0][:30] != texts_of(4, 30)[0]
    assert unseen == texts_of(4, 1)[1]


def test_fewer_documents_give_the_beginning_of_the_same_batches():
    texts = [f"{i}" * (i % 37 + 1) for i in range(3 * GROUP)]
    few, many = in_batches(texts[:GROUP], 5), in_batches(texts, 5)
    assert many[: len(few)] == few and sorted(text for batch in many for text in batch) == sorted(texts)
    assert all(len(batch) == BATCH for batch in many) and in_batches(texts, 6) != many


def test_training_lowers_bits_per_byte_on_equal_texts(monkeypatch, documents):
    monkeypatch.setattr(tokenizer_study, "LOOK_EVERY", 5)
    texts = short_documents("test, training", 160)
    readings = {merges: train_with(merges, texts, documents, seed=0)[2] for merges in (0, 64)}
    for merges, (first, last) in readings.items():
        assert (first.steps, last.steps, last.merges) == (5, 10, merges)
        assert last.bits_per_byte < first.bits_per_byte < 8
    assert readings[0][1].bytes_read == readings[64][1].bytes_read == sum(len(text.encode()) for text in texts)
    assert readings[0][1].tokens_read > 1.5 * readings[64][1].tokens_read
    assert readings[0][1].tokens_read == readings[0][1].bytes_read + len(texts)  # one end per document


def test_what_is_stored_is_what_the_lesson_says():
    seeds = stored_readings(STORED)
    assert len(seeds) == 5
    for readings in seeds:
        last = {merges: [r for r in readings if r.merges == merges][-1] for merges in MERGES}
        assert {r.steps for r in last.values()} == {1280} and len({r.bytes_read for r in last.values()}) == 1
        assert sorted(MERGES, key=lambda merges: last[merges].nats_per_token) == list(MERGES)
        assert max(MERGES, key=lambda merges: last[merges].bits_per_byte) == 0
        for r in readings:
            assert r.bits_per_byte == pytest.approx(r.nats_per_token / log(2) * _tokens_per_byte(r, readings), rel=0.03)


def _tokens_per_byte(reading, readings):
    """As in the last row: unseen documents are the same at every look."""
    last = [r for r in readings if r.merges == reading.merges][-1]
    return last.bits_per_byte * log(2) / last.nats_per_token


def test_nothing_stored_is_named_with_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="run `python -m rlhf_lite.course.lesson_02.tokenizer_study"):
        stored_readings(tmp_path)
