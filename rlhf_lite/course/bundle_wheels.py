"""Which wheels does a machine of another kind need? All of them, exactly, before anything large is downloaded.

pip reads the markers of a requirement ("only on Windows") for the machine on which it runs, so it cannot name what another
machine needs. Here pip is only asked, package by package, which wheel fits that machine and what the wheel requires; the
markers are evaluated for that machine, and so on until nothing is open. No package is built, no GPU library is taken.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

SYSTEMS = {
    "linux": {"platform_system": "Linux", "sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"},
    "macos-arm64": {"platform_system": "Darwin", "sys_platform": "darwin", "os_name": "posix", "platform_machine": "arm64"},
    "windows": {"platform_system": "Windows", "sys_platform": "win32", "os_name": "nt", "platform_machine": "AMD64"},
}
TAGS = {
    "linux": [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)), "manylinux2014_x86_64", "linux_x86_64"],
    "macos-arm64": ["macosx_14_0_arm64"],
    "windows": ["win_amd64"],
}
"""What pip calls these platforms; it knows itself which older ones of macOS and manylinux2014 fit too."""
GPU = re.compile(r"nvidia|cuda|triton")
MOST_ROUNDS = 30
AskPip = Callable[["Target", Sequence[str]], list[dict]]


@dataclass(frozen=True)
class Target:
    """A kind of machine."""

    platform: str
    python: str
    """Such as "3.11"."""

    def __str__(self) -> str:
        return f"{self.platform}-{self.python}"

    def needs(self, requirement: Requirement, extras: Iterable[str] = ()) -> bool:
        """Return True where a requirement holds on this machine, for a package that was asked for with these extras."""
        if requirement.marker is None:
            return True
        machine = default_environment() | SYSTEMS[self.platform] | {
            "python_version": self.python, "python_full_version": f"{self.python}.0", "implementation_name": "cpython",
            "platform_python_implementation": "CPython", "implementation_version": f"{self.python}.0",
        }  # fmt: skip
        return any(requirement.marker.evaluate(machine | {"extra": extra}) for extra in ("", *extras))


@dataclass(frozen=True)
class Wheel:
    """One package as a target needs it."""

    name: str
    version: str
    sha256: str
    """Empty where pip names none, as for a file of a folder."""
    requires: tuple[str, ...]

    @property
    def pin(self) -> str:
        """The line that asks for exactly this one."""
        return f"{self.name}=={self.version}"

    def is_in(self, allowed: SpecifierSet) -> bool:
        """Return True where the version is among the allowed ones."""
        return allowed.contains(Version(self.version), prereleases=True)


def pip_arguments(target: Target, find_links: Sequence[str]) -> list[str]:
    """Return what tells pip for which machine wheels are asked for, wherever pip itself runs."""
    tags = [part for tag in TAGS[target.platform] for part in ("--platform", tag)]
    links = [part for place in find_links for part in ("--find-links", place)]
    return ["--only-binary=:all:", "--python-version", target.python, "--implementation", "cp", *tags, *links, "--no-deps"]


def run_pip(arguments: Sequence[str]) -> str:
    """Run pip and return what it printed. Raises: ValueError with pip's own reason in one line."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()[-1:]
        raise ValueError((lines or ["pip failed"])[-1].removeprefix("ERROR:").strip()[:300])
    return done.stdout


def ask_pip(find_links: Sequence[str]) -> AskPip:
    """Return a function that asks pip which wheels fit, by reading their descriptions; nothing is installed."""

    def ask(target: Target, requirements: Sequence[str]) -> list[dict]:
        report = run_pip(["install", "--dry-run", "--quiet", "--ignore-installed", "--target", "unused", "--report", "-",
                          *pip_arguments(target, find_links), *requirements])  # fmt: skip
        return json.loads(report)["install"]

    return ask


def _as_wheel(found: dict) -> Wheel:
    about, archive = found["metadata"], found["download_info"].get("archive_info", {})
    digest = (archive.get("hashes") or {}).get("sha256") or (archive.get("hash") or "").removeprefix("sha256=")
    return Wheel(canonicalize_name(about["name"]), about["version"], digest, tuple(about.get("requires_dist") or ()))


def resolve(target: Target, requirements: Sequence[str], ask: AskPip) -> list[Wheel]:
    """Return every wheel that the target needs for these requirements, sorted by name.

    Raises: ValueError, in one line, where there is no wheel, where requirements contradict each other, or where only a GPU
    build is there.
    """
    wanted: dict[str, SpecifierSet] = {}
    extras: dict[str, set[str]] = {}
    chosen: dict[str, Wheel] = {}

    def want(requirement: Requirement) -> None:
        name = canonicalize_name(requirement.name)
        wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier
        extras.setdefault(name, set()).update(requirement.extras)

    for line in requirements:
        want(Requirement(line))
    for _ in range(MOST_ROUNDS):
        todo = [f"{name}{allowed}" for name, allowed in wanted.items() if name not in chosen or not chosen[name].is_in(allowed)]
        if not todo:
            return [chosen[name] for name in sorted(wanted)]
        try:
            found = [_as_wheel(each) for each in ask(target, todo)]
        except ValueError as error:
            raise ValueError(f"{target}: pip finds no wheel: {error}") from None
        chosen |= {wheel.name: wheel for wheel in found}
        if missing := [line for line in todo if canonicalize_name(Requirement(line).name) not in chosen]:
            raise ValueError(f"{target}: pip names no wheel for {', '.join(missing)}")
        for name in list(wanted):
            for needed in _needs(target, chosen[name], extras[name]):
                want(needed)
    raise ValueError(f"{target}: requirements contradict each other, or never end: {', '.join(todo)}")


def _needs(target: Target, wheel: Wheel, extras: Iterable[str]) -> list[Requirement]:
    needed = [each for each in map(Requirement, wheel.requires) if target.needs(each, extras)]
    if gpu := [each.name for each in needed if GPU.match(each.name)]:
        raise ValueError(
            f"{target}: the only wheel of {wheel.pin} is the GPU build, which needs {len(gpu)} GPU packages such as {gpu[0]}, "
            f"gigabytes: give --find-links a folder or page with the CPU build ({wheel.name}-{wheel.version}+cpu-...whl)"
        )
    return needed


def download(target: Target, wheels: Sequence[Wheel], folder: Path, find_links: Sequence[str]) -> None:
    """Download these wheels. Raises: ValueError, in one line, where pip fails; what is whole stays, and need not come again."""
    folder.mkdir(parents=True, exist_ok=True)
    links = [*find_links, str(folder)]
    run = ["download", "--quiet", "--progress-bar", "off", "--dest", str(folder), *pip_arguments(target, links)]
    try:
        run_pip([*run, *(wheel.pin for wheel in wheels)])
    except ValueError as error:
        raise ValueError(f"{target}: the download stopped ({error}): give the same command again, it goes on") from None
