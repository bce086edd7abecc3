"""Files that appear whole or not at all, and that are read with care: what is damaged is named, nothing is unpickled."""

import errno
import hashlib
import json
import os
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


def course_folder() -> Path:
    """Return the folder that holds `data/` and `notebooks/`: a checkout around the working folder, or else around this package.

    Where there is neither, as after `pip install` into another folder, the working folder: messages then name what is missing.
    """
    here = Path.cwd()
    around = [here, *here.parents, *Path(__file__).resolve().parents]
    return next((folder for folder in around if (folder / "data" / "checkpoints").is_dir()), here)


@contextmanager
def replacing(path: Path, *, keep: Path | None = None) -> Iterator[Path]:
    """Give the path of a new file to fill, and put it in the place of `path` when it is whole; `keep` is then the old one's name.

    A reader sees the old file or the whole new one, never half of it; what could not be written whole is deleted. The new
    file may be read by whom the umask allows, whoever made it.

    Raises: OSError, in one line with the path and what to do, where the disk is full or fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        part.touch()
        mode = part.stat().st_mode
        yield part
        part.chmod(mode)  # safetensors makes files that only their owner may read
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        if keep is not None and path.exists():
            os.replace(path, keep)
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        _raise_if_disk_failed(error, path)
        raise
    finally:
        part.unlink(missing_ok=True)


def _raise_if_disk_failed(error: Exception, path: Path) -> None:
    """Name the file, which the system's error does not, where a disk is full or fails."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
    if full or isinstance(error, SafetensorError):
        raise OSError(f"cannot write {path} ({short(error)}): make room on that disk; the same command then goes on") from None


def write_atomically(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file, or leave the file as it was. Raises: OSError, where the disk is full or fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = path.stat().st_size if path.exists() else 0
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        if path.exists():
            os.truncate(path, size)
        _raise_if_disk_failed(error, path)
        raise


def lock_folder(folder: Path) -> FileLock:
    """Keep other commands out of a run's folder while the lock is held; it ends with the process, however that ends.

    Raises: ValueError, where another command is in there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", is_singleton=True)  # one per process: several objects of a run do not shut each other out
    try:
        return lock.acquire(timeout=0).lock
    except Timeout:
        raise ValueError(f"another command works in {folder}: wait until it ends, or choose another --name") from None


def check_is_file(path: Path, missing: str, advice: str) -> None:
    """Check that a path is a file.

    Raises: FileNotFoundError saying `missing`, where there is nothing; ValueError with `advice`, where there is a folder.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected a file: {advice}")
    if not path.is_file():
        raise FileNotFoundError(missing)


def read_json(path: Path, kind: type, advice: str, *, of: Any = object) -> Any:
    """Read a JSON file that holds one `kind` (dict or list) `of` a type or types; `advice` says what to do where it does not.

    Raises: FileNotFoundError, ValueError: naming the file.
    """
    check_is_file(path, f"there is no {path}: {advice}", advice)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, brackets without end
        raise ValueError(f"{path} is damaged ({error}): {advice}") from None
    if not isinstance(found, kind):
        raise ValueError(f"{path} holds a {type(found).__name__}, expected a {kind.__name__}: {advice}")
    if not all(isinstance(each, of) for each in (found.values() if kind is dict else found)):
        raise ValueError(f"{path} holds other things than expected: {advice}")
    return found


def tensors_checksum(tensors: dict[str, Tensor], about: str) -> str:
    """Name tensors and a text beside them by 8 hexadecimal digits; one changed bit, name, type or shape gives others.

    It finds damage, not malice: CRC-32 can be forged.
    """
    crc = zlib.crc32(about.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        crc = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), crc)
        crc = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy(), crc)
    return f"{crc:08x}"


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any], *, keep: Path | None = None) -> None:
    """Write tensors and a JSON-able description, with a checksum of both, to one safetensors file (see `replacing`)."""
    checksum = tensors_checksum(tensors, json.dumps(about))
    notes = {"about": json.dumps(about | {"checksum": checksum})}  # one note: more have no fixed order
    write_safetensors(path, tensors, notes, keep=keep)


def write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str], *, keep: Path | None = None) -> None:
    """Write tensors and short notes to one safetensors file, atomically (see `replacing`)."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path, keep=keep) as part:
        save_file(whole, part, metadata=metadata)


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote. Nothing is unpickled; a file of an earlier version has no checksum to compare.

    Raises:
        FileNotFoundError, ValueError: naming the file and what to do.
    """
    path, advice = Path(path), "delete it and train this stage again"
    check_is_file(path, f"no checkpoint at {path}: train this stage first, or give another folder", advice)
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if not isinstance(about, dict):
            raise ValueError("its description is no object")
        checksum = about.pop("checksum", None)
        if checksum not in (None, tensors_checksum(tensors, json.dumps(about))):
            raise ValueError("its checksum is another: some of it has changed")
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} is not a whole checkpoint of this library ({error}): {advice}") from None
    return tensors, about


def _parsed(line: str) -> Any:
    return json.loads(line, parse_constant=lambda constant: None)  # NaN and Infinity are no JSON


def json_line(row: dict[str, Any]) -> str:
    """Write a row of a log as JSON: numbers that are not finite become null."""
    return json.dumps(_parsed(json.dumps(row)))


def read_log(path: str | Path, *, tell: bool = True) -> list[dict[str, Any]]:
    """Read a JSON-lines log; lines that are no step are left out, and told, but for a last one that was cut off."""
    path, rows, bad = Path(path), [], []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
    for number, line in enumerate(lines[:-1], 1):  # after the last line's end there is nothing, or what was cut off
        try:
            row = _parsed(line)
        except (ValueError, RecursionError):
            row = None
        is_step = isinstance(row, dict) and type(row.get("step")) is int and row["step"] >= 0
        (rows if is_step else bad).append(row if is_step else number)
    if bad and tell:
        print(f"note: {path}: left out {len(bad)} of {len(lines) - 1} lines that are no step, the first in line {bad[0]}",
              file=sys.stderr)  # fmt: skip
    return rows


def fingerprint(items: list) -> str:
    """Name a list of JSON-able things or dataclasses by 16 hexadecimal digits of its sha256.

    The same items in the same order give the same name on every machine: it tells which data a run has seen.

    Raises: TypeError if an item is neither JSON-able nor a dataclass.
    """
    text = json.dumps(items, sort_keys=True, separators=(",", ":"), default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def short(error: Exception) -> str:
    """Return the end of an error's message, in one line."""
    return re.sub(r"\s+", " ", str(error))[-200:]
