"""Two processes train as one does, and a failure is told.

Proves: the losses of two processes are those of one; each holds half of the parameters; the text is the shipped one; what a
process says when it fails is in the error.
"""

import sys

import pytest

from rlhf_lite.course.lesson_16 import two_processes
from rlhf_lite.course.lesson_16.two_processes import STEPS, text_as_bytes, train, train_in
from rlhf_lite.gpt import NANO


def test_two_processes_have_the_losses_of_one():
    alone, together = train(), train_in(2)
    assert together.losses == pytest.approx(alone.losses, abs=1e-4) and len(alone.losses) == STEPS
    assert alone.held == [NANO.n_parameters] and together.held == [NANO.n_parameters // 2] * 2
    assert alone.losses[-1] < alone.losses[0] - 1


def test_the_text_fits_the_vocabulary():
    text = text_as_bytes()
    assert text.max() < NANO.vocab_size and len(text) > 10_000
    assert "landmark" in bytes(text.tolist()).decode() or " the " in bytes(text.tolist()).decode()


def test_a_failure_is_told(monkeypatch):
    monkeypatch.setattr(two_processes, "__name__", "rlhf_lite.no_such_module")
    with pytest.raises(RuntimeError, match="1 processes failed: .*no_such_module"):
        train_in(1)
    assert sys.executable
