"""The pair: equal numbers, and only what may be looked at and what is asked differ.

Proves: both begin with the same weights and read the same batches; a guess of BERT's depends on both sides and never on the
hidden word; GPT's next word depends on the left side alone; trying every word is Bayes' rule over whole texts; BERT's loss
counts hidden words alone; training makes both better and the seed decides.
"""

import pytest
import torch

from rlhf_lite.bert import mask_tokens
from rlhf_lite.course.lesson_07 import pair
from rlhf_lite.data import seeded_generator
from rlhf_lite.likelihood import next_token_log_probs


@pytest.fixture
def ids(texts):
    return texts.tokenizer.encode("Anna met Tom at the park and saw a kite.")


def test_every_word_of_the_world_is_one_token(texts, ids):
    assert len(ids) == 11 and texts.tokenizer.decode(ids[3:6]) == " at the park"


def test_the_blank_is_no_token_of_a_text(texts):
    assert texts.mask_id == texts.tokenizer.vocab_size == pair.VOCAB_SIZE and texts.mask_id not in texts.vocabulary
    assert {*texts.stream.tolist()} - {*texts.vocabulary} == {texts.tokenizer.end_id}


def test_windows_begin_with_documents_and_ends_are_never_hidden(texts):
    batch = texts.batch(2, 0)
    assert batch.shape == (pair.BATCH_SIZE, pair.LENGTH)
    first = {texts.stream[start].item() for start in texts.starts}
    assert set(batch[:, 0].tolist()) <= first
    assert torch.equal(texts.maskable(batch), batch != texts.tokenizer.end_id)


def test_seeds_have_other_documents_but_the_same_tokenizer_and_unseen_ones(texts):
    other = pair.read_texts(1, n_documents=300)
    assert not torch.equal(other.stream[:100], texts.stream[:100])
    assert other.unseen == texts.unseen and other.tokenizer.fingerprint == texts.tokenizer.fingerprint


def test_both_begin_with_the_same_numbers_and_the_seed_decides(texts, models):
    bert, gpt = models
    assert bert.state_dict().keys() == gpt.state_dict().keys()
    assert all(torch.equal(tensor, gpt.state_dict()[name]) for name, tensor in bert.state_dict().items())
    assert not torch.equal(pair.build_pair(texts, 4)[0].token_embedding.weight, bert.token_embedding.weight)


def test_bert_sees_both_sides_and_not_the_hidden_word(texts, models, ids):
    bert, place = models[0], 5
    guess = pair.bert_fills(bert, texts, ids, place)
    assert guess.shape == (pair.VOCAB_SIZE + 1,) and guess.sum().item() == pytest.approx(1, abs=1e-5)
    for changed, same in ((place, True), (place - 1, False), (place + 1, False)):
        other = [*ids[:changed], ids[changed] + 1, *ids[changed + 1 :]]
        assert torch.allclose(pair.bert_fills(bert, texts, other, place), guess, atol=1e-7) == same
    framed = torch.tensor([[texts.tokenizer.end_id, *ids[:5], texts.mask_id, *ids[6:], texts.tokenizer.end_id]])
    torch.testing.assert_close(guess, bert(framed)[0, 6].softmax(-1))


def test_what_continues_reads_the_beginning_alone(texts, models, ids):
    bert, gpt = models
    end = texts.tokenizer.end_id
    with_blank, with_more = torch.tensor([[end, *ids, texts.mask_id]]), torch.tensor([[end, *ids, 5]])
    torch.testing.assert_close(pair.bert_continues(bert, texts, ids), bert(with_blank)[0, -1].softmax(-1))
    torch.testing.assert_close(pair.gpt_continues(gpt, texts, ids), gpt(with_more)[0, -2].softmax(-1))


def test_trying_every_word_compares_whole_texts(texts, models, ids):
    gpt, words = models[1], texts.vocabulary[:7]
    found = pair.gpt_fills(gpt, texts, ids, 4, words)
    totals = []
    for word in words:
        row = torch.tensor([texts.framed([*ids[:4], word, *ids[5:]])])
        totals.append(next_token_log_probs(gpt(row), row).sum().item())
    torch.testing.assert_close(found[words], torch.tensor(totals).softmax(0), atol=1e-5, rtol=1e-4)
    assert found.sum().item() == pytest.approx(1) and (found > 0).sum() == 7


def test_berts_loss_counts_hidden_words_alone(texts, models):
    bert, tokens = models[0], texts.batch(0, 0)
    loss = pair.bert_loss(bert, tokens, texts, seeded_generator("x"))
    inputs, hidden = mask_tokens(tokens, texts.maskable(tokens), texts.mask_id, pair.VOCAB_SIZE + 1, seeded_generator("x"))
    by_hand = -bert(inputs).log_softmax(-1).gather(2, tokens[..., None]).squeeze(2)[hidden].mean()
    torch.testing.assert_close(loss, by_hand)


def test_training_makes_both_better(texts):
    told = []
    for model in pair.build_pair(texts, 0):
        losses = pair.train_member(model, texts, 25, 0, tell=lambda step, loss: told.append(step))
        assert sum(losses[-5:]) < 0.9 * sum(losses[:5]) and not model.training
    assert told == [*range(25)] * 2
    first = pair.build_pair(texts, 0)[0]
    assert pair.train_member(first, texts, 2, 0) != pair.train_member(pair.build_pair(texts, 0)[0], texts, 2, 1)
