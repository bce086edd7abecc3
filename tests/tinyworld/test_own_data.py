"""The reader's own files replace parts of the world, and what is wrong with them is said before anything is trained.

Proves: where anything is the reader's own, nothing is silently the tiny world's; text is split into nine tenths and a
tenth; bad rows stop with file and line, or are skipped and told; a score function is loaded by name, and every way of
failing to is explained.
"""

import json

import pytest

from rlhf_lite.real_data.score_functions import ScoreFunctionError
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


def never_the_tiny_world(own):
    """Check all that a run asks of a world: nothing comes from the tiny world; what cannot is refused by its option."""
    tiny = TinyWorld(0)
    if "text" in own.describe():
        assert own.documents(5) != tiny.documents(5) and own.primer(5) == []
    else:
        with pytest.raises(ValueError, match="on your own data .*, and pretrain .*: give --text, or --start-from"):
            own.documents(5)
        with pytest.raises(ValueError, match="ppo_ptx would be on the tiny world's: give --text"):
            own.check(["ppo_ptx"])
    if "demonstrations" not in own.describe():
        assert own.demonstrations(200) == []
        with pytest.raises(ValueError, match="sft would be on the tiny world's: give --demonstrations"):
            own.check(["sft"])
    if "comparisons" not in own.describe():
        with pytest.raises(ValueError, match="comparisons would be on the tiny world's: give --comparisons"):
            own.comparison_prompts(200, 5)
    assert own.monitor(None, None) == own.abilities(None, None) == {}, "no gold score, and no model is asked"


def test_a_run_on_own_data_is_never_on_the_tiny_world(write, tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("my own text " * 99)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_own_rewards.py").write_text("def short(prompts, responses):\n    return [-len(r) for r in responses]\n")
    row = {"prompt": "Hi", "response": "Hello.", "chosen": "Hello.", "rejected": "No."}
    path = write({"prompt": "Hi", "response": "Hello."})
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({key: row[key] for key in ("prompt", "chosen", "rejected")}) + "\n")
    parts = {"text": tmp_path / "text.txt", "demonstrations": path, "comparisons": pairs, "prompts": path,
             "score_fn": "my_own_rewards:short"}  # fmt: skip
    for names in ({name} for name in parts):
        own = OwnData(0, **{name: parts[name] for name in names})
        assert own.is_own and set(own.describe()) == names
        never_the_tiny_world(own)
    before = OwnData(0)
    before.before = {"comparisons"}  # an earlier stage's
    never_the_tiny_world(before)
    whole = OwnData(0, **parts)
    whole.check(["pretrain", "sft", "comparisons", "reward", "ppo", "ppo_ptx"])
    assert whole.demonstrations(9) == [Demonstration("Hi", "Hello.")]
    assert whole.given_comparisons() == [Comparison("Hi", ("Hello.", "No."), (0, 1))]


def test_prompts_are_taken_from_other_rows_of_the_readers(write):
    told = []
    assert OwnData(0, demonstrations=write({"prompt": "Hi", "response": "Hello."})).ppo_prompts(200) == ["Hi"]
    assert OwnData(0, comparisons=write({"prompt": "Ho", "chosen": "Hello.", "rejected": "No."})).ppo_prompts(200) == ["Ho"]
    assert OwnData(0, prompts=write({"prompt": "Hi"}, {"prompt": "Ho"}), tell=told.append).ppo_prompts(200) == ["Hi", "Ho"]
    assert told == []
    tiny_base = OwnData(0, tell=told.append)
    tiny_base.before = {"comparisons"}
    assert tiny_base.ppo_prompts(200) == TinyWorld(0).ppo_prompts(200)
    assert "prompts are the tiny world's" in told[0], "never silently"
    own_base = OwnData(0)
    own_base.before = {"text"}
    with pytest.raises(ValueError, match="base model is trained on your own text: give --prompts"):
        own_base.ppo_prompts(200)


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
    assert OwnData(0, score_fn="my_rewards:short").own_score_fn(["a"], ["four"]) == [-4]
    with pytest.raises(ValueError, match="my_rewards:long.*no attribute 'long'.*run from the folder that holds my_rewards.py"):
        load_function("my_rewards:long")
    with pytest.raises(ValueError, match="no_such_module.*run from the folder that holds no_such_module.py"):
        load_function("no_such_module:f")
    with pytest.raises(ValueError, match="expected MODULE:FUNCTION"):
        load_function("my_rewards.short")
    for name in (f"{tmp_path}/my_rewards.py:short", f"{tmp_path}/../{tmp_path.name}/my_rewards.py:short"):
        assert load_function(name)(["a"], ["four"]) == [-4]
    monkeypatch.chdir(tmp_path)
    assert load_function("./my_rewards.py:short")(["a"], ["four"]) == [-4]
    with pytest.raises(ValueError, match=r"cannot load './no.py:f'.*give the path of the file.*FILE.py:FUNCTION"):
        load_function("./no.py:f")
    for name in ("./my_rewards:short", "..:f", "a/b:f"):
        with pytest.raises(ValueError, match=r"is no name of a module.*MODULE:FUNCTION or FILE.py:FUNCTION"):
            load_function(name)
    for name in (":f", "my_rewards:", ""):
        with pytest.raises(ValueError, match="expected MODULE:FUNCTION"):
            load_function(name)
    (tmp_path / "broken_rewards.py").write_text("raise ValueError('mine')\n")
    for name in ("broken_rewards:f", "broken_rewards.py:f"):
        with pytest.raises(ScoreFunctionError, match="broken_rewards.*, which holds score_fn, raised ValueError: mine"):
            load_function(name)


def test_what_is_no_function_is_refused(tmp_path, monkeypatch):
    (tmp_path / "my_numbers.py").write_text("LIMIT = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="LIMIT"):
        load_function("my_numbers:LIMIT")
