"""Build the site: `python .site/stage.py`. It needs no network and executes no notebook.

The pages are the repository's own: README.md, the lessons with their committed outputs, every page under `notebooks/` and
`data/`, a page on other places to run the course, and the library's docstrings. Sphinx wants its sources in one folder, so
they are first copied into `.site/build/source`, links pointed at pages of the site; the site is then `.site/build/html`.
"""

import html
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import api  # noqa: E402
import hosted  # noqa: E402

ROOT = HERE.parent
BUILD = HERE / "build"
RENAMED = {"README.md": "index.md", ".github/CONTRIBUTING.md": "contributing.md", "rlhf_lite/__init__.py": "api/index.rst"}
CAPTIONS = {"": "Lessons", "zh": "Lessons in Chinese", "classroom": "For a room"}
LINK = re.compile(
    r"^```.*?^```|(?P<words>!?\[(?:[^\]`]|`[^`]*`)*\])\((?P<target>[^)\s]+)(?P<title>[^)]*)\)|`[^`\n]*`", re.DOTALL | re.MULTILINE
)
"""A link or picture, whose words may hold code; or else code, in which nothing is a link."""
BAR_AT_START = re.compile(r"^[^\n]*\b0%\|\s*\| 0/\d+ \[00:00<\?[^\n]*$")
NO_BUILDER = "The site is built by Sphinx, which is not installed: run  python -m pip install -r .site/requirements.txt"
OUTSIDE = re.compile(r"[a-z]+:|#")


def pages_under(folder: Path) -> list[Path]:
    """Every notebook and Markdown page below a folder, hidden folders left out."""
    found = (path for ending in ("*.ipynb", "*.md") for path in folder.rglob(ending))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def contents(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the table of contents: a caption, and the source files below it, as paths from the root."""
    parts: dict[str, list[str]] = {}
    for path in pages_under(root / "notebooks"):
        folder = path.relative_to(root / "notebooks").parent.as_posix().removeprefix(".")
        caption = CAPTIONS.get(folder, folder.replace("_", " ").capitalize())
        parts.setdefault(caption, []).append(path.relative_to(root).as_posix())
    cards = [path.relative_to(root).as_posix() for path in pages_under(root / "data")]
    first = [name for name in ("data/paper/README.md", "data/README.md") if name in cards]
    parts["What was measured"] = first + [name for name in cards if name not in first]
    return parts


def resolve(target: str, page: Path, root: Path = ROOT) -> str | None:
    """Return the file that a link on a page points at, as a path from the root; None for addresses and places on the same page.

    Raises: FileNotFoundError naming page and link where there is no such file.
    """
    if OUTSIDE.match(target):
        return None
    there = (page.parent / target.partition("#")[0]).resolve()
    if there.is_dir():  # a folder's page, or the page that speaks of it
        there = there / "README.md" if (there / "README.md").is_file() else there.parent / "README.md"
    if not there.is_file() or root not in there.parents:
        raise FileNotFoundError(f"{page.relative_to(root)} links to {target}, but there is no such file in the repository")
    return there.relative_to(root).as_posix()


def place_of(name: str) -> str:
    """Return where a file of the repository lies among the site's sources."""
    if name.startswith("rlhf_lite/") and name.endswith(".py") and name not in RENAMED:
        return f"api/{name.removeprefix('rlhf_lite/').removesuffix('.py').replace('__init__', 'index')}.rst"
    return RENAMED.get(name, name)


def edit_links(text: str, change: Callable[[re.Match[str]], str]) -> str:
    """Change every link of a Markdown text, but nothing that stands in code."""
    return LINK.sub(lambda match: change(match) if match["target"] else match[0], text)


def links_in(text: str) -> list[str]:
    """List the targets of all links and pictures of a Markdown text, code left out."""
    return [match["target"] for match in LINK.finditer(text) if match["target"]]


def markdown_of(path: Path) -> str:
    """Return a page's prose: a Markdown file, or a notebook's Markdown cells one below the other."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")


def with_links(text: str, page: Path, source: Path) -> str:
    """Point a page's links at places among the sources, and copy there what is no page, such as pictures."""

    def change(match: re.Match[str]) -> str:
        name = resolve(match["target"], page)
        if name is None:
            return match[0]
        place = place_of(name)
        if not place.endswith((".md", ".ipynb", ".rst")):
            (source / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / place)
        _, mark, heading = match["target"].partition("#")
        start = (source / place_of(page.relative_to(ROOT).as_posix())).parent
        there = Path(os.path.relpath(source / place, start)).as_posix()
        return f"{match['words']}({there}{mark}{heading}{match['title']})"

    return edit_links(text, change)


def stage_notebook(page: Path, source: Path) -> str:
    """Prepare a lesson: its links; figures with their alt texts, which Sphinx would drop; nothing that only a widget needs."""
    notebook = json.loads(page.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = with_links("".join(cell["source"]), page, source)
            continue
        cell["outputs"] = [shown for output in cell["outputs"] if (shown := as_shown(output))]
    return json.dumps(notebook)


def as_shown(output: dict) -> dict | None:
    """Return an output as the site shows it; None for a widget's script, and for a progress bar as it was at its start."""
    data = output.get("data", {})
    if "application/javascript" in data or BAR_AT_START.search("".join(data.get("text/plain", ""))):
        return None
    if "image/png" in data:
        alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        picture = "".join(data["image/png"]).replace("\n", "")
        image = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}">'
        return {**output, "metadata": {}, "data": {"text/html": image, "text/plain": data["text/plain"]}}
    return output


def toctree(caption: str, names: list[str]) -> str:
    """Write one part of the table of contents, to be appended to the start page."""
    listed = "\n".join(place_of(name).rpartition(".")[0] for name in names)
    return f"\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {caption}\n\n{listed}\n```\n"


def stage(source: Path) -> None:
    """Write all of Sphinx's sources."""
    parts = contents()
    for name in [name for names in parts.values() for name in names] + ["README.md", ".github/CONTRIBUTING.md"]:
        page, target = ROOT / name, source / place_of(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        prepare = stage_notebook if page.suffix == ".ipynb" else lambda page, to: with_links(markdown_of(page), page, to)
        target.write_text(prepare(page, source), encoding="utf-8")
    (source / "hosted.md").write_text(hosted.page(sorted((ROOT / "notebooks").glob("*.ipynb"))), encoding="utf-8")
    api.write_pages(ROOT / "rlhf_lite", source / "api")
    with (source / "index.md").open("a", encoding="utf-8") as start:
        start.writelines(toctree(caption, names) for caption, names in parts.items())
        start.write(toctree("The library", ["api/index.rst", "hosted.md", ".github/CONTRIBUTING.md"]))


def main() -> None:
    """Stage the sources and run Sphinx; the exit status is Sphinx's."""
    try:
        from sphinx.cmd.build import main as build
    except ImportError:
        sys.exit(NO_BUILDER)
    shutil.rmtree(BUILD / "source", ignore_errors=True)
    stage(BUILD / "source")
    status = build(["-c", str(HERE), "-b", "html", "-q", "-W", "--keep-going", str(BUILD / "source"), str(BUILD / "html")])
    print(f"the site: {BUILD / 'html' / 'index.html'}" if status == 0 else "the site was not built", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
