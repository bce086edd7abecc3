"""Weights that are packed for sampling give the same products and tokens, and leave a model as it was."""

import pytest
import torch
import torch.nn.functional as F

from rlhf_lite.data import seeded_generator
from rlhf_lite.engine import Engine, EngineConfig
from rlhf_lite.generate import generate
from rlhf_lite.kernels import packed_weights as packed_module
from rlhf_lite.kernels.packed_weights import packed_linear, packed_weights, pays

PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5], [7, 8, 9], [1], [10]] * 3
IDS = {"end_id": 1, "pad_id": 0}

pytestmark = pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="weights are packed on x86 processors only")


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(packed_module, "LARGE", 0)


def sampled(model, **how):
    found = generate(model, PROMPTS, max_new_tokens=14, generator=seeded_generator(3), **IDS, **how)
    return found.responses()


@pytest.mark.parametrize("shape", [(1, 24), (7, 24), (64, 24), (500, 24), (3, 1, 24), (3, 5, 24), (2, 3, 5, 24)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_product_is_that_of_the_weights_as_they_lie(shape, bias):
    x, weight, added = torch.randn(shape), torch.randn(40, 24), torch.randn(40) if bias else None
    torch.testing.assert_close(packed_linear(weight, added)(x), F.linear(x, weight, added), rtol=1e-5, atol=1e-5)


def test_the_input_may_lie_in_memory_anyhow():
    x, weight = torch.randn(6, 3, 24), torch.randn(40, 24)
    for view in (x[:, -1], x.transpose(0, 1), x[::2]):
        torch.testing.assert_close(packed_linear(weight)(view), F.linear(view, weight), rtol=1e-5, atol=1e-5)


def test_under_autocast_the_product_is_in_bfloat16():
    x, weight, bias = torch.randn(5, 24), torch.randn(40, 24), torch.randn(40)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = packed_linear(weight, bias)(x), F.linear(x, weight, bias)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.05)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("how", [{"temperature": 0.0}, {"temperature": 1.5}], ids=["greedy", "drawn"])
def test_the_same_tokens_are_sampled(make_gpt, monkeypatch, how, seed):
    model = make_gpt(seed, std=0.4)
    expected = sampled(model, **how)
    calls, real = [], packed_linear
    monkeypatch.setattr(packed_module, "LARGE", 0)
    monkeypatch.setattr(packed_module, "packed_linear", lambda *weights: calls.append(weights) or real(*weights))
    found = sampled(model, **how)
    assert found == expected
    assert len(calls) == 5 * len(model.blocks) + 1, "query, keys and values, output, up, down; and the output layer"


def test_changed_weights_are_sampled_from_anew(make_gpt, always):
    model, other = make_gpt(0, std=0.4), make_gpt(1, std=0.4)
    expected, before = sampled(other), sampled(model)
    model.load_state_dict(other.state_dict())
    assert sampled(model) == expected != before


def test_a_model_is_left_as_it_was_whatever_happens(make_gpt, always, monkeypatch):
    model = make_gpt()

    def attributes():
        return {name: set(vars(module)) for name, module in model.named_modules()}

    before = attributes()
    with pytest.raises(KeyboardInterrupt), packed_weights(model, 8):
        assert "head" in vars(model)
        raise KeyboardInterrupt
    assert attributes() == before
    left = [packed_linear] * 3
    with monkeypatch.context() as patch, pytest.raises(IndexError):  # as if memory ran out
        patch.setattr(packed_module, "packed_linear", lambda *weights: left.pop()(*weights))
        sampled(model)
    assert attributes() == before
    sampled(model)
    assert attributes() == before
    model(torch.tensor([PROMPTS[0]])).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_model_under_autocast_is_near_what_it_is_without(make_gpt, always):
    model, tokens = make_gpt(std=0.2), torch.randint(11, (8, 20))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected = model(tokens)
        with packed_weights(model, 8):
            found = model(tokens)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)


def test_compiled_blocks_sample_the_same_and_are_compiled_once(make_gpt, always):
    engine, model = Engine(EngineConfig(device="cpu", compile=True)), make_gpt(std=0.4)
    expected = sampled(model)
    engine.prepare(model)
    tokens = torch.tensor(PROMPTS[:1])
    before = model(tokens)
    with engine.unsharded(model):
        assert sampled(model) == expected
    with torch.compiler.set_stance("fail_on_recompile"):
        torch.testing.assert_close(model(tokens), before)


def test_only_what_gains_is_packed(make_gpt, monkeypatch):
    assert not pays(make_gpt(), rows=2)
    monkeypatch.setattr(packed_module, "LARGE", make_gpt().config.n_parameters // 2)
    assert pays(make_gpt(), rows=2) and not pays(make_gpt(), rows=1)
    assert not pays(make_gpt().to("meta"), rows=2) and not pays(make_gpt().double(), rows=2)
