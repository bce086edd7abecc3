"""Several processes do what one does: the same losses in every stage, and a stopped run goes on with another number of them.

Processes are started by torchrun on this machine and talk over gloo; models are split over them by FSDP2.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rlhf_lite.checkpoint import load_model, read_log

ROOT = Path(__file__).parents[1]
STAGES = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
MEASURED = (
    "loss", "accuracy", "grad_norm", "score", "kl", "policy_loss", "value_loss", "ptx_loss", "entropy", "ptx_gradient_ratio",
)  # fmt: skip


def start(runs: Path, processes: int, *more: str) -> subprocess.Popen:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    command = [sys.executable, *launcher, "-m", "rlhf_lite", "pipeline", "--preset", "nano",
               "--runs", str(runs), "--engine.device", "cpu", *more]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors.decode()[-3000:]


def kill(process: subprocess.Popen) -> None:
    """Kill torchrun and its workers at once; workers live in process groups of their own and would go on."""
    workers = psutil.Process(process.pid).children(recursive=True)
    for each in (process, *workers):
        each.kill()
    process.wait()
    psutil.wait_procs(workers)


def logs(runs: Path) -> dict[str, list[dict]]:
    return {stage: read_log(runs / "nano-0" / stage / "log.jsonl") for stage in STAGES}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The log and the folder of a whole run in one process."""
    runs = tmp_path_factory.mktemp("one")
    finish(start(runs, 1))
    return runs


def compare(runs: Path, one: Path) -> None:
    for stage, rows in logs(one).items():
        found = logs(runs)[stage]
        assert [row["step"] for row in found] == [row["step"] for row in rows], stage
        for row, wanted in zip(found, rows, strict=True):
            for name in MEASURED:
                if name in wanted:
                    assert row[name] == pytest.approx(wanted[name], rel=1e-5, abs=1e-5), (stage, row["step"], name)


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--engine.micro-batch-size", "2", "--engine.recompute")], ids=["plain", "micro-batches"])
def test_two_processes_have_the_losses_of_one(tmp_path, one, more):
    finish(start(tmp_path, 2, *more))
    compare(tmp_path, one)


@pytest.mark.slow
@pytest.mark.parametrize("then", [1, 2])
def test_a_run_killed_in_two_processes_goes_on_in_one_or_two(tmp_path, one, then):
    process = start(tmp_path, 2, "--save-every-seconds", "0.2")
    stage = tmp_path / "nano-0" / "sft"
    for _ in range(3000):  # until a state of the second stage is whole
        if any(stage.glob("shards-*/about.json")):
            break
        assert process.poll() is None, process.stderr.read().decode()[-3000:]
        time.sleep(0.1)
    kill(process)
    assert not (stage / "model.safetensors").exists() and any(stage.glob("shards-*/about.json"))
    finish(start(tmp_path, then))
    assert not any((tmp_path / "nano-0").rglob("shards-*")), "states are forgotten when a stage is done"
    compare(tmp_path, one)
    load_model(tmp_path / "nano-0" / "ppo_ptx" / "model.safetensors")
