"""Write a deck as one HTML page: it opens from a stick, asks nothing of any network, prints one slide per sheet.

Keys: arrows, space, Page Up and Page Down, Home and End move; w shows a figure in words. Without its script the page scrolls.
"""

from pathlib import Path

from ..safe_text import safe_attribute, safe_html
from .slides import Deck, Slide, read_decks

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""The browser itself refuses what a page would fetch."""
STYLE = """
* { box-sizing: border-box; }
html { scroll-snap-type: y mandatory; font: 2.9vmin/1.35 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
body { margin: 0; color: #111; background: #fff; }
section { height: 100vh; padding: 4vmin 6vmin 7vmin; scroll-snap-align: start; position: relative; overflow: hidden;
  display: flex; flex-direction: column; break-after: page; }
h1, h2 { margin: 0 0 2vmin; line-height: 1.15; text-wrap: balance; }
h1 { font-size: 8vmin; } h2 { font-size: 5.4vmin; }
figure { flex: 1 1 0; min-height: 0; margin: 0; display: flex; justify-content: center; align-items: center; }
img { width: 100%; height: 100%; object-fit: contain; }
.says { margin: 2vmin 0 0; font-size: 3.9vmin; }
.words { display: none; position: absolute; inset: auto 6vmin 7vmin; max-height: 45%; overflow: auto; padding: 2vmin;
  background: #fff; border: 2px solid #111; font-size: 2.6vmin; }
.in-words .words { display: block; }
.asks, .first { justify-content: center; } .asks h2 { font-size: 8vmin; } .asks .says { font-size: 4.6vmin; }
footer { position: absolute; inset: auto 6vmin 2vmin; display: flex; justify-content: space-between; gap: 2em; color: #444;
  font-size: 2.1vmin; }
@media print { @page { size: 297mm 167mm; margin: 0; } html { font-size: 5mm; } section { height: 166mm; } }
"""
SCRIPT = """
const slides = [...document.querySelectorAll("section")];
const now = () => slides.findIndex(each => each.getBoundingClientRect().bottom > innerHeight / 2);
const steps = {ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -999, End: 999};
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "w") document.body.classList.toggle("in-words");
  const step = event.key === " " && event.shiftKey ? -1 : steps[event.key];
  if (!step) return;
  event.preventDefault();
  slides[Math.max(0, Math.min(slides.length - 1, now() + step))].scrollIntoView();
});
"""
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>{style}</style></head>
<body>
{body}
<script>{script}</script></body></html>
"""


def slide_html(slide: Slide, place: str) -> str:
    """Write one slide; `place` is what stands at the lower right, as "3 / 7"."""
    figure = ""
    if slide.png:
        figure = (f'<figure><img src="data:image/png;base64,{slide.png}" alt="{safe_attribute(slide.alt)}"></figure>'
                  f'<div class="words">{safe_html(slide.alt)}</div>')  # fmt: skip
    kind = ' class="asks"' if slide.asks or not slide.png else ""
    says = f"… {slide.says}" if slide.says[0].islower() else slide.says
    footer = f"<footer><span>Lesson {safe_html(slide.lesson_title)}</span><span>{safe_html(place)}</span></footer>"
    return f'<section{kind}><h2>{safe_html(slide.title)}</h2>{figure}<p class="says">{safe_html(says)}</p>{footer}</section>'


def deck_html(deck: Deck) -> str:
    """Write a deck as a page: a title, then its slides."""
    count = len(deck.slides) + 1
    keys = f"<footer><span>arrows or space to move, w for a figure in words</span><span>1 / {count}</span></footer>"
    first = f'<section class="first"><h1>{safe_html(deck.title)}</h1><p class="says">Block {deck.number}</p>{keys}</section>'
    body = [first, *(slide_html(slide, f"{number} / {count}") for number, slide in enumerate(deck.slides, start=2))]
    title = f"Block {deck.number}: {deck.title}"
    return PAGE.format(policy=POLICY, title=safe_attribute(title), style=STYLE, body="\n".join(body), script=SCRIPT)


def write_slides(folder: Path) -> list[Path]:
    """Write FOLDER/block_1.html and so on; return their paths. Pages that are there are written anew.

    Raises: FileNotFoundError, ValueError, as `read_decks`.
    """
    decks = read_decks()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"block_{deck.number}.html" for deck in decks]
    for deck, path in zip(decks, paths, strict=True):
        path.write_text(deck_html(deck), encoding="utf-8")
    return paths
