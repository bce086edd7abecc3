"""Asking in four ways, by models that are rules: who reads the history, who does not, who repeats.

Proves: within a dialogue good answers stand before, in the own history the model's; words alone bring no history; shares, gold
and kinds are counted by hand; long talks hold the name once, other names never; a cut is what names depend on; few-shot pages
hold three examples and the plain page none; patterns go on as shown; the figures say their numbers.
"""

import pytest

from rlhf_lite.course.lesson_15 import chat_study, few_shots, turn_tests
from rlhf_lite.course.lesson_15.figures import draw_learnt, draw_pairs, draw_shares
from rlhf_lite.course.lesson_15.history import keep_first_and_last, keep_last
from rlhf_lite.files import course_folder
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.dialogues import draw_dialogues


@pytest.fixture
def dialogues():
    return draw_dialogues("turns", 12, held_out=True)


def answering(monkeypatch, rule):
    """Let a rule answer in the model's place; return all prompts that it was given."""
    seen = []

    def answers(model, tokenizer, prompts):
        seen.append(list(prompts))
        return [rule(prompt) for prompt in prompts]

    monkeypatch.setattr(turn_tests, "likeliest_answers", answers)
    return seen


def test_each_way_of_asking_gives_its_own_prompt(monkeypatch, dialogues):
    seen = answering(monkeypatch, lambda prompt: f"answer {len(prompt)}")
    turn_tests.ask_turns(None, None, dialogues)
    assert len(seen) == 12  # three turns, four ways
    alone, within, own, words = seen[4:8]
    assert alone == [each.turns[1].request.prompt for each in dialogues]
    assert words == [each.turns[1].words for each in dialogues]
    assert [p[1]["content"] for p in within] == [each.turns[0].request.good for each in dialogues]
    assert [p[1]["content"] for p in own] == ["answer 1"] * 12
    assert [p[3]["content"] for p in seen[10]] == ["answer 3"] * 12


def test_shares_gold_and_kinds_by_hand(monkeypatch, dialogues):
    good = {each.turns[1].words: each.turns[1].request.good for each in dialogues}

    def reads_histories_only(prompt):
        return "I do not know." if isinstance(prompt, str) else good.get(prompt[-1]["content"], "No idea.")

    answering(monkeypatch, reads_histories_only)
    rows = turn_tests.turn_rows(dialogues, turn_tests.ask_turns(None, None, dialogues))
    needing = next(row for row in rows if row["turn"] == 2 and row["needs_history"])
    assert needing["n"] == sum(each.turns[1].needs_history for each in dialogues)
    assert needing["right"] == {"alone": 0, "within": 1, "own": 1, "words": 0}
    assert needing["gold"]["within"] == pytest.approx(1) and needing["gold"]["alone"] < 0.5
    assert set(needing["by_kind"].values()) == {1.0}
    third = [row for row in rows if row["turn"] == 3]
    assert all(row["right"]["within"] < 0.5 for row in third) and sum(row["n"] for row in third) == 12
    assert all(row["turn"] != 1 or not row["needs_history"] for row in rows)


def test_a_long_talk_tells_one_name_once_and_needs_it_at_the_end():
    for between in (0, 4):
        for messages, name in turn_tests.long_talks("test", 8, between):
            assert len(messages) == 2 * between + 3 and messages[-1]["content"].startswith("Thank you for the ")
            users = " ".join(m["content"] for m in messages if m["role"] == "user")
            assert [n for n in w.NAMES if n in users.replace(".", " ").split()] == [name]


def test_names_depend_on_the_cut(monkeypatch, tokenizer, model):
    def reader(prompt):
        return next((name for name in w.NAMES if f"I am {name}." in prompt[0]["content"]), "nobody")

    answering(monkeypatch, reader)
    how = {"seed": "test", "count": 5, "most": 9}
    last = turn_tests.name_shares(model, tokenizer, keep_last, **how)
    both = turn_tests.name_shares(model, tokenizer, keep_first_and_last, **how)
    assert len(last) == 10 and last[0] == 1 and last[9] == 0 and both == [1.0] * 10


def test_pages_with_and_without_examples(monkeypatch, tokenizer, model):
    seen = []
    monkeypatch.setattr(few_shots, "go_on", lambda m, t, texts: seen.append(texts) or ["I do not know."] * len(texts))
    few_shots.few_shot_gold(model, tokenizer, seed="test", count=5)
    few, none, user = seen
    assert all(text.count("Exercise:") == 4 and text.endswith("Solution:") for text in few)
    assert all(text.count("Exercise:") == 1 and text.endswith("Solution:") for text in none)
    assert all(text.startswith("User: ") and text.endswith("\nAssistant:") for text in user)
    assert [text.split("Exercise: ")[-1] for text in few] == [text.split("Exercise: ")[-1] for text in none]


def test_patterns_show_each_name_twice_and_ask_for_the_last(monkeypatch):
    for text, last in few_shots.pattern_pages("test", 5, 3):
        names = text.replace(".", "").split()[1:]
        assert names[0] == names[1] and names[2] == names[3] and names[6:] == [last] and names[:6].count(last) == 0
    monkeypatch.setattr(few_shots, "go_on", lambda m, t, texts: [text.split()[-1] for text in texts])
    assert few_shots.pattern_share(None, None, seed=0, count=5, examples=3) == 1.0


def test_greedy_answers_are_one_line_each(tokenizer, model):
    answers = turn_tests.likeliest_answers(model, tokenizer, ["Hello.", [{"role": "user", "content": "Hello."}]])
    assert answers[0] == answers[1] and "\n" not in answers[0]
    assert len(few_shots.go_on(model, tokenizer, ["Copy: Eva", "Copy: Ben Ben."])) == 2


def test_figures_say_their_numbers(tokenizer):
    figure, alt = draw_pairs({"turn 2": {"sft": ([0.9, 1.0], [0.1, 0.2])}}, ("alone", "within"))
    assert "turn 2, SFT: alone 0.95, within 0.15" in alt
    assert list(figure.axes[0].lines[1].get_xdata()) == [pytest.approx(0.95)]
    assert list(figure.axes[0].lines[2].get_xdata()) == [pytest.approx(0.15)]
    figure, alt = draw_shares("share", {"rule": {"plain": 0.0, "rude": 1.0}, "trained": {"plain": 0.25, "rude": 0.5}})
    assert [bar.get_height() for bar in figure.axes[0].patches] == [
        0.0,
        1.0,
        0.25,
        0.5,
    ] and "trained: plain 0.25, rude 0.50" in alt
    talk = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "You are welcome."}]
    figure, alt = draw_learnt(talk, tokenizer)
    assert alt.endswith("<|end|>") and "Hello" not in alt.split("shaded: ")[1] and "welcome" in alt.split("shaded: ")[1]


def test_the_study_s_rows_are_there_and_speak_of_what_the_lesson_says():
    study = chat_study.load_study(course_folder() / "data/chat_study")
    assert len(study) >= 3
    for seed in study:
        models = seed["models"]
        for name in ("base", "sft", "ppo", "ppo_ptx", "alone 100", "mixed 100", "dialogues 100"):
            turns = {(r["turn"], r["needs_history"]): r["right"] for r in models[name]["turns"]}
            assert sum(r["n"] for r in models[name]["turns"]) == 3 * chat_study.ASKED
            dropped = turns[2, True]["alone"] - turns[2, True]["within"]
            assert (dropped < 0.15) == (name in ("mixed 100", "dialogues 100", "base"))
        spent = [models[f"{arm} 100"]["spent"] for arm in ("alone", "mixed", "dialogues")]
        assert len({each["answers"] for each in spent}) == len({each["steps"] for each in spent}) == 1
