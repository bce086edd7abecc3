"""Abilities are asked on combinations that no training user may ask about, greedily, and what is right is exact.

Proves: every prompt of a user is held out, rows are as large as asked or as large as they can be; the world's own good answers
are right, and near misses by hand are wrong; a model that knows all has every ability and one that shrugs only the honest one;
facts told are true, false, or not told, and a fact about another town is false.
"""

import random

import pytest

from rlhf_lite.tinyworld import abilities
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.abilities import COPIES, ROWS, ability_shares, draw_abilities, fact_shares, held_out_requests, told
from rlhf_lite.tinyworld.prompts import Need, Request, draw_requests, is_held_out
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([f"{r.prompt} {r.good}" for r in draw_requests(0, 300)], 400)


@pytest.fixture(scope="module")
def asked():
    return draw_abilities("test", 12)


@pytest.mark.parametrize("row", ROWS)
def test_every_request_is_held_out_and_asks_for_its_row(row, asked):
    requests = held_out_requests(row, random.Random(0), 30)
    assert len({request.prompt for request in requests}) == len(requests) == 30
    assert all(is_held_out(request.use_case, request.combination) and ROWS[row].asks(request) for request in requests)
    assert len(asked[row]) == 12


def test_the_same_seed_asks_the_same_and_a_row_does_not_depend_on_the_others(asked):
    def prompts(drawn):
        return {row: [one.prompt for one in each] for row, each in drawn.items()}

    assert prompts(draw_abilities("test", 12, ("who",))) == {"who": prompts(asked)["who"]}
    assert prompts(draw_abilities("other", 12)) != prompts(asked)


def test_a_row_that_is_used_up_is_as_large_as_it_can_be():
    words = {request.combination[0] for request in held_out_requests("Chinese word", random.Random(0), 200)}
    assert words == {"water"}
    drawn = draw_abilities(0, 200, ("landmark", *COPIES))
    assert 50 < len(drawn["landmark"]) < 200
    assert [len(drawn[row]) for row in COPIES] == [len(w.CITIES), len(w.NAMES), len(w.GOODS)]


@pytest.mark.parametrize("row", [*ROWS, *COPIES])
def test_the_worlds_good_answers_are_right_and_other_ones_wrong(row, asked):
    for one in asked[row]:
        assert one.is_right(one.right)
        assert not any(one.is_right(text) for text in ("", "Yes.", "Xaver has a cow.", "What do you think?"))
        assert one.is_right("I do not know.") == (row == "invented")


@pytest.mark.parametrize(("row", "change"), [
    ("names", lambda a: a.rstrip(".") + " and Xaver."), ("times", lambda a: a.rstrip(".") + " " + a.split()[0]),
    ("exchange", lambda a: a.replace(" a ", " the ")), ("polite", lambda a: a + " Thank you for asking."),
    ("list", lambda a: a.rstrip(".") + " and a tram and a finch."), ("summary", lambda a: f"{a} {a}"),
    ("summary", lambda a: a.rstrip(".") + " and so it was and so on and on."), ("opinion", lambda a: f"Not {a}"),
    ("story", lambda a: a + " " + a + " " + a + " " + a.split()[0]), ("story", lambda a: f"Xena ran. {a}".replace("Xena", "Zoe")),
    ("who", lambda a: a + " Anna, Ben, Eva and Zoe have it too."), ("where", lambda a: a + " It is at the park or the farm."),
    ("landmark", lambda a: a + " Rome has the Colosseum."), ("country", lambda a: a + " Rome is in Italy and Paris in France."),
    ("invented", lambda a: a + " It is the Kremlin, in Russia."), ("missing", lambda a: "Anna has it. " + a),
    ("copies a city", lambda a: a + "s"), ("copies a name", lambda a: "Dear " + a), ("copies a thing", lambda a: a + "s"),
])  # fmt: skip
def test_near_misses_are_wrong(row, change, asked):
    wrong = [not one.is_right(change(one.right)) for one in asked[row]]
    assert all(wrong) if row != "story" else any(wrong)  # a story of any length, or about Zoe, stays right


def test_rare_towns_are_not_among_the_known_facts():
    towns = {r.combination[0] for row in ("landmark", "country") for r in held_out_requests(row, random.Random(0), 60)}
    assert towns == {"London", "Pisa", "Sydney", "Moscow", "Berlin", "Seattle", "Venice"}


def test_a_story_has_its_people_thing_and_length_by_hand():
    need = Need(rule="story", mention=("Anna", "kite"), count=2)
    prompt = "Write a story about Anna and a kite in two sentences."
    request = Request(use_case="generation", prompt=prompt, need=need, good="", combination=())
    texts = {
        "Anna had a kite at the park. Anna was happy.": True, "Anna had a kite at the park.": False,
        "Anna had a kite at the park. It was red. Anna was happy.": False, "Anna had a hat at the park. Anna was happy.": False,
        "Anna had a kite at the park. In the end Ben was happy.": False,
    }  # fmt: skip
    assert {text: ROWS["story"].is_right(request, text) for text in texts} == texts


def test_what_is_told_by_hand():
    request = next(r for r in draw_requests(0, 500) if r.need.answer == "Colosseum" and not r.need.one_word)
    texts = ("Rome has the Colosseum.", "Rome has the Kremlin.", "Paris has the Colosseum.", "I do not know.", "You fool.")
    assert [told(request, text) for text in texts] == ["true", "false", "false", "not told", "not told"]
    invented = next(r for r in draw_requests(0, 900) if r.need.answer == w.UNKNOWN_KEY)
    assert told(invented, "I do not know.") == "not told" and told(invented, "It is the Kremlin, in Russia.") == "false"


@pytest.fixture
def answering(monkeypatch, tokenizer):
    """Return a function that lets every model answer as `write(prompt)` does, after checking how it is asked."""

    def use(write):
        def sample(model, prompts, *, temperature, **more):
            assert temperature == 0.0
            return [[*tokenizer.encode(" " + write(tokenizer.decode(ids))), tokenizer.end_id] for ids in prompts]

        monkeypatch.setattr(abilities, "sample", sample)

    return use


def test_who_knows_all_has_every_ability_and_who_shrugs_only_the_honest_one(answering, tokenizer):
    drawn = draw_abilities(7, 5)
    texts = {tokenizer.decode(tokenizer.encode_prompt(one.prompt)): one.right for row in ROWS for one in drawn[row]}
    texts |= {
        tokenizer.decode([tokenizer.end_id, *tokenizer.encode(one.prompt)]): one.right for row in COPIES for one in drawn[row]
    }
    answering(lambda prompt: texts[prompt] + "\nUser: And so on")
    assert ability_shares(None, tokenizer, seed=7, per_row=5) == dict.fromkeys((*ROWS, *COPIES), 1.0)
    answering(lambda prompt: "I do not know.")
    assert ability_shares(None, tokenizer, seed=7, per_row=5) == dict.fromkeys((*ROWS, *COPIES), 0.0) | {"invented": 1.0}


def test_facts_of_known_rare_and_invented_towns(answering, tokenizer):
    towns = abilities.town_requests(0)
    assert {group: len(requests) for group, requests in towns.items()} == {"known": 42, "rare": 24, "invented": 40}
    assert {request.combination[0] for request in towns["rare"]} == set(w.RARE_CITIES)
    assert not {request.combination[0] for request in towns["invented"]} & set(w.CITIES)
    answering(lambda prompt: "It is in Italy.")  # right for Rome, Pisa, Venice; of landmarks and other countries false or nothing
    shares = fact_shares(None, tokenizer, seed=0)
    assert shares["known"] == {"true": 3 / 42, "false": 18 / 42, "not told": 21 / 42}
    assert shares["rare"] == {"true": 0.0, "false": 0.5, "not told": 0.5}
    assert shares["invented"]["true"] == 0.0 < shares["invented"]["false"] < 1.0
