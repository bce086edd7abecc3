"""Several processes do what one does: the same losses in every stage, and a stopped run goes on with another number of them.

Proves besides: with weights that stay sharded the same tokens are sampled, though processes finish at different times, and
the same comparisons are collected.

Processes are started by torchrun on this machine and talk over gloo; models are split over them by FSDP2.
"""

import json
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
SAVING_MEMORY = ("--engine.micro-batch-size", "2", "--engine.activation-checkpointing", "--engine.sample-sharded")
MEASURED = (
    "loss", "accuracy", "grad_norm", "score", "kl", "policy_loss", "value_loss", "ptx_loss", "entropy", "ptx_gradient_ratio",
)  # fmt: skip


def launch(processes: int, *what: str) -> subprocess.Popen:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    command = [sys.executable, *launcher, *what]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def start(runs: Path, processes: int, *more: str, stage: str = "pipeline") -> subprocess.Popen:
    run = ("--preset", "nano", "--runs", str(runs), "--engine.device", "cpu")
    return launch(processes, "-m", "rlhf_lite", stage, *run, *more)


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
@pytest.mark.parametrize("more", [(), SAVING_MEMORY], ids=["plain", "saving-memory"])
def test_two_processes_have_the_losses_of_one(tmp_path, one, more):
    finish(start(tmp_path, 2, *more))
    compare(tmp_path, one)


@pytest.mark.slow
@pytest.mark.parametrize("then", [1, 2])
def test_a_run_killed_in_two_processes_goes_on_in_one_or_two(tmp_path, one, then):
    process = start(tmp_path, 2, "--save-every-seconds", "0.2")
    stage = tmp_path / "nano-0" / "sft"
    for _ in range(3000):  # until a state of the second stage is whole
        if (stage / "state.safetensors").exists():
            break
        assert process.poll() is None, process.stderr.read().decode()[-3000:]
        time.sleep(0.1)
    kill(process)
    assert not (stage / "model.safetensors").exists() and (stage / "state.safetensors").exists()
    finish(start(tmp_path, then))
    assert not any((tmp_path / "nano-0").rglob("state.*")), "states are forgotten when a stage is done"
    compare(tmp_path, one)
    load_model(tmp_path / "nano-0" / "ppo_ptx" / "model.safetensors")


@pytest.mark.slow
def test_weights_that_stay_sharded_sample_the_tokens_of_one_process(tmp_path):
    found = []
    for processes in (1, 2):
        path = tmp_path / f"{processes}.json"
        finish(launch(processes, str(ROOT / "tests/sharded_ppo.py"), str(path)))
        found.append(json.loads(path.read_text()))
    alone, shared = found
    assert alone["told"] == [True] and shared["told"] == [True, True], "damage is told in every process"
    assert shared["sampled whole"] == alone["sampled whole"] == alone["sampled"]
    assert shared["sampled"] == alone["sampled"] and shared["rollouts"] == alone["rollouts"]
    for row, wanted in zip(shared["log"], alone["log"], strict=True):
        assert row["monitored"] == wanted["monitored"]
        for name in set(wanted) & {*MEASURED, "ratio", "approx_kl"}:
            assert row[name] == pytest.approx(wanted[name], rel=1e-5, abs=1e-5), (row["step"], name)


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--engine.sample-sharded",)], ids=["spread", "sharded"])
def test_two_processes_collect_the_comparisons_of_one(tmp_path, one, more):
    for processes in (1, 2):
        how = ("--start-from", str(one / "nano-0"), "--name", str(processes), "--comparisons.prompts", "170", *more)
        finish(start(tmp_path, processes, *how, stage="reward"))
    alone, shared = ((tmp_path / name / "comparisons/comparisons.json").read_bytes() for name in "12")
    assert shared == alone and len(json.loads(alone)) > 128, "more prompts than a batch"
