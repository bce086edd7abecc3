"""Forty labelers: votes follow the library's tastes and noise, and what the lesson says holds for a panel that it does not show.

Proves: without noise a vote is the order in which the library's `rank` puts two answers; noise explains most disagreement;
two labelers < best scorer < bound; majorities of a group come near its own taste and not near the other group's; each sheet's
answers are its own; flags find rude answers.
"""

import random
from dataclasses import replace

import pytest
import torch

from rlhf_lite.course.lesson_08.exercises_labelers import agreement_matrix, best_accuracy
from rlhf_lite.course.lesson_08.panel import best_answers, flag_rude, kinds_of_pairs, majority_agrees, make_panel, prefer, vote
from rlhf_lite.evaluate import accuracy_bound
from rlhf_lite.tinyworld.labelers import rank

OTHERS = ~torch.eye(40, dtype=torch.bool)


@pytest.fixture(scope="module")
def panel():
    return make_panel("test", count=25)


def test_without_noise_a_vote_is_the_library_s_ranking(panel):
    votes = prefer(panel.liking, panel.pairs)
    decided = 0
    for number in (0, 7, 20):
        silent = replace(panel.labelers[number], noise=0.0)
        ranks = [place for sheet in panel.sheets for place in rank(silent, sheet.request, list(sheet.answers), random.Random(0))]
        for (i, j), said in zip(panel.pairs.tolist(), votes[number].tolist(), strict=True):
            decided += ranks[i] != ranks[j]
            assert ranks[i] == ranks[j] or (ranks[i] < ranks[j]) == (said > 0)
    assert decided > 100


def test_votes_of_a_day_are_the_same_and_of_another_day_are_not(panel):
    assert torch.equal(vote(panel, 1), vote(panel, 1)) and not torch.equal(vote(panel, 1), vote(panel, 2))
    assert set(vote(panel, 1).unique().tolist()) == {-1.0, 1.0}


def test_pairs_are_of_one_sheet_and_can_be_told_apart(panel):
    parts = [panel.answers_of(sheet) for sheet in range(len(panel.sheets))]
    assert [part.stop - part.start for part in parts] == [len(sheet.answers) for sheet in panel.sheets]
    assert parts[-1].stop == panel.liking.shape[1] == len(panel.rude)
    for i, j in panel.pairs.tolist():
        assert any(part.start <= i < j < part.stop for part in parts)
        assert not torch.equal(panel.liking[:, i], panel.liking[:, j])


def test_noise_explains_most_disagreement_and_the_bound_holds(panel):
    today = vote(panel, 1)
    another, oneself = agreement_matrix(today.double())[OTHERS].mean().item(), (today == vote(panel, 2)).double().mean().item()
    taste_alone = agreement_matrix(prefer(panel.liking, panel.pairs).double())[OTHERS].mean().item()
    assert 0.65 < another < oneself < 0.82 and taste_alone > 0.85
    shared = prefer(panel.mean_liking(torch.ones(40, dtype=torch.bool)), panel.pairs)
    assert another < (today == shared).double().mean().item() < accuracy_bound(another)
    assert best_accuracy(another) == pytest.approx(accuracy_bound(another))


def test_majorities_come_near_their_own_taste_only(panel):
    plain = ~panel.warm
    aim = prefer(panel.mean_liking(plain), panel.pairs)
    one, many, others = (
        majority_agrees(panel, group, aim, size, 0) for group, size in ((plain, 1), (plain, 39), (panel.warm, 39))
    )
    assert one < others < many and many > 0.9


def test_best_answers_are_the_most_liked_of_each_sheet(panel):
    liking = panel.mean_liking(panel.warm)
    for sheet, best in enumerate(best_answers(panel, liking)):
        assert liking[best] == liking[panel.answers_of(sheet)].max()


def test_kinds_of_pairs_are_told_by_days_that_are_not_shown(panel):
    kinds = kinds_of_pairs(panel, 8)
    assert [len(places) for places in kinds.values()] == [8, 8, 8] and list(kinds) == [
        "all agree",
        "chance decides",
        "the groups differ",
    ]
    shares = (vote(panel, "today") > 0).double()
    both, apart = shares.mean(0), (shares[panel.warm].mean(0) - shares[~panel.warm].mean(0)).abs()
    assert ((both[kinds["all agree"]] - 0.5).abs() > 0.4).all() and (both[kinds["chance decides"]] - 0.5).abs().mean() < 0.12
    assert apart[kinds["the groups differ"]].mean() > apart.mean() + 0.05


def test_flags_find_rude_answers(panel):
    flags = flag_rude(panel, 0)
    assert flags[:, panel.rude].double().mean() > 0.5 > 5 * flags[:, ~panel.rude].double().mean()
