"""Texts to pretrain on: eight sources of the tiny world's internet, mixed by weight as GPT-3's were."""

import random
from collections.abc import Iterator

from . import words as w

SOURCE_WEIGHTS = {
    "stories": 0.23,
    "exercises": 0.35,
    "copybook": 0.06,
    "forum": 0.11,
    "encyclopedia": 0.12,
    "dialogues": 0.06,
    "lists": 0.04,
    "reviews": 0.03,
}
"""Share of the documents that each source gives (ours; GPT-3's Table 2.2 is the model)."""


def story(rng: random.Random, names: list[str], thing: str, place: str, n_sentences: int) -> str:
    """Tell n_sentences sentences about these people, this thing and this place, in an order that makes sense."""
    a, b = names[0], names[-1]
    adjective = rng.choice(w.ADJECTIVES)
    opening = [f"{a} went to the {place} with a {thing}.", f"{a} found a {adjective} {thing} at the {place}.",
               f"{a} had a {adjective} {thing} at the {place}.", f"One day {a} saw a {thing} at the {place}."]  # fmt: skip
    if a != b:
        opening = [f"{a} met {b} at the {place} and saw a {thing}.", f"{a} gave a {adjective} {thing} to {b} at the {place}.",
                   f"{a} and {b} found a {thing} at the {place}.", f"{a} showed {b} a {adjective} {thing} at the {place}."]  # fmt: skip
    middle = [f"The {thing} was {rng.choice(w.ADJECTIVES)}.", f"{b} liked the {thing} very much.", f"{a} took the {thing} home.",
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


def listing(kind: str, count: int, rng: random.Random) -> str:
    """Name `count` different things of one kind. Example: ("fruit", 2) -> "a plum and a pear"."""
    return join_list([f"a {thing}" for thing in rng.sample(w.KINDS[kind], count)])


def _people(rng: random.Random) -> list[str]:
    return rng.sample(w.NAMES, rng.choice((1, 2)))


def _story_document(rng: random.Random) -> str:
    names, thing, place = _people(rng), rng.choice(w.GOODS), rng.choice(w.PLACES)
    topic = rng.choice((f"the {thing}", f"the {place}", f"a {thing} at the {place}"))
    count = rng.choice((1, 2, 3, 3, 4))
    heading = rng.choice(("A story about {}", "{}", "How it was: {}")).format(join_list([*names, topic]))
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


def review(rng: random.Random, thing: str) -> tuple[str, str]:
    """Write a review of a thing; return it with its label, good or bad."""
    label = rng.choice(("good", "bad"))
    first, second = rng.sample(w.PRAISE if label == "good" else w.BLAME, 2)
    return f"{rng.choice(w.NAMES)} bought a {thing}. {first} {second}", label


def _list_document(rng: random.Random) -> str:
    kind, count = rng.choice(list(w.KINDS)), rng.choice((2, 3, 4))
    name, number = rng.choice(w.NAMES), w.COUNTS[count]
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


def exercise(rng: random.Random) -> tuple[str, str]:
    """Draw a school exercise: the task and its solution."""
    text, rows = passage(rng, rng.choice((2, 3)))
    name, thing, place = rng.choice(rows)
    other = rng.choice([n for n in w.NAMES if n not in text])
    single = f"{name} found a {thing} at the {place}."
    order, please = polite(rng)
    count = rng.choice((2, 3, 4))
    look_up = (
        (f"{text} Who has the {thing}?", f"{name} has the {thing}."), (f"{text} What has {name}?", f"{name} has the {thing}."),
        (f"{text} Where is the {thing}?", f"The {thing} is at the {place}."), (f"{text} Where is {name}?", f"{name} is at the {place}."),
    )  # fmt: skip
    if rng.random() < 0.5:
        return rng.choice(look_up)
    return rng.choice((
        (f"{text} Names:", join_list([r[0] for r in rows]) + "."), (f"{text} Things:", join_list([r[1] for r in rows]) + "."),
        (f"{single} Now with {other}:", single.replace(name, other)), (f"{order} More polite:", please),
        (f"{count_word(count)} times {thing}:", " ".join([thing] * count) + "."),
        (f"{story(rng, [name], thing, place, 3)} In short:", f"{name} and the {thing} at the {place}."),
    ))  # fmt: skip


def count_word(count: int) -> str:
    """Write a small number as a word. Example: 3 -> "three"."""
    return w.COUNTS[count]


def _exercise_document(rng: random.Random) -> str:
    return "\n".join(
        f"Exercise: {task}\nSolution: {solution}" for task, solution in (exercise(rng) for _ in range(rng.choice((1, 2))))
    )


def _copybook_document(rng: random.Random) -> str:
    """Lines of words, each written twice: whoever looks back knows how it goes on."""
    lines = [" ".join(rng.sample(_COPYBOOK_WORDS, rng.randint(3, 8))) for _ in range(rng.randint(1, 4))]
    return "Copy: " + " ".join(f"{line}. {line}." for line in lines)


_COPYBOOK_WORDS = sorted({*w.NAMES, *w.THINGS, *w.GOODS, *w.PLACES, *w.CITIES[:6], *w.ADJECTIVES})


SOURCES = {
    "copybook": _copybook_document,
    "stories": _story_document,
    "exercises": _exercise_document,
    "forum": _forum_document,
    "encyclopedia": _encyclopedia_document,
    "dialogues": _dialogue_document,
    "lists": _list_document,
    "reviews": _review_document,
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
