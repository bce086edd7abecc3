"""Everything that an installation without a network needs, in one folder: wheels, the course, checksums, an installer.

    FOLDER/wheels/      every wheel of every machine asked for
    FOLDER/locks/       per machine, such as linux-3.11.txt, exactly which wheels it takes
    FOLDER/course.zip   the course as committed, or the folder as it is where there is no git
    FOLDER/install.py   started by install.sh or install.ps1
    FOLDER/SHA256SUMS   written last: a bundle without it is not finished
"""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..files import course_folder, replacing, write_atomically
from . import bundle_install
from .bundle_install import COURSE, LOCKS, SUMS, WHEELS, sha256
from .bundle_wheels import SYSTEMS, AskPip, Target, Wheel, ask_pip, download, resolve

BUILD = "setuptools>=77"
"""What builds the course's own package; see pyproject.toml."""
LEFT_OUT = {".venv", ".git", "runs", "labels", "__pycache__", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints"}
SHELL = """#!/bin/sh
# Install the course from this folder, without a network: sh install.sh [--into FOLDER]; PYTHON=python3.12 names another Python.
exec "${PYTHON:-python3}" "$(dirname "$0")/install.py" "$@"
"""
POWERSHELL = """# Install the course from this folder, without a network: .\\install.ps1 [--into FOLDER]
$python = if ($env:PYTHON) { $env:PYTHON } else { "python" }
& $python (Join-Path $PSScriptRoot "install.py") @args
exit $LASTEXITCODE
"""


def read_requirements(path: Path) -> list[str]:
    """Read requirements.txt, comments and empty lines left out."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def check_targets(platforms: Sequence[str], pythons: Sequence[str]) -> list[Target]:
    """Return every pair of platform and Python. Raises: ValueError where one is unknown."""
    for platform in platforms:
        if platform not in SYSTEMS:
            raise ValueError(f"platform {platform!r} is unknown, expected one of {', '.join(SYSTEMS)}")
    for python in pythons:
        major, _, minor = python.partition(".")
        if major != "3" or not minor.isdecimal() or int(minor) < 11:
            raise ValueError(f"Python {python!r} is unknown, expected 3.11 or later, such as 3.12")
    return [Target(platform, python) for platform in dict.fromkeys(platforms) for python in dict.fromkeys(pythons)]


def pack_course(root: Path, path: Path) -> str:
    """Write the course to a zip file; return what was packed, in words."""
    if (root / ".git").exists():
        with replacing(path) as part:
            command = ["git", "-C", str(root), "archive", "--format=zip", "-o", str(part.absolute()), "HEAD"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ValueError(f"git archive failed: {done.stderr.strip()[-200:]}")
        return "the course as committed"
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(each for each in root.rglob("*") if each.is_file()):
            parts = file.relative_to(root).parts
            if not LEFT_OUT & set(parts) and not any(part.endswith(".egg-info") for part in parts):
                archive.write(file, "/".join(parts))
    return "the course's folder as it is: it is under no version control"


def check_downloads(wheels: Sequence[Wheel], folder: Path) -> None:
    """Compare downloaded wheels with the checksums that the index named. Raises: ValueError, where one differs or is missing."""
    there = {sha256(path) for path in folder.glob("*.whl")}
    for wheel in wheels:
        if wheel.sha256 and wheel.sha256 not in there:
            raise ValueError(f"{wheel.pin} did not arrive whole: delete its file in {folder} and give the same command again")


def write_sums(folder: Path) -> int:
    """Write SHA256SUMS of all files below a folder, last; return their number."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    write_atomically(folder / SUMS, "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files))
    return len(files)


def make_bundle(
    folder: Path, targets: Sequence[Target], *, find_links: Sequence[str] = (), ask: AskPip | None = None, fetch=download
) -> None:
    """Fill a folder with a bundle for all targets, saying what is done; nothing is downloaded before every target is resolved.

    Raises: ValueError, in one line, where a target cannot be served, a download stops, or the folder holds other things.
    """
    root = course_folder()
    if folder.exists() and any(folder.iterdir()) and not (folder / LOCKS).is_dir():
        raise ValueError(f"{folder} holds other things: name a new folder")
    if root == folder.absolute() or root in folder.absolute().parents:
        raise ValueError(f"{folder} lies inside the course: name a folder outside of it")
    requirements = [*read_requirements(root / "requirements.txt"), BUILD]
    plans = {target: resolve(target, requirements, ask or ask_pip(find_links)) for target in targets}
    (folder / SUMS).unlink(missing_ok=True)
    for target, wheels in plans.items():
        write_atomically(folder / LOCKS / f"{target}.txt", "".join(f"{wheel.pin}\n" for wheel in wheels))
        fetch(target, wheels, folder / WHEELS, find_links)
        check_downloads(wheels, folder / WHEELS)
        print(f"{target}: {len(wheels)} wheels", flush=True)
    print(pack_course(root, folder / COURSE))
    shutil.copyfile(bundle_install.__file__, folder / "install.py")
    write_atomically(folder / "install.sh", SHELL)
    write_atomically(folder / "install.ps1", POWERSHELL)
    count = write_sums(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {count} files, {size / 1e9:.2f} GB. Install from it, without a network: sh {folder}/install.sh", flush=True)


def this_target() -> tuple[str, str]:
    """Return this machine's platform and Python, for a bundle of which nothing else is said."""
    platform, _, python = bundle_install.this_machine().rpartition("-")
    return platform if platform in SYSTEMS else "linux", python if sys.version_info >= (3, 11) else "3.11"
