"""The same training in one process and in several, each of which holds its share of every matrix (FSDP2).

`python -m rlhf_lite.course.lesson_16.two_processes` trains alone; torchrun starts the same file several times:
`torchrun --standalone --nproc-per-node 2 -m rlhf_lite.course.lesson_16.two_processes`. One JSON object is printed.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from ...checkpoint import TrainingRun
from ...engine import Engine, EngineConfig, end_process
from ...files import course_folder
from ...gpt import GPT, NANO
from ...optim import OptimConfig
from ...pretrain import PretrainConfig, pretrain

STEPS = 8
CONFIG = PretrainConfig(
    steps=STEPS, batch_size=8, sequence_length=64, optim=OptimConfig(learning_rate=4e-3, final_fraction=1.0)
)
ROOT = Path(__file__).parents[3]
MOST_SECONDS = 110


@dataclass(frozen=True)
class Training:
    """What one training run said."""

    losses: list[float]
    """Loss of each step, nats per byte."""
    held: list[int]
    """Number of parameters that each process holds."""


def text_as_bytes() -> Tensor:
    """Return the texts of `data/samples/documents.jsonl` as one stream of bytes: (N,)."""
    lines = (course_folder() / "data" / "samples" / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    return torch.tensor(list("\n".join(json.loads(line)["text"] for line in lines).encode()))


def train() -> Training:
    """Train the nano preset's model for STEPS steps, in as many processes as torchrun started."""
    engine = Engine(EngineConfig(device="cpu"))
    torch.manual_seed(0)
    model, run = GPT(NANO), TrainingRun(None, show_progress=False, engine=engine)
    pretrain(model, text_as_bytes(), CONFIG, seed=0, run=run)
    mine = sum(p.to_local().numel() if hasattr(p, "to_local") else p.numel() for p in model.parameters())
    held = [mine]
    if engine.n_processes > 1:
        held = [0] * engine.n_processes
        dist.all_gather_object(held, mine)
    return Training([row["loss"] for row in run.history], held)


def train_in(processes: int) -> Training:
    """Start so many processes on this machine, let them train together, and return what they found.

    Raises: RuntimeError with what they said, where they fail.
    """
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"] if processes > 1 else []
    command = [sys.executable, "-m", *launcher, __name__]
    alone = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    environment = alone | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{processes} processes failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Training(found["losses"], found["held"])


if __name__ == "__main__":
    said = train()
    if not dist.is_initialized() or dist.get_rank() == 0:
        print(json.dumps({"losses": said.losses, "held": said.held}), flush=True)
    end_process()
