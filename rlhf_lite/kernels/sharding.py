"""A model's matrices split over several processes (FSDP2); each gathers the parts of a block when it comes to it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ..gpt import GPT, ScalarModel, full_tensor

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


@contextmanager
def unsharded(models: Sequence[Model], *, blocks: bool = True) -> Iterator[None]:
    """Hold every weight of these models in each process, or only those outside of their blocks."""
    roots = [model for model in models if sharded_parts(model)]
    parts = [part for model in roots for part in sharded_parts(model)] if blocks else roots
    for part in parts:
        part.unshard()
        part.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for part in parts:
            part.set_reshard_after_forward(part not in models, recurse=False)
            part.reshard()


@contextmanager
def in_step(models: Sequence[Model], any_process: Callable[[bool], bool]) -> Iterator[None]:
    """Let processes that share the weights pass through the blocks equally often: who is done adds idle passes.

    `any_process(value)` is true where the value is true in any of them.
    """
    roots = [model for model in models if sharded_parts(model)]
    if not roots:
        yield
        return
    (backbone,) = {model if isinstance(model, GPT) else model.backbone for model in roots}
    hook = backbone.blocks[0].register_forward_pre_hook(lambda *_: any_process(True) and None, prepend=True)
    try:
        yield
    finally:
        hook.remove()
        with torch.no_grad():
            while any_process(False):
                x = torch.zeros(1, 1, backbone.config.d_model, device=next(backbone.parameters()).device)
                for block in backbone.blocks:
                    x = block(x)


def is_main_process() -> bool:
    """Whether this process writes files: the only one, or the first of several."""
    return not dist.is_initialized() or dist.get_rank() == 0


def collect(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return whole tensors, on the CPU, in the main process, nothing in others; all must call this. One at a time is gathered."""
    found = {}
    for name, tensor in tensors.items():
        whole = full_tensor(tensor)
        if is_main_process():
            found[name] = whole.detach().cpu()
    return found


def split_like(tensor: Tensor, like: Tensor | None) -> Tensor:
    """Split a whole tensor over the processes as another one of its shape is, if there is such a one and it is split."""
    if not hasattr(like, "placements") or like.shape != tensor.shape:
        return tensor
    from torch.distributed.tensor import distribute_tensor  # here and not above: it takes half a second to import

    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements)
