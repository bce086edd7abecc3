"""The page on other places to run the course: Colab with a badge per lesson, Binder, Codespaces, a shared hub.

Badges need to know where the repository lies: `SITE_REPOSITORY=OWNER/NAME`, or else git's `origin` where that is on GitHub.
Without either, the page says how an address is put together. Badges are links, not pictures from Colab's server: pages fetch
nothing from outside.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

BRANCH = "main"
ON_GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
SETUP_CELL = """\
REPOSITORY = "https://github.com/OWNER/NAME"  # where the course lies
!test -d /content/course || git clone --quiet --depth 1 $REPOSITORY /content/course
%cd /content/course/notebooks
%pip install --quiet .. "ipywidgets>=8.1" "pillow>=10" "noto-cjk-sans-otc>=0.0.1"
import os, sys
sys.path.insert(0, "/content/course")  # with the trained models
os.environ["OMP_NUM_THREADS"] = "2"
"""
PAGE = Path(__file__).with_name("pages") / "hosted.md"


def repository() -> str | None:
    """Return the repository's "OWNER/NAME" on GitHub, or None where nothing says it."""
    if given := os.environ.get("SITE_REPOSITORY"):
        return given
    asked = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, cwd=Path(__file__).parent)
    found = ON_GITHUB.search(asked.stdout.strip())
    return found[1] if found else None


def colab_address(name: str, lesson: str) -> str:
    """Return the address at which Colab opens a lesson of the repository `name`, "OWNER/NAME"."""
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/notebooks/{quote(lesson)}"


def page(lessons: list[Path]) -> str:
    """Write the page as Markdown, one row per lesson."""
    name = repository()
    rows = []
    for path in lessons:
        title = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]).splitlines()[0].lstrip("# ")
        link = f"[Open in Colab]({colab_address(name, path.name)})" if name else f"`{path.name}`"
        rows.append(f"| [{title}](notebooks/{path.name}) | {link} |")
    note = (
        ""
        if name
        else f"A lesson's address at Colab is `{colab_address('OWNER/NAME', 'LESSON')}`, OWNER/NAME its repository.\n\n"
    )
    binder = (f"[Open the lessons on Binder](https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath=lab/tree/notebooks/00_start_here.ipynb)."
              if name else "At mybinder.org, give the repository's address.")  # fmt: skip
    cell = SETUP_CELL.replace("OWNER/NAME", name) if name else SETUP_CELL
    table = note + "| lesson | Colab |\n|---|---|\n" + "\n".join(rows)
    return PAGE.read_text(encoding="utf-8").format(cell=cell, lessons=table, binder=binder)
