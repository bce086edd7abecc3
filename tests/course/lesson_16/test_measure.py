"""What is measured on the reader's machine is what the lesson says it is.

Proves: seconds are the least of the repeats, without the warming up; PyTorch has its threads back afterwards, whatever
happens; a step trains, and its FLOPs are those that PyTorch counts; planned memory is within 5 % of measured memory, with
checkpointing within 15 %; nothing is written to standard error; speeds are counted in the right units.
"""

import os
import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rlhf_lite.course.lesson_16 import measure
from rlhf_lite.course.lesson_16.measure import (
    LADDER,
    LENGTH,
    WINDOWS,
    batch_of,
    matrix_speed,
    memory_bandwidth,
    one_thread,
    processor_seconds,
    quiet_errors,
    step_flops,
    step_memory,
    training_step,
)
from rlhf_lite.gpt import GPT
from rlhf_lite.pretrain import pretrain_loss


def test_seconds_are_the_least_of_the_repeats(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 24.0])
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    calls = []
    assert processor_seconds(lambda: calls.append(torch.get_num_threads()), 3) == 2.0
    assert calls == [1] * 4


def test_threads_come_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), one_thread():
        assert torch.get_num_threads() == 1
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.mark.parametrize("rows, width, times", [(1, 64, 2**16), (1024, 1024, 1), (3, 4096, 5)])
def test_speed_is_all_flops_over_the_seconds(monkeypatch, rows, width, times):
    def seconds(work, repeats):
        assert repeats == 5
        with FlopCounterMode(display=False) as counter:
            if times < 10:
                work()
                assert counter.get_total_flops() == 2 * rows * width**2 * times
        return 4.0

    monkeypatch.setattr(measure, "processor_seconds", seconds)
    assert matrix_speed(rows, width) == 2 * rows * width**2 * times / 4.0


def test_bandwidth_is_bytes_over_the_seconds(monkeypatch):
    monkeypatch.setattr(measure, "processor_seconds", lambda work, repeats: float(work()) / 2**19)
    assert memory_bandwidth(2) == 2 * 2**20  # 2 MB in one second


def test_a_step_trains(monkeypatch):
    made = []
    monkeypatch.setattr(measure, "GPT", lambda shape: made.append(GPT(shape)) or made[-1])
    step, tokens = training_step(LADDER["nano"]), batch_of(LADDER["nano"])
    assert tokens.shape == (WINDOWS, LENGTH)
    losses = []
    for _ in range(5):
        loss = pretrain_loss(made[0], tokens, n_valid=WINDOWS * (LENGTH - 1))[0]
        weight = made[0].token_embedding.weight
        (gradient,) = torch.autograd.grad(loss, weight)
        losses.append(loss.item())
        step()
        torch.testing.assert_close(weight.grad, gradient)  # of this step alone
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] - 0.01


def test_flops_are_those_that_pytorch_counts():
    shape = LADDER["tiny"]
    with FlopCounterMode(display=False) as counter:
        pretrain_loss(GPT(shape), batch_of(shape), n_valid=1)[0].backward()
    found = counter.get_flop_counts()["Global"]
    counted = sum(found.get(kind, 0) for kind in (torch.ops.aten.mm, torch.ops.aten.addmm))
    plain, whole = step_flops(shape)
    assert plain == 6 * shape.n_parameters * WINDOWS * LENGTH
    assert counted == pytest.approx(plain, rel=0.04)
    assert whole - plain == 6 * (LENGTH + 1) * shape.d_model * shape.n_layers * WINDOWS * LENGTH


@pytest.mark.parametrize("name", ["nano", "tiny"])
def test_memory_is_as_planned(name, capfd):
    found, again = step_memory(LADDER[name]), step_memory(LADDER[name], activation_checkpointing=True)
    assert found.total == pytest.approx(found.measured, rel=0.05)
    assert again.total == pytest.approx(again.measured, rel=0.15)
    assert again.measured < found.measured
    assert found.planned["weights"] == 4 * LADDER[name].n_parameters
    assert found.planned["optimizer"] == 2 * found.planned["weights"]
    assert capfd.readouterr().err == ""


def test_errors_are_heard_again_afterwards(capfd):
    with pytest.raises(ZeroDivisionError), quiet_errors():
        os.write(2, b"lost")
        1 / 0  # noqa: B018
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
