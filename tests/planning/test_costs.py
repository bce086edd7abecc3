"""FLOPs and bytes from a shape are those of the model that is built.

Proves: PF-days of GPT-3's eight sizes are the published ones; attention's FLOPs equal those that PyTorch counts; a
block keeps the bytes that autograd really saves; states, caches and shares are the arithmetic of the papers.
"""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rlhf_lite import attention
from rlhf_lite.attention import scaled_dot_product_attention
from rlhf_lite.engine import EngineConfig
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.kernels.active_rows import GROWTH, ActiveRows, sampling
from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import (
    GB,
    PF_DAY,
    attention_flops,
    block_activations,
    block_parameters,
    forward_flops,
    kv_cache_bytes,
    reading_activations,
    state_memory,
    training_activations,
    training_flops,
)
from rlhf_lite.planning.recipes import GPT3

FP32, CHECKPOINTED = (Cluster(engine=EngineConfig(activation_checkpointing=on)) for on in (False, True))
"""In float32; a cluster as it comes computes in bfloat16, with activation checkpointing."""
LARGE, SIX = GPT3["gpt3-175b"][0], GPT3["gpt3-6.7b"][0]
SHAPES = [
    GPTConfig(vocab_size=11, context_length=64, d_model=64, n_layers=3, n_heads=4),
    GPTConfig(vocab_size=13, context_length=64, d_model=48, n_layers=2, n_heads=4, d_ff=100),
]


def test_pf_days_of_gpt3s_sizes():
    published = [2.6, 7.4, 15.8, 27.4, 55.2, 139, 268, 3637]
    ours = [training_flops(model, 300e9) / PF_DAY for model, *_ in GPT3.values()]
    assert ours == pytest.approx(published, rel=0.01)
    assert training_flops(LARGE, 300e9) == pytest.approx(3.14e23, rel=0.01)  # Brown 2020, appendix D


@pytest.mark.parametrize("config", SHAPES)
def test_flops_of_matrices_are_those_that_pytorch_counts(config):
    tokens = torch.randint(11, (2, 64))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        GPT(config)(tokens)
    counts = counter.get_flop_counts()["Global"]
    products = counts[torch.ops.aten.addmm] + counts[torch.ops.aten.mm]  # attention is counted apart
    vectors = config.n_layers * (9 * config.d_model + config.d_ff) + 2 * config.d_model  # biases, LayerNorms: added
    matrices = config.n_parameters - vectors - config.context_length * config.d_model  # and so are positions
    assert products == 2 * matrices * 128
    assert forward_flops(config, 128) == pytest.approx(products, rel=0.15)  # what is added counts for little


def test_attention_flops_are_half_of_looking_everywhere():
    config, length = SHAPES[0], 64
    query = torch.randn(1, config.n_heads, length, config.d_model // config.n_heads)
    with FlopCounterMode(display=False) as counter:
        scaled_dot_product_attention(query, query, query)
    everywhere = counter.get_total_flops() * config.n_layers
    assert attention_flops(config, length, length) / everywhere == pytest.approx((length + 1) / (2 * length))


def saved_bytes(function, parameters):
    """Add up the different storages that autograd keeps for the backward pass, parameters left out."""
    own = {p.untyped_storage().data_ptr() for p in parameters}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        result = function()  # held, so that no memory is used twice
    sizes = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in kept}
    assert result.requires_grad
    return sum(size for pointer, size in sizes.items() if pointer not in own)


@pytest.mark.parametrize("config", SHAPES)
def test_a_block_keeps_what_autograd_saves(config):
    model, x = GPT(config), torch.randn(8, 64, config.d_model, requires_grad=True)
    measured = saved_bytes(lambda: model.blocks[0](x, is_causal=True), model.parameters())
    assert block_activations(config, 8 * 64, CHECKPOINTED) == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize("config", SHAPES)
def test_a_block_in_bfloat16_keeps_the_stream_in_float32(config, monkeypatch):
    def on_a_gpu(query, key, value, *, mask, is_causal, dropout):  # in bfloat16, in the backward pass too
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=is_causal)

    monkeypatch.setattr(attention, "fused_attention", on_a_gpu)
    block, x = GPT(config).blocks[0], torch.randn(8, 64, config.d_model, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        block(x, is_causal=True).sum().backward()  # the copies of weights are there
        measured = saved_bytes(lambda: block(x, is_causal=True), block.parameters())
    copies = 2 * sum(p.numel() for p in block.parameters() if p.dim() == 2)
    assert block_activations(config, 8 * 64, Cluster()) == pytest.approx(measured - copies, rel=0.03)
    assert block_activations(config, 8 * 64, Cluster(gpus=2)) < block_activations(config, 8 * 64, Cluster())


@pytest.mark.parametrize("config", SHAPES)
def test_a_model_keeps_what_autograd_saves_and_logits(config):
    model, tokens = GPT(config), torch.randint(11, (8, 64))
    measured = saved_bytes(lambda: model.hidden(tokens), model.parameters())
    assert training_activations(config, FP32, 512, predicted=0) == pytest.approx(measured, rel=0.05)
    logits = training_activations(config, FP32, 512, predicted=512) - training_activations(config, FP32, 512, predicted=0)
    assert logits == 512 * config.vocab_size * 12
    checkpointed = training_activations(config, CHECKPOINTED, 512, predicted=0)
    block = block_activations(config, 512, CHECKPOINTED)
    assert checkpointed == pytest.approx(block + (config.n_layers + 2) * 4 * 512 * config.d_model)


def test_training_state_of_175b():
    alone = state_memory(LARGE, Cluster(), trained=True)
    assert (alone.weights + alone.gradients + alone.optimizer) / LARGE.n_parameters == 16
    assert alone.gathered / LARGE.n_parameters == 2  # with the copy to compute with: 18 bytes a parameter
    assert 2800 * GB < alone.weights + alone.gradients + alone.optimizer + alone.gathered < 3200 * GB
    averaged = state_memory(LARGE, Cluster(), trained=True, averaged=True)
    assert averaged.optimizer - alone.optimizer == 4 * LARGE.n_parameters
    assert state_memory(LARGE, CHECKPOINTED, trained=True).gathered == 0


def test_frozen_models_and_the_value_model():
    read = state_memory(SIX, Cluster(), trained=False)  # float32 weights, and the copy to compute with
    assert (read.weights / SIX.n_parameters, read.gathered / SIX.n_parameters, read.gradients, read.optimizer) == (4, 2, 0, 0)
    assert read.gathered == pytest.approx(13 * GB, rel=0.03)  # 6B in 2 bytes
    value = state_memory(SIX, Cluster(), trained=True)
    assert value.weights + value.gradients + value.optimizer == pytest.approx(110 * GB, rel=0.05)


def test_shares_of_many_gpus():
    alone, shared = (state_memory(LARGE, Cluster(gpus=n), trained=True) for n in (1, 1000))
    assert shared.weights == alone.weights / 1000 and shared.optimizer == alone.optimizer / 1000
    embeddings = (50257 + 2048) * 12288
    block = block_parameters(LARGE)  # two to compute with; gradients of one in 2 bytes, and in 4 to be summed
    assert shared.gathered == 2 * (2 * block + embeddings) + 2 * (block + embeddings) + 4 * block  # more GPUs do not help
    assert state_memory(LARGE, Cluster(gpus=1000), trained=False).gathered == 2 * (2 * block_parameters(LARGE) + embeddings)


def test_block_parameters():
    config = SHAPES[1]
    assert block_parameters(config) == sum(p.numel() for p in GPT(config).blocks[0].parameters())


def test_cache_of_175b_takes_4_7_mb_a_token():
    assert kv_cache_bytes(LARGE, 1, 2) == 2 * 96 * 12288 * 2 == pytest.approx(4.7e6, rel=0.01)
    config, model = SHAPES[0], GPT(SHAPES[0])
    with sampling(model, 3):
        rows = ActiveRows(model, torch.randint(11, (3, GROWTH)).tolist(), 0, 1)
        rows.next_logits()
    assert kv_cache_bytes(config, 3 * GROWTH, 4) == sum(buffer.nbytes for cache in rows.caches for buffer in cache.buffers)


def test_reading_takes_less_than_learning():
    for predicted in (2048, 0):
        reading = reading_activations(SIX, Cluster(), 2048, predicted=predicted)
        assert 0 < reading < training_activations(SIX, Cluster(), 2048, predicted=predicted)
    logits = reading_activations(SIX, Cluster(), 2048, predicted=2048)
    assert logits == 2 * 2048 * 4096 + 2048 * 50257 * (2 + 4 + 4)  # more than the widest layer
