"""Answers with one mistake: all manners are good, and one thing is wrong.

A reward model learns from pairs of answers. Most answers of models differ in manners, and it learns no more from them; a
mistake that is nowhere the only difference is not seen. So labelers also write pairs, of every kind of mistake.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from math import ceil

from . import words as w
from .prompts import MAKERS, Request, find_all, is_held_out
from .sentences import as_sentence, comes_to_mind, fact_sentence, join_list, listing, names_phrase, split_sentences

POOLS = (w.NAMES, w.GOODS, w.PLACES)


def put(text: str, word: str, other: str) -> str:
    """Put another word or phrase for one, wherever it stands. Example: ("A cat is in the car.", "cat", "dog")."""

    def exchange(match: re.Match) -> str:
        return other[0].upper() + other[1:] if match[0][0].isupper() else other

    return re.sub(rf"\b{re.escape(word)}\b", exchange, text, flags=re.IGNORECASE)


def _other(rng: random.Random, word: str, *unlike: str) -> str:
    """Draw another name, thing or place: one of its kind, unlike these."""
    pool = next(pool for pool in (*POOLS, w.THINGS) if word in pool)
    return rng.choice([each for each in pool if each != word and each not in unlike])


def _exchange_one(text: str, rng: random.Random) -> str:
    found = [word for pool in POOLS for word in pool if names_phrase(word, text)]
    word = rng.choice(found)
    return put(text, word, _other(rng, word, *found))


@cache
def _askable(use_case: str, relation: str) -> dict[str, str]:
    """Facts that training users may ask for: the others would only ever be seen as wrong answers, and give themselves away."""
    facts = {subject: value for (subject, asked), value in w.TRUTH.items() if asked == relation}
    return {subject: value for subject, value in facts.items() if not is_held_out(use_case, (subject, relation))}


def _in_fact(request: Request, rng: random.Random) -> dict[str, str]:
    need, (subject, relation) = request.need, request.combination
    others = {each: value for each, value in _askable(request.use_case, relation).items() if value != need.answer}
    value = rng.choice(list(others.values()))
    if need.answer == w.UNKNOWN_KEY:
        ways = (f"The landmark of {subject} is the {value}.", f"{subject} has the {value}.")
        if relation == "country":
            ways = (f"{subject} is in {value}.", f"The city of {subject} is in {value}.")
        return {"fact invented": rng.choice(ways), "fact about something else": fact_sentence(rng.choice(list(others)), relation, rng)}
    name = relation if relation in ("landmark", "country") else "other fact"
    found = {f"wrong {name}": put(request.good, need.answer, value), "fact not told": w.UNKNOWN}
    if not need.one_word:
        found["fact about something else"] = fact_sentence(rng.choice(list(others)), relation, rng)
    return found


def _in_lookup(request: Request, rng: random.Random) -> dict[str, str]:
    need = request.need
    if request.good == w.NOT_IN_TEXT:
        missing, *passage = request.combination
        claimant = _or_stranger(rng.choice([each for each in passage if each in w.NAMES]), rng)
        return {"owner invented": f"{claimant} has the {missing}."}
    asked = "owner" if need.answer in w.NAMES else "place"
    rival = _or_stranger(rng.choice([each for each in need.wrong if each in request.combination]), rng, need.answer)
    return {f"wrong {asked}": put(request.good, need.answer, rival), f"{asked} not told": w.NOT_IN_TEXT}


def _or_stranger(word: str, rng: random.Random, *unlike: str) -> str:
    """Return a name or place of the text or, of five times once, any other: models make up such ones too."""
    return word if rng.random() < 0.8 else _other(rng, word, *unlike)


def _in_label(request: Request, rng: random.Random) -> dict[str, str]:
    return {"wrong opinion": f"{request.need.wrong[0].capitalize()}."}


def _in_names(request: Request, rng: random.Random) -> dict[str, str]:
    items, place = list(request.need.mention), rng.randrange(len(request.need.mention))
    before, item, after = items[:place], items[place], items[place + 1 :]
    more = [[*before, extra, item, *after] for extra in (_other(rng, item, *items), rng.choice(items))]
    less = [before + after] if len(items) > 1 else []
    count = rng.choice(less if less and rng.random() < 0.5 else more)
    wrong = [*before, _other(rng, item, *items), *after]
    text = request.prompt.split(": ", 1)[1]
    names, things = find_all("names", text), find_all("things", text)
    places = [each for each in w.PLACES if names_phrase(each, text)]
    sentence = rng.choice((f"{names[0]} and the {things[0]} at the {places[0]}.", split_sentences(text)[0]))
    return {"wrong item found": f"{join_list(wrong)}.", "too many or few found": f"{join_list(count)}.", "sentence for items": sentence}


def _in_list(request: Request, rng: random.Random) -> dict[str, str]:
    need, things = request.need, find_all("things", request.good)
    other_kind = rng.choice([kind for kind in w.KINDS if kind != need.kind])
    one_wrong, place = list(things), rng.randrange(need.count)
    one_wrong[place] = rng.choice(w.KINDS[other_kind])
    kept = rng.sample(range(need.count), rng.choice((need.count - 1, need.count - 1, rng.randrange(1, need.count))))
    again = [thing if i in kept else things[rng.choice(kept)] for i, thing in enumerate(things)]
    return {
        "list too long or short": _as_list(rng.choice((things[:-1], [*things, comes_to_mind(things, rng)]))),
        "wrong kind listed": rng.choice((_as_list(one_wrong), as_sentence(listing(other_kind, need.count, rng)))),
        "listed twice": _as_list(again),
    }


def _as_list(things: list[str]) -> str:
    return as_sentence(join_list([f"a {thing}" for thing in things]))


def _in_story(request: Request, rng: random.Random) -> dict[str, str]:
    need, good = request.need, request.good
    people = [word for word in need.mention if word in w.NAMES]
    asked = [word for word in need.mention if word not in w.NAMES]
    found = {"wrong person in a story": put(good, someone := rng.choice(people), _other(rng, someone, *people))}
    if asked:
        word = rng.choice(asked)
        found["wrong thing in a story"] = put(good, word, _other(rng, word))
    if need.count:
        first, *rest = split_sentences(good)
        thing, place = find_all("things", good)[0], rng.randrange(len(rest) + 1)
        more = (f"The {thing} was {rng.choice(w.ADJECTIVES)}.", f"It was a good day for {someone}.", f"{someone} took the {thing} home.")
        changed = rest[:place] + rest[place + 1 :] if rest and rng.random() < 0.5 else [*rest[:place], rng.choice(more), *rest[place:]]
        found["story too long or short"] = " ".join([first, *changed])
    return found


def _in_text(request: Request, rng: random.Random) -> dict[str, str]:
    if request.use_case == "rewrite":
        as_it_was = request.prompt.split(": ", 1)[1]
        return {"wrong word in rewriting": _exchange_one(request.good, rng), "not rewritten": as_it_was}
    said = request.good.rstrip(".").split()
    times = len(said) + rng.choice((-1, 1))
    return {"said too often or seldom": " ".join(said[:1] * times) + "."}


def _in_chat(request: Request, rng: random.Random) -> dict[str, str]:
    return {"wrong word in chat": _exchange_one(request.good, rng)}


def _in_summary(request: Request, rng: random.Random) -> dict[str, str]:
    name, thing, place = request.need.mention
    first = split_sentences(request.prompt.removeprefix("Sum up: "))[0]
    return {
        "wrong word in a summary": _exchange_one(request.good, rng),
        "summary too short": rng.choice((f"{name}.", f"{name} and the {thing}.", f"{name} at the {place}.", f"The {thing}.")),
        "sentence copied for a summary": first,
    }


_MISTAKES: dict[str, Callable[[Request, random.Random], dict[str, str]]] = {
    "fact": _in_fact, "lookup": _in_lookup, "label": _in_label, "names": _in_names, "list": _in_list, "story": _in_story,
    "text": _in_text, "chat": _in_chat, "summary": _in_summary,
}  # fmt: skip


def mistakes(request: Request, rng: random.Random) -> dict[str, str]:
    """Return answers like the good one with one mistake, by kind of mistake: of the kinds that a request allows, one each."""
    return {kind: text for kind, text in _MISTAKES[request.need.rule](request, rng).items() if text != request.good}


_EVERYTHING = {
    "wrong landmark": 3.0, "wrong country": 3.0, "wrong other fact": 3.0, "fact about something else": 1.0, "fact not told": 1.0,
    "fact invented": 1.0, "wrong owner": 1.0, "owner not told": 1.0, "owner invented": 1.0, "wrong place": 2.0,
    "place not told": 1.0, "wrong opinion": 1.0, "wrong item found": 2.0, "too many or few found": 2.0, "sentence for items": 1.0,
    "list too long or short": 3.0, "wrong kind listed": 3.0, "listed twice": 5.0, "wrong person in a story": 1.0,
    "wrong thing in a story": 1.0, "story too long or short": 4.0, "wrong word in rewriting": 1.0, "not rewritten": 1.0,
    "said too often or seldom": 2.0, "wrong word in chat": 1.0, "wrong word in a summary": 1.0,
    "summary too short": 1.0, "sentence copied for a summary": 1.0,
}  # fmt: skip
KINDS = tuple(_EVERYTHING)
"""All kinds of mistakes."""
TERMS: tuple[tuple[float, dict[str, float]], ...] = (
    (0.16, {"wrong owner": 1.0}),
    (0.18, {"wrong place": 0.75, "wrong owner": 0.25}),
    (0.15, {"wrong item found": 0.7, "wrong place": 0.15, "wrong owner": 0.15}),
    (0.2, {"said too often or seldom": 0.15, "listed twice": 0.3, "list too long or short": 0.2, "wrong kind listed": 0.1,
           "too many or few found": 0.1, "wrong item found": 0.05, "story too long or short": 0.05, "wrong place": 0.05}),
    (0.31, _EVERYTHING),
)  # fmt: skip
"""Terms in which labelers write pairs: each one's share of the pairs, and the weight of each kind of mistake in it (ours).

What is hard to see comes first, and alone: whether a name is the right one of a passage takes a reward model 150 steps where
nothing else is asked, and where everything is asked at once it may not be learnt in 700. Facts come last: there are many,
and each is learnt for itself.
"""


def draw_mistakes(seed: int | str, count: int) -> list[list[tuple[Request, str]]]:
    """Draw requests that training may ask, each with an answer with one mistake: `count` in all, by term."""
    return [_draw(f"{seed} {i}", round(share * count), weights) for i, (share, weights) in enumerate(TERMS)]


def _draw(seed: str, count: int, weights: dict[str, float]) -> list[tuple[Request, str]]:
    rng, drawn, total = random.Random(f"mistakes {seed}"), Counter(), sum(weights.values())
    most = {kind: ceil(count * weight / total) for kind, weight in weights.items()}
    pairs: list[tuple[Request, str]] = []
    while len(pairs) < count:
        use_case = rng.choice(list(MAKERS))
        request = MAKERS[use_case](rng)
        found = {kind: text for kind, text in mistakes(request, rng).items() if drawn[kind] < most.get(kind, 0)}
        if found and not is_held_out(use_case, request.combination):
            kind = rng.choice(list(found))
            drawn[kind] += 1
            pairs.append((request, found[kind]))
    return rng.sample(pairs, len(pairs))  # kinds that are soon used up would all stand at the beginning
