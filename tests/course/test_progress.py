"""Progress and quizzes: what is done is stored at once and survives, a spoilt file is kept aside, nothing stops a lesson."""

import json

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lessons import LESSONS, overview_html, progress
from rlhf_lite.course.progress import EMPTY, load_progress, progress_path, record_answer, record_exercise
from rlhf_lite.course.quiz import Question, quiz_box, quiz_html, show_quiz

QUESTIONS = (
    Question(text="1 < 2 & <b>?", choices=(("yes <i>", "since <i>1</i>"), ("no", "count again")), right=0),
    Question(text="Second?", choices=(("no", "first"), ("yes", "after the first")), right=1),
)


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_PROGRESS", str(tmp_path / "done.json"))
    return tmp_path / "done.json"


@pytest.fixture
def shown(monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    return shown


def test_what_is_recorded_is_there_again(path):
    assert load_progress() == EMPTY and not path.exists()
    record_exercise("01", "pick")
    record_exercise("01", "pick")
    record_exercise("01", "softmax")
    record_answer("00", 2, 1)
    record_answer("00", 2, 0)
    assert load_progress() == {"exercises": {"01": ["pick", "softmax"]}, "quizzes": {"00": {"2": 0}}}
    assert [file.name for file in path.parent.iterdir()] == ["done.json"]


SPOILT = {
    "half a file": b'{"exercises": {"01": ["pi', "not JSON": b"hello", "not text": b"\xff\xfe\x00", "empty": b"", "a list": b"[]",
    "other keys": b'{"done": {}}', "strange names": b'{"exercises": {"01": [3]}, "quizzes": {}}',
    "strange answers": b'{"exercises": {}, "quizzes": {"01": {"x": 1}}}', "nested": b'{"exercises": {}, "quizzes": {"01": 1}}',
}  # fmt: skip


@pytest.mark.parametrize("content", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_said_kept_and_replaced(path, content, capsys):
    for kept in ("done.unreadable-1.json", "done.unreadable-2.json"):
        path.write_bytes(content)
        record_exercise("01", "pick")
        assert kept in capsys.readouterr().out
        assert (path.parent / kept).read_bytes() == content
        assert load_progress()["exercises"] == {"01": ["pick"]}


def test_where_nothing_can_be_stored_that_is_said_and_the_lesson_goes_on(path, capsys, monkeypatch):
    blocker = path.parent / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("RLHF_LITE_PROGRESS", str(blocker / "done.json"))
    record_exercise("01", "pick")
    record_answer("01", 0, 0)
    assert "cannot be" in capsys.readouterr().out


def test_progress_lies_in_the_course_s_folder_unless_another_place_is_named(monkeypatch):
    monkeypatch.delenv("RLHF_LITE_PROGRESS")
    assert progress_path().name == ".progress.json" and (progress_path().parent / "rlhf_lite").is_dir()


def test_answers_are_explained_escaped_stored_and_there_again(path):
    box = quiz_box("01", QUESTIONS)
    title, first, _, verdict = box.children[0].children
    assert "1 &lt; 2 &amp; &lt;b&gt;?" in title.value and "yes &lt;i&gt;" in first.children[1].value
    first.children[0].click()
    assert "✓ Right." in verdict.value and "since &lt;i&gt;1&lt;/i&gt;" in verdict.value
    box.children[1].children[1].children[0].click()
    assert "✗ Not this one." in box.children[1].children[-1].value
    assert json.loads(path.read_text())["quizzes"] == {"01": {"0": 0, "1": 0}}
    again = quiz_box("01", QUESTIONS)
    assert [question.children[-1].value for question in again.children] == [q.children[-1].value for q in box.children]


def test_a_quiz_is_read_where_nothing_runs_and_is_the_same_for_everybody(shown):
    page = quiz_html(QUESTIONS)
    assert "<b>1. 1 &lt; 2" in page and "a: yes &lt;i&gt;" in page and page.count("<details>") == 2 and "count again" in page
    show_quiz("01", QUESTIONS)
    record_answer("01", 0, 1)
    show_quiz("01", QUESTIONS)
    before, after = ({key: text for key, text in data.items() if key != static_fallback.WIDGET_VIEW} for data in shown)
    assert before == after and before["text/html"] == page and static_fallback.WIDGET_VIEW in shown[0]


def test_the_overview_counts_what_is_done_and_what_is_stored_with_a_lesson_does_not(shown):
    progress()
    name = LESSONS["01"].exercises[0].name
    assert f"–&nbsp;{name}" in overview_html() and "0 of 5 answered, 0 right" in overview_html()
    record_exercise("01", name)
    record_answer("01", 0, LESSONS["01"].questions[0].right)
    record_answer("01", 1, 0)
    progress()
    assert f"✓&nbsp;{name}" in overview_html() and "2 of 5 answered, 1 right" in overview_html()
    before, after = ({key: text for key, text in data.items() if key != static_fallback.WIDGET_VIEW} for data in shown)
    assert before == after
