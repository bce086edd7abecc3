"""Drills ask for what stands in their own text, and their answers are right.

Proves: notes and questions about a passage are answered by it, in every form; copied lines and pairs come again; facts are
recalled as they are true and not in users' words; terms of the primer have their sources and questions; without drills the
world is as before.
"""

import random
import re

import pytest

from rlhf_lite.presets import PRESETS
from rlhf_lite.tinyworld import corpus, drills
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.sentences import fact_question
from rlhf_lite.tinyworld.world import TinyWorld


@pytest.mark.parametrize(
    "source", ["in short", "owners in short", "places in short", "asked of each", "quizzes", "close reading"]
)
def test_drills_tell_the_truth_about_their_passage(source):
    rng, asked_who, asked_where, notes = random.Random(0), 0, 0, 0
    for _ in range(300):
        text = corpus.SOURCES[source](rng)
        facts = re.findall(r"(\w+) (?:has|saw|found) a (\w+)(?: at the (\w+))?\.", text)
        owner, place = ({thing: row[i] for row in facts for thing in [row[1]]} for i in (0, 2))
        for thing, name in re.findall(r"Who has the (\w+)\?\s(?:Answer: |Solution: )?(\w+)", text):
            assert owner.get(thing, "The") == name, text
            asked_who += 1
        places = r"Where is the (\w+)\?\s(?:Answer: |Solution: )?(?:At the |The \w+ is at the )?(\w+)"
        for thing, where in re.findall(places, text):
            if thing in place:  # "Where is Ben?" asks for a person
                assert place[thing] == where, text
                asked_where += 1
        if " In short: " in text:
            found = [note.split() for note in text.split(" In short: ")[1].rstrip(".").split(", ")]
            assert len(found) == 3 * len(facts)
            assert all(answer == (place[thing] or owner[thing]) for thing, answer in found), text
            notes += 1
    assert notes == 300 if "in short" in source else min(asked_who, asked_where) > 50


def test_copied_lines_come_again_word_for_word():
    rng = random.Random(0)
    for _ in range(100):
        first, *more = drills.copy_lines(rng).removeprefix("Copy: ").rstrip(".").split(". ")
        assert more and set(more) == {first}


def test_copied_pairs_come_again_in_other_orders_and_some_turned_round():
    rng, turned = random.Random(0), 0
    for _ in range(100):
        text = drills.copy_pairs(rng)
        head, lines = text.split(": ")[0], [line.split(", ") for line in text.split(": ")[1].rstrip(".").split(". ")]
        first = {tuple(pair.split()) for pair in lines[0]}
        expected = {pair[::-1] for pair in first} if head == "Back" else first
        assert len(lines) > 1 and all({tuple(pair.split()) for pair in line} == expected for line in lines[1:])
        turned += head == "Back"
    assert 20 < turned < 80


def test_recalled_facts_are_true_and_not_asked_for_in_users_words():
    rng, questions = random.Random(0), {fact_question(subject, relation) for subject, relation in w.TRUTH}
    for _ in range(500):
        task, solution = drills.recall(rng)
        forms = {form.format(s): (s, r) for s, r in w.TRUTH for form in drills.RECALL_FORMS[r]}
        found = forms[task.removesuffix(" One word:")]
        assert w.TRUTH[found].lower() in solution.lower()
        assert not any(question in task for question in questions)


def test_terms_have_their_sources_and_questions_that_their_texts_answer():
    assert sum(corpus.DRILLED_WEIGHTS.values()) == pytest.approx(1.0)
    marks = {"copied lines": "Copy: ", "copied pairs": "(Pairs|Back): ", "owners in short": ".* In short: [a-z]+ [A-Z][a-z]+, ",
             "places in short": ".* In short: [a-z]+ [a-z]+, "}  # fmt: skip
    for number, (weights, kinds, share, most_steps) in enumerate(drills.TERMS):
        either = weights.get("in short", 0.0) / 2
        assert sum(weights.values()) == pytest.approx(1.0) and 0.5 < share <= 1 and most_steps > 0
        texts = corpus.term_documents(0, number, 2000)
        for source, mark in marks.items():
            found = sum(re.match(mark, text) is not None for text in texts) / len(texts)
            expected = weights.get(source, 0.0) + either * source.endswith("in short")
            assert abs(found - expected) < 0.05, (number, source, found)
        questions = drills.term_questions(number)
        assert questions == drills.term_questions(number) and len(questions) == len(kinds)
        assert all(re.search(rf"\b{re.escape(word)}\b", text) for kind in questions for text, word in kind)


FOLLOWS, OWNS, STANDS = r"[:,] {asked} {word}[,.]", r"{word} has a {asked}\.", r"a {asked} at the {word}\."


@pytest.mark.parametrize(("number", "patterns"), [
    (0, [FOLLOWS]), (1, [OWNS]), (2, [OWNS, STANDS]), (3, [OWNS, STANDS]), (4, []),
])  # fmt: skip
def test_questions_are_answered_by_their_text(number, patterns):
    for kind, pattern in zip(drills.term_questions(number), patterns, strict=True):
        for text, word in kind:
            last = text.rsplit(". ", 1)[-1].split(": ")[-1]
            asked = re.search(r"(?:Who has|Where is) the (\w+)\?", last)[1] if number == 3 else last
            assert re.search(pattern.format(asked=re.escape(asked), word=re.escape(word)), text), (text, word)


def test_with_drills_labelers_write_half_of_the_prompts_and_without_nothing_changes():
    plain, drilled = TinyWorld(0), TinyWorld(0, drills=True)
    assert plain.documents(20) == list(corpus.documents(0, 20)) and plain.primer(9) == list(corpus.primer(0, 9))
    assert len(drilled.primer_terms(9)) == 5 and plain.primer_terms(9) == [] and drilled.documents(20) != plain.documents(20)
    for stage in ("sft", "reward", "ppo"):
        by_labelers = [request.user == "labelers" for request in drilled.requests(3000)[stage]]
        assert sum(by_labelers) / len(by_labelers) == pytest.approx(0.0 if stage == "ppo" else 0.5, abs=0.01)
        assert not any(request.user == "labelers" for request in plain.requests(3000)[stage])


def test_the_preset_with_drills_finds_prompts_enough_on_every_seed():
    preset = PRESETS["tiny"]
    for seed in (0, 1):  # seed 1 has few
        world = TinyWorld(seed, drills=preset.drills)
        assert len(world.comparison_prompts(preset.incoming_prompts, preset.comparisons.prompts)) == preset.comparisons.prompts
