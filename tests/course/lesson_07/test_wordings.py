"""Options are compared by the log-probability of their own tokens, whatever stands before, beside or behind.

Proves: each option's numbers are those of the whole text read alone; the two options' shares sum to one; shares right count
what they say; reviews are half praise, and truly so; each group of articles' texts is balanced, so that one answer for all is
half right.
"""

import pytest
import torch

from rlhf_lite.course.lesson_07 import wordings
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.runs import SHIPPED
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.load(SHIPPED / "tokenizer.json")


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=16, n_layers=1, n_heads=2)).eval()
    torch.nn.init.normal_(model.token_embedding.weight, std=0.5)
    return model


def test_log_probs_are_those_of_the_text_read_alone(model, tokenizer):
    contexts, options = ["Anna lost a hat. This was a", "Rome"], [" good buy.", " bad"]
    found = wordings.option_log_probs(model, tokenizer, contexts, options)
    for context, row in zip(contexts, found, strict=True):
        for option, given in zip(options, row, strict=True):
            start, end = tokenizer.encode(context), tokenizer.encode(option)
            log_probs = model(torch.tensor([start + end]))[0].log_softmax(-1)
            by_hand = [log_probs[len(start) - 1 + i, token].item() for i, token in enumerate(end)]
            assert given == pytest.approx(by_hand, abs=1e-4)


def test_praise_against_blame(model, tokenizer):
    wording = wordings.WORDINGS[4]
    texts = ["Anna bought a hat.", "Tom bought a cup. I hate it."]
    found = wordings.praise_probability(model, tokenizer, wording, texts)
    turned = wordings.Wording(wording.text, wording.options[::-1], False)
    torch.testing.assert_close(found + wordings.praise_probability(model, tokenizer, turned, texts), torch.ones(2))
    for text, share in zip(texts, found, strict=True):
        logits = model(torch.tensor([tokenizer.encode(wording.text.format(text))]))[0, -1]
        good, bad = (logits[tokenizer.encode(option)[0]] for option in wording.options)
        assert share.item() == pytest.approx(torch.sigmoid(good - bad).item(), abs=1e-5)


def test_shares_right_count_both_kinds(model, tokenizer, monkeypatch):
    monkeypatch.setattr(wordings, "praise_probability", lambda *given: torch.tensor([0.9, 0.6, 0.4, 0.7]))
    reviews = [("a", True), ("b", False), ("c", False), ("d", True)]
    assert wordings.shares_right({"m": model}, tokenizer, wordings.WORDINGS[:2], reviews) == {"m": [0.75, 0.75]}


def test_reviews_are_half_praise_and_truly_so():
    reviews = wordings.draw_reviews(60)
    assert len({text for text, _ in reviews}) == 60 and sum(praise for _, praise in reviews) == 30
    for text, praise in reviews:
        assert any(sentence in text for sentence in (w.PRAISE if praise else w.BLAME)) and "bought" in text.split()[1]


def test_options_go_on_with_a_space_and_groups_are_balanced():
    every = (*wordings.WORDINGS, wordings.ARTICLES_INSTRUCTION, wordings.ARTICLES_OPEN)
    assert all(option.startswith(" ") for each in every for option in each.options)
    assert all("{}" in each.text and not each.text.endswith(" ") for each in every)
    assert [each.is_instruction for each in wordings.WORDINGS] == [False] * 4 + [True] * 4
    assert all(len(rows) == 4 and sum(praise for _, praise in rows) == 2 for rows in wordings.ARTICLES.values())
