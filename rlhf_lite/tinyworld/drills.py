"""Drills: pages that ask for copying, looking up and recalling, again and again. Models that did them read and know.

Without them a small model finds the names of a passage and not which of them is asked for: attention learns to look for a class
of words sooner than for the one word. Their words are not those of users' prompts.
"""

import random
from collections.abc import Callable
from functools import partial

from . import words as w
from .school_tasks import Exercise, as_page, enumerate_kind, repeat
from .sentences import as_sentence, fact_sentence, join_list, passage

COPYBOOK_WORDS = sorted({*w.NAMES, *w.THINGS, *w.GOODS, *w.PLACES, *w.CITIES, *w.ADJECTIVES})


def copy_lines(rng: random.Random) -> str:
    """Write a line of words again and again: whoever looks back knows how it goes on."""
    line = " ".join(rng.sample(COPYBOOK_WORDS, rng.randint(2, 10)))
    return "Copy: " + " ".join([f"{line}."] * max(2, 26 // line.count(" ")))


def copy_pairs(rng: random.Random) -> str:
    """Write pairs of words again and again in other orders, some turned round."""
    count = rng.randint(2, 7)
    words = rng.sample(COPYBOOK_WORDS, 2 * count)
    pairs, backwards = list(zip(words[:count], words[count:], strict=True)), rng.random() < 0.5
    again = [pair[::-1] for pair in pairs] if backwards else pairs
    lines = [pairs, *(rng.sample(again, count) for _ in range(max(1, 9 // count)))]
    return ("Back: " if backwards else "Pairs: ") + " ".join(", ".join(map(" ".join, line)) + "." for line in lines)


def ask(rows: list[tuple[str, str, str]], text: str, rng: random.Random) -> Exercise:
    """Ask one thing about a passage: who has what and where, all names, things or places, or what it does not say."""
    name, thing, place = rng.choice(rows)
    missing = rng.choice([each for each in w.GOODS if each not in text])
    column, heading = rng.choice(((0, "Names:"), (1, "Things:"), (2, "Places:")))
    questions = {
        (f"Who has the {thing}?", f"{name} has the {thing}."): 0.28,
        (f"Where is the {thing}?", f"The {thing} is at the {place}."): 0.2,
        (f"What has {name}?", f"{name} has the {thing}."): 0.1,
        (f"Where is {name}?", f"{name} is at the {place}."): 0.1,
        (f"Who has the {missing}?", w.NOT_IN_TEXT): 0.14,
        (heading, join_list([row[column] for row in rows]) + "."): 0.18,
    }
    return rng.choices(list(questions), list(questions.values()))[0]


def ask_all(rows: list[tuple[str, str, str]], text: str, count: int, rng: random.Random) -> list[Exercise]:
    """Ask up to `count` different things about a passage."""
    return list(dict(ask(rows, text, rng) for _ in range(count)).items())


def read_closely(rng: random.Random) -> list[Exercise]:
    """Ask several things about one passage, which stands in the first task."""
    text, rows = passage(rng, rng.choice((1, 2, 2, 3)))
    asked = ask_all(rows, text, rng.randint(3, 6), rng)
    return [(f"{text} {asked[0][0]}", asked[0][1]), *asked[1:]]


def quiz(rng: random.Random) -> str:
    """Write a passage and, in the same line, questions with whole or short answers, or notes about each thing."""
    text, rows = passage(rng, rng.choice((2, 3, 4)))
    form = rng.choice(("whole", "short", "notes", "notes"))
    if form == "whole":
        return " ".join([text, *(f"{question} {answer}" for question, answer in ask_all(rows, text, rng.randint(3, 6), rng))])
    if form == "short":
        lines = [f"Who has the {thing}? {name}." for name, thing, _ in rows]
        lines += [f"Where is the {thing}? At the {place}." for _, thing, place in rows]
    else:
        lines = [f"The {thing}: {name}, {place}." for name, thing, place in rows]
    return " ".join([text, *rng.sample(lines, len(lines)), *rng.sample(lines, len(lines) // 2)])


Draw = Callable[[random.Random], tuple[str, list[tuple[str, str]]]]
"""A text, and its rows as (answer, thing): whose each thing is, or where."""


def owners(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Say who has what: the answer stands before the thing."""
    count = rng.randint(3, 6)
    rows = list(zip(rng.sample(w.NAMES, count), rng.sample(w.GOODS, count), strict=True))
    return " ".join(f"{name} has a {thing}." for name, thing in rows), rows


def places(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Say who has what where: the answer stands after the thing."""
    text, rows = passage(rng, rng.randint(3, 4))
    return text, [(place, thing) for _, thing, place in rows]


def _either(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    return rng.choice((owners, places))(rng)


def in_short(rng: random.Random, draw: Draw = _either) -> str:
    """Say who has what or where, and again in short and in other orders: each thing, and right behind it its owner or place."""
    text, rows = draw(rng)
    notes = ", ".join(f"{thing} {answer}" for _ in range(3) for answer, thing in rng.sample(rows, len(rows)))
    return f"{text} In short: {notes}."


def asked_of_each(rng: random.Random) -> str:
    """Say who has what or where, then tell or ask of each thing, twice and in other orders, who has it or where it is."""
    text, rows = _either(rng)
    form = rng.choice(OWNER_FORMS if rows[0][0] in w.NAMES else PLACE_FORMS)
    return text + "".join(form.format(answer, thing) for _ in range(2) for answer, thing in rng.sample(rows, len(rows)))


OWNER_FORMS = (
    " The {1}: {0}.", " The {1} is with {0}.", " Who has the {1}? {0}.", "\nWho has the {1}?\n{0}.",
    "\nWho has the {1}?\nAnswer: {0}.", "\nExercise: Who has the {1}?\nSolution: {0} has the {1}.",
)  # fmt: skip
PLACE_FORMS = (
    " The {1}: {0}.", " The {1} is at the {0}.", " Where is the {1}? {0}.", " Where is the {1}? At the {0}.",
    "\nWhere is the {1}?\nAnswer: {0}.", "\nExercise: Where is the {1}?\nSolution: The {1} is at the {0}.",
)  # fmt: skip
"""Ways to tell or ask who has a thing, or where it is: the answer stands one, two and more tokens behind the thing."""


def recall(rng: random.Random) -> Exercise:
    """Ask for a fact that stands in the encyclopedia, in a sentence or in one word, in other words than users do."""
    relation = rng.choice(("landmark", "country", "kind", "color", "chinese", "next"))
    subject = rng.choice([subject for subject, asked in w.TRUTH if asked == relation])
    form = rng.choice(RECALL_FORMS[relation]).format(subject)
    if relation != "landmark" and rng.random() < 0.3:
        value = w.TRUTH[subject, relation]
        return f"{form} One word:", as_sentence(value)
    return form, fact_sentence(subject, relation, rng)


RECALL_FORMS = {
    "landmark": ("Landmark, {}:", "Name the landmark of {}:", "Which landmark does {} have?", "{} is known for which landmark?"),
    "country": ("Country, {}:", "Name the country of {}:", "Which country does {} belong to?", "{} lies where?"),
    "kind": ("Kind, {}:", "Name the kind of a {}:", "What is a {}?", "A {} belongs to what?"),
    "color": ("Color, {}:", "Name the color of a {}:", "Which color has a {}?", "A {} has which color?"),
    "chinese": ("In Chinese, {}:", "How do you say {} in Chinese?", "Write {} in Chinese:"),
    "next": ("Next day, {}:", "Which day follows {}?", "Name the day that follows {}:"),
}
"""Ways to ask for a fact; users' words are others (`sentences.fact_question`)."""

DRILLS = {
    "copied lines": copy_lines,
    "copied pairs": copy_pairs,
    "quizzes": quiz,
    "owners in short": partial(in_short, draw=owners),
    "places in short": partial(in_short, draw=places),
    "in short": in_short,
    "asked of each": asked_of_each,
    "close reading": lambda rng: as_page(read_closely(rng)),
    "counting": lambda rng: as_page([rng.choice((repeat, enumerate_kind))(rng) for _ in range(3)]),
    "recall": lambda rng: as_page([recall(rng) for _ in range(rng.choice((1, 2, 3)))]),
}


Question = tuple[str, str]
"""The beginning of a text, and the word that must come next."""


def _ask_pair(rng: random.Random) -> Question:
    words = rng.sample(COPYBOOK_WORDS, 6)
    pairs = list(zip(words[:3], words[3:], strict=True))
    first, second = rng.choice(pairs)
    return "Pairs: " + ", ".join(map(" ".join, pairs)) + f". {first}", second


def _ask_about(draw: Draw, form: str) -> Callable[[random.Random], Question]:
    def ask_one(rng: random.Random) -> Question:
        text, rows = draw(rng)
        answer, thing = rng.choice(rows)
        return f"{text} {form.format(thing)}", answer

    return ask_one


_OWNERS_IN_SHORT, _PLACES_IN_SHORT = (_ask_about(draw, "In short: {}") for draw in (owners, places))

TERMS = (
    ({"copied lines": 0.15, "copied pairs": 0.3, "owners in short": 0.55}, [_ask_pair], 0.85, 700),
    ({"copied lines": 0.05, "copied pairs": 0.1, "owners in short": 0.85}, [_OWNERS_IN_SHORT], 0.9, 700),
    ({"copied lines": 0.05, "copied pairs": 0.05, "owners in short": 0.25, "places in short": 0.4, "quizzes": 0.25},
     [_OWNERS_IN_SHORT, _PLACES_IN_SHORT], 0.9, 400),
    ({"copied lines": 0.05, "copied pairs": 0.05, "in short": 0.05, "asked of each": 0.7, "quizzes": 0.15},
     [_ask_about(owners, "Who has the {}?"), _ask_about(places, "Where is the {}? At the")], 0.9, 800),
    ({"copied lines": 0.04, "copied pairs": 0.04, "asked of each": 0.25, "quizzes": 0.12, "close reading": 0.35,
      "exercises": 0.2}, [], 1.0, 125),
)  # fmt: skip
"""Five terms of the primer, each with its sources, its kinds of questions, the share that must be answered of every kind, and
its most steps (ours): first to find what follows a word; then the owner, who stands before the thing asked about; then the
place, which stands after it; then both asked in words; then pages. Places before owners fail on some seeds: what finds the
place finds a wrong owner, and stays."""


def term_questions(number: int, count: int = 200) -> list[list[Question]]:
    """Draw `count` questions of each kind for one of the `TERMS`."""
    rng = random.Random(f"questions of term {number}")
    return [[draw(rng) for _ in range(count)] for draw in TERMS[number][1]]
