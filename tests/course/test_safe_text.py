"""Whatever models, data and readers write, pages show it as it is: no tag, formula, control character or overflow comes of it.

Proves for every widget and table that shows such text: parsed as a browser does, its elements do not depend on the text;
MathJax, which gathers strings between elements, finds no two dollars and no backslash command in any string.
"""

import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from matplotlib.figure import Figure

import rlhf_lite.course
from rlhf_lite.course import figures
from rlhf_lite.course.answers import answers_html
from rlhf_lite.course.lesson_01.sampling_sliders import bars_html, draw_settings
from rlhf_lite.course.lesson_04 import heads
from rlhf_lite.course.lesson_09.mask_viewer import Surprises, story_html, tokens_html
from rlhf_lite.course.lesson_10.labels import Label
from rlhf_lite.course.lesson_10.ranking_widget import AnswerRow, label_html
from rlhf_lite.course.lesson_12.dashboard import newest_answers_html
from rlhf_lite.course.lesson_12.token_table import TokenRow, formulas_html, token_table_html
from rlhf_lite.course.quiz import Question, quiz_html
from rlhf_lite.course.safe_text import safe_attribute, safe_html, safe_label, visible_marks
from rlhf_lite.course.translation import translate_box
from rlhf_lite.ppo import PPOConfig

MATHJAX_READS_ON = {"br", "wbr"}
"""Elements at which MathJax 3, which JupyterLab holds, does not end a string (its option includeHtmlTags)."""
VOID = {"br", "wbr", "img"}
TEXTS = {
    "tags": '</td></table><script>x</script><img src="x" onerror=alert(1)><!-- &lt;',
    "dollars": "It costs $5 and $6, or $$x^2$$.",
    "commands": r"\(a\) \[b\] \begin{matrix}c\end{matrix} \$",
    "control characters": "a\x1b[31mred\x07 \x00 \x08 \x7f \x85 \x9b1m end",
    "directions": "abc \u202egnp.exe\u202c \u2067x\u2069 \u200f \u061c zero\u200bwidth \ufeff tag\U000e0041",
    "halves": "half \ud83d of a character",
    "a long line": "x" * 20_000,
    "a long line of tags": "<b>&" * 5_000,
}


class Page(HTMLParser):
    """What a browser and MathJax would see of a page."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.elements, self.strings, self.runs, self.open = [], [""], [""], []
        self.feed(html)
        self.close()
        assert not self.open, "unclosed elements"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        self._end(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self._end(tag)

    def _end(self, tag):
        if tag not in MATHJAX_READS_ON:
            self.strings.append("")
        if tag not in {"span", "b", "code"}:  # these stand in a line
            self.runs.append("")

    def handle_data(self, data):
        self.strings[-1] += data
        self.runs[-1] += data

    def handle_comment(self, data):
        raise AssertionError("a comment")

    @property
    def text(self):
        return "".join(self.strings)


def token_row(text):
    return TokenRow(text, -1.0, -1.0, 0.0, 0.1, 0.1, 0.2, 0.3)


def translations(text):
    class Task:
        train = ()

    translate_box.glosses.cache_clear()
    return translate_box.translations_html(Task(), [("model", text, text)])


SURFACES = {
    "safe_html": safe_html,
    "answers": lambda text: answers_html([text], {"sft": [text], text: [text]}),
    "quiz": lambda text: quiz_html([Question(text=text, choices=[(text, text), ("b", text)], right=0)]),
    "sampling": lambda text: bars_html([text, "b"], torch.tensor([0.75, 0.25])),
    "heads": lambda text: heads.weights_html(heads.Looks([text], [text], torch.zeros(1, 1, 2, 1)), torch.ones(2, 1)),
    "tokens": lambda text: tokens_html(Surprises(["a", text], 1, {text: [1.0]}), [False, True], 1),
    "story": lambda text: story_html(Surprises(["a", text], 1, {text: [1.0]}), [False, True], 1),
    "label": lambda text: label_html(Label(prompt=text, responses=(text, text + "2"), ranking=(0, 1), flags=((), ()))),
    "ranking": lambda text: AnswerRow("a", text, 2).children[0].value,
    "dashboard": lambda text: newest_answers_html(text, [text, text]),
    "token table": lambda text: token_table_html([token_row(text)]),
    "formulas": lambda text: formulas_html([token_row(text)], 0, PPOConfig()),
    "translations": translations,
    "looks": lambda text: translate_box.alignment_html([text], [text], torch.ones(2, 1)),
}


def without_breaks(elements):
    return [each for each in elements if each[0] != "wbr" and each != ("span", ())]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("surface", SURFACES)
def test_text_stays_text(surface, kind):
    text = TEXTS[kind]
    html = SURFACES[surface](text)
    page, harmless = Page(html), Page(SURFACES[surface]("word"))
    html.encode()  # a browser is sent UTF-8
    assert without_breaks(page.elements) == without_breaks(harmless.elements)
    assert re.sub(r"\s", "", visible_marks(text)) in re.sub(r"\s", "", page.text), "some of the text is not shown"
    assert all(string.count("$") <= 1 and not re.search(r"\\.", string) for string in page.strings), "MathJax finds a formula"
    unseen = {c for c in page.text if unicodedata.category(c) in ("Cc", "Cf", "Cs")} - set("\n\t")
    assert not unseen
    assert max(len(part) for run in page.runs for part in run.split()) < 200, "nothing may break a long line"


def test_a_tag_of_the_parser_is_seen():
    with pytest.raises(AssertionError):
        assert without_breaks(Page("<p><b>x</b></p>").elements) == without_breaks(Page("<p>x</p>").elements)
    assert Page("a $5<br> and $6").strings[0].count("$") == 2
    assert [string.count("$") for string in Page("a <span>$</span>5 and <span>$</span>6").strings if "$" in string] == [1, 1]


def test_by_hand():
    assert visible_marks("a\x1b[1m\r\nb\u2028c\td") == "a⟨U+001B⟩[1m\nb\nc\td"
    assert visible_marks("\u202eabc\u2066 \U000e0041") == "⟨U+202E⟩abc⟨U+2066⟩ ⟨U+E0041⟩"
    assert visible_marks("é ü 汤姆 👩\u200d👧 ✓ −1\xa0%") == "é ü 汤姆 👩\u200d👧 ✓ −1\xa0%"
    assert safe_html("<b> costs $5\n& more\n") == "&lt;b&gt; costs <span>$</span>5<br>&amp; more"
    assert safe_html("x" * 100) == "<wbr>".join(["x" * 40, "x" * 40, "x" * 20])
    assert safe_html("x" * 40) == "x" * 40 and safe_html("x" * 40 + " y") == "x" * 40 + " y"
    assert safe_attribute('a "b" \x07') == "a &quot;b&quot; ⟨U+0007⟩"
    assert safe_label("$5 and $6") == r"\$5 and \$6"


@pytest.mark.parametrize(
    "draw",
    [
        lambda text: figures.draw_heatmap([text], [text], [[2]], "next word"),
        lambda text: figures.draw_bars({"loss": {text: 1.0}}),
        lambda text: draw_settings([text, "b"], torch.tensor([1.0, 0.0])),
        lambda text: heads.draw_all_heads(heads.Looks([text], [text], torch.ones(1, 1, 2, 1))),
    ],
)
def test_figures_draw_dollars_as_dollars(draw, recwarn):
    figure, _ = draw("$5 and $\\frac$6\x1b")
    figures.as_png(figure)
    labels = [text for text in figure.findobj(mpl.text.Text) if "5 and" in text.get_text()]
    assert labels and all(text._preprocess_math(text.get_text())[1] is False for text in labels)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_matplotlib_would_take_dollars_for_a_formula():
    text = Figure().text(0, 0, "$5 and $6")
    assert text._preprocess_math(text.get_text())[1] is True


def test_no_page_of_the_course_escapes_text_in_another_way():
    folder = Path(rlhf_lite.course.__file__).parent
    users = [path.name for path in folder.rglob("*.py") if re.search(r"(?<!re\.)\bescape\(", path.read_text(encoding="utf-8"))]
    assert users == ["safe_text.py"]


def test_nothing_depends_on_class_names_of_jupyterlab():
    folder = Path(rlhf_lite.course.__file__).parent
    assert not [path.name for path in folder.rglob("*.py") if ".jp-" in path.read_text(encoding="utf-8")]


def test_words_of_a_figure_are_safe_too(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda thing, **more: shown.append((thing, more)))
    figures.show(Figure(), "a token \x1b[31m costs $5 and $6")
    (picture, more), (words, _) = shown
    assert picture["text/plain"] == more["metadata"]["image/png"]["alt"] == "a token ⟨U+001B⟩[31m costs $5 and $6"
    assert "⟨U+001B⟩[31m costs <span>$</span>5 and <span>$</span>6" in words.data
