"""The blocks compute what PyTorch's do, and the encoder-decoder made of them knows word order and says where it looks.

Proves: positions equal the paper's formula; both blocks equal PyTorch's layers with copied weights; the encoder-decoder
tells word orders apart by its positions alone; its cross-attention is what its blocks really used. What it shares with
the recurrent translators (padding, no looking ahead, greedy translation, over-fitting) is tested in test_seq2seq.
"""

import math

import pytest
import torch
from torch import nn

from rlhf_lite import transformer
from rlhf_lite.attention import causal_mask
from rlhf_lite.data import lengths_to_mask
from rlhf_lite.transformer import (
    Block,
    DecoderBlock,
    EncoderDecoderTransformer,
    TransformerConfig,
    sinusoidal_positions,
)

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SOURCE = torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0]])
SOURCE_MASK = lengths_to_mask(torch.tensor([4, 2]), 4)
TARGET = torch.tensor([[1, 3, 4], [1, 5, 6]])


def make(**changes):
    sizes = {"source_vocab_size": 12, "target_vocab_size": 10, "d_model": 16, "n_layers": 3, "n_heads": 4} | changes
    return EncoderDecoderTransformer(TransformerConfig(**sizes)).eval()


def copy_pairs(pairs):
    with torch.no_grad():
        for theirs, ours in pairs:
            theirs.copy_(ours)


def attention_pairs(theirs, ours):
    return [
        (theirs.in_proj_weight, torch.cat([ours.query.weight, ours.key_value.weight])),
        (theirs.in_proj_bias, torch.cat([ours.query.bias, ours.key_value.bias])),
        (theirs.out_proj.weight, ours.output.weight),
        (theirs.out_proj.bias, ours.output.bias),
    ]


def layer_pairs(theirs, ours):
    return [(theirs.weight, ours.weight), (theirs.bias, ours.bias)]


def drawn_wide(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return module.eval()


def gelu(x):
    return nn.functional.gelu(x, approximate="tanh")


@pytest.mark.parametrize("kind", ["both ways", "causal", "padding"])
def test_block_equals_torch(kind):
    ours, x = drawn_wide(Block(12, 3, 20)), torch.randn(2, 4, 12)
    theirs = nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0, activation=gelu, batch_first=True, norm_first=True)
    pairs = attention_pairs(theirs.self_attn, ours.attention) + layer_pairs(theirs.norm1, ours.attention_norm)
    pairs += layer_pairs(theirs.norm2, ours.feed_forward_norm) + layer_pairs(theirs.linear1, ours.feed_forward.widen)
    copy_pairs(pairs + layer_pairs(theirs.linear2, ours.feed_forward.narrow))
    masks = {"causal": {"src_mask": ~causal_mask(4)}, "padding": {"src_key_padding_mask": ~SOURCE_MASK}}
    options = {"causal": {"is_causal": True}, "padding": {"mask": SOURCE_MASK[:, None, None]}}
    torch.testing.assert_close(ours(x, **options.get(kind, {})), theirs(x, **masks.get(kind, {})), **CLOSE)


def test_decoder_block_equals_torch():
    ours, x, memory = drawn_wide(DecoderBlock(12, 3, 20)), torch.randn(2, 5, 12), torch.randn(2, 4, 12)
    theirs = nn.TransformerDecoderLayer(12, 3, 20, dropout=0.0, activation=gelu, batch_first=True, norm_first=True)
    pairs = attention_pairs(theirs.self_attn, ours.attention) + layer_pairs(theirs.norm1, ours.attention_norm)
    pairs += attention_pairs(theirs.multihead_attn, ours.cross_attention) + layer_pairs(theirs.norm2, ours.cross_attention_norm)
    pairs += layer_pairs(theirs.norm3, ours.feed_forward_norm) + layer_pairs(theirs.linear1, ours.feed_forward.widen)
    copy_pairs(pairs + layer_pairs(theirs.linear2, ours.feed_forward.narrow))
    expected = theirs(x, memory, tgt_mask=~causal_mask(5), memory_key_padding_mask=~SOURCE_MASK)
    torch.testing.assert_close(ours(x, memory, SOURCE_MASK[:, None, None]), expected, **CLOSE)


@pytest.mark.parametrize("base", [10000, 30])
def test_positions_equal_the_formula(base):
    positions = sinusoidal_positions(50, 6, base=base) if base != 10000 else sinusoidal_positions(50, 6)
    for p in (0, 1, 17, 49):
        for i in range(3):
            angle = p / base ** (2 * i / 6)
            assert positions[p, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert positions[p, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


def test_a_step_to_the_right_is_the_same_rotation_everywhere():
    positions = sinusoidal_positions(30, 8)
    near = positions[:-3] @ positions[3:].T  # how alike are p and p + 3
    torch.testing.assert_close(near.diagonal(), near.diagonal()[:1].expand(27), atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="d is 7, expected an even number"):
        sinusoidal_positions(4, 7)


def test_word_order_comes_from_the_positions_alone(monkeypatch):
    model, order = make(), torch.tensor([2, 0, 3, 1])
    source, mask, target = SOURCE[:1], SOURCE_MASK[:1], TARGET[:1]
    assert not torch.isclose(model(source[:, order], mask, target), model(source, mask, target), atol=1e-4).all()
    monkeypatch.setattr(transformer, "sinusoidal_positions", lambda n, d, device: torch.zeros(n, d))
    torch.testing.assert_close(model(source[:, order], mask, target), model(source, mask, target), **CLOSE)


def test_embeddings_are_as_large_as_the_positions():
    model, positions = make(d_model=64, source_vocab_size=500), sinusoidal_positions(500, 64)
    embedded = model._embed(model.source_embedding, torch.arange(500)[None])[0] - positions
    assert embedded.square().mean().item() == pytest.approx(1.0, abs=0.1)
    assert positions.square().mean().item() == pytest.approx(0.5)


def test_cross_attention_is_what_the_blocks_used():
    model = make()
    expected = []
    for block in model.decoder:
        block.cross_attention.register_forward_pre_hook(
            lambda module, args, kwargs: expected.append(module.weights(*args, kwargs["mask"])), with_kwargs=True
        )
    model(SOURCE, SOURCE_MASK, TARGET)
    looks = model.cross_attention(SOURCE, SOURCE_MASK, TARGET)
    assert looks.shape == (2, 3, 4, 3, 4)
    torch.testing.assert_close(looks, torch.stack(expected[:3], 1), **CLOSE)
    torch.testing.assert_close(looks.sum(-1), torch.ones(2, 3, 4, 3))
    assert (looks[1, ..., 2:] == 0).all()  # padding
    torch.testing.assert_close(model.alignment(SOURCE, SOURCE_MASK, TARGET), looks.mean((1, 2)), **CLOSE)


def test_layers_that_write_to_the_stream_start_smaller():
    model = make(d_model=64, n_layers=8)
    block = model.decoder[0]
    for small in (block.attention.output, block.cross_attention.output, block.feed_forward.narrow):
        assert small.weight.std().item() == pytest.approx(block.attention.query.weight.std().item() / 4, rel=0.1)
        assert not small.bias.any()


def test_dropout_acts_in_training_only():
    model = make(dropout=0.5)
    assert torch.equal(model(SOURCE, SOURCE_MASK, TARGET), model(SOURCE, SOURCE_MASK, TARGET))
    model.train()
    assert not torch.equal(model(SOURCE, SOURCE_MASK, TARGET), model(SOURCE, SOURCE_MASK, TARGET))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 18, "n_heads": 4}, "d_model 18 with 4 heads: expected an even number that the heads divide"),
        ({"d_model": 15, "n_heads": 3}, "d_model 15 with 3 heads"),
        ({"n_layers": 0}, "n_layers is 0, expected at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0, expected 0 <= dropout < 1"),
    ],
)
def test_messages(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
