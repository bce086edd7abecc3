"""What lessons share: text of readers and models stays text, figures carry words, modules keep their order."""


import re

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from rlhf_lite.course import figures
from rlhf_lite.course.answers import answer, answers_html, prompt_box
from rlhf_lite.course.lesson_10.reward_study import read_study
from rlhf_lite.course.lesson_12.dashboard import recorded_run
from rlhf_lite.course.lesson_12.wrong_runs import stored_runs
from rlhf_lite.course.source import show_source
from rlhf_lite.course.translation.scoreboard import load_scores
from rlhf_lite.tinyworld.evaluation import Models
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture
def models(make_gpt):
    tokenizer = Tokenizer.train(["a b c"], 258)
    policies = {name: make_gpt(seed, vocab_size=258, context_length=64) for seed, name in enumerate(("base", "sft"))}
    return Models(tokenizer, policies, reward_model=None)


def test_text_in_tables_does_nothing():
    page = answers_html(["<script>x</script>\n& more"], {"sft": ['<img src="x">'], "other": [" "]})
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;x&lt;/script&gt;<br>&amp; more" in page
    assert ">SFT<" in page and ">other<" in page and "(nothing)" in page


def test_every_model_answers_every_prompt_and_the_seed_decides(models):
    first, again, other = (answer(models, ["a", "b"], seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert {name: len(texts) for name, texts in first.items()} == {"base": 2, "sft": 2}


def test_box_answers_escapes_draws_anew_and_explains(models):
    box = prompt_box(models, "<i>")
    (text, button), output = box.children[0].children, box.children[1]
    pages = []
    for _ in range(2):
        button.click()
        pages.append(output.value)
    assert all("&lt;i&gt;" in page and "<i>" not in page for page in pages)
    assert pages[0] != pages[1]
    text.value = "a" * 100
    button.click()
    assert "do not fit into context_length 64" in output.value


def test_chinese_is_drawn_in_glyphs_not_in_boxes(recwarn):
    with mpl.rc_context(figures.chinese_style()):
        figure = Figure()
        figure.text(0.5, 0.5, "汤姆 追逐 杰瑞 \N{MINUS SIGN}1")
        figures.as_png(figure)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize("draw", [figures.draw_stages, figures.draw_timeline, lambda: figures.draw_bars({"loss": {"sft": 1.25}})])
def test_figures_are_shown_with_their_words(draw, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda thing, **more: shown.append((thing, more)))
    figure, alt = draw()
    figures.show(figure, alt + " <b>")
    (picture, more), (words, _) = shown
    assert picture["image/png"].startswith("iVBORw0KGgo")  # PNG's first bytes
    assert more["metadata"]["image/png"]["alt"] == alt + " <b>"
    assert "<details>" in words.data and "&lt;b&gt;" in words.data


def test_words_of_figures_say_what_the_figures_say():
    assert figures.draw_bars({"loss": {"sft": 1.25, "ppo_ptx": -1}})[1] == "Bars. loss: SFT 1.25, PPO-ptx -1.00."
    alt = figures.draw_timeline()[1]
    assert all(date in alt for _, date, _ in figures.EVENTS) and "\n" not in alt


def test_a_heatmap_says_its_numbers_and_leaves_zeros_out():
    _, alt = figures.draw_heatmap(["a", "b"], ["c", "d"], [[2, 0], [0, 0]], "next word")
    assert alt == "Table, next word. a: c 2."


def test_source_is_printed_with_its_place(capsys):
    show_source(Models)
    shown = capsys.readouterr().out
    assert shown.startswith("# rlhf_lite/tinyworld/evaluation.py\n@dataclass(frozen=True)\nclass Models:")


@pytest.mark.parametrize(
    "read",
    [
        lambda folder: recorded_run(folder / "dashboard.json"),
        lambda folder: stored_runs("sound", folder),
        read_study,
        load_scores,
    ],
)
def test_data_that_is_not_there_is_named_with_what_to_do(read, tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path)) + r".*: (it comes with the course|run `python -m)"):
        read(tmp_path)
