"""A model's matrices split over several processes (FSDP2); each gathers the parts of a block when it comes to it."""

from typing import Any

import torch
import torch.distributed as dist

from ..gpt import GPT, ScalarModel

Model = GPT | ScalarModel


def shard(model: Model, mesh: Any, *, bfloat16: bool = False) -> None:
    """Split every matrix of a model over the processes of a mesh, block by block, in place (FSDP2).

    Gradients are summed over processes, since each process's loss is its part of the batch's mean.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method

    gpt = model if isinstance(model, GPT) else model.backbone
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32) if bfloat16 else MixedPrecisionPolicy()
    for module in (*gpt.blocks, model):
        fully_shard(module, mesh=mesh, mp_policy=policy)
        module.set_gradient_divide_factor(1.0)
        module.set_force_sum_reduction_for_comms(True)  # gloo knows no scaled sum
    if model is gpt:
        register_fsdp_forward_method(model, "hidden")  # losses call it, not forward


def sharded_parts(model: Model) -> list[Any]:
    """List the modules of a model that `shard` has split, none where there is one process."""
    if not dist.is_initialized():
        return []
    from torch.distributed.fsdp import FSDPModule  # here and not above: it takes half a second to import

    return [module for module in model.modules() if isinstance(module, FSDPModule)]


def reshard(model: Model) -> None:
    """Free whole weights that a forward pass left behind: a change made in them by hand would be lost with them."""
    for part in sharded_parts(model):
        part.reshard()
