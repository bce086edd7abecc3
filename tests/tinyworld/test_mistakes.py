"""A mistake is the one thing that is wrong with an answer.

Proves: every mistake makes an answer worse for the judge, and nothing else about it worse than the good one's manners; requests
have the kinds of mistakes they should; pairs are drawn evenly over kinds, on combinations that training may ask about.
"""

import random
from collections import Counter

import pytest

from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.judge import TIE, is_well_mannered, judge
from rlhf_lite.tinyworld.mistakes import KINDS, TERMS, draw_mistakes, mistakes, put
from rlhf_lite.tinyworld.prompts import USE_CASE_SHARES, draw_requests, find_all, is_held_out
from rlhf_lite.tinyworld.world import TinyWorld


def test_every_mistake_is_worse_in_substance_and_not_in_manners():
    rng, worse, drawn = random.Random(0), Counter(), Counter()
    for request in draw_requests("mistakes", 3000, use_cases=list(USE_CASE_SHARES)):
        for kind, text in mistakes(request, rng).items():
            drawn[kind] += 1
            worse[kind] += judge(request, text).gold < judge(request, request.good).gold - TIE
            assert text != request.good and (is_well_mannered(request, text) or text == w.UNKNOWN), (kind, text)
    assert set(drawn) == set(KINDS) and min(drawn.values()) >= 20
    shares = {kind: worse[kind] / drawn[kind] for kind in KINDS}
    assert min(shares.values()) == 1.0, {kind: share for kind, share in shares.items() if share < 1}


@pytest.mark.parametrize(("prompt", "kinds"), [
    ("What is the landmark of", {"wrong landmark", "fact not told", "fact about something else"}),
    ("Answer in one word.", {"wrong country", "wrong other fact", "fact not told"}),
    ("Who has the", {"wrong owner", "owner not told", "owner invented"}),
    ("Where is the", {"wrong place", "place not told"}),
    ("Is this good or bad?", {"wrong opinion"}),
    ("Find the", {"wrong item found", "too many or few found", "sentence for items"}),
    ("Say it politely:", {"wrong word in rewriting", "not rewritten"}),
    ("times.", {"said too often or seldom"}),
])  # fmt: skip
def test_requests_have_the_mistakes_that_can_be_made_in_their_answers(prompt, kinds):
    rng, found = random.Random(0), set()
    for request in draw_requests("kinds", 1500, use_cases=list(USE_CASE_SHARES)):
        if prompt in request.prompt and request.good != w.UNKNOWN and request.use_case != "brainstorming":
            found |= set(mistakes(request, rng))
    assert found == kinds


def test_who_does_not_know_is_made_to_claim_something():
    rng = random.Random(0)
    for request in draw_requests("shrugs", 400, use_cases=["open_qa", "closed_qa"]):
        if request.good in (w.UNKNOWN, w.NOT_IN_TEXT):
            found = mistakes(request, rng)
            (invented,) = (text for kind, text in found.items() if kind.endswith("invented"))
            assert judge(request, invented).honest == 0
            assert set(found) in ({"fact invented", "fact about something else"}, {"owner invented"})


def test_a_list_with_repetitions_has_as_many_items_of_the_same_kind():
    rng, different = random.Random(0), Counter()
    for request in draw_requests("lists", 200, use_cases=["brainstorming"]):
        things = find_all("things", mistakes(request, rng)["listed twice"])
        assert len(things) == request.need.count and {w.KIND_OF[thing] for thing in things} == {request.need.kind}
        different[request.need.count, len(set(things))] += 1
    assert set(different) == {(2, 1), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)}


def test_a_word_is_exchanged_with_its_capital():
    assert put("A cat is in the car. Cat!", "cat", "dog") == "A dog is in the car. Dog!"
    assert put("The landmark of Rome is the Big Ben.", "Big Ben", "Red Fort") == "The landmark of Rome is the Red Fort."


def test_pairs_come_in_terms_on_combinations_of_training():
    terms = draw_mistakes(3, 1000)
    assert terms == draw_mistakes(3, 1000) != draw_mistakes(4, 1000)
    assert [len(term) for term in terms] == [160, 180, 150, 200, 310] and sum(share for share, _ in TERMS) == pytest.approx(1.0)
    assert not any(is_held_out(request.use_case, request.combination) for term in terms for request, _ in term)
    assert {request.need.answer in w.NAMES for request, _ in terms[0]} == {True}
    assert sum(request.need.answer in w.PLACES for request, _ in terms[1]) == 135  # three quarters
    first, last = (Counter(request.use_case for request, _ in half) for half in (terms[4][:155], terms[4][155:]))
    assert set(first) == set(last) == set(USE_CASE_SHARES)  # no kind stands at the beginning alone
    listed = (first + last)["brainstorming"]
    assert listed == pytest.approx(310 * 11 / sum(TERMS[4][1].values()), abs=12)  # weights 3, 3 and 5


def test_the_world_gives_the_good_answer_first():
    for term, drawn in zip(TinyWorld(3).written_pairs(1000), draw_mistakes(3, 1000), strict=True):
        assert term == [(request.prompt, request.good, wrong) for request, wrong in drawn]
