"""Mistakes that pupils and careless writers make: one word exchanged for another of its kind, one thing too many or too few."""

import random
import re
from collections.abc import Sequence

from . import words as w
from .sentences import join_list, names_phrase, split_sentences

VALUES = [sorted(set(values)) for values in (
    w.LANDMARKS.values(), w.COUNTRIES.values(), w.FRUIT_COLORS.values(), w.KINDS, w.CHINESE.values(), w.DAYS, ("good", "bad"),
)]  # fmt: skip
POOLS: list[Sequence[str]] = [w.NAMES, w.GOODS, w.PLACES, w.THINGS, w.CITIES, *VALUES]
"""Words that may stand for each other without a sentence becoming odd."""


def exchange_word(
    text: str, rng: random.Random, pools: Sequence[Sequence[str]] = POOLS, *, only: str = "", prefer: str = ""
) -> str:
    """Put another word of its kind for one word of a text, wherever it stands.

    A word that stands in `only`, if that is given; half of the time by one that stands in `prefer`, if there is any.

    Example: "Ben has the ball." -> "Ben has the lamp."
    """
    lower = text.lower()
    possible = ((word, pool) for pool in pools for word in pool if word.lower() in lower)  # quick: most words are not there
    found = [(word, pool) for word, pool in possible if names_phrase(word, text) and (not only or names_phrase(word, only))]
    if not found:
        return text
    word, pool = rng.choice(found)
    others = [each for each in pool if each.lower() not in lower] or list(pool)
    near = [each for each in others if prefer and names_phrase(each, prefer)]
    other = rng.choice(near if near and rng.random() < 0.5 else others)

    def put(match: re.Match) -> str:
        return other[0].upper() + other[1:] if match[0][0].isupper() else other

    return re.sub(rf"\b{re.escape(word)}\b", put, text, flags=re.IGNORECASE)


def miscount(text: str, rng: random.Random) -> str:
    """Leave out or add one sentence or, where there is only one, one item of a list or one repetition of a word.

    Examples: "ball ball." -> "ball." or "ball ball ball."; "A pear and a plum." -> "A pear."
    """
    whole, parts = text.strip().rstrip("."), split_sentences(text)
    less = rng.random() < 0.5
    if len(parts) > 1:
        place = rng.randrange(1, len(parts))
        more = [] if less else [exchange_word(parts[0], rng), parts[place]]
        return " ".join([*parts[:place], *more, *parts[place + 1 :]])
    words, items = whole.split(), re.split(r", | and ", whole)
    if len(set(words)) == 1:
        return " ".join(words[1:] if less and len(words) > 1 else [*words, words[0]]) + "."
    if len(items) > 1:
        if less:
            return join_list(items[:-1]) + "."
        return join_list([items[0], exchange_word(items[-1], rng, [w.THINGS, w.NAMES]), *items[1:]]) + "."
    return text
