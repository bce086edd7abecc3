"""Check that links between the repository's pages, lessons and files lead somewhere: `python .site/links.py`. No network.

Addresses outside are not asked; a link on the same page must name one of its headings. Only the standard library is used.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import stage  # noqa: E402

HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def pages(root: Path) -> list[Path]:
    """Every page that links are read from: at the top, in `.github`, `notebooks` and `data`."""
    return sorted([*root.glob("*.md"), *(root / ".github").glob("*.md"), *stage.pages_under(root / "notebooks"),
                   *stage.pages_under(root / "data")])  # fmt: skip


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives a page's headings: "Windows, or without make" -> "windows-or-without-make"."""
    prose = "".join(part for i, part in enumerate(re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.MULTILINE)) if i % 2 == 0)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in HEADING.findall(prose)}


def faults(page: Path, root: Path) -> list[str]:
    """List a page's links that lead nowhere."""
    text, found = stage.markdown_of(page), []
    for target in stage.links_in(text):
        try:
            name = stage.resolve(target, page, root)
        except FileNotFoundError as error:
            found.append(str(error))
            continue
        anchor = target.partition("#")[2]
        there = root / name if name else page
        inside = target.startswith("#") or (name is not None and anchor and there.suffix in (".md", ".ipynb"))
        if inside and anchor not in anchors(stage.markdown_of(there)):
            found.append(f"{page.relative_to(root)} links to {target}, but no heading there has that name")
    return found


def main() -> None:
    """Print what leads nowhere; the exit status is 1 if anything does."""
    root = stage.ROOT
    found = [fault for page in pages(root) for fault in faults(page, root)]
    print("\n".join(found) or f"{len(pages(root))} pages: every link leads somewhere")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
