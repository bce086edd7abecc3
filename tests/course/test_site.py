"""The site holds every page of the course, leads nowhere that is not there, and is built without a network.

Proves: every lesson and every page is in the table of contents once; links between pages, lessons and files resolve, and a wrong
one is found; staging keeps outputs, gives figures their alt texts, drops widgets' scripts and points links at pages of the site;
docstrings survive as the plain text that they are; every module of the library has a page. Slow: the build itself, whose pages
ask for nothing from outside.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rlhf_lite.course.lessons import LESSONS

ROOT = Path(__file__).parents[2]
SITE = ROOT / ".site"
FETCHED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=\"(?:https?:)?//|<link(?![^>]*canonical)[^>]*href=\"(?:https?:)?//"
)


def module(name):
    """Import one of the builder's modules, which is in no package."""
    if str(SITE) not in sys.path:
        sys.path.insert(0, str(SITE))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


stage, links, api, hosted = map(module, ("stage", "links", "api", "hosted"))


def test_every_lesson_and_page_is_in_the_table_of_contents_once():
    listed = [name for names in stage.contents().values() for name in names]
    assert len(listed) == len(set(listed))
    folders = [ROOT / "notebooks", ROOT / "data"]
    there = {path for folder in folders for path in folder.rglob("*") if path.suffix in (".md", ".ipynb")}
    assert {ROOT / name for name in listed} == {path for path in there if ".ipynb_checkpoints" not in path.parts}
    assert [Path(name).name[:2] for name in stage.contents()["Lessons"] if name.endswith(".ipynb")] == list(LESSONS)


@pytest.mark.parametrize("page", links.pages(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert links.faults(page, ROOT) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/README.md").write_text("# Data card, the first\n\n```\n# no heading\n[code](gone.md)\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](data/) [b](data/#data-card-the-first) [c](https://example.org) [d](gone.md) [e](data/#no-heading) [f](#x)"
    )
    found = links.faults(page, tmp_path)
    assert [re.search(r"links to (\S+?),", fault)[1] for fault in found] == ["gone.md", "data/#no-heading", "#x"]


def test_a_link_out_of_the_repository_is_refused(tmp_path):
    root = tmp_path / "course"
    root.mkdir()
    (tmp_path / "secret.md").touch()
    with pytest.raises(FileNotFoundError, match=r"page\.md links to \.\./secret\.md"):
        stage.resolve("../secret.md", root / "page.md", root)


def test_links_point_at_the_sites_pages_and_code_is_left_alone(tmp_path):
    page = ROOT / "notebooks/classroom/one_day.md"
    text = "[start](../../README.md#start) ![front](../../data/front.png) [`gpt`](../../rlhf_lite/gpt.py) `[x](y)`"
    assert stage.with_links(text, page, tmp_path) == (
        "[start](../../index.md#start) ![front](../../data/front.png) [`gpt`](../../api/gpt.rst) `[x](y)`"
    )
    assert (tmp_path / "data/front.png").read_bytes() == (ROOT / "data/front.png").read_bytes()


def test_a_staged_lesson_keeps_its_outputs_with_alt_texts_and_without_scripts(tmp_path):
    page = ROOT / "notebooks/12_ppo_for_language_models.ipynb"
    before, after = json.loads(page.read_text(encoding="utf-8")), json.loads(stage.stage_notebook(page, tmp_path))
    outputs = [[output for cell in lesson["cells"] for output in cell.get("outputs", [])] for lesson in (before, after)]
    scripts = sum("application/javascript" in output.get("data", {}) for output in outputs[0])
    bars = sum("0%|" in "".join(output.get("data", {}).get("text/plain", "")) for output in outputs[0])
    assert scripts and bars and len(outputs[1]) == len(outputs[0]) - scripts - bars
    pictures = [output for output in outputs[0] if "image/png" in output.get("data", {})]
    shown = [output["data"]["text/html"] for output in outputs[1] if "<img" in str(output.get("data", {}).get("text/html", ""))]
    assert len(pictures) == len(shown) > 3
    assert all(re.match(r'<img alt="[^"]{20,}" src="data:image/png;base64,', html) for html in shown)
    printed = [[output["text"] for output in lesson if "text" in output] for lesson in outputs]
    assert printed[0] == printed[1]


@pytest.mark.parametrize(
    ("docstring", "rst"),
    [
        (["Draw `x` * 2, a_b.", ""], ["Draw ``x`` \\* 2, a\\_b.", "", ""]),
        (["Shapes:", "", "    a  b", "", "More."], ["Shapes:", "", "", "::", "", "    a  b", "", "", "More.", ""]),
        (["Differs:", "1. One", "   more", "2. Two"], ["Differs:", "", "1. One", "   more", "2. Two", ""]),
    ],
)
def test_docstrings_stay_plain_text(docstring, rst):
    api.as_rst(docstring)
    assert docstring == rst


def test_every_module_has_a_page_but_single_lessons(tmp_path):
    api.write_pages(ROOT / "rlhf_lite", tmp_path)
    pages = {path.relative_to(tmp_path).with_suffix("").as_posix() for path in tmp_path.rglob("*.rst")}
    package = ROOT / "rlhf_lite"
    modules = {path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")}
    left_out = re.compile(r"course/(lesson_\d\d|translation)/|(.*/)?__main__$")
    assert pages == {name.replace("__init__", "index") for name in modules if not left_out.match(name)}
    assert ".. automodule:: rlhf_lite.hf.save" in (tmp_path / "hf/save.rst").read_text()


def test_the_page_of_other_places_gives_each_lesson_its_address(monkeypatch):
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    monkeypatch.setenv("SITE_REPOSITORY", "somebody/course")
    text = hosted.page(lessons)
    address = "](https://colab.research.google.com/github/somebody/course/blob/main/notebooks/"
    assert text.count(address) == len(lessons) == len(LESSONS)
    assert 'REPOSITORY = "https://github.com/somebody/course"' in text
    monkeypatch.delenv("SITE_REPOSITORY")
    monkeypatch.setattr(hosted, "repository", lambda: None)
    assert "OWNER/NAME" in hosted.page(lessons) and "](https://" not in hosted.page(lessons)


@pytest.mark.parametrize(
    "address", ["git@github.com:a-b/c.d.git", "https://github.com/a-b/c.d", "https://github.com/a-b/c.d.git"]
)
def test_the_repository_is_read_from_gits_origin(address):
    assert hosted.ON_GITHUB.search(address)[1] == "a-b/c.d"


def test_without_the_builder_one_line_says_what_to_install(tmp_path):
    for name in ("stage", "api", "hosted"):
        (tmp_path / f"{name}.py").write_text((SITE / f"{name}.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "sphinx").mkdir()
    (tmp_path / "sphinx/__init__.py").write_text("raise ImportError('as if it were not installed')")
    done = subprocess.run([sys.executable, str(tmp_path / "stage.py")], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{stage.NO_BUILDER}\n" and "pip install -r .site/requirements.txt" in stage.NO_BUILDER


@pytest.mark.slow
def test_the_site_is_built_and_its_pages_fetch_nothing_from_outside():
    if not all(importlib.util.find_spec(name) for name in ("sphinx", "myst_nb", "sphinx_book_theme")):
        pytest.skip("the builder is not installed: pip install -r .site/requirements.txt")
    closed = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, str(SITE / "stage.py")], capture_output=True, text=True, env=os.environ | closed)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = [path for path in (SITE / "build/html").rglob("*.html") if "_static" not in path.parts]
    assert len(pages) > 150
    assert not [path.name for path in pages if FETCHED.search(path.read_text(encoding="utf-8"))]
