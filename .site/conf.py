"""Sphinx's settings for the site. `stage.py` prepares the sources and calls Sphinx; pages ask nothing from outside."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import api  # noqa: E402

import rlhf_lite  # noqa: E402, F401  # a missing library is one error here, not one per page

project = "How ChatGPT was made"
author = "The authors of rlhf_lite"
copyright = author
language = "en"

extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx.ext.githubpages", "sphinx_copybutton",
    "sphinx-mathjax-offline",
]  # fmt: skip
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the committed outputs are what tests compare
nb_ipywidgets_js = {}  # no script from a content server: stored lessons hold static fallbacks, no widgets
highlight_language = "none"  # a block that names no language is text
copybutton_selector = "div.highlight-ipython3 pre, div.cell_input pre, div.highlight-none pre"
suppress_warnings = ["misc.highlighting_failure"]  # shell lines and magics in cells

autodoc_default_options = {"members": True, "undoc-members": False, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 90
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "navbar_persistent": [], "show_toc_level": 2, "show_navbar_depth": 1, "use_download_button": True,
    "use_fullscreen_button": False, "use_issues_button": False, "use_repository_button": False,
}  # fmt: skip


def setup(app: object) -> None:
    """Read docstrings as the plain text that they are."""
    app.connect("autodoc-process-docstring", lambda app, what, name, thing, options, lines: api.as_rst(lines))
