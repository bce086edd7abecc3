"""School exercises: tasks whose solution stands in the task, or follows from it.

All later stages rest on what is learnt here: looking something up, copying it, counting, telling praise from blame. The
words are not those of users' prompts, so that following a user's instruction is still to be learnt.
"""

import random
from collections.abc import Callable

from . import words as w
from .sentences import (  # fmt: skip
    as_sentence,
    count_word,
    in_sentences,
    join_list,
    listing,
    passage,
    polite,
    review,
    story,
    story_request,
)

Exercise = tuple[str, str]
"""A task and its solution."""


def questions(rows: list[tuple[str, str, str]], text: str, rng: random.Random) -> list[Exercise]:
    """List what can be asked about a passage: who has what and where, all names, things or places, and what it does not say."""
    asked = []
    for name, thing, place in rows:
        asked += [
            (f"Who has the {thing}?", f"{name} has the {thing}."), (f"What has {name}?", f"{name} has the {thing}."),
            (f"Where is the {thing}?", f"The {thing} is at the {place}."), (f"Where is {name}?", f"{name} is at the {place}."),
        ]  # fmt: skip
    for heading, items in zip(("Names:", "Things:", "Places:"), zip(*rows, strict=True), strict=True):
        asked.append((heading, join_list(list(items)) + "."))
    missing = rng.choice([thing for thing in w.GOODS if thing not in text])
    return [*asked, (f"Who has the {missing}?", w.NOT_IN_TEXT)]


def read_passage(rng: random.Random) -> list[Exercise]:
    """Ask several things about one passage, which stands in the first task."""
    text, rows = passage(rng, rng.choice((1, 2, 2, 3)))
    asked = rng.sample(questions(rows, text, rng), rng.randint(2, 5))
    return [(f"{text} {asked[0][0]}", asked[0][1]), *asked[1:]]


def read_story(rng: random.Random) -> list[Exercise]:
    """Ask for a story in short, and for its names, things and places."""
    names, thing, place = rng.sample(w.NAMES, rng.choice((1, 1, 2))), rng.choice(w.GOODS), rng.choice(w.PLACES)
    text = story(rng, names, thing, place, rng.choice((2, 3)))
    asked = [("In short:", f"{join_list(names)} and the {thing} at the {place}."), ("Names:", join_list(names) + "."),
             ("Things:", f"{thing}."), ("Places:", f"{place}.")]  # fmt: skip
    asked = rng.sample(asked, rng.choice((1, 2, 3)))
    return [(f"{text} {asked[0][0]}", asked[0][1]), *asked[1:]]


def exchange(rng: random.Random) -> Exercise:
    """Ask for a sentence with another name in it."""
    text, rows = passage(rng, 1)
    other = rng.choice([name for name in w.NAMES if name != rows[0][0]])
    return f"{text} Now with {other}:", text.replace(rows[0][0], other)


def be_polite(rng: random.Random) -> Exercise:
    """Ask for an order in a more polite form."""
    order, please = polite(rng)
    return f"{order} More polite:", please


def repeat(rng: random.Random) -> Exercise:
    """Ask for a word several times."""
    count, thing = rng.choice((2, 3, 4)), rng.choice(w.GOODS)
    return f"{count_word(count).capitalize()} times {thing}:", " ".join([thing] * count) + "."


def good_or_bad(rng: random.Random) -> Exercise:
    """Ask for the opinion behind a review."""
    text, label = review(rng, rng.choice(w.GOODS))
    return f"{text} The opinion:", f"{label.capitalize()}."


def tell(rng: random.Random) -> Exercise:
    """Ask for a story, its people, thing, place or length given."""
    names, thing, place = rng.sample(w.NAMES, rng.choice((1, 2))), rng.choice(w.GOODS), rng.choice(w.PLACES)
    count = rng.choice((0, 1, 2, 3))
    about, _ = story_request(names, thing, place, rng)
    return f"Tell of {about}{in_sentences(count)}:", story(rng, names, thing, place, count or rng.choice((2, 3)))


def enumerate_kind(rng: random.Random) -> Exercise:
    """Ask for so many things of one kind."""
    kind, count = rng.choice(list(w.KINDS)), rng.choice((2, 3, 4))
    things = listing(kind, count, rng)
    return f"{count_word(count).capitalize()} {w.PLURALS[kind]}:", as_sentence(things)


READING: dict[Callable[[random.Random], list[Exercise]], float] = {read_passage: 0.7, read_story: 0.3}
SHORT: dict[Callable[[random.Random], Exercise], float] = {
    tell: 0.38, exchange: 0.14, be_polite: 0.1, repeat: 0.1, good_or_bad: 0.16, enumerate_kind: 0.12,
}  # fmt: skip
"""Share of each kind (ours)."""
READING_SHARE = 0.6
"""Share of pages that ask several things about one text (ours): the more is asked, the sooner looking up is learnt."""


def _one_of(kinds: dict[Callable, float], rng: random.Random) -> Callable:
    return rng.choices(list(kinds), list(kinds.values()))[0]


def exercises(rng: random.Random) -> list[Exercise]:
    """Draw the exercises of one page: about one text, or two or three short ones, most often of one kind."""
    if rng.random() < READING_SHARE:
        return _one_of(READING, rng)(rng)
    kind = _one_of(SHORT, rng)
    return [(kind if rng.random() < 0.8 else _one_of(SHORT, rng))(rng) for _ in range(rng.choice((1, 2, 3)))]


def as_page(solved: list[Exercise]) -> str:
    """Lay out solved exercises as a school book does.

    Example: "Exercise: Give me the cup. More polite:\\nSolution: Please give me the cup."
    """
    return "\n".join(f"Exercise: {task}\nSolution: {solution}" for task, solution in solved)
