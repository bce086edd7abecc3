"""Replacing the head: a frozen body stays as it is, each part has its rate, and the test uses sentences without labels.

Proves besides, on the shipped base model: with the same 16 labels its frozen body tells praise from blame in new sentences
where the next word would say so, and a body from scratch does not.
"""

from pathlib import Path

import pytest
import torch

from rlhf_lite.checkpoint import load_model
from rlhf_lite.course.lesson_09.transfer import (
    STARS,
    WAYS,
    Way,
    fit_classifier,
    last_hidden,
    parameter_groups,
    review_sets,
    share_right,
)
from rlhf_lite.gpt import ScalarModel
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tokenizer import Tokenizer

SHIPPED = Path(__file__).parents[3] / "data" / "checkpoints"


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.load(SHIPPED / "tokenizer.json")


@pytest.fixture
def body(make_gpt, tokenizer):
    return make_gpt(vocab_size=tokenizer.vocab_size, context_length=64)


def sentences_in(reviews, tokenizer):
    texts = [tokenizer.decode(row) for row in reviews.tokens.tolist()]
    return {sentence for text in texts for sentence in (*w.PRAISE, *w.BLAME) if sentence in text}


def test_labels_are_right_and_the_test_s_sentences_have_none(tokenizer):
    train, test = review_sets(3, 16, tokenizer)
    assert len(train.labels) == 16 and train.labels.sum() == 8
    assert not sentences_in(train, tokenizer) & sentences_in(test, tokenizer)
    for reviews in (train, test):
        for row, length, label in zip(reviews.tokens, reviews.lengths, reviews.labels, strict=True):
            assert tokenizer.decode(row[:length]).endswith(STARS) and (row[length:] == tokenizer.pad_id).all()
            assert any(sentence in tokenizer.decode(row) for sentence in (w.PRAISE if label else w.BLAME))
            assert not any(sentence in tokenizer.decode(row) for sentence in (w.BLAME if label else w.PRAISE))


def test_padding_does_not_change_what_is_read_off(body, tokenizer):
    model, (train, _) = ScalarModel(body), review_sets(0, 4, tokenizer)
    alone = [model.backbone.hidden(row[None, :length])[0, -1] for row, length in zip(train.tokens, train.lengths, strict=True)]
    torch.testing.assert_close(last_hidden(model, train), torch.stack(alone), rtol=1e-4, atol=1e-5)


def test_each_part_has_its_rate_and_a_frozen_body_none(body):
    model = ScalarModel(body)
    head, backbone = parameter_groups(model, 1e-5, 0.02)
    assert (head["lr"], len(head["params"])) == (0.02, 2)
    assert (backbone["lr"], len(backbone["params"])) == (1e-5, len(list(body.parameters())))
    assert len(parameter_groups(model, 0.0, 0.02)) == 1


def test_a_frozen_body_stays_as_it_is_and_the_base_model_always(body, tokenizer):
    train, _ = review_sets(0, 8, tokenizer)
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    ways = {rate: Way(from_base=True, body_rate=rate, head_rate=1e-2, steps=2) for rate in (0.0, 1e-3)}
    frozen, moved = (fit_classifier(body, train, way, seed=0) for way in ways.values())
    assert all(torch.equal(before[name], tensor) for name, tensor in frozen.backbone.state_dict().items())
    assert not torch.equal(moved.backbone.token_embedding.weight, before["token_embedding.weight"])
    assert all(torch.equal(before[name], tensor) for name, tensor in body.state_dict().items())


def test_the_base_body_knows_sentences_without_labels(tokenizer):
    base, right = load_model(SHIPPED / "pretrain" / "model.safetensors"), {}
    for name in ("body from scratch", "base body, frozen"):
        train, test = review_sets(1, 16, tokenizer)
        model = fit_classifier(base, train, WAYS[name], seed=1)
        assert share_right(model, train) == 1.0
        right[name] = share_right(model, test)
    assert right["base body, frozen"] > 0.8 > 0.65 > right["body from scratch"]
