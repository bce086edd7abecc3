"""The memory that a process took is told in GB."""

from rlhf_lite import engine


def test_peak_memory_grows_with_what_is_held():
    before = engine.peak_memory_gb()
    held = bytearray(int(before * 1e9) + 200_000_000)  # more than was ever held at once
    assert engine.peak_memory_gb() > before + 0.1 and len(held)


def test_a_system_that_does_not_tell_is_no_error(monkeypatch):
    monkeypatch.setattr(engine, "resource", None)
    assert engine.peak_memory_gb() is None
