"""The reader's own files replace parts of the world, and what is wrong with them is said before anything is trained.

Proves: each file replaces its part and leaves the others; text is split into nine tenths and a tenth; bad rows stop with
file and line, or are skipped and told; a score function is loaded by name, and every way of failing to is explained.
"""

import json

import pytest

from rlhf_lite.records import Comparison, Demonstration
from rlhf_lite.tinyworld.own_data import OwnData, load_function
from rlhf_lite.tinyworld.world import TinyWorld


@pytest.fixture
def write(tmp_path):
    def write_rows(*rows):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path

    return write_rows


def test_without_files_it_is_the_tiny_world():
    own, tiny = OwnData(0), TinyWorld(0)
    assert own.documents(5) == tiny.documents(5)
    assert own.held_out_documents() == tiny.held_out_documents()
    assert own.demonstrations(200) == tiny.demonstrations(200)
    assert own.ppo_prompts(200) == tiny.ppo_prompts(200)
    assert own.given_comparisons() is own.given_score() is None


def test_each_file_replaces_its_part_alone(write):
    tiny = TinyWorld(0)
    own = OwnData(0, demonstrations=write({"prompt": "Hi", "response": "Hello."}))
    assert own.demonstrations(200) == [Demonstration("Hi", "Hello.")]
    assert own.ppo_prompts(200) == tiny.ppo_prompts(200) and own.given_comparisons() is None
    own = OwnData(0, comparisons=write({"prompt": "Hi", "chosen": "Hello.", "rejected": "No."}))
    assert own.given_comparisons() == [Comparison("Hi", ("Hello.", "No."), (0, 1))]
    own = OwnData(0, prompts=write({"prompt": "Hi"}, {"prompt": "Ho"}))
    assert own.ppo_prompts(200) == ["Hi", "Ho"]
    assert own.demonstrations(200) == tiny.demonstrations(200)


def test_the_last_tenth_of_a_text_is_held_out(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("0123456789" * 10)
    own = OwnData(0, text=path)
    assert own.documents(7) == ["0123456789" * 9]
    assert own.held_out_documents() == ["0123456789"]


@pytest.mark.parametrize("option", ["demonstrations", "comparisons", "prompts"])
def test_a_bad_row_stops_with_its_place(write, option):
    path = write("not json")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 1: not JSON"):
        OwnData(0, **{option: path})


def test_bad_rows_can_be_left_out_and_are_told(write):
    told = []
    path = write({"prompt": "Hi", "response": "Hello."}, {"prompt": "secret"}, "{", {"prompt": "Ho", "response": "Hey."})
    own = OwnData(0, demonstrations=path, skip_bad_rows=True, tell=told.append)
    assert [d.prompt for d in own.demonstrations(0)] == ["Hi", "Ho"]
    (message,) = told
    assert "skipped 2 bad rows" in message and "line 2" in message and "line 3" in message
    assert "secret" not in message


def test_nothing_is_told_where_nothing_was_skipped(write):
    told = []
    OwnData(0, prompts=write({"prompt": "Hi"}), skip_bad_rows=True, tell=told.append)
    assert told == []


def test_a_score_function_is_loaded_by_name(tmp_path, monkeypatch):
    (tmp_path / "my_rewards.py").write_text(
        "def short(prompts, responses):\n    return [-len(r) for r in responses]\nLIMIT = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert OwnData(0, score_fn="my_rewards:short").given_score()(["a"], ["four"]) == [-4]
    with pytest.raises(ValueError, match="my_rewards:long.*no attribute 'long'.*run from the folder that holds my_rewards.py"):
        load_function("my_rewards:long")
    with pytest.raises(ValueError, match="no_such_module.*run from the folder that holds no_such_module.py"):
        load_function("no_such_module:f")
    with pytest.raises(ValueError, match="expected MODULE:FUNCTION"):
        load_function("my_rewards.short")


def test_what_is_no_function_is_refused(tmp_path, monkeypatch):
    (tmp_path / "my_numbers.py").write_text("LIMIT = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="LIMIT"):
        load_function("my_numbers:LIMIT")
