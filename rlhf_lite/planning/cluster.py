"""What a run has to work with: GPUs, network, price, and the engine's settings as the run itself takes them."""

import math
from dataclasses import dataclass, field

from ..engine import EngineConfig


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """GPUs and how they are used. The numbers are an H100 SXM's; give your own."""

    gpus: int = 1
    """Number of GPUs; every model is sharded over all of them."""
    gpu_memory: float = 80.0
    """Memory per GPU, in GB of 1e9 bytes."""
    peak_tflops: float = 989.0
    """Peak per GPU in 1e12 FLOPs per second, dense bfloat16 (NVIDIA's data sheet of the H100)."""
    efficiency: float = 0.4
    """Share of the peak that is reached while computing; `plan-check` measures it (ours; Llama 3 reports 38 to 43 %: Grattafiori
    2024, table 4)."""
    memory_bandwidth: float = 3350.0
    """GB per second between a GPU and its memory (the same data sheet)."""
    network: float = 50.0
    """GB per second that one GPU sends or receives over the network (ours: 400 Gbit/s)."""
    price: float = 2.5
    """USD per GPU and hour (ours: prices differ by a factor of three; ask)."""
    engine: EngineConfig = field(default_factory=lambda: EngineConfig(bfloat16=True, activation_checkpointing=True))
    """What the run takes of each GPU. Here a batch size of 0 is the largest that fits; device cpu also counts the packed weights
    by which a CPU samples; compile and sample_sharded change nothing in a plan."""

    def __post_init__(self):
        for name in ("gpus", "gpu_memory", "peak_tflops", "memory_bandwidth", "network"):
            if not 0 < getattr(self, name) < math.inf:  # NaN neither
                raise ValueError(f"{name} is {getattr(self, name)}, expected a finite number above 0")
        if not 0 < self.efficiency <= 1:
            raise ValueError(f"efficiency is {self.efficiency}, expected more than 0 and at most 1")
        if not 0 <= self.price < math.inf:
            raise ValueError(f"price is {self.price}, expected a finite number of at least 0")

    @property
    def compute_bytes(self) -> int:
        """Bytes of a number in matrix products; weights, gradients and optimizer are float32."""
        return 2 if self.engine.bfloat16 else 4

    @property
    def stream_bytes(self) -> int:
        """Bytes of a number of the residual stream: autocast leaves it in float32, FSDP's blocks take it as they compute."""
        return 4 if self.gpus == 1 else self.compute_bytes
