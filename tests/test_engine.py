"""What the engine hands to a loop adds up: micro-batches have the loss and the gradient of their batch, shares are equal.

What several processes do is proven in test_processes.
"""

import warnings

import pytest
import torch

from rlhf_lite import engine as engine_module
from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.engine import Engine, EngineConfig, bfloat16_gain, settle
from rlhf_lite.records import Example, ExampleBatch, collate_examples
from rlhf_lite.sft import SFTConfig, sft_loss, train_sft

EXAMPLES = [Example([3, 4, 5, 6, 1], 2), Example([7, 8, 1], 2), Example([2, 3, 4, 5, 6, 7, 1], 1), Example([9, 1], 1)]


def gradient(model, engine):
    """Metrics and one gradient of a step over all examples."""
    model.zero_grad()
    n_valid = sum(len(each.ids) - each.prompt_length for each in EXAMPLES)
    batches = (engine.place(collate_examples(part, 0)) for part in engine.parts(EXAMPLES))
    metrics = engine.backward("sft_loss", (sft_loss(model, batch, n_valid=n_valid) for batch in batches), step=0)
    return metrics, model.token_embedding.weight.grad.clone()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_micro_batches_add_up_to_their_batch(make_gpt, size):
    model = make_gpt(0, vocab_size=11, context_length=16)
    whole, expected = gradient(model, Engine())
    parts, found = gradient(model, Engine(EngineConfig(device="cpu", micro_batch_size=size)))
    assert parts["loss"] == pytest.approx(whole["loss"], rel=1e-5)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_recomputing_changes_nothing(make_gpt):
    model = make_gpt(0, vocab_size=11, context_length=16).train()
    _, expected = gradient(model, Engine())
    _, found = gradient(Engine(EngineConfig(device="cpu", activation_checkpointing=True)).prepare(model), Engine())
    assert model.activation_checkpointing
    torch.testing.assert_close(found, expected)


@pytest.mark.filterwarnings("ignore:this processor multiplies bfloat16")
def test_bfloat16_is_near_and_keeps_weights_in_float32(make_gpt):
    model = make_gpt(0, vocab_size=11, context_length=16)
    whole, _ = gradient(model, Engine())
    half, grad = gradient(model, Engine(EngineConfig(device="cpu", bfloat16=True)))
    assert half["loss"] == pytest.approx(whole["loss"], rel=0.02) and half["loss"] != whole["loss"]
    assert grad.dtype == model.token_embedding.weight.dtype == torch.float32


def test_a_loss_that_is_not_a_number_is_named():
    with pytest.raises(FloatingPointError, match="sft_loss is nan at step 7"):
        Engine().backward("sft_loss", [(torch.tensor(float("nan"), requires_grad=True), {})], step=7)


def test_a_batch_that_does_not_divide_is_refused():
    engine = Engine()
    engine.n_processes = 3
    with pytest.raises(ValueError, match="a batch of 4 cannot be split over 3 processes"):
        engine.share([1, 2, 3, 4])


def test_alone_an_engine_leaves_things_as_they_are(make_gpt):
    engine, model = Engine(), make_gpt(0)
    rows = torch.arange(3)
    batch = ExampleBatch(torch.zeros(2, 2, dtype=torch.long), torch.ones(2, 2, dtype=torch.bool))
    assert engine.is_main and engine.share([1, 2]) == [1, 2] and engine.gather(rows) is rows and engine.agree(True)
    assert engine.place(batch) == batch or torch.equal(engine.place(batch).tokens, batch.tokens)
    with engine.whole(model):
        settle(model)
    assert engine.prepare(model) is model
    assert engine.anyone(True) and not engine.anyone(False)
    assert engine.spread([lambda: "a", lambda: "b"]) == ["a", "b"]


def test_alone_sampling_sharded_is_sampling(make_gpt):
    engine, model = Engine(EngineConfig(device="cpu", sample_sharded=True)), make_gpt(0)
    assert engine.place_to_sample(model) is model
    with engine.whole(model):
        assert model.anyone is bool, "nobody to ask"


@pytest.mark.parametrize(
    "settings, message", [({"micro_batch_size": -1}, "micro_batch_size is -1"), ({"device": "cuda"}, "no GPU")]
)
def test_settings_that_cannot_be_are_refused(settings, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=message):
        EngineConfig(**settings)


@pytest.mark.parametrize("gain", [0.01, 2.0])
def test_a_processor_that_is_slower_in_bfloat16_is_told_of(gain, monkeypatch):
    monkeypatch.setattr(engine_module, "bfloat16_gain", lambda device: gain)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        Engine(EngineConfig(device="cpu", bfloat16=True))
    assert [("0.01 times" in str(each.message)) for each in told] == ([True] if gain < 1 else [])


def test_the_gain_of_bfloat16_is_a_ratio_of_speeds():
    assert 0 < bfloat16_gain(torch.device("cpu"), size=64) < 100


def test_compiling_without_a_compiler_is_refused(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ValueError, match="needs a C.. compiler"):
        Engine(EngineConfig(device="cpu", compile=True))


@pytest.mark.slow
def test_compiling_rows_of_ever_other_lengths_stays_a_few_graphs_and_changes_nothing(make_gpt):
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    generator, losses = torch.Generator().manual_seed(0), []
    lengths = torch.randint(3, 24, (160,), generator=generator).tolist()
    examples = [Example(torch.randint(2, 11, (n,), generator=generator).tolist(), 1) for n in lengths]
    for compiled in (False, True):
        run = TrainingRun(None, show_progress=False, engine=Engine(EngineConfig(device="cpu", compile=compiled)))
        train_sft(make_gpt(0), examples, SFTConfig(epochs=1, batch_size=16), pad_id=0, seed=0, run=run)
        losses.append([row["loss"] for row in run.history])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert 0 < counters["stats"]["unique_graphs"] <= 6  # blocks and loss: for the first lengths, then for any
