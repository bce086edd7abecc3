"""Stopped by kill -9 at random moments and started again, a run loses no stage and ends with the very same weights."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
KILLS = 20


def start(runs: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "rlhf_lite",
        "pipeline",
        "--preset",
        "nano",
        "--runs",
        str(runs),
        "--save-every-seconds",
        "0.5",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # one thread count for all runs: sums are then taken in one order
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors.decode()[-2000:]


def wait_for_work(process: subprocess.Popen, runs: Path) -> None:
    """Wait until the process has left its imports behind and something in the run's folder is new."""
    begun = time.time()
    while process.poll() is None:
        if any(path.stat().st_mtime > begun for path in (runs / "nano-0").rglob("*") if path.is_file()):
            return
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_at_twenty_random_moments_gives_the_same_weights(tmp_path):
    begun = time.monotonic()
    finish(start(tmp_path / "undisturbed"))
    whole = time.monotonic() - begun
    rng, killed = random.Random(), 0
    for _ in range(10 * KILLS):
        process = start(tmp_path / "killed")
        wait_for_work(process, tmp_path / "killed")
        time.sleep(rng.uniform(0, 2.5 * whole / KILLS))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        if killed == KILLS:
            break
        if (tmp_path / "killed/nano-0/report.md").exists():  # done too soon: the last stages are killed again
            for stage in STAGES[rng.randrange(len(STAGES)) :]:
                (tmp_path / f"killed/nano-0/{stage}/model.safetensors").unlink()
            (tmp_path / "killed/nano-0/report.md").unlink()
    finish(start(tmp_path / "killed"))
    for stage in STAGES:
        first, second = (tmp_path / which / "nano-0" / stage / "model.safetensors" for which in ("undisturbed", "killed"))
        assert first.read_bytes() == second.read_bytes(), f"{stage} differs after {killed} kills"
    assert killed == KILLS
