"""A translated lesson is the English lesson in other words, whole and up to date, and its glossary is used.

Proves, for each lesson in `notebooks/zh`: cells, code, tags, kinds of outputs, numbers, links and code spans are those of the
English lesson; no sentence is missing, left in English or made from an older English; hints, quizzes, figures and widgets have a
translation, with the same places to fill in; every term of the glossary is used in a lesson, and rendered as it says.
"""

import ast
import re
import string
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import torch

import rlhf_lite.course
from rlhf_lite.course import figures, languages, translated
from rlhf_lite.course.checks import RIGHT, Case, Exercise, feedback
from rlhf_lite.course.glossary import PAGE, forms, names_term, page, read_glossary
from rlhf_lite.course.languages import catalogue, language, tr
from rlhf_lite.course.lesson_01 import figures as figures_01
from rlhf_lite.course.lesson_01.sampling_sliders import draw_settings, sampling_box
from rlhf_lite.course.lessons import LESSONS, overview_html
from rlhf_lite.course.quiz import quiz_html
from rlhf_lite.course.translated import CHINESE, CODE, FENCE, english_path, faults, mark_done, numbers, text_faults, update

ROOT = Path(__file__).parents[2]
TRANSLATED = sorted((ROOT / "notebooks" / "zh").glob("*.ipynb"))
NUMBERS = [path.name[:2] for path in TRANSLATED]
MODULES = [path for path in Path(rlhf_lite.course.__file__).parent.rglob("*.py") if path.stem != "texts_zh"]
TERMS = 150
EVERYDAY = {"helpful", "judge", "compute", "harmless", "value", "weight", "key"}
"""Terms that are everyday words too: the glossary's rendering is not asked of every sentence that holds them."""


def read(path):
    return nbformat.read(path, as_version=4)


def texts_of(number):
    """What a lesson's checks and quiz say, in English."""
    lesson = LESSONS[number]
    for exercise in lesson.exercises:
        for case in exercise.cases:
            yield from (case.hint, *(hint for _, hint in case.mistakes))
    for question in lesson.questions:
        yield from (question.text, *(part for choice in question.choices for part in choice))


def strings_in_code():
    """Every string that stands in a module of the course or in a code cell of a translated lesson."""
    sources = [path.read_text(encoding="utf-8") for path in MODULES]
    sources += [cell.source for path in TRANSLATED for cell in read(path).cells if cell.cell_type == "code"]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def called_with_literals():
    """Every sentence that a module gives to `tr` as it stands, with its meaning where it has one."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr" and isinstance(node.args[0], ast.Constant):
                meaning = [word.value.value for word in node.keywords if word.arg == "meaning"]
                yield node.args[0].value + (f" [{meaning[0]}]" if meaning else "")


def test_lessons_00_and_01_are_there():
    assert NUMBERS == ["00", "01"]


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.stem)
def test_a_translation_is_the_same_lesson(path):
    assert faults(read(english_path(path)), read(path)) == []


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.stem)
def test_outputs_are_there_and_speak_chinese(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [(cell.id, output) for cell in code for output in cell.outputs]
    assert [where for where, output in outputs if output.get("name") == "stderr" or output.output_type == "error"] == []
    words = [(where, output.data["text/plain"]) for where, output in outputs if output.output_type == "display_data"]
    assert [text for _, text in words if text and not text.startswith("<IPython") and not CHINESE.search(text)] == []
    checks = [output.text for cell in code for output in cell.outputs if "check(" in cell.source and "text" in output]
    assert checks and all(CHINESE.search(text) for text in checks)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_hint_and_question_is_translated(number):
    assert [text for text in texts_of(number) if text not in catalogue("zh")] == []


def test_every_sentence_of_the_library_that_can_be_translated_is():
    assert sorted(set(called_with_literals()) - set(catalogue("zh"))) == []


def test_no_translation_is_left_of_a_sentence_that_is_gone():
    known = strings_in_code() | {text for number in NUMBERS for text in texts_of(number)} | set(called_with_literals())
    written = "\n".join(known)  # a sentence with a value, as "share in 10 draws", stands in the code up to the value only
    begins = {text: re.split(r"\d|\{which", text)[0] for text in catalogue("zh") if text not in known}
    assert [text for text, begin in begins.items() if len(begin) < 6 or begin not in written] == []


def places(text):
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name) if "{" in text else Counter()


def test_translations_keep_places_numbers_and_code():
    wrong = [
        text for text, chinese in catalogue("zh").items()
        if (places(text), numbers(text), Counter(CODE.findall(text))) != (
            places(chinese), numbers(chinese), Counter(CODE.findall(chinese)))
    ]  # fmt: skip
    assert wrong == []


def in_chinese(monkeypatch):
    monkeypatch.setenv(languages.VARIABLE, "zh")
    monkeypatch.setattr(languages, "untranslated", set())
    return languages


def test_figures_quizzes_and_widgets_say_nothing_untranslated(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LITE_PROGRESS", str(tmp_path / "done.json"))
    speaking = in_chinese(monkeypatch)
    tokens, logits = ["a", "b"], torch.tensor([0.0, 1.0])
    drawn = [
        figures.draw_stages(), figures.draw_timeline(), draw_settings(tokens, logits),
        figures_01.draw_pieces({"ma": 0.5, "mei": 0.5}, 0.7), figures_01.draw_surprise({"ma": 0.5}),
        figures_01.draw_descent([2.0, 1.0], {"counted table": 0.5, "no idea": 3.0}),
    ]  # fmt: skip
    sampling_box(lambda text: (tokens, logits), "a")
    pages = [quiz_html(LESSONS[number].questions) for number in NUMBERS] + [overview_html()]
    assert all(CHINESE.search(text) for text in [*(alt for _, alt in drawn), *pages])
    assert speaking.untranslated == set()


def test_figures_in_chinese_warn_of_no_missing_glyph(monkeypatch, recwarn, caplog):
    in_chinese(monkeypatch)
    for figure, _ in (figures.draw_stages(), figures.draw_timeline()):
        figures.as_png(figure)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
    assert [record.message for record in caplog.records if "findfont" in record.message] == []


def test_checks_speak_chinese_and_english(monkeypatch):
    exercise = LESSONS["00"].exercises[-1]
    assert feedback(exercise.solution, exercise) == RIGHT
    in_chinese(monkeypatch)
    assert feedback(exercise.solution, exercise) == "✓ 正确。"
    kinds = Exercise(solution=lambda x: x, cases=[Case(arguments=(1,), expected=torch.ones(2, 2), hint="think")])
    told = feedback(lambda x: "no", kinds)
    assert told == "还不对：<lambda>(1) 得到 'no'，应为 一个形状为 (2, 2) 的张量。思路：think"


def test_the_folder_or_the_environment_names_the_language(monkeypatch, tmp_path):
    monkeypatch.delenv(languages.VARIABLE, raising=False)
    (tmp_path / "zh").mkdir()
    for folder, named, expected in ((tmp_path, "", "en"), (tmp_path / "zh", "", "zh"), (tmp_path / "zh", "en", "en")):
        monkeypatch.chdir(folder)
        monkeypatch.setenv(languages.VARIABLE, named)
        assert language() == expected
    monkeypatch.setenv(languages.VARIABLE, "zh")
    assert tr("a sentence that nobody translated") == "a sentence that nobody translated"
    assert tr("{n} of {total} answered, {right} right", n=1, total=5, right=0) == "已答 1/5，答对 0"
    monkeypatch.setenv(languages.VARIABLE, "xx")
    with pytest.raises(ValueError, match="RLHF_LITE_LANGUAGE is 'xx', expected one of en, zh"):
        language()


def pair(english="Two tokens.", chinese="两个词元。", code="x = 1"):
    """A lesson of two cells and its translation."""
    v4 = nbformat.v4
    lesson = v4.new_notebook(cells=[v4.new_markdown_cell(english, id="a"), v4.new_code_cell(code, id="b")])
    other = update(lesson, v4.new_notebook())
    other.cells[0].source = chinese
    mark_done(lesson, other)
    return lesson, other


def test_a_translation_may_differ_in_words_units_and_the_way_to_data_only():
    lesson, other = pair("175 billion parameters, `x`.", "1750 亿个参数，`x`。", 'load("../data/checkpoints")')
    assert other.cells[1].source == 'load("../../data/checkpoints")'
    assert faults(lesson, other) == []


BAD = {
    "older English": (lambda lesson, other: lesson.cells[0].update(source="Two tokens.\nAnd one more."), "'And one more.'"),
    "English": (lambda lesson, other: other.cells[0].update(source="These are two tokens."), "left in English: 'These are two"),
    "half": (lambda lesson, other: other.cells[0].update(source="两个 and this is how one of them goes on"), "left in English"),
    "number": (lambda lesson, other: other.cells[0].update(source="2 个词元。"), "has more the numbers: 2"),
    "link": (lambda lesson, other: other.cells[0].update(source="[两个](x.md)词元。"), "has more the links: x.md"),
    "code span": (lambda lesson, other: other.cells[0].update(source="两个`词元`。"), "has more the code: `词元`"),
    "code": (lambda lesson, other: other.cells[1].update(source="x = 2"), "other code than in English"),
    "tag": (lambda lesson, other: other.cells[1].metadata.update(tags=["nbval-ignore-output"]), "other tags"),
    "never run": (lambda lesson, other: lesson.cells[1].update(execution_count=1), "other kinds of outputs"),
    "a cell less": (lambda lesson, other: other.cells.pop(), "missing ['b']"),
}


@pytest.mark.parametrize("spoil, named", BAD.values(), ids=BAD)
def test_each_fault_of_a_translation_is_found_and_named(spoil, named):
    lesson, other = pair()
    spoil(lesson, other)
    (fault,) = faults(lesson, other)
    assert named in fault


def test_updating_takes_code_and_order_over_and_leaves_new_text_to_be_translated(tmp_path, capsys):
    lesson, other = pair()
    lesson.cells[1].source = "x = 2"
    lesson.cells.append(nbformat.v4.new_markdown_cell("A new sentence of five words.", id="c"))
    (tmp_path / "zh").mkdir()
    nbformat.write(lesson, tmp_path / "00_a.ipynb")
    nbformat.write(other, path := tmp_path / "zh" / "00_a.ipynb")
    assert translated.main([str(path), "--update"]) == 1
    assert "cell c: left in English: 'A new sentence of five words.'" in capsys.readouterr().out
    other = read(path)
    assert [cell.source for cell in other.cells] == ["两个词元。", "x = 2", "A new sentence of five words."]
    other.cells[2].source = "一个新句子。"
    nbformat.write(other, path)
    assert translated.main([str(path), "--done"]) == 0
    assert translated.main([str(tmp_path / "zh" / "01_b.ipynb")]) == 1
    assert "there is no" in capsys.readouterr().err


def test_numbers_are_compared_by_value():
    assert numbers("12,725 prompts, 3 of 300 billion") == numbers("3000 亿里的 3，12725 个提示词")
    assert numbers("85 ± 3 %") != numbers("85 ± 4 %")
    (fault,) = text_faults("A list:", "一张单子：", None)
    assert fault == "the English says, and the translation was not made from it: 'A list:'"


def prose(path):
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def test_the_glossary_holds_150_terms_each_once_and_each_used_in_a_lesson():
    terms = read_glossary()
    assert len(terms) == TERMS == len({term.english.lower() for term in terms}) == len({term.chinese for term in terms})
    lessons = [prose(path) for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
    used = {term.english for term in terms for form in term.english_forms if any(names_term(text, form) for text in lessons)}
    assert [term.english for term in terms if term.english not in used] == []
    assert [term.chinese for term in terms if not CHINESE.search(term.in_chinese) or CHINESE.search(term.in_english)] == []
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(terms), "run: python -m rlhf_lite.course.glossary"


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.stem)
def test_a_translation_uses_the_glossary_s_terms(path):
    wrong = []
    for old, new in zip(read(english_path(path)).cells, read(path).cells, strict=True):
        if old.cell_type != "markdown":
            continue
        english, chinese = CODE.sub("", FENCE.sub("", old.source)), new.source.lower()
        for term in read_glossary():
            used = term.english not in EVERYDAY and any(names_term(english, form) for form in term.english_forms)
            rendered = [*term.chinese_forms, term.english_forms[-1]]
            if used and not any(form.lower() in chinese for form in rendered):
                wrong.append(f"cell {old.id}: {term.english} is {term.chinese}")
    assert wrong == []


def test_terms_are_found_alone_in_the_plural_and_in_brackets(tmp_path):
    assert forms("supervised fine-tuning (SFT)") == ["supervised fine-tuning", "SFT"]
    assert names_term("Two Tokens.", "token") and names_term("probabilities", "probability") and names_term("losses", "loss")
    assert not names_term("tokenizer", "token") and not names_term("pre-token", "token")
    bad = tmp_path / "glossary.tsv"
    bad.write_text("english\tchinese\tin English\tin Chinese\ntoken\t词元\tpiece of text\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: expected four parts"):
        read_glossary(bad)
