"""Build a sharded model without memory and take one training step in it: what would each process hold at the peak?

Nothing is computed. Tensors are fakes that know their shape, and the processes beside the first are fakes too, so that the
175B model on 1,024 GPUs is traced on a laptop. `plan` is checked against it.
"""

from functools import partial

import torch
import torch.distributed as dist
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker
from torch.distributed.device_mesh import init_device_mesh

from rlhf_lite.engine import _checkpointed
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.kernels.sharding import shard
from rlhf_lite.likelihood import language_model_loss
from rlhf_lite.planning.costs import GB


def traced_memory(config: GPTConfig, *, processes: int, sequences: int, length: int) -> dict[str, float]:
    """Return GB of the fullest process at the peak of a training step in bfloat16, part by part, and their total.

    Each process trains on `sequences` of `length` tokens, with activation checkpointing. Run it in a process of its own: it
    pretends that torch.distributed has that many processes, and a process can only do so once.

    Raises: RuntimeError where torch.distributed is in use.
    """
    if dist.is_initialized():
        raise RuntimeError("torch.distributed is in use: trace in a fresh process")
    from torch.testing._internal.distributed.fake_pg import FakeStore  # makes the backend "fake" known

    dist.init_process_group("fake", rank=0, world_size=processes, store=FakeStore())
    mesh = init_device_mesh("cpu", (processes,))
    with FakeTensorMode():
        model = GPT(config)
        for block in model.blocks:
            block.forward = partial(_checkpointed, block.forward)
        shard(model, mesh, bfloat16=True)
        optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
        tokens = torch.zeros(sequences, length, dtype=torch.long)
        tracker = FSDPMemTracker(model, optimizer)
        tracker.track_inputs((tokens,))
        with tracker:
            for step in range(2):  # Adam's averages appear in the first
                language_model_loss(model(tokens), tokens, n_valid=tokens.numel()).backward()
                optimizer.step()
                optimizer.zero_grad()
                if step == 0:
                    tracker.reset_mod_stats()
        (parts,) = tracker.get_tracker_snapshot("peak").values()
    dist.destroy_process_group()
    return {str(name).rpartition(".")[2].lower(): size / GB for name, size in parts.items()}
