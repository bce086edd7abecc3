"""The recurrent translators compute what their equations say; what they share with the Transformer holds for all three.

Proves: the cell by hand equals nn.GRUCell, additive attention its formula, both decoders a reference; for all three
models, padding changes nothing (NaN included), a target word never changes the logits before it, greedy translation is
the likeliest word each time, eight sentences are learnt in seconds, and equal sizes can be had.
"""

import pytest
import torch
from torch import nn

from rlhf_lite.data import lengths_to_mask, pad_right
from rlhf_lite.likelihood import language_model_loss
from rlhf_lite.optim import OptimConfig, build_optimizer, optimizer_step
from rlhf_lite.seq2seq import (
    AdditiveAttention,
    AttentionSeq2Seq,
    FixedContextSeq2Seq,
    GRUCell,
    Seq2SeqConfig,
    greedy_translate,
)
from rlhf_lite.transformer import EncoderDecoderTransformer, TransformerConfig

PAD, START, END = 0, 1, 2
SIZES = {"source_vocab_size": 12, "target_vocab_size": 10}
SOURCES = [[3, 4, 5, 6, 7], [8], [9, 10, 3], [PAD, 7, PAD]]  # one word, three, and one with the pad id inside
TARGETS = [[START, 3, 4, END], [START, 5, 6, 7], [START, 8, 9, END], [START, 4, 4, 4]]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def make(kind, d_model=16):
    if kind == "transformer":
        return EncoderDecoderTransformer(TransformerConfig(**SIZES, d_model=d_model, n_heads=2)).eval()
    return {"fixed": FixedContextSeq2Seq, "attention": AttentionSeq2Seq}[kind](Seq2SeqConfig(**SIZES, d_model=d_model)).eval()


def padded(sources=SOURCES, extra=0, fill=PAD):
    source, lengths = pad_right(sources, PAD)
    source = torch.cat([source, torch.full((len(source), extra), fill)], 1)
    mask = lengths_to_mask(lengths, source.shape[1])
    return source.masked_fill(~mask, fill), mask


every_model = pytest.mark.parametrize("kind", ["fixed", "attention", "transformer"])
looking_models = pytest.mark.parametrize("kind", ["attention", "transformer"])


def copy_cell(ours, theirs, suffix=""):
    with torch.no_grad():
        getattr(theirs, "weight_ih" + suffix).copy_(ours.from_input.weight)
        getattr(theirs, "weight_hh" + suffix).copy_(ours.from_state.weight)
        getattr(theirs, "bias_ih" + suffix).copy_(ours.from_input.bias)
        getattr(theirs, "bias_hh" + suffix).copy_(ours.from_state.bias)
    return theirs


def test_cell_equals_torch():
    ours, x, state = GRUCell(5, 7), torch.randn(3, 5), torch.randn(3, 7)
    torch.testing.assert_close(ours(x, state), copy_cell(ours, nn.GRUCell(5, 7))(x, state), **CLOSE)


def test_additive_attention_equals_its_formula():
    attention = AdditiveAttention(d_state=4, d_memory=6, d_model=5)
    state, memory = torch.randn(2, 4), torch.randn(2, 3, 6)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    context, weights = attention(state, memory, mask)
    W, U, v = attention.from_state.weight, attention.from_memory.weight, attention.score.weight[0]
    for row, n_words in enumerate([3, 2]):
        scores = torch.stack([v @ torch.tanh(W @ state[row] + U @ memory[row, j]) for j in range(n_words)])
        expected = scores.exp() / scores.exp().sum()
        torch.testing.assert_close(weights[row, :n_words], expected, **CLOSE)
        torch.testing.assert_close(context[row], sum(expected[j] * memory[row, j] for j in range(n_words)), **CLOSE)
    assert weights[1, 2] == 0


def test_fixed_context_is_one_vector_given_at_every_step():
    model, (source, mask), target = make("fixed"), padded(), torch.tensor(TARGETS)
    context = model.encode(source, mask)
    assert context.shape == (4, 16)  # however long the sentence
    reference = copy_cell(model.cell, nn.GRU(32, 16, batch_first=True), "_l0")
    words, again = model.target_embedding(target), context[:, None].expand(-1, 4, -1)
    states, _ = reference(torch.cat([words, again], -1), torch.tanh(model.first_state(context))[None])
    expected = model.output(torch.cat([states, words, again], -1))
    torch.testing.assert_close(model(source, mask, target), expected, **CLOSE)


def test_attention_gives_a_context_for_each_step():
    model, target = make("attention"), torch.tensor([TARGETS[0]])
    source, mask = padded(SOURCES[:1])
    memory, cell = model.encode(source, mask), copy_cell(model.cell, nn.GRUCell(48, 16))
    state, expected = torch.tanh(model.first_state(memory[:, 0, 16:])), []
    for t in range(4):
        word = model.target_embedding(target[:, t])
        context, _ = model.attention(state, memory, mask)
        state = cell(torch.cat([word, context], -1), state)
        expected.append(model.output(torch.cat([state, word, context], -1)))
    torch.testing.assert_close(model(source, mask, target), torch.stack(expected, 1), **CLOSE)


@every_model
def test_padding_changes_nothing(kind):
    model, target = make(kind), torch.tensor(TARGETS)
    logits = model(*padded(), target)
    for extra, fill in [(0, 11), (3, PAD), (3, 11)]:
        torch.testing.assert_close(model(*padded(extra=extra, fill=fill), target), logits, **CLOSE)
    for row, ids in enumerate(SOURCES):
        alone = model(*padded([ids]), target[row : row + 1])
        torch.testing.assert_close(logits[row], alone[0], **CLOSE)


@every_model
def test_nan_in_padding_does_not_leak(kind):
    model, target = make(kind), torch.tensor(TARGETS)
    logits = model(*padded(), target)
    with torch.no_grad():
        model.source_embedding.weight[11] = float("nan")  # 11 stands in the padding and nowhere else
    again = model(*padded(extra=2, fill=11), target)
    torch.testing.assert_close(again, logits, **CLOSE)
    again.sum().backward()
    assert all(p.grad.isfinite().all() for name, p in model.named_parameters() if name != "source_embedding.weight")


@every_model
def test_a_target_word_never_changes_the_logits_before_it(kind):
    model, source, target = make(kind), padded(), torch.tensor(TARGETS)
    logits = model(*source, target)
    for t in range(4):
        changed = target.clone()
        changed[:, t] = 9
        after = model(*source, changed)
        torch.testing.assert_close(after[:, :t], logits[:, :t], atol=0, rtol=0)
        assert not torch.isclose(after[0, t], logits[0, t]).all()


@every_model
def test_every_source_word_matters(kind):
    model, target = make(kind), torch.tensor(TARGETS[:1])
    logits = model(*padded([[3, 4, 5, 6]]), target)
    for changed in ([9, 4, 5, 6], [3, 9, 5, 6], [3, 4, 5, 9], [4, 3, 5, 6]):  # another word, or another order
        assert not torch.isclose(model(*padded([changed]), target), logits, atol=1e-6).all()


@every_model
def test_greedy_translation_is_the_likeliest_word_each_time(kind):
    model, (source, mask) = make(kind).train(), padded()
    lines = greedy_translate(model, source, mask, start_id=START, end_id=END, max_tokens=7)
    assert model.training
    for row, line in enumerate(lines):
        assert len(line) == 7 or line[-1] == END
        assert END not in line[:-1]
        logits = model.eval()(source[row : row + 1], mask[row : row + 1], torch.tensor([[START, *line]]))
        assert logits[0, :-1].argmax(-1).tolist() == line


@every_model
def test_eight_sentences_are_learnt_in_seconds(kind):
    sources = [[3 + i % 8, 3 + (i + 1) % 8, 3 + (3 * i + 2) % 8][: 2 + i % 2] for i in range(8)]
    answers = [[3 + id % 7 for id in reversed(ids)] + [END] for ids in sources]  # the other way round
    model, (source, mask) = make(kind, d_model=32).train(), padded(sources)
    target, lengths = pad_right([[START, *ids] for ids in answers], PAD)
    loss_mask, config = lengths_to_mask(lengths, target.shape[1]), OptimConfig(learning_rate=1e-2, weight_decay=0.0)
    optimizer = build_optimizer(model, config)
    for step in range(60):
        loss = language_model_loss(model(source, mask, target), target, loss_mask)
        optimizer_step(optimizer, {"loss": loss}, step, 60, config)
    assert loss < 0.1
    assert greedy_translate(model, source, mask, start_id=START, end_id=END, max_tokens=6) == answers


@looking_models
def test_alignment_sums_to_one_and_puts_nothing_on_padding(kind):
    model, (source, mask), target = make(kind), padded(extra=2), torch.tensor(TARGETS)
    looks = model.alignment(source, mask, target)
    assert looks.shape == (4, 4, 7)
    torch.testing.assert_close(looks.sum(-1), torch.ones(4, 4))
    assert (looks.transpose(1, 2)[~mask] == 0).all()
    torch.testing.assert_close(model.alignment(source, mask, target[:, :2]), looks[:, :2], **CLOSE)  # row t needs no later word


def test_the_three_can_have_equal_sizes():
    vocab = {"source_vocab_size": 165, "target_vocab_size": 125}  # about what the course's corpus has
    models = (
        FixedContextSeq2Seq(Seq2SeqConfig(**vocab, d_model=102)),
        AttentionSeq2Seq(Seq2SeqConfig(**vocab, d_model=80)),
        EncoderDecoderTransformer(TransformerConfig(**vocab, d_model=64)),
    )
    sizes = [sum(p.numel() for p in model.parameters()) for model in models]
    assert max(sizes) / min(sizes) < 1.05, sizes


def test_config_messages():
    with pytest.raises(ValueError, match="d_model is 0, expected at least 1"):
        Seq2SeqConfig(**SIZES, d_model=0)
    with pytest.raises(ValueError, match="target_vocab_size is -1"):
        Seq2SeqConfig(source_vocab_size=3, target_vocab_size=-1)


@every_model
def test_messages(kind):
    model, (source, mask), target = make(kind), padded(), torch.tensor(TARGETS)
    with pytest.raises(ValueError, match=r"shape \(4, 4\), expected that of source, \(4, 5\)"):
        model(source, mask[:, :4], target)
    with pytest.raises(TypeError, match=r"dtype torch.int64, expected torch.bool"):
        model(source, mask.long(), target)
    with pytest.raises(ValueError, match="drop empty sentences and pad on the right"):
        model(source, mask.flip(1), target)
    with pytest.raises(ValueError, match="words after padding"):
        model(source, torch.tensor([[True, False, True, False, False]] * 4), target)
    with pytest.raises(ValueError, match="max_tokens is 0"):
        greedy_translate(model, source, mask, start_id=START, end_id=END, max_tokens=0)
    with pytest.raises(ValueError, match="drop empty sentences"):
        greedy_translate(model, source, mask & False, start_id=START, end_id=END, max_tokens=3)
