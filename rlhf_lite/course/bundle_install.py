"""Install the course from a bundle, without a network: `python install.py [--into FOLDER]`.

This file is copied into every bundle as `install.py`, so it uses Python's standard library alone. It compares every file with
SHA256SUMS first and changes nothing where one is damaged or missing.
"""

import argparse
import hashlib
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

SUMS, COURSE, WHEELS, LOCKS = "SHA256SUMS", "course.zip", "wheels", "locks"
PLATFORMS = {("Linux", "x86_64"): "linux", ("Darwin", "arm64"): "macos-arm64", ("Windows", "AMD64"): "windows"}


def sha256(path: Path) -> str:
    """Return the checksum of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sums(bundle: Path) -> int:
    """Compare every file with SHA256SUMS; return how many there are. Raises: ValueError, naming the first that is wrong."""
    if not (bundle / SUMS).is_file():
        raise ValueError(f"{bundle} has no {SUMS}: the bundle was not finished. Make it again, or copy it again as a whole")
    lines = (bundle / SUMS).read_text(encoding="utf-8").splitlines()
    for line in lines:
        wanted, _, name = line.partition("  ")
        path = bundle / name
        if not path.is_file():
            raise ValueError(f"{name} is missing from the bundle: copy the bundle again as a whole")
        if sha256(path) != wanted:
            raise ValueError(f"{name} is damaged, its checksum is another: copy it again from where the bundle was made")
    return len(lines)


def this_machine() -> str:
    """Name this machine as locks are named. Example: "linux-3.11"."""
    kind = platform.system(), platform.machine()
    return f"{PLATFORMS.get(kind, '-'.join(kind))}-{sys.version_info.major}.{sys.version_info.minor}"


def lock_for(bundle: Path, machine: str) -> Path:
    """Return the list of wheels for a machine. Raises: ValueError, saying what the bundle holds instead."""
    lock = bundle / LOCKS / f"{machine}.txt"
    if not lock.is_file():
        held = ", ".join(sorted(path.stem for path in (bundle / LOCKS).glob("*.txt"))) or "nothing"
        raise ValueError(f"this machine is {machine}, and the bundle holds {held}: run this with another Python, or make "
                         f"a bundle for this machine")  # fmt: skip
    return lock


def unpack(bundle: Path, into: Path) -> None:
    """Unpack the course. Raises: ValueError where the folder holds something already."""
    if into.exists() and any(into.iterdir()):
        raise ValueError(f"{into} is not empty: name another folder with --into, or empty it")
    with zipfile.ZipFile(bundle / COURSE) as archive:
        archive.extractall(into)


def install(bundle: Path, into: Path) -> Path:
    """Check, unpack, make .venv and fill it from the bundle's wheels; return its Python.

    Raises: ValueError; subprocess.CalledProcessError where pip fails, after pip has said why.
    """
    lock = lock_for(bundle, this_machine())
    print(f"{check_sums(bundle)} files are whole")
    unpack(bundle, into)
    subprocess.run([sys.executable, "-m", "venv", str(into / ".venv")], check=True)
    python = into / ".venv" / ("Scripts/python.exe" if platform.system() == "Windows" else "bin/python")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--find-links", str(bundle / WHEELS), "-r", str(lock)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "-e", str(into)], check=True)
    (into / ".venv" / ".installed").touch()  # tells `make course` that nothing is left to install
    return python


def main(arguments: list[str] | None = None) -> int:
    """Install; return the exit status."""
    parser = argparse.ArgumentParser(description="Install the course from this bundle, without a network.")
    parser.add_argument("--into", type=Path, default=Path("how-chatgpt-was-made"), help="a new or empty folder")
    into = parser.parse_args(arguments).into.absolute()
    try:
        python = install(Path(__file__).resolve().parent, into)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(map(str, error.cmd[:4]))} ... failed: empty {into} and try again", file=sys.stderr)
        return 1
    print(f"Installed. Open lesson 00:\n  {python} -m jupyterlab {into / 'notebooks' / '00_start_here.ipynb'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
