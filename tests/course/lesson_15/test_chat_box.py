"""The chat: what is streamed is what is drawn, history is cut, thumbs are stored as rows that the reward command takes.

Proves: a stream is `generate`'s answer, token by token, and holds back half a letter; a conversation keeps the best answer, gives
the model what fits, and leaves nothing changed by what it refuses; the filter stands before the output and nothing leaks; thumbs
make rows as the library reads them, replace each other and never touch other files; the widget does all this by its buttons and
by Enter, shows text as text, and says how much history is used; the reward command trains on the saved file.
"""

import json

import pytest
import torch

from rlhf_lite.__main__ import main
from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_10.labels import read_other_readers
from rlhf_lite.course.lesson_15 import chat_box, conversation
from rlhf_lite.course.lesson_15.chat_box import ChatBox, meter_html, show_chat, talk_html
from rlhf_lite.course.lesson_15.conversation import STOPPED, Conversation
from rlhf_lite.course.lesson_15.streaming import stream_answer
from rlhf_lite.course.lesson_15.thumbs import FILE, comparison_row, save_comparison, thumbs_path
from rlhf_lite.files import course_folder
from rlhf_lite.generate import generate
from rlhf_lite.real_data.row_files import read_comparisons

PROMPT = [{"role": "user", "content": "Hello."}]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_LABELS", str(tmp_path / "labels"))
    return tmp_path / "labels"


@pytest.fixture
def scripted(monkeypatch):
    """Let a list of answers come in the model's place, each word by word."""
    left = []

    def stream(model, tokenizer, ids, **how):
        text = left.pop(0)
        words = text.split()
        yield from (" ".join(words[: n + 1]) for n in range(len(words)))

    monkeypatch.setattr(conversation, "stream_answer", stream)
    return left


def test_a_stream_is_generates_answer_token_by_token(tokenizer, model):
    ids = tokenizer.encode_prompt("Hello.")
    for seed in range(5):
        streamed = list(stream_answer(model, tokenizer, ids, generator=torch.Generator().manual_seed(seed), max_new_tokens=12))
        drawn = generate(model, [ids], max_new_tokens=12, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id,
                         generator=torch.Generator().manual_seed(seed))  # fmt: skip
        (answer,) = drawn.responses()
        assert len(streamed) == len([i for i in answer if i != tokenizer.end_id])
        if streamed:
            assert streamed[-1].rstrip() == tokenizer.decode_response(answer).rstrip("\N{REPLACEMENT CHARACTER}").rstrip()


def test_half_a_letter_is_held_back(tokenizer, model, monkeypatch):
    wanted = [*tokenizer.encode(" 猫"), tokenizer.end_id]
    drawn = iter(wanted)
    monkeypatch.setattr("rlhf_lite.course.lesson_15.streaming.draw", lambda probs, uniform: torch.tensor([next(drawn)]))
    texts = list(stream_answer(model, tokenizer, [5]))
    assert texts[-1] == "猫" and len(texts) == len(wanted) - 1 and not any("\N{REPLACEMENT CHARACTER}" in text for text in texts)


def test_a_stream_stops_at_the_end_token(tokenizer, model, monkeypatch):
    monkeypatch.setattr("rlhf_lite.course.lesson_15.streaming.draw", lambda probs, uniform: torch.tensor([tokenizer.end_id]))
    assert list(stream_answer(model, tokenizer, [5])) == []


def test_the_liked_answer_stays_and_of_equals_the_newest(tokenizer, model, scripted):
    scripted += ["One.", "Two.", "Three.", "Four."]
    talk = Conversation(model, tokenizer)
    talk.say("Hello.")
    list(talk.answer()), list(talk.answer())
    assert talk.best() == "Two."
    talk.rate(0, 1)
    talk.say("And then?")
    assert [m["content"] for m in talk.messages] == ["Hello.", "One.", "And then?"] and talk.answers == []
    list(talk.answer())
    assert talk.answers == ["Three."] and talk.thumbs == [0]


def test_the_model_is_given_what_fits(tokenizer, model, scripted):
    scripted += ["Yes."] * 40
    talk = Conversation(model, tokenizer)
    for _ in range(12):
        talk.say("I want to know who has the lamp and where it is now, please.")
        assert talk.used() <= talk.room == 152
        list(talk.answer())
    assert len(talk.given()) < len(talk.messages) == 23 and talk.given()[0]["role"] == "user"


def test_what_cannot_be_said_changes_nothing(tokenizer, model, scripted):
    scripted += ["Yes."]
    talk = Conversation(model, tokenizer)
    with pytest.raises(ValueError, match="nothing was said yet"):
        list(talk.answer())
    talk.say("Hello.")
    list(talk.answer())
    for text, said in (("  ", "nothing to send"), ("x y " * 200, "shorten it"), ("\ud800", "surrogates")):
        with pytest.raises(ValueError, match=said):
            talk.say(text)
    assert talk.messages == PROMPT and talk.answers == ["Yes."]
    with pytest.raises(ValueError, match="thumb is 2"):
        talk.rate(0, 2)


def test_the_filter_stands_before_the_output(tokenizer, model, scripted):
    scripted += ["You are a fool.", "Hello Eva."]
    talk = Conversation(model, tokenizer, is_stopped=lambda text: "fool" in text)
    talk.say("Hello.")
    assert list(talk.answer()) == [STOPPED]  # not a word before it is checked
    assert list(talk.answer()) == ["Hello Eva."]
    assert talk.answers == [STOPPED, "Hello Eva."]


def test_another_draw_has_other_random_numbers(tokenizer, model):
    talk = Conversation(model, tokenizer, temperature=1.5)
    talk.say("Hello.")
    assert len({tuple(talk.answer())[-1:] for _ in range(4)}) > 1


ROWS = {
    "liked and not": (["a", "b"], [1, -1], (["a", "b"], [0, 1])),
    "one liked": (["a", "b", "c"], [0, 1, 0], (["a", "b", "c"], [1, 0, 1])),
    "the same text twice": (["a", "a", "b"], [1, 0, 0], (["a", "b"], [0, 1])),
}


@pytest.mark.parametrize("answers, thumbs, row", ROWS.values(), ids=ROWS)
def test_thumbs_make_ranks(answers, thumbs, row):
    responses, ranking = row
    assert comparison_row(PROMPT, answers, thumbs) == {"prompt": PROMPT, "responses": responses, "ranking": ranking}


NO_ROWS = {
    "one answer": (["a"], [1]),
    "equal": (["a", "b"], [1, 1]),
    "one text": (["a", "a"], [1, -1]),
    "empty": (["a", ""], [1, -1]),
}


@pytest.mark.parametrize("answers, thumbs", NO_ROWS.values(), ids=NO_ROWS)
def test_where_nothing_is_better_there_is_no_row(answers, thumbs):
    assert comparison_row(PROMPT, answers, thumbs) is None


def test_rows_are_stored_replaced_and_taken_back(folder):
    other = [{"role": "user", "content": "Bye <b>."}]
    assert save_comparison(PROMPT, None).startswith("0 comparisons") and not (folder / FILE).exists()
    save_comparison(PROMPT, comparison_row(PROMPT, ["a", "b"], [1, -1]))
    save_comparison(other, comparison_row(other, ["c", "猫"], [0, 1]))
    assert save_comparison(PROMPT, comparison_row(PROMPT, ["a", "b"], [-1, 1])).startswith("2 comparisons in labels/mine.chat")
    read = {each.prompt[0]["content"]: each for each in read_comparisons(folder / FILE).items}
    assert read["Hello."].ranks == (1, 0) and read["Bye <b>."].best == "猫"
    assert save_comparison(PROMPT, None).startswith("1 comparison in ")
    assert [each.prompt for each in read_comparisons(folder / FILE).items] == [other]


def test_the_file_is_no_other_readers(folder):
    save_comparison(PROMPT, comparison_row(PROMPT, ["a", "b"], [1, -1]))
    assert read_other_readers() == ({}, [])


def test_a_spoilt_file_is_kept_aside(folder):
    folder.mkdir()
    good = json.dumps(comparison_row(PROMPT, ["a", "b"], [1, -1]))
    (folder / FILE).write_text(good + "\nnot json\n")
    other = [{"role": "user", "content": "Bye."}]
    assert "was kept as mine.chat.unreadable-1.jsonl" in save_comparison(other, comparison_row(other, ["c", "d"], [1, 0]))
    assert len(read_comparisons(folder / FILE).items) == 2 and "not json" in (folder / "mine.chat.unreadable-1.jsonl").read_text()


@pytest.fixture
def box(tokenizer, model, scripted):
    scripted += ["Hello <b>Eva</b>.", "Go away.", "At the $park$."]
    return ChatBox({"one": model, "two": model}, tokenizer, is_stopped=lambda text: "away" in text, pause=0)


def typed(box, text):
    box.line.value = text


def test_enter_sends_and_the_answer_appears_as_text(box):
    typed(box, "Who are <i>you</i>?\n")
    assert "&lt;i&gt;you" in box.talk.value and "<i>you" not in box.talk.value and box.line.value == ""
    (line,) = box.lines.children
    assert "Hello &lt;b&gt;Eva" in line.text.value and not box.retry.disabled
    assert f"{box.conversation.used()} of 152 tokens" in box.meter.value


def test_retry_and_thumbs_store_a_comparison(box, folder):
    typed(box, "Hello.")
    box.send.click()
    box.retry.click()
    first, second = box.lines.children
    first.up.click()
    assert "Stored. 1 comparison" in box.message.value and "liked" in first.text.value
    second.down.click()
    (row,) = read_comparisons(folder / FILE).items
    assert row.prompt == PROMPT and row.best == "Hello <b>Eva</b>." and row.ranks == (0, 1)
    second.down.click()
    first.up.click()  # both taken back
    assert "No comparison yet" in box.message.value and (folder / FILE).read_text() == ""


def test_the_next_message_goes_on_and_new_chat_forgets(box):
    typed(box, "Hello.\n")
    typed(box, "Where is it?\n")
    assert [m["role"] for m in box.conversation.messages] == ["user", "assistant", "user"]
    assert len(box.lines.children) == 1 and "Go away." in box.lines.children[0].text.value
    box.new.click()
    assert box.conversation.messages == [] and box.lines.children == () and box.retry.disabled and "0 of 152" in box.meter.value
    typed(box, "Again.\n")
    box.model.value = "two"
    assert box.conversation.messages == []


def test_the_filter_can_be_ticked(box):
    typed(box, "Hello.\n")
    box.filter.value = True
    typed(box, "Hello.\n")
    assert STOPPED in box.lines.children[0].text.value


def test_what_is_wrong_is_said_and_the_text_stays(box):
    box.send.click()
    assert "Nothing to send" in box.message.value
    typed(box, "word " * 200 + "\n")
    assert "shorten it" in box.message.value and box.line.value.startswith("word ")


def test_labels_that_cannot_be_written_are_told(box, monkeypatch):
    def refuse(*_):
        raise OSError("disk full")

    typed(box, "Hello.\n")
    monkeypatch.setattr(conversation, "save_comparison", refuse)
    box.lines.children[0].up.click()
    assert "cannot be stored: disk full" in box.message.value


def test_forgotten_messages_are_marked_and_bars_end():
    talk = [*PROMPT, {"role": "assistant", "content": "Hi."}, {"role": "user", "content": "Bye."}]
    page = talk_html(talk, 2)
    assert page.count("no longer given to the model") == 2 and page.index("Bye.") > page.rindex("no longer given")
    assert "width: 50.0%" in meter_html(76, 152) and "width: 100.0%" in meter_html(200, 152)


def test_the_static_fallback_is_a_conversation(tokenizer, model, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    show_chat({"one": model}, tokenizer, [*PROMPT, {"role": "assistant", "content": "<b>Hi.</b>"}])
    assert "&lt;b&gt;Hi." in shown[0]["text/html"] and FILE in shown[0]["text/plain"]
    assert chat_box.PAUSE > 0 and thumbs_path().name == FILE


def test_the_reward_command_takes_the_saved_file(box, folder, tmp_path, capsys):
    typed(box, "Hello.\n")
    box.retry.click()
    box.lines.children[0].up.click()
    box.lines.children[1].down.click()
    rows = [json.loads((folder / FILE).read_text())]
    for n in range(4):
        rows.append({**rows[0], "prompt": [{"role": "user", "content": f"Hello {n}."}]})
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["reward", "--comparisons", str(folder / FILE), "--runs", str(tmp_path), "--name", "chat"]
    assert main([*command, "--start-from", str(course_folder() / "data/checkpoints"), "--reward.batch-size", "2"]) in (0, None)
    assert (tmp_path / "chat/reward/model.safetensors").exists()
