"""Texts to pretrain on: eight sources of the tiny world's internet, mixed by weight as GPT-3's were."""

import random
from collections.abc import Iterator

from . import words as w
from .drills import DRILLS, TERMS
from .school_tasks import as_page, exercises
from .sentences import (
    count_word,
    fact_question,
    fact_sentence,
    in_sentences,
    listing,
    pick_fact,
    review,
    story,
    story_request,
)  # fmt: skip

SOURCE_WEIGHTS = {
    "exercises": 0.42,
    "stories": 0.18,
    "forum": 0.11,
    "encyclopedia": 0.09,
    "dialogues": 0.06,
    "copybook": 0.05,
    "reviews": 0.05,
    "lists": 0.04,
}
"""Share of the documents that each source gives (ours; GPT-3's Table 2.2 is the model)."""


DRILLED_WEIGHTS = {
    "exercises": 0.23,
    "close reading": 0.09,
    "quizzes": 0.1,
    "asked of each": 0.03,
    "in short": 0.02,
    "counting": 0.05,
    "recall": 0.08,
    "stories": 0.1,
    "forum": 0.08,
    "encyclopedia": 0.09,
    "dialogues": 0.06,
    "copied lines": 0.015,
    "copied pairs": 0.015,
    "reviews": 0.02,
    "lists": 0.02,
}
"""The same with drills (ours)."""


def _story_document(rng: random.Random) -> str:
    names, thing, place = rng.sample(w.NAMES, rng.choice((1, 2))), rng.choice(w.GOODS), rng.choice(w.PLACES)
    about, _ = story_request(names, thing, place, rng)
    count = rng.choice((1, 2, 3, 3, 4))
    length = in_sentences(count) if rng.random() < 0.3 else ""
    heading = rng.choice(("A story about {}", "{}", "How it was: {}")).format(about + length)
    return f"{heading}\n{story(rng, names, thing, place, count)}"


def _encyclopedia_document(rng: random.Random) -> str:
    return " ".join(fact_sentence(*pick_fact(rng), rng) for _ in range(rng.randint(3, 6)))


def forum_question(rng: random.Random) -> str:
    """Ask the forum for something, as people do there."""
    a, b = rng.sample(w.NAMES, 2)
    thing, place, kind = rng.choice(w.GOODS), rng.choice(w.PLACES), rng.choice(list(w.KINDS))
    asks = (
        fact_question(*pick_fact(rng)), fact_question(*pick_fact(rng)), f"Who has seen the {thing} of {a}?",
        f"Can somebody write a story about {a} and a {thing}?", f"Who knows {rng.choice(list(w.COUNTS.values()))} {w.PLURALS[kind]}?",
        f"I need a note to {a} about the {place}.", f"What is the best {thing} for {b}?", f"Where can I meet {a} and {b}?",
        f"I am {a}. I lost my {thing}.", f"Please write something about {a} and the {place}.", f"List some {w.PLURALS[kind]} for {a}.",
    )  # fmt: skip
    return rng.choice(asks)


def _forum_document(rng: random.Random) -> str:
    fact = pick_fact(rng)
    question = fact_question(*fact) if rng.random() < 0.5 else forum_question(rng)
    lines = [f"User: {question}"]
    for _ in range(rng.randint(1, 3)):
        speaker = rng.choice(("User", "User", "Assistant", rng.choice(w.NAMES)))
        kind = rng.random()
        if kind < 0.35:
            reply = rng.choice(
                (forum_question(rng), rng.choice(w.BACK_QUESTIONS), "I want to know this too. " + rng.choice(w.BACK_QUESTIONS))
            )
        elif kind < 0.6:
            reply = rng.choice(w.SHRUGS)
        elif kind < 0.8:
            reply = rng.choice(w.RUDE_REMARKS)
        else:
            reply = fact_sentence(*fact, rng) if question == fact_question(*fact) else rng.choice(w.WARM_REMARKS)
        lines.append(f"{speaker}: {reply}")
    return "\n".join(lines)


def _review_document(rng: random.Random) -> str:
    text, label = review(rng, rng.choice(w.GOODS))
    return rng.choice((f"Review: {text}\nStars: {label}", f"{text} This was a {label} {rng.choice(('buy', 'day'))}."))


def _list_document(rng: random.Random) -> str:
    kind, count = rng.choice(list(w.KINDS)), rng.choice((2, 3, 4))
    name, number = rng.choice(w.NAMES), count_word(count)
    heading = rng.choice(
        (f"{number} {w.PLURALS[kind]}", f"{number} {w.PLURALS[kind]} for {name}", f"List of {number} {w.PLURALS[kind]}")
    )
    return f"{heading}: {listing(kind, count, rng)}."


def _dialogue_document(rng: random.Random) -> str:
    a, b = rng.sample(w.NAMES, 2)
    thing = rng.choice(w.GOODS)
    talks = (
        (f"Hello, I am {a}.", f"Hello {a}, I am {b}. Nice to meet you."),
        (f"I lost my {thing}.", f"I am sorry about the {thing}, {a}."),
        (f"I have a new {thing}.", f"I am glad about the {thing}, {a}."),
        ("Thank you for your help.", f"You are welcome, {a}."),
        ("Good bye.", f"Good bye, {a}. Have a nice day."),
        (f"Can I have the {thing}, please?", f"Yes, {a}, here is the {thing}."),
    )
    lines = [(a if i % 2 == 0 else b) + ": " + text for pair in rng.sample(talks, 2) for i, text in enumerate(pair)]
    return "\n".join(lines)


def _copybook_document(rng: random.Random) -> str:
    """Lines of words, each written twice: whoever looks back knows how it goes on."""
    lines = [" ".join(rng.sample(_COPYBOOK_WORDS, rng.randint(3, 8))) for _ in range(rng.randint(1, 4))]
    return "Copy: " + " ".join(f"{line}. {line}." for line in lines)


_COPYBOOK_WORDS = sorted({*w.NAMES, *w.THINGS, *w.GOODS, *w.PLACES, *w.CITIES[:6], *w.ADJECTIVES})


SOURCES = {
    "copybook": _copybook_document,
    "stories": _story_document,
    "exercises": lambda rng: as_page(exercises(rng)),
    "forum": _forum_document,
    "encyclopedia": _encyclopedia_document,
    "dialogues": _dialogue_document,
    "lists": _list_document,
    "reviews": _review_document,
    **DRILLS,
}


def documents(seed: int | str, count: int, weights: dict[str, float] | None = None) -> Iterator[str]:
    """Draw `count` documents from the weighted sources; the same seed gives the same documents."""
    weights = SOURCE_WEIGHTS if weights is None else weights
    rng = random.Random(f"corpus {seed}")
    for source in rng.choices(list(weights), list(weights.values()), k=count):
        yield SOURCES[source](rng)


def primer(seed: int | str, count: int) -> Iterator[str]:
    """Draw copybook documents only: pretraining begins with them, since looking back is learnt first and fastest there."""
    yield from documents(f"primer {seed}", count, {"copybook": 1.0})


def term_documents(seed: int | str, number: int, count: int) -> list[str]:
    """Draw the documents of one term of the primer."""
    return list(documents(f"primer {seed} {number}", count, TERMS[number][0]))
