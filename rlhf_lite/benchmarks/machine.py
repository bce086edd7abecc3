"""Describe the machine that a run or a measurement is made on, and what it has taken of it."""

import platform
import sys
from pathlib import Path
from typing import Any

import torch

try:
    import resource
except ImportError:  # Windows
    resource = None


def machine(device: torch.device) -> dict[str, Any]:
    """Describe what the measurements were made on."""
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


def peak_memory_gb() -> float | None:
    """Return the most memory that this process has held so far, in GB; None where the system does not tell (Windows)."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)  # macOS counts bytes, Linux kB
