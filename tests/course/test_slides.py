"""Slides say what lessons say and open without a network.

Proves: every sentence and figure of the six decks stands in its lesson; a sentence or a figure that does not stops the command; a
page holds all it shows and forbids every request; text stays text; in a browser nothing is asked for and no slide overflows.
"""

import re
from pathlib import Path

import pytest

from rlhf_lite.course.__main__ import main
from rlhf_lite.course.classroom.slide_page import POLICY, deck_html, slide_html, write_slides
from rlhf_lite.course.classroom.slides import DECKS, Deck, Slide, plain_words, read_decks
from rlhf_lite.files import course_folder

CHROMIUM = Path("/usr/bin/chromium")
SLIDE = """[[block]]
number = 1
title = "a"
[[block.slide]]
title = "b"
lesson = "10"
"""


@pytest.fixture(scope="module")
def decks():
    return read_decks()


def test_six_decks_of_short_slides(decks):
    assert [deck.number for deck in decks] == [1, 2, 3, 4, 5, 6]
    for deck in decks:
        assert 4 <= len(deck.slides) <= 10
        assert any(slide.asks for slide in deck.slides) and any(slide.png for slide in deck.slides)
        assert all(len(slide.says) <= 180 and len(slide.title) <= 70 for slide in deck.slides)
        assert all(slide.alt for slide in deck.slides if slide.png)


def test_each_deck_belongs_to_a_block_of_the_run_sheet(decks):
    sheet = (course_folder() / "notebooks/classroom/one_day.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## Block (\d): (.+)$", sheet, flags=re.MULTILINE)
    assert [(str(deck.number), deck.title.lower()) for deck in decks] == [(number, title.lower()) for number, title in titles]


@pytest.mark.parametrize("rest, told", [
    ('says = "All scores of all models are equal."', "lesson 10 does not say 'All scores of all models are equal.'"),
    ('says = "A tie makes no pair."\nfigure = "title"', "lesson 10 has no cell 'title' with a stored figure"),
    ('says = "A tie makes no pair."\nfigre = "x"', "expected [[block]]"), ("says = ", "expected [[block]]"),
])  # fmt: skip
def test_what_a_lesson_does_not_hold_stops(rest, told, tmp_path):
    path = tmp_path / "slides.toml"
    path.write_text(SLIDE + rest, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(told)):
        read_decks(path)


def test_marks_are_no_words():
    assert plain_words("a **b**\n\n`c` *d*") == "a b c d"


def test_text_stays_text():
    html = slide_html(Slide(title="<b>", says="x <script>", lesson="10", lesson_title="&", png="AA", alt='"<'), "1 / 1")
    assert "&lt;b&gt;" in html and "x &lt;script&gt;" in html and 'alt="&quot;&lt;"' in html and "<script" not in html


def test_a_page_holds_all_that_it_shows(decks):
    for deck in decks:
        page = deck_html(deck)
        assert POLICY in page and page.count("<section") == len(deck.slides) + 1
        assert not re.findall(r"(?:src|href)=\"(?!data:)|url\(|@import", page)


def test_the_command_writes_six_pages(tmp_path, capsys):
    assert main(["slides", str(tmp_path / "new")]) == 0
    assert [path.name for path in sorted((tmp_path / "new").iterdir())] == [f"block_{n}.html" for n in range(1, 7)]
    assert capsys.readouterr().out.count("block_") == 6 and DECKS.endswith("slides.toml")


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium")
def test_in_a_browser_nothing_is_asked_for_and_no_slide_overflows(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
    with playwright.sync_playwright() as start:
        browser = start.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        for path in write_slides(tmp_path):
            page.goto(path.as_uri())
            sizes = page.evaluate("[...document.querySelectorAll('section')].map(s => [s.scrollHeight - s.clientHeight, "
                                  "s.scrollWidth - s.clientWidth])")  # fmt: skip
            assert max(map(max, sizes)) == 0, path.name
            page.keyboard.press("End")
            page.wait_for_function("document.querySelector('section:last-of-type').getBoundingClientRect().top === 0")
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and said == []
        browser.close()


def test_a_deck_without_slides_is_a_title():
    assert "Block 7" in deck_html(Deck(number=7, title="x", slides=[]))
