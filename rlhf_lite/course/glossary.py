"""The course's terms in English and Chinese: read from `notebooks/zh/glossary.tsv`, written as the page `notebooks/glossary.md`.

A row of the table holds the English term, the Chinese one, and a line about it in each language; a second form stands in
brackets, as in "supervised fine-tuning (SFT)". After a change of the table: `python -m rlhf_lite.course.glossary`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files import course_folder, write_atomically

TABLE, PAGE = Path("notebooks") / "zh" / "glossary.tsv", Path("notebooks") / "glossary.md"
HEAD = "english\tchinese\tin English\tin Chinese"
ABOUT = """# Glossary · 术语表

{n} terms of the course, each used in a lesson. 本课程的 {n} 个术语，每一个都在课文中用到。
This page is made from `zh/glossary.tsv` by `python -m rlhf_lite.course.glossary`.

| English | 中文 | what it is | 是什么 |
|---|---|---|---|
"""


@dataclass(frozen=True)
class GlossaryTerm:
    """One term in two languages."""

    english: str
    chinese: str
    in_english: str
    in_chinese: str

    @property
    def english_forms(self) -> list[str]:
        """The term and its second form. Example: "supervised fine-tuning (SFT)" -> ["supervised fine-tuning", "SFT"]."""
        return forms(self.english)

    @property
    def chinese_forms(self) -> list[str]:
        """The Chinese term and its second form."""
        return forms(self.chinese)


def forms(term: str) -> list[str]:
    """Split a term from the form in brackets behind it."""
    return [part.strip() for part in re.split("[()（）]", term) if part.strip()]


def names_term(text: str, form: str) -> bool:
    """Return True where a text in English uses a term, alone or in the plural. Example: "Two tokens." uses "token"."""
    plural = rf"{re.escape(form)}(?:s|es)?" + (rf"|{re.escape(form[:-1])}ies" if form.endswith("y") else "")
    return re.search(rf"(?<![\w-])(?:{plural})(?![\w-])", text, flags=re.IGNORECASE) is not None


def read_glossary(path: Path | None = None) -> list[GlossaryTerm]:
    """Read the table. Raises: ValueError, naming the line, where a row has not four parts; FileNotFoundError."""
    path = path or course_folder() / TABLE
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    if first != HEAD:
        raise ValueError(f"{path}, line 1: expected {HEAD!r}, got {first!r}")
    terms = []
    for number, row in enumerate(rows, start=2):
        parts = row.split("\t")
        if len(parts) != 4 or not all(part.strip() for part in parts):
            raise ValueError(f"{path}, line {number}: expected four parts, set apart by tabs, got {row!r}")
        terms.append(GlossaryTerm(*parts))
    return terms


def page(terms: Sequence[GlossaryTerm]) -> str:
    """Write the glossary as a Markdown page."""
    rows = (f"| {t.english} | {t.chinese} | {t.in_english} | {t.in_chinese} |\n" for t in terms)
    return ABOUT.format(n=len(terms)) + "".join(rows)


def main() -> None:
    """Write the page anew."""
    terms = read_glossary()
    write_atomically(course_folder() / PAGE, page(terms))
    print(f"{PAGE}: {len(terms)} terms")


if __name__ == "__main__":
    main()
