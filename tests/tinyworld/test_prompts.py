"""Prompts carry what a good answer needs, and those for evaluation share nothing with those of training.

Proves: over several seeds no held-out prompt and no held-out combination of entities was ever asked by a training user;
the seed decides the prompts, in every process; use cases come in their shares or in turn; prompts name what they need.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.prompts import MAKERS, USE_CASE_SHARES, draw_requests, is_held_out
from rlhf_lite.tinyworld.users import training_requests

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=[0, 1, 2])
def sides(request):
    """Return the training requests and all held-out ones of one seed."""
    stages, _ = training_requests(request.param, 8000)
    held_out = draw_requests(f"evaluation {request.param}", 600, held_out=True)
    held_out += draw_requests(f"cases {request.param}", 600, held_out=True, use_cases=list(USE_CASE_SHARES))
    held_out += draw_requests("monitor", 100, held_out=True)
    return [r for rows in stages.values() for r in rows], held_out


def test_held_out_prompts_share_no_prompt_with_training(sides):
    training, held_out = sides
    asked = {r.prompt for r in training}
    assert [r.prompt for r in held_out if r.prompt in asked] == []


def test_held_out_prompts_share_no_combination_of_entities_with_training(sides):
    training, held_out = sides
    asked = {(r.use_case, frozenset(r.combination)) for r in training}
    assert [r for r in held_out if (r.use_case, frozenset(r.combination)) in asked] == []


def test_the_order_of_entities_does_not_decide_the_side():
    assert is_held_out("chat", ("Anna", "kite")) == is_held_out("chat", ("kite", "Anna"))
    share = sum(is_held_out("chat", (name, thing)) for name in w.NAMES for thing in w.GOODS) / (len(w.NAMES) * len(w.GOODS))
    assert 0.16 < share < 0.24


def test_the_seed_decides_the_prompts():
    assert draw_requests(3, 100) == draw_requests(3, 100) != draw_requests(4, 100)
    assert draw_requests(3, 100)[:30] == draw_requests(3, 30)
    assert draw_requests(3, 20, held_out=True) != draw_requests(3, 20)


def test_every_process_draws_the_same_requests():
    code = "from rlhf_lite.tinyworld.prompts import *; print([r.to_row() for r in draw_requests(0, 200)])"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1 and len(told.pop()) > 10_000


def test_use_cases_come_in_their_shares_or_in_turn():
    assert set(MAKERS) == set(USE_CASE_SHARES)
    count = Counter(r.use_case for r in draw_requests(0, 5000))
    assert all(abs(count[use_case] / 50 - percent) < 2 for use_case, percent in USE_CASE_SHARES.items())
    assert [r.use_case for r in draw_requests(0, 5, use_cases=["chat", "extract"])] == [
        "chat",
        "extract",
        "chat",
        "extract",
        "chat",
    ]


def test_held_out_prompts_come_once():
    prompts = [r.prompt for r in draw_requests("evaluation 0", 600, held_out=True)]
    assert len(set(prompts)) == len(prompts)


@pytest.mark.parametrize("use_case", MAKERS)
def test_prompts_hold_what_they_need(use_case):
    for request in draw_requests("needs", 300, use_cases=[use_case]):
        need = request.need
        entities = {*w.NAMES, *w.THINGS, *w.GOODS, *w.PLACES, *w.CITIES}
        assert all(word in request.prompt for word in need.mention if word in entities)
        assert need.answer not in need.wrong
        assert request.user == "" and request.use_case == use_case and request.combination
        if need.one_word and use_case != "classification":
            assert "one word" in request.prompt
        if need.count and use_case in ("generation", "brainstorming"):
            assert ("one", "two", "three", "four")[need.count - 1] in request.prompt


def test_everything_to_be_found_in_a_text_is_asked_for():
    pools = {"names": set(w.NAMES), "things": {*w.GOODS, *w.THINGS}}
    for request in draw_requests(0, 500, use_cases=["extract"]):
        text = request.prompt.partition(": ")[2]
        assert set(request.need.mention) == {word.strip(".,") for word in text.split()} & pools[request.need.kind], text


def test_what_the_passage_does_not_say_is_asked_too():
    requests = draw_requests("missing", 400, use_cases=["closed_qa"])
    missing = [r for r in requests if r.good == w.NOT_IN_TEXT]
    assert 0.1 < len(missing) / len(requests) < 0.3
    for request in missing:
        passage, question = request.prompt.rsplit(". ", 1)
        assert question.split()[-1].rstrip("?") not in passage
    for request in draw_requests("unknown", 400, use_cases=["open_qa"]):
        assert (request.good == w.UNKNOWN) == (request.combination[0] not in w.TRUTH and request.need.answer == "not know")
