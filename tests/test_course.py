"""What lessons share: text of readers and models stays text, figures carry words, checks know right from wrong."""

import re
from pathlib import Path

import nbformat
import pytest

from rlhf_lite.course import figures
from rlhf_lite.course.answers import answer, answer_html, prompt_box
from rlhf_lite.course.checks import NOT_TRIED, RIGHT, WIN_SHARE, Case, feedback
from rlhf_lite.tinyworld.evaluation import Models
from rlhf_lite.tokenizer import Tokenizer

LESSON = nbformat.read(Path(__file__).parents[1] / "notebooks" / "00_start_here.ipynb", as_version=4)
CELLS = {cell.id: cell.source for cell in LESSON.cells}


@pytest.fixture
def models(make_gpt):
    tokenizer = Tokenizer.train(["a b c"], 258)
    policies = {name: make_gpt(seed, vocab_size=258, context_length=64) for seed, name in enumerate(("base", "sft"))}
    return Models(tokenizer, policies, reward_model=None)


def test_text_in_tables_does_nothing():
    page = answer_html(["<script>x</script>\n& more"], {"sft": ['<img src="x">'], "other": [" "]})
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


def defined(source, name):
    """The function that a piece of a lesson defines."""
    space = {"check_win_share": print}
    exec(source, space)
    return space[name]


def test_solution_of_the_lesson_passes():
    (source,) = re.findall(r"```python\n(.*?)```", CELLS["win-share-solution"], flags=re.DOTALL)
    assert feedback(defined(source, "win_share"), WIN_SHARE) == RIGHT


def test_untouched_stub_is_not_tried_yet():
    assert feedback(defined(CELLS["win-share"], "win_share"), WIN_SHARE) == NOT_TRIED


def counts(ours, theirs, tie):
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    return sum(d >= tie for d in differences), sum(-d >= tie for d in differences)


def share(wins, losses):
    return wins / (wins + losses) if wins + losses else 0.5


WRONG = {
    "all prompts": (lambda o, t, tie: counts(o, t, tie)[0] / len(o), "not by all prompts"),
    "half a win": (lambda o, t, tie: (counts(o, t, tie)[0] + (len(o) - sum(counts(o, t, tie))) / 2) / len(o), "half a win"),
    "other side": (lambda o, t, tie: share(*counts(t, o, tie)), "share of the other model"),
    "number": (lambda o, t, tie: counts(o, t, tie)[0], "number of wins"),
    "no ties": (lambda o, t, tie: share(*counts(o, t, 1e-9)), "at least `tie`"),
    "only ties": (lambda o, t, tie: counts(o, t, tie)[0] / max(1, sum(counts(o, t, tie))), "neither model is better"),
    "division": (lambda o, t, tie: counts(o, t, tie)[0] / sum(counts(o, t, tie)), "return 0.5"),
    "a string": (lambda o, t, tie: "two thirds", "expected a number"),
}


@pytest.mark.parametrize("attempt, hint", WRONG.values(), ids=WRONG)
def test_each_wrong_answer_is_refused_with_its_own_hint(attempt, hint):
    told = feedback(attempt, WIN_SHARE)
    assert told.startswith("Not yet") and hint in told


def test_nan_is_wrong_and_errors_are_told():
    case = Case(arguments=(1,), expected=1.0, hint="think")
    assert feedback(lambda x: float("nan"), [case]).startswith("Not yet")
    assert "ZeroDivisionError: division by zero. Hint: think" in feedback(lambda x: 1 / 0, [case])
