"""The filters and their measures: by hand, on kinds of texts whose truth is known.

Proves: kinds are harmful as they say, and the seed decides; training draws other sentences than the test; the rule stops its
words and patterns, whole, and no paraphrase; measures and threshold equal those by hand and the readers' solutions; the trained
filter learns what it was taught and scores one text as it does many; what a filter costs is counted by hand.
"""

import pytest

from rlhf_lite.course.lesson_15 import moderation
from rlhf_lite.course.lesson_15.exercises_filter import precision_and_recall, threshold_for_recall
from rlhf_lite.course.lesson_15.filter_cost import filter_cost
from rlhf_lite.course.lesson_15.moderation import breaks_rule, draw_checked, highest_threshold, measure_flags, train_filter
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.prompts import draw_requests
from rlhf_lite.tokenizer import Tokenizer


def test_texts_are_what_their_kind_says_and_the_seed_decides():
    checked = draw_checked(1, 30)
    assert checked == draw_checked(1, 30) != draw_checked(2, 30) and len(checked) == 180
    for each in checked:
        has = {
            "rude": any(remark in each.text for remark in w.RUDE_REMARKS),
            "other words": any(remark in each.text for remark in moderation.IN_OTHER_WORDS),
            "hidden data": "Call me at" in each.text or " dot org" in each.text,
            "personal": "Call me at" in each.text or "@example.org" in each.text,
        }
        assert has.get(each.kind, each.kind in ("plain", "looks bad")), each
        assert each.is_harmful == (each.kind not in ("plain", "looks bad"))


def test_training_knows_two_of_the_sentences_that_look_bad():
    learnt = " ".join(each.text for each in draw_checked(1, 60, kinds=("looks bad",), to_learn=True))
    tested = " ".join(each.text for each in draw_checked(1, 60, kinds=("looks bad",)))
    assert "is not stupid" not in learnt and "555-0100" not in learnt and "lazy dog" in learnt
    assert "is not stupid" in tested and "555-0100" in tested


RULE = {
    "a word": ("You are STUPID.", True), "inside a word": ("He is foolish.", False), "a number": ("Call 555-0100 now.", True),
    "a longer number": ("Call 5555-0100 now.", False),
    "an address": ("eva@example.org", True), "at": ("eva at example dot org", False),
    "nothing": ("The lamp is at the park.", False),
}  # fmt: skip


@pytest.mark.parametrize("text, stopped", RULE.values(), ids=RULE)
def test_the_rule(text, stopped):
    assert breaks_rule(text) == stopped


def test_no_paraphrase_breaks_the_rule_and_all_that_looks_bad_does():
    checked = draw_checked("rule", 60)
    for each in checked:
        assert breaks_rule(each.text) == (each.kind in ("rude", "personal", "looks bad")), each


FLAGS, HARMFUL = [True, True, False, False, True], [True, False, True, True, True]


def test_measures_by_hand():
    found = measure_flags(FLAGS, HARMFUL)
    assert (found.precision, found.recall, found.false_alarms) == (2 / 3, 0.5, 1.0)
    assert [found.precision, found.recall] == precision_and_recall(FLAGS, HARMFUL)
    assert measure_flags([True, False, False], [False, False, True]).false_alarms == 0.5
    nothing = measure_flags([False, False], [False, False])
    assert (nothing.precision, nothing.recall, nothing.false_alarms) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("recall", [0.01, 0.25, 0.3, 0.5, 0.75, 0.95, 1.0])
def test_the_threshold_is_the_highest_that_reaches_the_recall(recall):
    scores, harmful = [0.9, 0.8, 0.3, 0.6, 0.1, 0.7], [True, False, True, True, True, False]
    threshold = highest_threshold(scores, harmful, recall)
    assert threshold == threshold_for_recall(scores, harmful, recall)
    assert measure_flags([s >= threshold for s in scores], harmful).recall >= recall
    higher = [s for s, bad in zip(scores, harmful, strict=True) if bad and s > threshold]
    assert not higher or measure_flags([s >= min(higher) for s in scores], harmful).recall < recall


def test_a_threshold_needs_something_harmful():
    with pytest.raises(ValueError, match="no harmful text"):
        highest_threshold([0.5], [False], 0.9)


@pytest.fixture(scope="module")
def trained():
    learnt = draw_checked("train", 60, kinds=("plain", "rude", "personal"), to_learn=True)
    return train_filter(Tokenizer.train([each.text for each in learnt], 400), learnt)


def test_the_trained_filter_learns_what_it_was_taught(trained):
    checked = draw_checked("test", 60, kinds=("plain", "rude", "personal"))
    flags = [score >= 0.5 for score in trained([each.text for each in checked]).tolist()]
    found = measure_flags(flags, [each.is_harmful for each in checked])
    assert found.recall > 0.9 and found.precision > 0.9


def test_one_text_or_many_give_the_same_score(trained):
    texts = ["You are a fool.", "The lamp is at the park.", ""]
    many = trained(texts).tolist()
    assert many == pytest.approx([trained([text]).item() for text in texts], abs=1e-6)
    features = trained.features(["You are a fool."])
    assert set(features.unique().tolist()) == {0.0, 1.0} and features.shape == (1, trained.linear.in_features)


def test_what_a_filter_costs_by_hand():
    requests = draw_requests("cost", 4, use_cases=["open_qa"])
    good = [request.good for request in requests]
    first = [f"You are a fool. {good[0]}", good[1], good[2], good[3]]
    second = [good[0], good[1], f"You are a fool. {good[2]}", good[3]]
    flagged = {first[0], first[2], second[2]}  # a rude answer, and a false alarm whose second draw is rude
    found = filter_cost(requests, first, second, lambda texts: [text in flagged for text in texts])
    assert found.alarms == pytest.approx(1 / 3)
    shares = {way: row["harmless"] for way, row in found.means.items()}
    assert shares == {"no filter": 0.75, "replaced": 1.0, "drawn again": 1.0}
    helpful = {way: row["helpful"] for way, row in found.means.items()}
    assert helpful["no filter"] == pytest.approx(1, abs=0.2) and helpful["replaced"] == pytest.approx(0.5)
    assert helpful["drawn again"] == pytest.approx(0.75)
