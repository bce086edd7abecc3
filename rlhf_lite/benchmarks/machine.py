"""Describe the machine that a run or a measurement is made on, and what it has taken of it."""

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

try:
    import resource
except ImportError:  # Windows
    resource = None


def machine(device: torch.device) -> dict[str, Any]:
    """Describe a device and the software on it."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()
    found = {"device": name, "instructions": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads()}
    return found | {"torch": torch.__version__, "python": platform.python_version()}


def processor_name() -> str:
    """Name the processor as the system does."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def gpu_memory(device: torch.device) -> float:
    """Return a GPU's memory in bytes."""
    return float(torch.cuda.get_device_properties(device).total_memory)


def peak_memory_bytes() -> int | None:
    """Return the most memory that this process has held so far, in bytes; None where the system does not say (Windows)."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts bytes, Linux KiB


def fastest(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the least seconds of each piece of work, after one run to warm up; they take turns.

    Of work that returns an int, the amount done, it is the seconds per unit.
    """
    best: dict[str, float] = {}
    for turn in range(repeats + 1):
        for name, work in works.items():
            start = time.perf_counter()
            amount = work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                seconds = (time.perf_counter() - start) / (amount if isinstance(amount, int) else 1)
                best[name] = min(best.get(name, float("inf")), seconds)
    return best


def matrix_peak(device: torch.device, dtype: torch.dtype, *, size: int = 0, repeats: int = 10) -> float:
    """Measure the FLOPs per second of a product of two square matrices; `size` rows each, 0: 8,192 on a GPU, else 2,048."""
    size = size or (8192 if device.type == "cuda" else 2048)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / fastest({"product": lambda: a @ b}, repeats)["product"]
