"""The state of a run whose models lie in several processes: each writes its own part, and any number of processes reads it.

A folder a step, `shards-STEP`, of safetensors files; its `about.json` is written last, so that a folder without it was cut
off and does not count. Nothing is pickled. What torch needs for it takes time to import: it waits until it is needed.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from .engine import Engine
from .files import file_checksum, read_json, short

ABOUT = "about.json"


ADVICE = "delete that folder; the run begins anew"


def newest_shards(folder: Path) -> tuple[int, Path] | None:
    """Return the last step that was saved whole, and where; None if there is none."""
    whole = [about.parent for about in folder.glob(f"shards-*/{ABOUT}")]
    steps = [(int(path.name.removeprefix("shards-")), path) for path in whole if path.name.removeprefix("shards-").isdecimal()]
    return max(steps, default=None)


def save_shards(folder: Path, tensors: dict[str, Tensor], step: int, engine: Engine, *, stage: str = "") -> None:
    """Write every process's part of the tensors, then forget older steps; all processes must call it."""
    import torch.distributed.checkpoint as dcp

    path = folder / f"shards-{step}"
    if engine.is_main:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    engine.barrier()
    dcp.save(dict(tensors), storage_writer=dcp.HuggingFaceStorageWriter(str(path), save_distributed=True))
    engine.barrier()
    files = _checksums(path, engine)
    if engine.is_main:
        about = {"step": step, "stage": stage, "processes": engine.n_processes, "files": files}
        (path / ABOUT).write_text(json.dumps(about))
        forget_shards(folder, but=path)
    engine.barrier()


def read_about(path: Path) -> dict[str, Any]:
    """Return what `save_shards` noted beside its files.

    Raises: ValueError, naming the file, where it is damaged.
    """
    return read_json(path / ABOUT, dict, ADVICE)


def load_shards(
    path: Path, like: Callable[[str, tuple[int, ...], torch.dtype], Tensor], engine: Engine | None = None
) -> dict[str, Tensor]:
    """Read all tensors, each into what `like(name, shape, dtype)` returns: a whole tensor, or one that lies in several processes.

    Raises: ValueError, naming the folder, where a file is cut off, changed or missing.
    """
    import torch.distributed.checkpoint as dcp

    noted = read_about(path).get("files")  # an earlier version noted none
    try:
        if noted is not None and noted != _checksums(path, engine or Engine()):
            raise ValueError("files are missing, or their checksums are others")
        metadata = dcp.HuggingFaceStorageReader(str(path)).read_metadata().state_dict_metadata
        if not metadata:
            raise FileNotFoundError("its files are gone")
        tensors = {name: like(name, tuple(found.size), found.properties.dtype) for name, found in metadata.items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # said where one process reads
            dcp.load(tensors, storage_reader=dcp.HuggingFaceStorageReader(str(path)), no_dist=not dist.is_initialized())
    except Exception as error:  # torch wraps whatever is wrong with a file in errors of its own
        raise ValueError(f"{path} is not a whole checkpoint ({short(error)}): {ADVICE}") from None
    return tensors


def _checksums(path: Path, engine: Engine) -> dict[str, str]:
    """Name the content of each file, each file read by one process; every process gets all."""
    files = sorted(path.glob("*.safetensors"))
    return dict(zip([file.name for file in files], engine.run_jobs([partial(_checksum, file) for file in files]), strict=True))


def _checksum(file: Path) -> str:
    try:
        return file_checksum(file)
    except OSError as error:  # told to all processes, which would wait for this one's answer
        return str(error)


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
