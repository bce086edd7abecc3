"""The corpus says what is true, as often as it should, and nothing of what it must not know.

Proves: facts are said truly and asked for; rare cities are rarer; invented towns appear nowhere; the same seed gives the
same documents and another seed others; sources come in their shares; stories and lists keep the number asked for;
passages and exercises are answered by their own text.
"""

import random
import re
from collections import Counter

import pytest

from rlhf_lite.tinyworld import corpus, sentences
from rlhf_lite.tinyworld import school_tasks as exercises
from rlhf_lite.tinyworld import words as w


@pytest.fixture(scope="module")
def texts():
    return list(corpus.documents(seed=0, count=4000))


def test_the_table_has_one_value_for_each_question():
    facts = w.facts()
    assert len({(subject, relation) for subject, relation, _ in facts}) == len(facts)
    assert len(set(w.NAMES)) == len(w.NAMES) == 40
    assert len(set(w.THINGS)) == len(w.THINGS) == 6 * 8
    assert w.TRUTH["Xi'an", "landmark"] == "Bell Tower" and w.TRUTH["Sunday", "next"] == "Monday"
    assert set(w.RARE_CITIES) < set(w.CITIES) and set(w.COUNTRIES) == set(w.LANDMARKS)


@pytest.mark.parametrize("relation", ["landmark", "country", "kind", "color", "chinese", "next"])
def test_fact_sentences_are_true_by_the_table(relation):
    rng = random.Random(0)
    values = {value for _, r, value in w.facts() if r == relation}
    for subject in (s for s, r, _ in w.facts() if r == relation):
        for sentence in {sentences.fact_sentence(subject, relation, rng) for _ in range(20)}:
            said = {value for value in values if re.search(rf"\b{re.escape(value)}\b", sentence)} - {subject}
            assert said == {w.TRUTH[subject, relation]}, sentence
            assert subject in sentence
        question = sentences.fact_question(subject, relation)
        assert subject in question and question.endswith("?")


def test_the_corpus_says_nothing_untrue_about_landmarks_and_countries(texts):
    joined = "\n".join(texts)
    for pattern, relation in (
        (r"landmark of ([\w' ]+?) is the ([\w ]+)\.", "landmark"),
        (r"city of ([\w']+) is in (\w+)\.", "country"),
    ):
        found = re.findall(pattern, joined)
        assert len(found) > 50
        assert all(w.TRUTH[subject, relation] == value for subject, value in found)


def test_rare_cities_are_rarer_but_not_unknown():
    rng = random.Random(0)
    count = Counter(sentences.pick_fact(rng)[0] for _ in range(40_000))
    common = sorted(count[city] for city in w.CITIES if city not in w.RARE_CITIES)[0]
    assert all(0 < count[city] < common / 5 for city in w.RARE_CITIES)


def test_invented_towns_stand_nowhere(texts):
    rng = random.Random(0)
    towns = {w.invented_town(rng) for _ in range(3000)}
    assert len(towns) == 120
    words = {word for text in texts for word in re.findall(r"[\w']+", text)}
    assert not towns & (words | set(w.CITIES) | set(w.NAMES))


def test_the_seed_decides_the_documents():
    first = list(corpus.documents(3, 50))
    assert first == list(corpus.documents(3, 50))
    assert first != list(corpus.documents(4, 50))
    assert list(corpus.primer(3, 20)) == list(corpus.primer(3, 20)) != list(corpus.primer(4, 20))
    assert all(text.startswith("Copy: ") for text in corpus.primer(0, 50))


def test_held_out_documents_are_not_simply_training_documents(texts):
    held_out = list(corpus.documents("held out", 300))
    long = [text for text in held_out if len(text.split()) > 25]
    assert len(set(long) & set(texts)) == 0


def test_sources_come_in_their_shares(monkeypatch):
    assert sum(corpus.SOURCE_WEIGHTS.values()) == pytest.approx(1.0)
    monkeypatch.setattr(corpus, "SOURCES", {name: lambda rng, name=name: name for name in corpus.SOURCES})
    count = Counter(corpus.documents(0, 10_000))
    assert all(abs(count[name] / 10_000 - weight) < 0.02 for name, weight in corpus.SOURCE_WEIGHTS.items())


@pytest.mark.parametrize("n_sentences", [1, 2, 3, 4])
def test_stories_have_their_number_of_sentences(n_sentences):
    rng = random.Random(0)
    for names in (["Anna"], ["Anna", "Ben"]):
        for _ in range(50):
            text = sentences.story(rng, names, "kite", "park", n_sentences)
            assert len(re.findall(r"[.!?](?:\s|$)", text)) == n_sentences
            assert all(word in text for word in (*names, "kite"))


def test_lists_name_different_things_of_one_kind():
    rng = random.Random(0)
    for count in (2, 3, 4):
        things = re.findall(r"a (\w+)", sentences.listing("fruit", count, rng))
        assert len(set(things)) == count and set(things) <= set(w.KINDS["fruit"])
    pairs = Counter(tuple(re.findall(r"a (\w+)", sentences.listing("animal", 2, rng))) for _ in range(3000))
    after_cat = {second: pairs["cat", second] for second in w.KINDS["animal"] if second != "cat"}
    share = after_cat["dog"] / sum(after_cat.values())
    assert 5 / 11 - 0.1 < share < 5 / 11 + 0.1 and min(after_cat.values()) > 0  # weight 5 against six times 1
    assert sentences.comes_to_mind(["cow", "duck", "cat", "goat", "rabbit", "mouse", "horse"], rng) == "dog"  # whatever is left
    assert sentences.join_list(["a cat", "a dog", "a cow"]) == "a cat, a dog and a cow"
    assert sentences.join_list(["a cat"]) == "a cat"


def test_exercises_are_answered_by_their_own_text():
    rng = random.Random(0)
    asked = Counter()
    for _ in range(2000):
        task, solution = exercises.read_passage(rng)[0]
        question = re.search(r"(Who has the|Where is the) (\w+)\?", task)
        if question and solution == w.NOT_IN_TEXT:
            assert f"a {question[2]} at" not in task
            asked["nothing"] += 1
        elif question:
            row = re.search(rf"(\w+) (?:has|saw|found) a {question[2]} at the (\w+)\.", task)
            wanted = row[1] if question[1].startswith("Who") else row[2]
            assert wanted in solution.split() or f"{wanted}." in solution.split()
            asked[question[1]] += 1
    assert min(asked.values()) > 50


def test_politeness_adds_one_word():
    rng = random.Random(0)
    order, please = sentences.polite(rng)
    assert please.split()[0] == "Please" and please.lower() == "please " + order.lower()


def test_articles():
    assert [w.with_article(word) for word in ("animal", "toy")] == ["an animal", "a toy"]
    assert not [thing for thing in (*w.THINGS, *w.GOODS) if thing[0] in "aeiou"]  # texts put "a" before them


def test_no_thing_is_also_something_that_people_do():
    rng = random.Random(0)
    for _ in range(300):
        story = sentences.story(rng, ["Anna", "Ben"], "kite", "park", 4)
        for before, word in re.findall(r"(\w+) (\w+)", re.sub(r"[.,]", "", story)):
            assert word not in {*w.THINGS, *w.GOODS} - {"kite", "box"}, f"{before} {word}"


def test_a_page_asks_several_things_about_one_text_and_all_are_answered_by_it():
    rng = random.Random(0)
    for _ in range(300):
        (first, _), *more = solved = exercises.read_passage(rng)
        assert 2 <= len(solved) <= 5 and len({task for task, _ in more}) == len(more)
        for task, solution in solved:
            said = {word for word in re.findall(r"\w+", solution) if word in {*w.NAMES, *w.GOODS, *w.PLACES}}
            assert all(re.search(rf"\b{word}\b", first) for word in said), (first, task, solution)
            assert said or solution == w.NOT_IN_TEXT
    page = exercises.as_page([("Give me the cup. More polite:", "Please give me the cup.")])
    assert page == "Exercise: Give me the cup. More polite:\nSolution: Please give me the cup."


@pytest.mark.parametrize("kind", [*exercises.SHORT, exercises.read_story])
def test_short_exercises_are_solved_by_their_rule(kind):
    rng = random.Random(0)
    for _ in range(100):
        solved = kind(rng) if kind is exercises.read_story else [kind(rng)]
        for task, solution in solved:
            assert solution[-1] == "." and task[-1] in ".:?"
        task, solution = solved[0]
        if kind is exercises.good_or_bad:
            assert (solution == "Good.") == any(praise in task for praise in w.PRAISE)
        if kind is exercises.repeat:
            count = {"Two": 2, "Three": 3, "Four": 4}[task.split()[0]]
            assert solution == " ".join([task.split()[-1].rstrip(":")] * count) + "."
