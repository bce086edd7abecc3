"""Whether this machine gains by bfloat16, and whether it can compile."""

import os
import shutil
import time

import torch


def bfloat16_gain(device: torch.device, size: int = 256) -> float:
    """Measure how many times faster the device multiplies matrices in bfloat16 than in float32; far below 1 on many CPUs."""
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.randn(size, size, device=device).to(dtype)
        matrix @ matrix  # the first one may have to load or choose code
        turns = []
        for _ in range(3):
            start = time.perf_counter()
            (matrix @ matrix).sum().item()  # a GPU answers here
            turns.append(time.perf_counter() - start)
        seconds.append(min(turns))
    return seconds[0] / seconds[1]


def has_compiler() -> bool:
    """Whether there is the C++ compiler that `torch.compile` needs."""
    return shutil.which(os.environ.get("CXX", "c++")) is not None
