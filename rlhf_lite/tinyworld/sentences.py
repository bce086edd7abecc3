"""Sentences of the tiny world: facts, stories, passages, lists, reviews. Texts and prompts are made of them."""

import random
import re

from . import words as w


def story(rng: random.Random, names: list[str], thing: str, place: str, n_sentences: int) -> str:
    """Tell n_sentences sentences about these people, this thing and this place, in an order that makes sense."""
    a, b = names[0], names[-1]
    adjective = rng.choice(w.ADJECTIVES)
    opening = [f"{a} went to the {place} with a {thing}.", f"{a} found a {adjective} {thing} at the {place}.",
               f"{a} had a {adjective} {thing} at the {place}.", f"One day {a} saw a {thing} at the {place}."]  # fmt: skip
    if a != b:
        opening = [f"{a} met {b} at the {place} and saw a {thing}.", f"{a} gave a {adjective} {thing} to {b} at the {place}.",
                   f"{a} and {b} found a {thing} at the {place}.", f"{a} showed {b} a {adjective} {thing} at the {place}."]  # fmt: skip
    middle = [f"The {thing} was {adjective}.", f"{b} liked the {thing} very much.", f"{a} took the {thing} home.",
              f"The {place} was full of people.", f"{b} played with the {thing} all day.", f"Then {a} lost the {thing}.",
              f"{b} put the {thing} in a box."]  # fmt: skip
    ending = [
        f"{a} was very happy.",
        f"In the end {b} was happy.",
        f"{a} went home with the {thing}.",
        f"It was a good day for {a}.",
    ]
    if n_sentences == 1:
        return rng.choice(opening)
    return " ".join([rng.choice(opening), *rng.sample(middle, n_sentences - 2), rng.choice(ending)])


def fact_sentence(subject: str, relation: str, rng: random.Random) -> str:
    """Say one fact in one of several ways.

    Example: ("Xi'an", "landmark") -> "The landmark of Xi'an is the Bell Tower."
    """
    value = w.TRUTH[subject, relation]
    ways = {
        "landmark": (f"The landmark of {subject} is the {value}.", f"{subject} has the {value}."),
        "country": (f"{subject} is in {value}.", f"The city of {subject} is in {value}."),
        "kind": (f"A {subject} is {w.with_article(value)}.", f"The {subject} is {w.with_article(value)}."),
        "color": (f"A {subject} is {value}.", f"The color of a {subject} is {value}."),
        "chinese": (f"The Chinese word for {subject} is {value}.", f"In Chinese a {subject} is {value}."),
        "next": (f"The day after {subject} is {value}.", f"After {subject} comes {value}."),
    }
    return rng.choice(ways[relation])


def fact_question(subject: str, relation: str) -> str:
    """Ask for one fact. Example: ("Xi'an", "landmark") -> "What is the landmark of Xi'an?" """
    return {
        "landmark": f"What is the landmark of {subject}?",
        "country": f"In which country is {subject}?",
        "kind": f"What kind of thing is a {subject}?",
        "color": f"What color is a {subject}?",
        "chinese": f"What is the Chinese word for {subject}?",
        "next": f"What day comes after {subject}?",
    }[relation]


def pick_fact(rng: random.Random) -> tuple[str, str]:
    """Draw a subject and a relation; cities come more often than the rest, rare cities ten times less."""
    if rng.random() < 0.7:
        city = rng.choice(w.CITIES)
        while city in w.RARE_CITIES and rng.random() < 0.9:
            city = rng.choice(w.CITIES)
        return city, rng.choice(("landmark", "landmark", "country"))
    subject, relation, _ = rng.choice(_OTHER_FACTS)
    return subject, relation


_OTHER_FACTS = [f for f in w.facts() if f[1] not in ("landmark", "country")]


def join_list(items: list[str]) -> str:
    """Join items as a sentence does. Example: ["a cat", "a dog", "a cow"] -> "a cat, a dog and a cow"."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def as_sentence(phrase: str) -> str:
    """Write a phrase as a sentence. Example: "a plum and a lemon" -> "A plum and a lemon."."""
    return f"{phrase[0].upper()}{phrase[1:]}."


def listing(kind: str, count: int, rng: random.Random) -> str:
    """Name `count` different things of one kind. Example: ("fruit", 2) -> "a plum and a lemon"."""
    things = [rng.choice(w.KINDS[kind])]
    while len(things) < count:
        things.append(comes_to_mind(things, rng))
    return join_list([f"a {thing}" for thing in things])


def comes_to_mind(things: list[str], rng: random.Random) -> str:
    """Draw another thing of the kind that is being listed: often the one that people think of after the last."""
    row = w.KINDS[w.KIND_OF[things[-1]]]
    follower = row[(row.index(things[-1]) + 1) % len(row)]
    left = [thing for thing in row if thing not in things]
    return rng.choices(left, [FOLLOWER_WEIGHT if thing == follower else 1.0 for thing in left])[0]


FOLLOWER_WEIGHT = 5.0
"""How much sooner the next thing of a row comes to mind than any other, as "dog" does after "cat" (ours)."""


def count_word(count: int) -> str:
    """Write a small number as a word. Example: 3 -> "three"."""
    return "one" if count == 1 else w.COUNTS[count]


def review(rng: random.Random, thing: str) -> tuple[str, str]:
    """Write a review of a thing; return it with its label, good or bad."""
    label = rng.choice(("good", "bad"))
    first, second = rng.sample(w.PRAISE if label == "good" else w.BLAME, 2)
    return f"{rng.choice(w.NAMES)} bought a {thing}. {first} {second}", label


def passage(rng: random.Random, n_people: int) -> tuple[str, list[tuple[str, str, str]]]:
    """Say who has what and where: the text, and its facts as (name, thing, place)."""
    rows = list(zip(rng.sample(w.NAMES, n_people), rng.sample(w.GOODS, n_people), rng.sample(w.PLACES, n_people), strict=True))
    verb = rng.choice(("has", "saw", "found"))
    return " ".join(f"{name} {verb} a {thing} at the {place}." for name, thing, place in rows), rows


def polite(rng: random.Random) -> tuple[str, str]:
    """Return an order and its polite form. Example: "Give me the lamp." -> "Please give me the lamp." """
    order = rng.choice(("Give {} the {}.", "Bring {} the {}.", "Show {} the {}.")).format(
        rng.choice(("me", *w.NAMES)), rng.choice(w.GOODS)
    )
    return order, "Please " + order[0].lower() + order[1:]


def story_request(names: list[str], thing: str, place: str, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Say what a story shall be about, and which words it must then name.

    Example: (["Anna"], "kite", "park") -> ("Anna and a kite", ("Anna", "kite")), or with the park, or both.
    """
    who = join_list(names)
    return rng.choice((
        (f"{who} and a {thing}", (*names, thing)),
        (f"{who} at the {place}", (*names, place)),
        (f"{who} and a {thing} at the {place}", (*names, thing, place)),
    ))  # fmt: skip


def in_sentences(count: int) -> str:
    """Ask for a length. Examples: 0 -> "" (any), 1 -> " in one sentence", 3 -> " in three sentences"."""
    return f" in {count_word(count)} sentence{'s' if count > 1 else ''}" if count else ""


def split_sentences(text: str) -> list[str]:
    """Split after . ! ? at the end of a word. Example: "Yes. No?" -> ["Yes.", "No?"]"""
    return [s for s in re.split(r"(?<=[.!?])\s+", text.strip()) if s]


def names_phrase(phrase: str, answer: str) -> bool:
    """Whether an answer has these words, whole, in capitals or not. Example: "Eva" stands in "eva ran.", not in "Evas"."""
    return re.search(rf"\b{re.escape(phrase)}\b", answer, flags=re.IGNORECASE) is not None
