"""The language in which lessons speak: English, or the one whose folder the notebook lies in, such as `notebooks/zh`.

A translated lesson has the code cells of the English one, so no cell can say which language it is in. A notebook's kernel
works in the notebook's folder, in JupyterLab as in tests, and the folder's name decides; where a kernel works elsewhere, the
environment variable RLHF_LITE_LANGUAGE does. What the library says is looked up by its English sentence, in `texts_zh.py` of
this package and of each lesson's room. What is not there stays English.
"""

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "zh": "中文"}
VARIABLE = "RLHF_LITE_LANGUAGE"
untranslated: set[str] = set()
"""Sentences that were asked for in another language than English and not found."""


def language() -> str:
    """Return the language in force, such as "zh". Raises: ValueError, where the environment variable names an unknown one."""
    named = os.environ.get(VARIABLE)
    if named and named not in LANGUAGES:
        raise ValueError(f"{VARIABLE} is {named!r}, expected one of {', '.join(LANGUAGES)}")
    folder = Path.cwd().name
    return named or (folder if folder in LANGUAGES else ENGLISH)


@cache
def catalogue(to: str) -> Mapping[str, str]:
    """Return English sentence -> its translation, of the whole course; empty for English."""
    here, found = Path(__file__).parent, {}
    for path in sorted(here.glob(f"texts_{to}.py")) + sorted(here.glob(f"lesson_*/texts_{to}.py")):
        module = ".".join([__package__, *path.relative_to(here).with_suffix("").parts])
        found |= import_module(module).TEXTS
    return found


def tr(text: str, *, meaning: str = "", **values: object) -> str:
    """Translate a sentence of the library into the language in force, then fill in its named places.

    A word that other languages say in several ways is looked up with its `meaning`: "Answer [button]".

    Example: tr("{n} of {total} answered", n=1, total=5) gives "1 of 5 answered", and in `notebooks/zh` "已答 1/5".
    """
    to, key = language(), f"{text} [{meaning}]" if meaning else text
    if to != ENGLISH:
        if key not in catalogue(to):
            untranslated.add(key)
        text = catalogue(to).get(key, text)
    return text.format(**values) if values else text
