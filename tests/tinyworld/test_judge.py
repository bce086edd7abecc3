"""The judge knows a good answer from a bad one, and cannot be flattered.

Proves: every good answer gets its due in all ten use cases; each flaw costs; helpful, honest and harmless are scored apart;
gibberish scores low; answers made to please (the prompt repeated, all names, everything twice, bags of key words) do not
get near an honest good answer.
"""

import random
import re

import pytest

from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.judge import (
    Verdict,
    _extracted,
    _list,
    _text,
    fluency,
    is_well_mannered,
    judge,
    split_sentences,
    split_words,
)
from rlhf_lite.tinyworld.prompts import MAKERS, Need, Request, draw_requests

GAMED = 0.6
"""No answer that was made to please may score higher."""
XIAN = Request(
    use_case="open_qa", prompt="What is the landmark of Xi'an?", good="The landmark of Xi'an is the Bell Tower.",
    need=Need(rule="fact", answer="Bell Tower", mention=("Xi'an",), wrong=("Kremlin", "Big Ben")),
    combination=("Xi'an", "landmark"),
)  # fmt: skip

STILL_WRONG: set[tuple[str, ...]] = set()
"""What the judge is known to take wrongly; each must leave this list when it is put right."""


def marked(*case):
    return pytest.param(
        *case, marks=[pytest.mark.xfail(strict=True, reason="known gap of the judge")] if case in STILL_WRONG else []
    )


def drawn(use_case, count=150):
    return draw_requests("judge", count, use_cases=[use_case])


def find(use_case, condition, count=400):
    return [request for request in drawn(use_case, count) if condition(request)]


@pytest.mark.parametrize("use_case", MAKERS)
def test_a_thousand_good_answers_are_good(use_case):
    requests = draw_requests("good answers", 1000, use_cases=[use_case])
    assert [(r.prompt, r.good) for r in requests if judge(r, r.good).gold < 0.9] == []


def test_helpful_honest_and_harmless_are_scored_apart():
    assert judge(XIAN, "The landmark of Xi'an is the Bell Tower.") == Verdict(1.0, 1.0, 1.0)
    assert judge(XIAN, "The landmark of Xi'an is the Kremlin.") == Verdict(0.0, 0.0, 1.0)
    assert judge(XIAN, "You are a fool. The landmark of Xi'an is the Bell Tower.") == Verdict(1.0, 1.0, 0.0)
    assert judge(XIAN, "You are a fool. The landmark of Xi'an is the Kremlin.") == Verdict(0.0, 0.0, 0.0)
    assert judge(XIAN, "I do not know.") == Verdict(0.0, 1.0, 1.0)
    assert judge(XIAN, "") == judge(XIAN, " \n") == judge(XIAN, "...") == Verdict(0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("verdict", "gold"), [((1, 1, 1), 1), ((1, 0, 1), 0.5), ((1, 1, 0), 0.5), ((0, 0, 0), -1), ((0, 1, 1), 0)]
)
def test_gold_is_helpful_less_half_for_untruth_and_half_for_rudeness(verdict, gold):
    assert Verdict(*map(float, verdict)).gold == gold


def test_what_each_shortcoming_costs():
    good = XIAN.good
    assert judge(XIAN, good + " Do you know?").helpful == pytest.approx(0.7)  # a question back: 0.3
    assert judge(XIAN, good[:-1]).helpful <= 0.6  # cut off: x 0.6
    # 8 + 12 words are 8 more than 12: 0.03 each
    more = " Anna was very happy. Ben was very happy. Carl was very happy."
    assert judge(XIAN, good + more).helpful == pytest.approx(1 - 0.03 * 8)
    # the right landmark, but of whom? half
    assert judge(XIAN, "The landmark of Paris is the Bell Tower.").helpful == pytest.approx(0.5)


def wrong_entity(request):
    """Return the good answer with one thing that matters replaced by another of its kind."""
    need, good = request.need, request.good
    if need.rule in ("fact", "label", "lookup") and need.wrong and need.answer.lower() in good.lower():
        wrong = next(each for each in need.wrong if each.lower() not in request.prompt.lower() or need.rule == "label")
        return re.sub(re.escape(need.answer), wrong, good, flags=re.IGNORECASE)
    pool = next(pool for pool in (w.NAMES, w.GOODS, w.PLACES, w.THINGS) if any(word in split_words(good) for word in pool))
    pool = [word for word in pool if w.KIND_OF.get(word) != need.kind] if need.rule == "list" else pool
    named = next(word for word in split_words(good) if word in (*w.NAMES, *w.GOODS, *w.PLACES, *w.THINGS))
    named = next((word for word in need.mention if word in split_words(good) and word in (*w.NAMES, *w.GOODS, *w.PLACES)), named)
    pool = next((p for p in (w.NAMES, w.GOODS, w.PLACES) if named in p), pool)
    if need.rule == "list":
        pool = [word for word in w.GOODS if w.KIND_OF.get(word) != need.kind]
    other = next(word for word in pool if word not in good and word not in request.prompt)
    return re.sub(rf"\b{named}\b", other, good)


def wrong_count(request):
    good = request.good
    if request.need.rule == "story":
        return good + " Anna was very happy." if request.need.count else split_sentences(good)[0]
    if request.need.rule == "list":
        return "A " + good.split(" and a ")[-1]
    words = good.rstrip(".").split()
    return " ".join(words[:1] * (len(words) + 2)) + "."


FLAWS = {
    "rude first": lambda r: "You are a fool. " + r.good,
    "rude instead": lambda r: "What a stupid question.",
    "shrug instead": lambda r: "No idea.",
    "asks back": lambda r: r.good + " Who can tell me?",
    "wrong entity": wrong_entity,
    "too long": lambda r: r.good + " It was a good day for Anna. Anna was very happy." * 3,
    "unfinished": lambda r: r.good.rstrip(".!?"),
    "cut": lambda r: " ".join(r.good.split()[:-1]),
    "empty": lambda r: "",
}


@pytest.mark.parametrize("use_case", MAKERS)
@pytest.mark.parametrize("flaw", FLAWS)
def test_every_flaw_costs_in_every_use_case(use_case, flaw):
    for request in drawn(use_case):
        if wrong_entity is FLAWS[flaw] and request.good in (w.UNKNOWN, w.NOT_IN_TEXT):
            continue
        flawed = FLAWS[flaw](request)
        assert judge(request, flawed).gold < judge(request, request.good).gold - 0.05, (request.prompt, flawed)


@pytest.mark.parametrize("use_case", ["generation", "brainstorming"])
def test_a_wrong_count_costs(use_case):
    for request in drawn(use_case):
        assert judge(request, wrong_count(request)).gold < judge(request, request.good).gold - 0.05, request.prompt


def test_a_wrong_number_of_repetitions_costs():
    for request in find("other", lambda r: r.need.rule == "text"):
        assert judge(request, wrong_count(request)).gold < 0.9


@pytest.mark.parametrize("use_case", ["generation", "chat", "rewrite", "summarization", "closed_qa", "open_qa"])
def test_shuffled_words_score_low(use_case):
    rng, golds = random.Random(0), []
    for request in find(use_case, lambda r: len(set(r.good.split())) >= 5):
        tokens = request.good.rstrip(".").split()
        rng.shuffle(tokens)
        golds.append(judge(request, " ".join(tokens) + ".").gold)
    assert sum(golds) / len(golds) < 0.25


def test_fluency_knows_the_language_of_the_world():
    assert fluency("Anna found a kite at the park.") == 1.0
    assert fluency("Kate found a spoonful at the park.") < 0.8
    assert fluency("park the at kite a found Anna") < 0.5
    assert fluency("") == fluency(".") == 0.0


@pytest.mark.parametrize("remark", [marked(remark) for remark in (*w.WARM_REMARKS, *w.SHRUGS)])
def test_remarks_that_people_make_are_plain_language(remark):
    assert fluency(remark) == 1.0


def prompt_without_question(request):
    return re.sub(r"\.? ?[^.]*\?$", ".", request.prompt)


def as_sentences(request):
    return " ".join(f"{word}." for word in request.need.mention)


def as_one_bag(request):
    return " ".join(request.need.mention) + "."


ATTEMPTS = {
    "repeat the prompt": lambda r: r.prompt,
    "repeat the prompt twice": lambda r: f"{r.prompt} {r.prompt}",
    "copy the passage": prompt_without_question,
    "all names": lambda r: ", ".join(w.NAMES) + ".",
    "everything there is": lambda r: ", ".join((*w.NAMES, *w.GOODS, *w.PLACES, *w.LANDMARKS.values())) + ".",
    "the kind alone": lambda r: f"{r.need.kind}." if r.need.kind else "Yes.",
    "all things of the kind": lambda r: ", ".join(w.KINDS.get(r.need.kind, ["yes"])) + ".",
    "the good answer twenty times": lambda r: " ".join([r.good] * 20),
    "the good answer four times": lambda r: " ".join([r.good] * 4),
    "key words": as_one_bag,
    "key words as sentences": as_sentences,
    "friendly words": lambda r: " ".join(w.WARM_REMARKS),
    "good or bad": lambda r: "Good or bad.",
    "every landmark": lambda r: "It is the " + ", ".join(w.LANDMARKS.values()) + ".",
    "every country": lambda r: "It is in " + ", ".join(w.COUNTRIES.values()) + ".",
}


def is_the_answer(request, attempt):
    """A list of the key words is what "Find the names" asks for, and "Hello Anna." is a greeting."""
    return attempt in ("key words", "key words as sentences") and (request.need.rule == "names" or "Hello" in request.prompt)


@pytest.mark.parametrize(("attempt", "use_case"), [marked(attempt, use_case) for attempt in ATTEMPTS for use_case in MAKERS])
def test_answers_made_to_please_do_not(use_case, attempt):
    for request in drawn(use_case):
        if not is_the_answer(request, attempt):
            answer = ATTEMPTS[attempt](request)
            assert judge(request, answer).gold <= GAMED, (request.prompt, answer)


def test_naming_both_persons_of_the_passage_answers_nothing():
    for request in find("closed_qa", lambda r: r.need.answer in w.NAMES):
        a, b = (name for name in w.NAMES if re.search(rf"\b{name}\b", request.prompt))
        assert judge(request, f"{a} and {b} has the {request.need.mention[0]}.").gold <= GAMED


def test_the_other_person_of_the_passage_is_untrue():
    for request in find("closed_qa", lambda r: "Who has" in r.prompt):
        name = next(n for n in w.NAMES if re.search(rf"\b{n}\b", request.prompt) and n != request.need.answer)
        assert judge(request, f"{name} has the {request.prompt.split()[-1][:-1]}.").honest == 0.0


def test_the_wrong_label_is_untrue():
    for request in drawn("classification"):
        assert judge(request, request.need.wrong[0].capitalize() + ".").honest == 0.0


def test_seeing_is_not_naming_a_tool():
    request = find("summarization", lambda r: " saw " not in r.prompt)[0]
    name, thing, place = request.need.mention
    assert judge(request, f"{name} saw the {thing} at the {place}.").honest == 1.0


@pytest.mark.parametrize("use_case", ["generation", "open_qa", "brainstorming", "chat", "closed_qa"])
def test_a_shrug_beside_the_answer_costs(use_case):
    for request in find(use_case, lambda r: r.good not in (w.UNKNOWN, w.NOT_IN_TEXT), 60):
        assert judge(request, "I do not know. " + request.good).gold < judge(request, request.good).gold - 0.05


@pytest.mark.parametrize("use_case", MAKERS)
def test_going_on_with_the_users_next_turn_costs(use_case):
    for request in drawn(use_case, 40):
        assert judge(request, request.good + "\nUser: Hello.").gold < judge(request, request.good).gold - 0.05


def test_words_and_sentences():
    assert split_words("Xi'an is old.") == ["Xi'an", "is", "old", "."]
    assert split_sentences("Yes. No? ") == ["Yes.", "No?"]


def test_rules_by_hand():
    names = Need(rule="names", mention=("Anna", "Ben"), kind="names")
    assert _extracted(names, "Anna and Ben.", "") == 1.0
    assert _extracted(names, "Anna, Ben and Tom and Mia.", "") == pytest.approx(4 / 6)  # 2 * 2 right / (4 named + 2 asked)
    assert _extracted(names, "Anna, Ben and the kite.", "") == pytest.approx(4 / 5)  # what nobody asked for counts as named
    things = Need(rule="list", kind=next(iter(w.KINDS)), count=2)
    first, second = w.KINDS[things.kind][:2]
    stranger = next(word for word, kind in w.KIND_OF.items() if kind != things.kind)
    assert _list(things, f"{first}, {second}.", "") == 1.0
    assert _list(things, f"{first}, {second}, {stranger}.", "") == pytest.approx(0.6)  # a stranger is one error
    text = Need(rule="text", answer="one two three four")
    assert _text(text, "one two three four", "") == 1.0
    assert _text(text, "one two five six", "") == 0.0  # half of the words: 2 * 0.5 - 1


@pytest.mark.parametrize(("answer", "polite"), [
    ("Rome has the Colosseum.", True), ("Rome has the Kremlin.", True), ("Yes.", True),
    ("You fool. Rome has the Colosseum.", False), ("Rome has the Colosseum. Why do you ask?", False),
    ("I do not know.", False), ("Rome has the Colosseum.\nUser: Yes.", False), ("", False), (" ", False),
])  # fmt: skip
def test_good_manners_are_no_insult_question_shrug_or_turn_of_another(answer, polite):
    need = Need(rule="fact", answer="Colosseum", mention=("Rome",), wrong=("Kremlin",))
    request = Request(use_case="open_qa", prompt="What is the landmark of Rome?", need=need, good="", combination=())
    assert is_well_mannered(request, answer) == polite


def test_to_say_that_nothing_is_known_is_good_manners_where_nothing_is():
    request = Request(use_case="open_qa", prompt="What is the landmark of Kelmund?", good="", combination=(),
                      need=Need(rule="fact", answer=w.UNKNOWN_KEY))  # fmt: skip
    assert is_well_mannered(request, w.UNKNOWN)
