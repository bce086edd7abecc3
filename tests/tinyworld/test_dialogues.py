"""Dialogues ask what they say they ask, and the same alone; held-out ones share no combination with training.

Proves: the same seed gives the same dialogues; good answers are right, get full marks, and nothing else of the same dialogue is
right in their place; words that need the history do not hold the answer's key; the history is the good answers or those given;
subjects and patterns are as asked; training and held-out subjects are apart; each rule of `is_right` by hand.
"""

import pytest

from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.dialogues import KINDS_OF_TALK, Dialogue, Turn, draw_dialogues, is_right
from rlhf_lite.tinyworld.judge import judge
from rlhf_lite.tinyworld.prompts import Need, Request, is_held_out


@pytest.fixture(scope="module")
def dialogues():
    return draw_dialogues("test", 300)


def all_turns(dialogues):
    return [turn for each in dialogues for turn in each.turns]


def test_the_seed_decides():
    assert draw_dialogues(1, 30) == draw_dialogues(1, 30) != draw_dialogues(2, 30)


def test_good_answers_are_right_and_get_full_marks(dialogues):
    for turn in all_turns(dialogues):
        assert is_right(turn, turn.request.good), turn
        assert judge(turn.request, turn.request.good).gold == pytest.approx(1), turn


def test_no_good_answer_of_another_turn_is_right_where_one_answer_is():
    for each in draw_dialogues("test", 300, patterns=("KKK",)):
        for turn in each.turns:
            for other in each.turns:
                if turn.request.need.rule in ("lookup", "text", "fact") and other.request.good != turn.request.good:
                    same_fact = other.request.need.answer == turn.request.need.answer  # two towns of one country
                    assert same_fact or not is_right(turn, other.request.good)


def test_shrugs_are_wrong_where_history_is_needed(dialogues):
    needing = [turn for turn in all_turns(dialogues) if turn.needs_history]
    assert len(needing) > 300
    assert not any(is_right(turn, shrug) for turn in needing for shrug in (*w.SHRUGS, w.NOT_IN_TEXT, "", "Yes."))


def test_only_words_that_say_all_need_no_history(dialogues):
    for turn in all_turns(dialogues):
        assert turn.needs_history == (turn.words != turn.request.prompt)


def test_what_it_points_at_was_spoken_of_last(dialogues):
    for each in dialogues:
        for before, turn in zip(each.turns, each.turns[1:], strict=False):
            if each.kind == "reading" and " it?" in turn.words:
                assert turn.request.need.mention == before.request.need.mention


def test_messages_hold_good_answers_or_those_given(dialogues):
    each = dialogues[0]
    assert each.messages(0) == [{"role": "user", "content": each.turns[0].words}]
    roles, contents = zip(*[(m["role"], m["content"]) for m in each.messages(2)], strict=True)
    assert roles == ("user", "assistant", "user", "assistant", "user")
    assert contents[1] == each.turns[0].request.good and contents[4] == each.turns[2].words
    assert [m["content"] for m in each.messages(2, ["one", "two"])][1::2] == ["one", "two"]


def test_kinds_and_patterns_are_as_asked():
    plain = draw_dialogues(3, 60, patterns=("KKK",))
    assert [each.kind for each in plain[:6]] == list(KINDS_OF_TALK)
    assert all([turn.needs_history for turn in each.turns] == [False, True, True] for each in plain)
    between = draw_dialogues(3, 60, patterns=("KIK",))
    kinds = {each.kind for each in between if [t.needs_history for t in each.turns] == [False, False, True]}
    assert kinds == {"reading", "meeting"}  # of the others "it" or "now" would be what was asked in between
    assert not any(" it?" in turn.words for each in between if not each.turns[1].needs_history for turn in each.turns[2:])


def test_held_out_subjects_are_apart_from_training():
    def subjects(held_out):
        drawn = draw_dialogues(5, 900, held_out=held_out, patterns=("KKK",))
        return {(each.kind, *sorted(each.turns[0].request.combination)) for each in drawn}

    training, held_out = subjects(False), subjects(True)
    assert len(training) > 300 and len(held_out) > 100 and not training & held_out
    assert all(is_held_out(f"dialogue {kind}", tuple(words)) for kind, *words in held_out)


def turn_of(rule, prompt="", **need):
    need = Need(rule=rule, **need)
    return Turn(
        words="x", request=Request(use_case="chat", prompt=prompt, need=need, good="", combination=()), needs_history=True
    )


RIGHT = {
    "text": (turn_of("text", answer="cup cup."), "Cup cup", "cup cup cup."),
    "list": (turn_of("list", kind="fruit", count=2), "A pear and a plum.", "A pear and a pear."),
    "list of another kind": (turn_of("list", kind="fruit", count=2), "A pear and a plum. I am glad.", "A pear and a cat."),
    "list too long": (turn_of("list", kind="fruit", count=2), "a plum and a pear", "A pear, a plum and a melon."),
    "chat": (turn_of("chat", mention=("welcome", "Eva")), "You are welcome, Eva.", "You are welcome, Ben."),
    "lookup": (turn_of("lookup", answer="park", wrong=("farm",)), "It is at the park.", "At the park or the farm."),
    "fact": (turn_of("fact", answer="Italy", wrong=("Spain",)), "Italy.", "Spain."),
    "names": (turn_of("names", mention=("Eva", "Ben")), "Eva and Ben.", "Eva."),
}


@pytest.mark.parametrize("turn, right, wrong", RIGHT.values(), ids=RIGHT)
def test_right_and_wrong_by_hand(turn, right, wrong):
    assert is_right(turn, right) and not is_right(turn, wrong)


def test_a_dialogue_is_what_it_is_made_of():
    turn = turn_of("text", answer="a")
    assert Dialogue("x", (turn,)).messages(0) == [{"role": "user", "content": "x"}]


def test_what_is_asked_alone_names_what_it_asks_for(dialogues):
    for turn in all_turns(dialogues):
        if turn.request.need.rule == "lookup" and turn.request.good != w.NOT_IN_TEXT:
            assert turn.request.need.mention[0] in turn.request.prompt.split(". ")[-1], turn.request.prompt
