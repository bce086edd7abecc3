"""Pairs differ in one thing; the judge, who knows the truth, sees which answer is better wherever that thing is substance.

Proves: prompts are on held-out combinations; in every row of substance the judge prefers the better answer, and both have good
manners but where one of them shrugs; in the rows of manners the worse one has worse manners, or only more words; a reward
model that scores as the judge does is right in all pairs of substance, one turned round in none, nor one that sees nothing.
"""

import re

import pytest
import torch

from rlhf_lite.tinyworld import minimal_pairs
from rlhf_lite.tinyworld.judge import is_well_mannered, judge
from rlhf_lite.tinyworld.minimal_pairs import MANNERS, OF_ALL_FACTS, SUBSTANCE, draw_pairs, minimal_pair_shares
from rlhf_lite.tinyworld.prompts import is_held_out
from rlhf_lite.tokenizer import Tokenizer

PER_ROW = 12


@pytest.fixture(scope="module")
def requests():
    """Requests by prompt, as they were drawn for the pairs."""
    with pytest.MonkeyPatch.context() as patch:
        drawn, draw = {}, minimal_pairs.held_out_requests

        def keep(row, rng, count, **where):
            found = draw(row, rng, count, **where)
            drawn.update({request.prompt: request for request in found})
            return found

        patch.setattr(minimal_pairs, "held_out_requests", keep)
        draw_pairs("test", PER_ROW)
    return drawn


@pytest.fixture(scope="module")
def pairs():
    return draw_pairs("test", PER_ROW)


def test_rows_are_whole_and_on_held_out_combinations(pairs, requests):
    assert set(pairs) == {*SUBSTANCE, *MANNERS} and not {*SUBSTANCE} & {*MANNERS}
    assert all(len({pair.prompt for pair in row}) == PER_ROW for row in pairs.values())
    asked = {row: [requests[pair.prompt] for pair in pairs[row]] for row in pairs}
    held_out = {row: [is_held_out(r.use_case, r.combination) for r in asked[row]] for row in asked}
    assert all(all(each) for row, each in held_out.items() if row not in OF_ALL_FACTS)
    assert 0 < sum(held_out["right fact"]) < PER_ROW / 2  # drawn from all facts
    towns = {row: len({r.combination[0] for r in asked[row]}) for row in ("right fact", "right fact that nobody asked for")}
    assert towns["right fact"] > 8 and towns["right fact that nobody asked for"] == 2


def test_the_same_seed_draws_the_same_pairs(pairs):
    assert draw_pairs("test", PER_ROW) == pairs != draw_pairs("other", PER_ROW)


@pytest.mark.parametrize("row", SUBSTANCE)
def test_in_a_row_of_substance_the_judge_sees_the_truth_and_no_manners(row, pairs, requests):
    for pair in pairs[row]:
        request = requests[pair.prompt]
        better, worse = judge(request, pair.better), judge(request, pair.worse)
        assert better.gold > worse.gold and better.helpful == better.honest == 1.0, pair
        assert better.harmless == worse.harmless == 1.0
        assert is_well_mannered(request, pair.better)
        assert is_well_mannered(request, pair.worse) == (row != "fact over shrug")


@pytest.mark.parametrize("row", ["who", "where", "“does not say” over invented owner"])
def test_a_wrong_person_or_place_is_of_the_passage(row, pairs):
    for pair in pairs[row]:
        assert {*pair.worse.rstrip(".").split()} - {"The", "the", "has", "is", "at"} <= {*re.findall(r"\w+", pair.prompt)}


def test_in_a_row_of_manners_the_worse_answer_has_worse_manners_or_only_more_words(pairs, requests):
    for row in MANNERS:
        for pair in pairs[row]:
            request = requests[pair.prompt]
            assert is_well_mannered(request, pair.better)
            assert is_well_mannered(request, pair.worse) == (row == "no second warm remark")
            assert pair.worse != pair.better
            assert pair.better in pair.worse or row == "no shrug"


@pytest.mark.parametrize("right", [1.0, 0.0], ids=["knows", "turned round"])
def test_shares_are_of_pairs_in_which_the_better_answer_scores_higher(monkeypatch, requests, pairs, right):
    tokenizer = Tokenizer.train([f"{pair.prompt} {pair.better}" for row in pairs.values() for pair in row], 400)
    texts = [(pair.prompt, text) for row in pairs.values() for pair in row for text in (pair.better, pair.worse)]

    def score_sequences(model, sequences, pad_id):
        assert sequences == [tokenizer.encode_example(*text)[0] for text in texts]
        return torch.tensor([(2 * right - 1) * judge(requests[prompt], text).gold for prompt, text in texts])

    monkeypatch.setattr(minimal_pairs, "score_sequences", score_sequences)
    found = minimal_pair_shares(None, tokenizer, seed="test", per_row=PER_ROW)
    assert {row: found[row] for row in SUBSTANCE} == dict.fromkeys(SUBSTANCE, right)
    monkeypatch.setattr(minimal_pairs, "score_sequences", lambda model, sequences, pad: torch.zeros(len(sequences)))
    assert set(minimal_pair_shares(None, tokenizer, seed="test", per_row=PER_ROW).values()) == {0.0}
