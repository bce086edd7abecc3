"""Files that appear whole or not at all, and that are read with care: what is damaged is named, nothing is unpickled."""

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

CHUNK = 1 << 20  # bytes read at once


@contextmanager
def open_atomically(path: Path) -> Iterator[TextIO]:
    """Open a text file to write, so that a reader sees the old one or the whole new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "w", encoding="utf-8") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with open_atomically(path) as file:
        file.write(text)


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


def file_checksum(path: Path) -> str:
    """Name a file's content by 8 hexadecimal digits (CRC-32)."""
    crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            crc = zlib.crc32(chunk, crc)
    return f"{crc:08x}"
