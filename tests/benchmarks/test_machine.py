"""What is measured of the machine: bytes as the system counts them, the fastest of several turns, the matrix peak."""

import sys
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.benchmarks import machine
from rlhf_lite.benchmarks.machine import fastest, matrix_peak, peak_memory_bytes


@pytest.mark.parametrize(("system", "told", "expected"), [("linux", 324_400, 332_185_600), ("darwin", 324_400, 324_400)])
def test_peak_memory_is_in_bytes(monkeypatch, system, told, expected):
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=told))
    monkeypatch.setattr(machine, "resource", usage)
    monkeypatch.setattr(sys, "platform", system)
    assert peak_memory_bytes() == expected  # Linux counts units of 1,024 bytes, macOS bytes


def test_a_system_that_does_not_say_is_no_error(monkeypatch):
    monkeypatch.setattr(machine, "resource", None)
    assert peak_memory_bytes() is None


def test_the_fastest_turn_counts_and_the_first_warms_up(monkeypatch):
    clock = iter([0, 0, 0, 7, 0, 3, 0, 5, 0, 4])
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(clock))
    assert fastest({"a": lambda: None, "b": lambda: None}, repeats=2) == {"a": 5, "b": 3}


def test_work_that_returns_its_amount_counts_per_unit(monkeypatch):
    clock = iter([0, 0, 6, 0, 8])
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(clock))
    amounts = iter([1, 2, 4])
    assert fastest({"a": lambda: next(amounts)}, repeats=2) == {"a": 2}


def test_a_product_of_n_rows_takes_2_n_cubed_flops(monkeypatch):
    monkeypatch.setattr(machine, "fastest", lambda works, repeats: {"product": 0.5})
    assert matrix_peak(torch.device("cpu"), torch.float32, size=10) == 4000
