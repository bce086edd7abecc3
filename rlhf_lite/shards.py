"""The state of a run whose models lie in several processes: each writes its own part, and any number of processes reads it.

A folder a step, `shards-STEP`, of safetensors files; its `about.json` is written last, so that a folder without it was cut
off and does not count. Nothing is pickled. What torch needs for it takes time to import: it waits until it is needed.
"""

import json
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from .engine import Engine

ABOUT = "about.json"


def newest_shards(folder: Path) -> tuple[int, Path] | None:
    """Return the last step that was saved whole, and where; None if there is none."""
    whole = [about.parent for about in folder.glob(f"shards-*/{ABOUT}")]
    return max(((int(path.name.removeprefix("shards-")), path) for path in whole), default=None)


def save_shards(folder: Path, tensors: dict[str, Tensor], step: int, engine: Engine) -> None:
    """Write every process's part of the tensors, then forget older steps; all processes must call it."""
    import torch.distributed.checkpoint as dcp

    path = folder / f"shards-{step}"
    if engine.is_main:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    engine.wait()
    dcp.save(dict(tensors), storage_writer=dcp.HuggingFaceStorageWriter(str(path), save_distributed=True))
    engine.wait()
    if engine.is_main:
        (path / ABOUT).write_text(json.dumps({"step": step, "processes": engine.n_processes}))
        forget_shards(folder, but=path)
    engine.wait()


def load_shards(path: Path, like: Callable[[str, tuple[int, ...], torch.dtype], Tensor]) -> dict[str, Tensor]:
    """Read all tensors, each into what `like(name, shape, dtype)` returns: a whole tensor, or one that lies in several processes.

    Raises: ValueError, naming the folder, where a file is cut off or missing.
    """
    import torch.distributed.checkpoint as dcp

    try:
        metadata = dcp.HuggingFaceStorageReader(str(path)).read_metadata().state_dict_metadata
        if not metadata:
            raise FileNotFoundError("its files are gone")
        tensors = {name: like(name, tuple(found.size), found.properties.dtype) for name, found in metadata.items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # said where one process reads
            dcp.load(tensors, storage_reader=dcp.HuggingFaceStorageReader(str(path)), no_dist=not dist.is_initialized())
    except Exception as error:  # torch wraps whatever is wrong with a file in errors of its own
        reason = re.sub(r"\s+", " ", str(error))[-200:]
        raise ValueError(f"{path} is not a whole checkpoint ({reason}): delete that folder; the run begins anew") from None
    return tensors


def fit(tensor: Tensor, like: Tensor) -> Tensor:
    """Split a whole tensor over the processes as another one is."""
    if not hasattr(like, "placements"):  # in one piece
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements)


def forget_shards(folder: Path, but: Path | None = None) -> None:
    """Delete what was saved, one step excepted."""
    for path in folder.glob("shards-*"):
        if path != but:
            shutil.rmtree(path)
