"""What the engine hands to a loop adds up: micro-batches have the loss and the gradient of their batch, shares are equal.

What several processes do is proven in test_processes.
"""

import warnings

import pytest
import torch

from rlhf_lite import engine as engine_module
from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.engine import Engine, EngineConfig, bfloat16_gain
from rlhf_lite.generate import generate
from rlhf_lite.kernels.sharding import reshard
from rlhf_lite.optim import backward
from rlhf_lite.records import Example, ExampleBatch, collate_examples
from rlhf_lite.sft import SFTConfig, sft_loss, train_sft

EXAMPLES = [Example([3, 4, 5, 6, 1], 2), Example([7, 8, 1], 2), Example([2, 3, 4, 5, 6, 7, 1], 1), Example([9, 1], 1)]


def gradient(model, engine):
    """Metrics and one gradient of a step over all examples."""
    model.zero_grad()
    n_valid, found = sum(each.n_learned for each in EXAMPLES), []
    for part in engine.micro_batches(EXAMPLES, length=lambda each: len(each.ids)):
        with engine.autocast():
            loss, metrics = sft_loss(model, engine.to_device(collate_examples(part, 0)), n_valid=n_valid)
        backward({"sft_loss": loss}, step=0)
        found.append(metrics)
    return engine.all_reduce(found), model.token_embedding.weight.grad.clone()


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
    assert any(block.forward.func.__name__ == "_checkpointed" for block in model.blocks)
    torch.testing.assert_close(found, expected)


@pytest.mark.filterwarnings("ignore:this processor multiplies bfloat16")
def test_bfloat16_is_near_and_keeps_weights_in_float32(make_gpt):
    model = make_gpt(0, vocab_size=11, context_length=16)
    whole, _ = gradient(model, Engine())
    half, grad = gradient(model, Engine(EngineConfig(device="cpu", bfloat16=True)))
    assert half["loss"] == pytest.approx(whole["loss"], rel=0.02) and half["loss"] != whole["loss"]
    assert grad.dtype == model.token_embedding.weight.dtype == torch.float32


def test_micro_batches_hold_items_of_like_length_and_each_item_once():
    items = [9, 1, 8, 2, 7, 3, 6, 4] * 4
    assert Engine().micro_batches(items) == [items]
    buckets = Engine().micro_batches(items, length=lambda item: item)
    assert len(buckets) == 4 and [item for part in buckets for item in part] == sorted(items)
    small = Engine(EngineConfig(device="cpu", micro_batch_size=3)).micro_batches(items, length=lambda item: item)
    assert [len(part) for part in small] == [3] * 10 + [2] and [item for part in small for item in part] == sorted(items)
    assert Engine().micro_batches([3, 1, 2], length=lambda item: item) == [[1, 2, 3]]  # too few for two buckets


def test_metrics_are_summed_and_maxima_are_maxima():
    assert Engine().all_reduce([{"loss": 1.0, "max_log_ratio": 0.5}, {"loss": 2.0, "max_log_ratio": 0.25}]) == {
        "loss": 3.0, "max_log_ratio": 0.5}  # fmt: skip


def test_rows_are_mapped_in_parts_and_come_back_in_order():
    engine = Engine(EngineConfig(device="cpu", sampling_batch_size=2))

    def widen(numbers, names):
        assert len(numbers) <= 2
        return torch.full((len(numbers), max(numbers)), 5), torch.tensor(numbers).float(), torch.ones(len(names), 1).bool()

    ids, numbers, mask = engine.map_rows(widen, [1, 2, 3], "abc", pad_id=9)
    assert ids.tolist() == [[5, 5, 9], [5, 5, 9], [5, 5, 5]] and numbers.tolist() == [1, 2, 3] and mask.shape == (3, 1)


def test_a_batch_that_does_not_divide_is_refused():
    engine = Engine()
    engine.n_processes = 3
    with pytest.raises(ValueError, match="a batch of 4 cannot be split over 3 processes"):
        engine.scatter([1, 2, 3, 4])


def test_alone_an_engine_leaves_things_as_they_are(make_gpt):
    engine, model = Engine(), make_gpt(0)
    rows = torch.arange(3)
    batch = ExampleBatch(torch.zeros(2, 2, dtype=torch.long), torch.ones(2, 2, dtype=torch.bool))
    assert engine.is_main and engine.scatter([1, 2]) == [1, 2] and engine.gather(rows) is rows and engine.broadcast(True)
    assert engine.to_device(batch) == batch or torch.equal(engine.to_device(batch).tokens, batch.tokens)
    with engine.unsharded(model):
        reshard(model)
    assert engine.prepare(model) is model
    assert engine.any_process(True) and not engine.any_process(False)
    assert engine.run_jobs([lambda: "a", lambda: "b"]) == ["a", "b"]


def test_alone_sampling_sharded_is_sampling(make_gpt):
    engine, model = Engine(EngineConfig(device="cpu", sample_sharded=True)), make_gpt(0)
    assert engine.prepare_to_sample(model) is model
    with engine.unsharded(model):
        assert generate(model, [[3]], max_new_tokens=2, end_id=1, pad_id=0).lengths.item() > 1


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
