"""What the machine gives a run, and what the run takes of it."""

import sys

try:
    import resource
except ImportError:  # Windows
    resource = None


def peak_memory_gb() -> float | None:
    """Return the most memory that this process has held so far, in GB; None where the system does not tell (Windows)."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)  # macOS counts bytes, Linux kB
