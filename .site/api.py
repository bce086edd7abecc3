"""Pages of the API reference: one per module of the library, in its reading order, filled from docstrings.

The rooms of single lessons are left out: they hold the exercises' solutions, and lessons show what they need of them.
"""

import ast
import re
from pathlib import Path

LISTED = re.compile(r"^    (\w+)(?: |$)", re.MULTILINE)
LEFT_OUT = re.compile(r"lesson_\d\d|translation")
ITEM = re.compile(r"(\d+\.|-) ")
PIECES = re.compile(r"(`+[^`]+`+)")


def names_in_order(package: Path) -> list[str]:
    """List the modules and rooms that a package's docstring lists, without the rooms of single lessons."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")), clean=False)
    return [name for name in LISTED.findall(text) if not (package.name == "course" and LEFT_OUT.fullmatch(name))]


def write_pages(package: Path, target: Path, dotted: str = "rlhf_lite") -> None:
    """Write `index.rst` for a package, a page per module, and the same for its rooms in folders of their names."""
    target.mkdir(parents=True, exist_ok=True)
    entries = []
    for name in names_in_order(package):
        if (package / name).is_dir():
            write_pages(package / name, target / name, f"{dotted}.{name}")
            entries.append(f"{name}/index")
        else:
            (target / f"{name}.rst").write_text(page(name, f"{dotted}.{name}"), encoding="utf-8")
            entries.append(name)
    title = "The library" if dotted == "rlhf_lite" else dotted.removeprefix("rlhf_lite.")
    listed = "".join(f"   {entry}\n" for entry in entries)
    text = f"{page(title, dotted)}\n.. toctree::\n   :maxdepth: 1\n   :caption: Modules, in reading order\n\n{listed}"
    (target / "index.rst").write_text(text, encoding="utf-8")


def page(title: str, dotted: str) -> str:
    """Write one module's page; a package's page leaves its members to their own modules."""
    return f"{title}\n{'=' * len(title)}\n\n.. automodule:: {dotted}\n"


def as_rst(lines: list[str]) -> None:
    """Turn a docstring, plain text with code in backticks, into reStructuredText, in place.

    Indented lines are kept as they stand, as code; stars, bars and underscores are themselves.
    Example: ["Draw `x` * 2:", "", "    a  b"] -> ["Draw ``x`` \\* 2:", "", "::", "", "    a  b"].
    """
    written: list[str] = []
    in_code = in_list = False
    for line in lines:
        starts_code = line.startswith("    ") and line.strip() != "" and not in_list
        is_item = ITEM.match(line) is not None
        if (starts_code and not in_code) or (is_item and not in_list):
            written += ["", "::", ""] if starts_code else [""]
        in_list = is_item or (in_list and line.startswith(" "))
        leaves_code = in_code and line.strip() != "" and not starts_code
        in_code = starts_code or (in_code and not line.strip())
        written += ([""] if leaves_code else []) + [line if in_code else _escaped(line)]
    lines[:] = [*written, ""]


def _escaped(line: str) -> str:
    """Escape what reStructuredText would read as markup, outside of code; a list's dash or number stays."""
    pieces = PIECES.split(line)
    return "".join(f"``{piece.strip('`')}``" if i % 2 else re.sub(r"([*|_\\])", r"\\\1", piece) for i, piece in enumerate(pieces))
