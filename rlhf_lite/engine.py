"""What the machine gives a run: one device or many processes, precision, micro-batches.

Started by `torchrun`, every process holds a shard of each model (FSDP2) and works on its share of each batch; started alone,
the same loops run on one device. Losses are sums over a micro-batch divided by the whole batch's count (`n_valid`), so that
micro-batches and processes add up to the batch, whatever their lengths.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any, Literal, NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.utils.checkpoint import checkpoint

from .gpt import GPT
from .kernels.aligned_output import use_aligned_output
from .kernels.length_buckets import n_length_buckets
from .kernels.machine_probes import bfloat16_gain, has_compiler
from .kernels.sharding import Model, in_step, is_main_process, reshard, shard, sharded_parts, unsharded

Item = TypeVar("Item")
MAXIMUM = "max_"
"""Begins the name of a metric whose micro-batches are joined by their maximum instead of their sum."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Set what a run takes of the machine; results do not depend on it, but for rounding."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where models live; auto: a GPU if there is one."""
    bfloat16: bool = False
    """Multiply matrices in bfloat16; weights, optimizer, LayerNorm, log-probs and losses stay in float32."""
    micro_batch_size: int = 0
    """Most items (demonstrations, windows, prompts, answers) that one process takes at once; 0 = its whole share."""
    sampling_batch_size: int = 0
    """Most answers that one process samples and scores at once in PPO; 0 = its whole share."""
    activation_checkpointing: bool = False
    """Keep only each block's input for the backward pass and compute the rest again: less memory, a third more work."""
    compile: bool = False
    """Compile each block; needs a C++ compiler, and pays off on GPUs and in long runs."""
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
        """Place a model on the device, in place; with several processes each keeps its shard of every matrix.

        Copy models and read their weights before this. Optimizers are built after it.
        """
        gpt = model if isinstance(model, GPT) else model.backbone
        if sharded_parts(model) or next(model.parameters()).device.type == "meta":
            return model
        if self.mesh is None:
            model.to(self.device)  # else `shard` moves one block after the other: the whole may not fit
        if self.device.type == "cuda":
            use_aligned_output(gpt)
        for block in gpt.blocks:
            if self.config.activation_checkpointing:
                block.forward = partial(_checkpointed, block.forward)
            if self.config.compile:
                block.compile()
        if self.mesh is not None:
            shard(model, self.mesh, bfloat16=self.config.bfloat16)
            with torch.no_grad():  # FSDP takes what is called first for the whole model; sampling calls blocks
                model(torch.zeros(1, 1, dtype=torch.long, device=self.device))
            reshard(model)
        return model

    def prepare_to_sample(self, model: Model) -> Model:
        """Place a model that is not trained: whole in each process or, under `sample_sharded`, each its shard."""
        return self.prepare(model) if self.config.sample_sharded else model.to(self.device)

    @contextmanager
    def unsharded(self, *models: Model) -> Iterator[None]:
        """Hold every weight of these models in each process, for sampling: its steps differ from process to process.

        Under `sample_sharded` blocks stay sharded, and processes that are done wait for the others.
        """
        is_split = self.config.sample_sharded
        eager = torch.compiler.set_stance("force_eager") if self.config.compile else nullcontext()  # shapes change all the time
        with unsharded(models, blocks=not is_split), eager, in_step(models, self.any_process) if is_split else nullcontext():
            yield

    def scatter(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this process's items of a batch: neighbours, the same number in every process."""
        if len(items) % self.n_processes:
            raise ValueError(
                f"a batch of {len(items)} cannot be split over {self.n_processes} processes: choose a multiple of that"
            )
        each = len(items) // self.n_processes
        return items[self.rank * each : (self.rank + 1) * each]

    def micro_batches(self, items: Sequence[Item], length: Callable[[Item], int] | None = None) -> list[Sequence[Item]]:
        """Split this process's share of a batch into parts that are computed one after the other; their gradients add up.

        With `length`, items of like length come together (length bucketing), so that little padding is computed.
        """
        share = self.scatter(items)
        size = self.config.micro_batch_size or len(share)
        if length is not None:
            share = sorted(share, key=length)
            size = min(size, -(-len(share) // n_length_buckets(len(share))))
        return [share[start : start + size] for start in range(0, len(share), size)]

    def autocast(self) -> AbstractContextManager:
        """Return the context in which models run."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.config.bfloat16 else nullcontext()

    def to_device(self, batch: Any) -> Any:
        """Move a tensor, or every tensor of a batch, to the device."""
        if isinstance(batch, Tensor):
            return batch.to(self.device)
        if is_dataclass(batch):
            return replace(batch, **{field.name: self.to_device(getattr(batch, field.name)) for field in fields(batch)})
        return batch

    def all_reduce(self, metrics: Sequence[dict[str, float]]) -> dict[str, float]:
        """Join the metrics of all micro-batches of all processes: sums, since each holds its part of the batch's mean.

        Those whose names begin with "max_" are maxima.
        """
        found = {}
        for is_max, join, operation in ((False, sum, dist.ReduceOp.SUM), (True, max, dist.ReduceOp.MAX)):
            names = [name for name in metrics[0] if name.startswith(MAXIMUM) == is_max]
            joined = torch.tensor([join(part[name] for part in metrics) for name in names], dtype=torch.float64)
            if self.n_processes > 1 and names:
                dist.all_reduce(joined, operation)
            found |= dict(zip(names, joined.tolist(), strict=True))
        return found

    def gather(self, rows: Tensor, fill: float = 0) -> Tensor:
        """Put the rows of all processes below one another: (B, ...) -> (n_processes * B, ...).

        Where the second dimension, positions, differs between processes, shorter ones are filled up on the right.
        """
        if self.n_processes == 1:
            return rows
        found: list[Any] = [None] * self.n_processes
        dist.all_gather_object(found, rows.cpu())
        return stack_rows(found, fill).to(rows.device)

    def map_rows(
        self, function: Callable[..., tuple[Tensor, ...]], *rows: Sequence[Any], pad_id: int
    ) -> Iterator[Tensor]:
        """Apply a function to rows, `sampling_batch_size` at a time in each process; yield each result for all rows.

        The function takes and returns rows of the same number; shorter rows of ids are filled up with `pad_id`, others with 0.
        """
        shares = [self.scatter(each) for each in rows]
        size = self.config.sampling_batch_size or len(shares[0])
        starts = range(0, len(shares[0]), size)
        parts = [function(*(share[start : start + size] for share in shares)) for start in starts]
        for column in zip(*parts, strict=True):
            fill = pad_id if column[0].dtype == torch.long else 0
            yield self.gather(stack_rows(column, fill), fill)

    def broadcast(self, value: Item) -> Item:
        """Return the main process's value in every process."""
        if self.n_processes == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def any_process(self, value: bool) -> bool:
        """Whether the value is true in any process; all must ask."""
        if self.n_processes == 1:
            return value
        found = torch.tensor(int(value))
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found)

    def run_jobs(self, jobs: Sequence[Callable[[], Item]]) -> list[Item]:
        """Do each job in one of the processes; return all results, in order, in every process."""
        if self.n_processes == 1:
            return [job() for job in jobs]
        found: list[Any] = [None] * self.n_processes
        dist.all_gather_object(found, [job() for job in jobs[self.rank :: self.n_processes]])
        return [found[i % self.n_processes][i // self.n_processes] for i in range(len(jobs))]

    def barrier(self) -> None:
        """Wait until every process is here, such as after the main one wrote a file."""
        if self.n_processes > 1:
            dist.barrier()


def _checkpointed(forward: Callable[..., Tensor], x: Tensor, **how: Any) -> Tensor:
    """Run a block; for the backward pass keep its input only, and compute the rest again."""
    return checkpoint(forward, x, use_reentrant=False, **how) if x.requires_grad else forward(x, **how)


def stack_rows(parts: Sequence[Tensor], fill: float = 0) -> Tensor:
    """Put rows below one another, (B, ...) each; where positions differ in number, shorter ones are filled up on the right."""
    if parts[0].dim() > 1:
        longest = max(part.shape[1] for part in parts)
        parts = [nn.functional.pad(part, (0, longest - part.shape[1]), value=fill) for part in parts]
    return torch.cat(list(parts))


def end_process(status: int = 0) -> NoReturn:
    """End this process; one of several at once, as gloo's threads, that free tensors while Python ends, may abort it."""
    if dist.is_initialized():
        print(end="", flush=True)
        os._exit(status)
    sys.exit(status)
