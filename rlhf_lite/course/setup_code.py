"""A short code that says how a machine is set up: each student reads theirs out, and the teacher sees who needs help.

A code such as `L311-2130-fmj-N` holds the system (L Linux, M macOS, W Windows), Python 3.11, PyTorch 2.13.0, then three letters,
each small where all is well (f the forward pass of the shipped model gives the known number, m its models are whole, j
notebooks' widgets are installed) and `x` where not, and last a letter that shows a mistyped code. Nothing personal is in it.
"""

import platform
import string
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch

from ..checkpoint import load_model
from ..files import course_folder

SYSTEMS = {"Linux": "L", "Darwin": "M", "Windows": "W"}
STAGES = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
OLDEST_PYTHON, OLDEST_TORCH = (3, 11), (2, 11)
KNOWN_LOGIT = -3.5172
"""Logit of token 3 behind tokens 5, 6, 7 of the shipped base model, the same on every machine up to rounding."""
TOLERANCE = 2e-3
GOOD = "fmj"
ADVICE = {
    "f": "the model's numbers are wrong on this machine: reinstall PyTorch, in the course's folder: delete .venv, make course",
    "m": "trained models are missing: is the whole course there? Unpack it again, and open lesson 00 from its folder notebooks",
    "j": "JupyterLab's widgets are missing: in the course's folder delete .venv, then make course",
}
"""What to do where a letter is x."""


def forward_pass_is_right() -> bool:
    """Run the shipped base model once, and compare one number with what is known."""
    model = load_model(course_folder() / "data" / "checkpoints" / "pretrain" / "model.safetensors")
    with torch.no_grad():
        found = model(torch.tensor([[5, 6, 7]]))[0, -1, 3].item()
    return abs(found - KNOWN_LOGIT) <= TOLERANCE


def models_are_there() -> bool:
    """Return True where all stages of data/checkpoints have a model."""
    folder = course_folder() / "data" / "checkpoints"
    return all((folder / stage / "model.safetensors").is_file() for stage in STAGES)


def widgets_are_there() -> bool:
    """Return True where JupyterLab and its widgets are installed."""
    return all(find_spec(name) is not None for name in ("ipywidgets", "jupyterlab"))


CHECKS: Mapping[str, Callable[[], bool]] = {"f": forward_pass_is_right, "m": models_are_there, "j": widgets_are_there}


def check_letter(code: str) -> str:
    """Return the letter that ends a code, of what stands before it: a letter swapped or mistyped gives another one.

    Example: "L311-2130-fmj" -> "N".
    """
    return string.ascii_uppercase[sum(place * ord(letter) for place, letter in enumerate(code, start=1)) % 26]


def setup_code() -> str:
    """Return this machine's code; a check that fails with an error counts as failed."""

    def passes(check: Callable[[], bool]) -> bool:
        try:
            return check()
        except (OSError, ValueError, RuntimeError):
            return False

    python = f"{sys.version_info.major}{sys.version_info.minor}"
    version = "".join(torch.__version__.partition("+")[0].split(".")[:3])
    letters = "".join(name if passes(check) else "x" for name, check in CHECKS.items())
    code = f"{SYSTEMS.get(platform.system(), 'X')}{python}-{version}-{letters}"
    return f"{code}-{check_letter(code)}"


@dataclass(frozen=True)
class ReadCode:
    """What one student's code says."""

    student: str
    code: str
    advice: tuple[str, ...]
    """What to do; nothing where all is well."""


def read_code(student: str, code: str) -> ReadCode:
    """Read one code. Example: "L311-2130-fmj-N" tells that all is well, "L311-2130-fmj-M" that it was mistyped."""
    parts = code.strip().split("-")
    is_code = len(parts) == 4 and len(parts[2]) == len(GOOD) and parts[0][1:].isdecimal() and parts[1].isdecimal()
    if not is_code or check_letter("-".join(parts[:3])) != parts[3]:
        return ReadCode(student, code, ("this is no code, or a mistyped one: read it again from lesson 00",))
    advice = [ADVICE[good] for good, found in zip(GOOD, parts[2], strict=True) if found != good]
    python, version = (int(parts[0][1]), int(parts[0][2:])), (int(parts[1][0]), int(parts[1][1:-1]))
    if python < OLDEST_PYTHON:
        advice.append(f"Python {python[0]}.{python[1]} is too old: install {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or later")
    if version < OLDEST_TORCH:
        advice.append(f"PyTorch {version[0]}.{version[1]} is too old: in the course's folder delete .venv, then make course")
    return ReadCode(student, code, tuple(advice))


def read_codes(path: Path) -> list[ReadCode]:
    """Read a file with a line per student: a name, white space or a comma, the code. Empty lines count for nothing.

    Raises: ValueError, naming the line, where a line is not of that form; FileNotFoundError.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.replace(",", " ").split()
        if len(words) == 1:
            raise ValueError(f"{path}, line {number}: {line.strip()!r} has no code: expected a name and a code")
        if words:
            found.append(read_code(" ".join(words[:-1]), words[-1]))
    if not found:
        raise ValueError(f"{path} holds no code: expected a line per student, such as: Ann {setup_code()}")
    return found


def report(readings: list[ReadCode]) -> str:
    """Write who needs help with what, and how many are ready."""
    lines = [f"{each.student}: {'; '.join(each.advice)}" for each in readings if each.advice]
    return "\n".join([*lines, f"{sum(not each.advice for each in readings)} of {len(readings)} are ready."])
