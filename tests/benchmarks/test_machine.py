"""What a run has taken of the machine is told as the system tells it."""

from rlhf_lite.benchmarks import machine
from rlhf_lite.benchmarks.machine import peak_memory_gb


def test_peak_memory_grows_with_what_is_held():
    before = peak_memory_gb()
    held = bytearray(int(before * 1e9) + 200_000_000)  # more than was ever held at once
    assert peak_memory_gb() > before + 0.1 and len(held)


def test_a_system_that_does_not_tell_is_no_error(monkeypatch):
    monkeypatch.setattr(machine, "resource", None)
    assert peak_memory_gb() is None
