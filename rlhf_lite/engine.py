"""What the machine gives a run: one device or many processes, precision, micro-batches; and what the run takes of it.

Started by `torchrun`, every process holds a part of each model (FSDP2) and works on its share of each batch; started
alone, the same loops run on one device. Losses are sums over a share divided by the whole batch's count (`n_valid`), so
that shares and micro-batches add up to the batch, whatever their lengths.
"""

import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh

from .gpt import GPT, ScalarModel
from .optim import backward

Item = TypeVar("Item")
Model = GPT | ScalarModel


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Set what a run takes of the machine; results do not depend on it, but for rounding."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where models live; auto: a GPU if there is one."""
    bfloat16: bool = False
    """Multiply matrices in bfloat16; weights, optimizer, LayerNorm and losses stay in float32."""
    micro_batch_size: int = 0
    """Most items (demonstrations, windows, prompts, answers) that one process takes at once; 0 = its whole share."""
    sampling_batch_size: int = 0
    """Most answers that one process samples and scores at once in PPO; 0 = its whole share."""
    activation_checkpointing: bool = False
    """Keep only each block's input for the backward pass and compute the rest again: less memory, a third more work."""
    compile: bool = False
    """Compile each block, and the output layer with its loss; needs a C++ compiler, and pays off on GPUs and in long runs."""
    sample_sharded: bool = False
    """Gather weights block by block at every token: slower, for models that do not fit into one GPU."""

    def __post_init__(self):
        for name in ("micro_batch_size", "sampling_batch_size"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 (all at once) or more")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is 'cuda' but PyTorch finds no GPU: use 'auto' or 'cpu'")


class Engine:
    """One process's view of the machine."""

    def __init__(self, config: EngineConfig | None = None):
        self.config = config or EngineConfig(device="cpu")
        on_gpu = self.config.device != "cpu" and torch.cuda.is_available()
        if "RANK" in os.environ and not dist.is_initialized():  # started by torchrun
            dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
        self.rank, self.n_processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if on_gpu else torch.device("cpu")
        if on_gpu:
            torch.cuda.set_device(self.device)
        self.mesh = init_device_mesh(self.device.type, (self.n_processes,)) if self.n_processes > 1 else None
        if self.config.bfloat16 and self.device.type == "cpu" and (gain := bfloat16_gain(self.device)) < 1:
            warnings.warn(f"this processor multiplies bfloat16 at {gain:.2f} times its speed in float32: leave bfloat16 off",
                          stacklevel=2)  # fmt: skip
        if self.config.compile and not has_compiler():
            raise ValueError("compile needs a C++ compiler and there is none: install one, or leave compile off")

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return is_main_process()

    def prepare(self, model: Model) -> Model:
        """Place a model on the device, in place; with several processes each keeps its part of every matrix.

        Copy models and read their weights before this. Optimizers are built after it.
        """
        gpt = model if isinstance(model, GPT) else model.backbone
        if sharded_parts(model) or next(model.parameters()).device.type == "meta":
            return model
        if self.mesh is None:
            model.to(self.device)  # else `shard` moves one block after the other: the whole may not fit
        gpt.activation_checkpointing, gpt.compiled = self.config.activation_checkpointing, self.config.compile
        if self.config.compile:
            for block in gpt.blocks:
                block.compile()
        if self.mesh is not None:
            shard(model, self.mesh, bfloat16=self.config.bfloat16)
        return model

    def place_to_sample(self, model: Model) -> Model:
        """Place a model that is not trained: whole in each process or, under `sample_sharded`, each its part."""
        return self.prepare(model) if self.config.sample_sharded else model.to(self.device)

    @contextmanager
    def whole(self, *models: Model) -> Iterator[None]:
        """Hold every weight of these models in each process, for sampling: its steps differ from process to process.

        Under `sample_sharded` weights stay where they are; `generate` then keeps the processes in step.
        """
        parts = [part for model in models for part in sharded_parts(model)]
        gather = not self.config.sample_sharded
        for part in parts if gather else ():
            part.unshard()
            part.set_reshard_after_forward(False, recurse=False)
        trunks = [model if isinstance(model, GPT) else model.backbone for model in models if not gather and sharded_parts(model)]
        for backbone in trunks:
            backbone.anyone = self.anyone
        try:
            yield
        finally:
            for backbone in trunks:
                backbone.anyone = bool
            for part in parts:
                if gather:
                    part.set_reshard_after_forward(part not in models, recurse=False)
                part.reshard()

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this process's items of a batch: neighbours, the same number in every process."""
        if len(items) % self.n_processes:
            raise ValueError(
                f"a batch of {len(items)} cannot be split over {self.n_processes} processes: choose a multiple of that"
            )
        each = len(items) // self.n_processes
        return items[self.rank * each : (self.rank + 1) * each]

    def parts(self, items: Sequence[Item], size: int | None = None) -> list[Sequence[Item]]:
        """Split this process's share of a batch into micro-batches, or into parts of another size; 0 = all at once."""
        share = self.share(items)
        size = (self.config.micro_batch_size if size is None else size) or len(share)
        return [share[start : start + size] for start in range(0, len(share), size)]

    def precision(self) -> AbstractContextManager:
        """Return the context in which models run."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.config.bfloat16 else nullcontext()

    def place(self, batch: Any) -> Any:
        """Move a tensor, or every tensor of a batch, to the device."""
        if isinstance(batch, Tensor):
            return batch.to(self.device)
        if is_dataclass(batch):
            return replace(batch, **{field.name: self.place(getattr(batch, field.name)) for field in fields(batch)})
        return batch

    def backward(
        self, name: str, losses: Iterable[tuple[Tensor | dict[str, Tensor], dict[str, float]]], step: int
    ) -> dict[str, float]:
        """Run the micro-batches of one step, each forward and backward before the next; gradients add up.

        `losses` yields each micro-batch's loss (or losses, by name) and metrics. Returns the metrics of the whole batch.

        Raises: FloatingPointError, naming the loss, where it is not finite.
        """
        found, losses = [], iter(losses)
        while True:
            with self.precision():  # the forward pass happens here, where the next losses are asked for
                part = next(losses, None)
            if part is None:
                return self.total(found)
            backward(part[0] if isinstance(part[0], dict) else {name: part[0]}, step)
            found.append(part[1])

    def total(self, metrics: Sequence[dict[str, float]]) -> dict[str, float]:
        """Add up the metrics of all micro-batches of all processes; each holds its part of the batch's mean."""
        names = list(metrics[0])
        sums = torch.tensor([sum(part[name] for part in metrics) for name in names], dtype=torch.float64)
        if self.n_processes > 1:
            dist.all_reduce(sums)
        return dict(zip(names, sums.tolist(), strict=True))

    def gather(self, rows: Tensor, fill: float = 0) -> Tensor:
        """Put the rows of all processes below one another: (B, ...) -> (n_processes * B, ...).

        Where the second dimension, positions, differs between processes, shorter ones are filled up on the right.
        """
        if self.n_processes == 1:
            return rows
        found: list[Any] = [None] * self.n_processes
        dist.all_gather_object(found, rows.cpu())
        return stack_rows(found, fill).to(rows.device)

    def agree(self, wish: bool) -> bool:
        """Return the main process's wish in every process."""
        if self.n_processes == 1:
            return wish
        wishes = [wish]
        dist.broadcast_object_list(wishes, src=0)
        return wishes[0]

    def anyone(self, wish: bool) -> bool:
        """Tell whether any process wishes something; all must ask."""
        if self.n_processes == 1:
            return wish
        wishes = torch.tensor(int(wish))
        dist.all_reduce(wishes, dist.ReduceOp.MAX)
        return bool(wishes)

    def spread(self, jobs: Sequence[Callable[[], Item]]) -> list[Item]:
        """Do each job in one of the processes; return all results, in order, in every process."""
        if self.n_processes == 1:
            return [job() for job in jobs]
        found: list[Any] = [None] * self.n_processes
        dist.all_gather_object(found, [job() for job in jobs[self.rank :: self.n_processes]])
        return [found[i % self.n_processes][i // self.n_processes] for i in range(len(jobs))]

    def wait(self) -> None:
        """Wait until every process is here, such as after the main one wrote a file."""
        if self.n_processes > 1:
            dist.barrier()


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


def stack_rows(parts: Sequence[Tensor], fill: float = 0) -> Tensor:
    """Put rows below one another, (B, ...) each; where positions differ in number, shorter ones are filled up on the right."""
    if parts[0].dim() > 1:
        longest = max(part.shape[1] for part in parts)
        parts = [nn.functional.pad(part, (0, longest - part.shape[1]), value=fill) for part in parts]
    return torch.cat(list(parts))


def is_main_process() -> bool:
    """Tell whether this process writes files: the only one, or the first of several."""
    return not dist.is_initialized() or dist.get_rank() == 0


def end_process(status: int = 0) -> NoReturn:
    """End this process; one of several at once, as gloo's threads, that let go of tensors while Python ends, may abort it."""
    if dist.is_initialized():
        print(end="", flush=True)
        os._exit(status)
    sys.exit(status)


def shard(model: Model, mesh: Any, *, bfloat16: bool = False) -> None:
    """Split every matrix of a model over the processes of a mesh, block by block, in place (FSDP2).

    Gradients are summed over processes, since each process's loss is its part of the batch's mean.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method

    gpt = model if isinstance(model, GPT) else model.backbone
    gpt.sorts_by_length = False  # processes hold rows of other lengths: all must call the blocks equally often
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


def settle(model: Model) -> None:
    """Let go of whole weights that a forward pass left behind: a change made in them by hand would be lost with them."""
    for part in sharded_parts(model):
        part.reshard()


def has_compiler() -> bool:
    """Tell whether there is the C++ compiler that `torch.compile` needs."""
    return shutil.which(os.environ.get("CXX", "c++")) is not None
