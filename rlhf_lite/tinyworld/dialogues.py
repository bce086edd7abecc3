"""Dialogues of several turns: some questions need what was said before ("Where is it?"), some do not.

Every turn holds the same question asked alone, with all that it needs in one prompt. So a model can be asked the same thing
at the start of a dialogue and within it, and the judge, who reads one prompt, can score both.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import words as w
from .judge import RULES, claims_falsehood, split_words
from .prompts import Need, Request, draw_requests, is_held_out
from .sentences import as_sentence, fact_question, fact_sentence, listing, names_phrase, passage

FOREIGN_USE_CASES = ("open_qa", "chat", "other", "rewrite", "brainstorming", "classification", "closed_qa")
"""Use cases of the turns that begin another subject: those whose answers are short (ours)."""
PATTERNS = ("KKK", "IKK", "KKI", "KIK")
"""Dialogues of three turns: K belongs to the subject, I begins another one (ours)."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One question of a user within a dialogue."""

    words: str
    """What the user says there."""
    request: Request
    """The same asked alone, in one prompt that holds all that is needed, and what a good answer must satisfy."""
    needs_history: bool
    """Whether the words alone do not say what is asked."""


@dataclass(frozen=True)
class Dialogue:
    """Several turns of one user."""

    kind: str
    """What it is about: one of KINDS_OF_TALK."""
    turns: tuple[Turn, ...]

    def messages(self, number: int, answers: Sequence[str] | None = None) -> list[dict[str, str]]:
        """Return the messages up to the user's turn `number`, from 0, with these answers to the turns before, or good ones.

        Example: with number 1 user, assistant, user.
        """
        answers = [turn.request.good for turn in self.turns] if answers is None else answers
        history = []
        for turn, answer in zip(self.turns[:number], answers, strict=False):
            history += [{"role": "user", "content": turn.words}, {"role": "assistant", "content": answer}]
        return [*history, {"role": "user", "content": self.turns[number].words}]


def _turn(
    words: str, alone: str, good: str, need: Need, use_case: str, combination: tuple[str, ...], *, first: bool = False
) -> Turn:
    request = Request(use_case=use_case, prompt=alone, need=need, good=good, combination=combination)
    return Turn(words=words, request=request, needs_history=not first)


def _reading(rng: random.Random) -> list[Turn]:
    text, rows = passage(rng, 2)
    rng.shuffle(rows)
    combination = tuple(x for row in rows for x in row)

    def who(row: tuple[str, str, str], words: str, *, first: bool = False) -> Turn:
        name, thing, _ = row
        question = f"{text} Who has the {thing}?"
        need = Need(rule="lookup", answer=name, wrong=tuple(n for n in w.NAMES if n != name), mention=(thing,))
        return _turn(words or question, question, f"{name} has the {thing}.", need, "closed_qa", combination, first=first)

    def where(row: tuple[str, str, str], words: str) -> Turn:
        _, thing, place = row
        question = f"{text} Where is the {thing}?"
        need = Need(rule="lookup", answer=place, wrong=tuple(p for p in w.PLACES if p != place), mention=(thing,))
        return _turn(words, question, f"The {thing} is at the {place}.", need, "closed_qa", combination)

    first, second = rows
    follow = rng.choice((
        [where(first, "Where is it?"), who(second, f"And who has the {second[1]}?")],
        [who(second, f"And who has the {second[1]}?"), where(second, "Where is it?")],
        [where(second, f"And where is the {second[1]}?"), who(second, "Who has it?")],
    ))  # fmt: skip
    return [who(first, "", first=True), *follow]


def _towns(rng: random.Random) -> list[Turn]:
    town, other = rng.sample(w.CITIES, 2)

    def asked(city: str, relation: str, words: str, *, first: bool = False) -> Turn:
        value = w.TRUTH[city, relation]
        wrong = tuple(sorted({v for (_, r), v in w.TRUTH.items() if r == relation and v != value}))
        need = Need(rule="fact", answer=value, mention=(city,), wrong=wrong)
        question, good = fact_question(city, relation), fact_sentence(city, relation, rng)
        return _turn(words or question, question, good, need, "open_qa", (town, other), first=first)

    follow = rng.choice((
        [asked(town, "country", "In which country is it?"), asked(other, "country", f"And {other}?")],
        [asked(other, "landmark", f"And of {other}?"), asked(other, "country", "In which country is it?")],
    ))  # fmt: skip
    return [asked(town, "landmark", "", first=True), *follow]


def _saying(rng: random.Random) -> list[Turn]:
    (thing, other), (count, again) = rng.sample(w.GOODS, 2), rng.sample(list(w.COUNTS), 2)

    def said(what: str, n: int, words: str, *, first: bool = False) -> Turn:
        good, question = " ".join([what] * n) + ".", f"Say {what} {w.COUNTS[n]} times."
        need = Need(rule="text", answer=good)
        return _turn(words or question, question, good, need, "other", (thing, other, str(count)), first=first)

    follow = rng.choice((
        [said(other, count, f"Now say {other}."), said(other, again, f"Now {w.COUNTS[again]} times.")],
        [said(thing, again, f"Now {w.COUNTS[again]} times."), said(other, again, f"Now say {other}.")],
    ))  # fmt: skip
    return [said(thing, count, "", first=True), *follow]


def _exchange(rng: random.Random) -> list[Turn]:
    name, *others = rng.sample(w.NAMES, 4)
    thing, place = rng.choice(w.GOODS), rng.choice(w.PLACES)
    text = f"{name} found a {thing} at the {place}."

    def put(other: str, words: str, *, first: bool = False) -> Turn:
        question, good = f"Put {other} for {name}: {text}", text.replace(name, other)
        need = Need(rule="text", answer=good)
        return _turn(words or question, question, good, need, "rewrite", (name, *others, thing), first=first)

    return [put(others[0], "", first=True), put(others[1], f"Now put {others[1]}."), put(others[2], f"Now put {others[2]}.")]


def _meeting(rng: random.Random) -> list[Turn]:
    name, (thing, other) = rng.choice(w.NAMES), rng.sample(w.GOODS, 2)

    def told(words: str, alone: str, good: str, mention: tuple[str, ...], *, first: bool = False) -> Turn:
        return _turn(words, alone, good, Need(rule="chat", mention=mention), "chat", (name, thing, other), first=first)

    hello = told(
        f"Hello, I am {name}.", f"Hello, I am {name}.", f"Hello {name}, nice to meet you.", ("Hello", name, "nice"), first=True
    )
    follow = [
        told(f"I lost my {thing}.", f"I am {name}. I lost my {thing}.", f"I am sorry about the {thing}, {name}.", ("sorry", thing, name)),
        told(f"I have a new {other}.", f"I am {name}. I have a new {other}.", f"I am glad about the {other}, {name}.", ("glad", other, name)),
        told(f"Thank you for the {thing}.", f"I am {name}. Thank you for the {thing}.", f"You are welcome, {name}.", ("welcome", name)),
    ]  # fmt: skip
    return [hello, *rng.sample(follow, 2)]


def _listing(rng: random.Random) -> list[Turn]:
    (kind, other), (count, again), name = rng.sample(list(w.KINDS), 2), rng.sample(list(w.COUNTS), 2), rng.choice(w.NAMES)

    def listed(which: str, n: int, words: str, *, first: bool = False) -> Turn:
        question = f"List {w.COUNTS[n]} {w.PLURALS[which]} for {name}."
        need = Need(rule="list", kind=which, count=n, max_words=3 * n + 5)
        combination = (kind, other, str(count), name)
        return _turn(
            words or question, question, as_sentence(listing(which, n, rng)), need, "brainstorming", combination, first=first
        )

    follow = rng.choice((
        [listed(other, count, f"And {w.PLURALS[other]}?"), listed(other, again, f"Now {w.COUNTS[again]}.")],
        [listed(kind, again, f"Now {w.COUNTS[again]}."), listed(other, again, f"And {w.PLURALS[other]}?")],
    ))  # fmt: skip
    return [listed(kind, count, "", first=True), *follow]


KINDS_OF_TALK: dict[str, Callable[[random.Random], list[Turn]]] = {
    "reading": _reading, "towns": _towns, "saying": _saying, "exchange": _exchange, "meeting": _meeting, "listing": _listing,
}  # fmt: skip
"""Subjects of dialogues, and the turns on each: the first says all, the others need it."""
PLAIN_AFTER_ANOTHER = ("reading", "meeting")
"""Subjects that can be taken up again after another one (ours)."""


def _another(rng: random.Random, *, held_out: bool) -> Turn:
    (request,) = draw_requests(rng.randrange(2**32), 1, held_out=held_out, use_cases=[rng.choice(FOREIGN_USE_CASES)])
    return Turn(words=request.prompt, request=request, needs_history=False)


def draw_dialogues(seed: int | str, count: int, *, held_out: bool = False, patterns: Sequence[str] = PATTERNS) -> list[Dialogue]:
    """Draw dialogues, all kinds of talk in turn; the same seed gives the same ones.

    With held_out=True what each subject is about is a combination of words that no dialogue of training is about, and so is
    each turn that begins another one.
    """
    rng = random.Random(f"dialogues {seed} {held_out}")
    drawn = []
    for i in range(count):
        kind = list(KINDS_OF_TALK)[i % len(KINDS_OF_TALK)]
        while True:
            own = KINDS_OF_TALK[kind](rng)
            if is_held_out(f"dialogue {kind}", own[0].request.combination) == held_out:
                break
        pattern = rng.choice([p for p in patterns if p != "KIK" or kind in PLAIN_AFTER_ANOTHER] or ["KKK"])
        if pattern == "KIK" and kind == "reading":  # "it" would be what was spoken of last
            own = sorted(own, key=lambda turn: " it?" in turn.words)
        left = iter(own)
        turns = tuple(next(left) if mark == "K" else _another(rng, held_out=held_out) for mark in pattern)
        drawn.append(Dialogue(kind, turns))
    return drawn


def is_right(turn: Turn, answer: str) -> bool:
    """Whether an answer gives exactly what a turn asks for; a friendly or rude word beside it does not count, but in lists,
    and where a text is asked for.

    Example: asked where the lamp is, "It is at the park." is right if it is, and "At the park or the farm." is not.
    """
    need, prompt = turn.request.need, turn.request.prompt
    if need.rule == "text":
        return answer.rstrip(".").lower() == need.answer.rstrip(".").lower()
    if need.rule == "list":
        named = [word.lower() for word in split_words(answer) if word.lower() in w.KIND_OF]
        return len(named) == len(set(named)) == need.count and all(w.KIND_OF[word] == need.kind for word in named)
    if need.rule == "chat":
        return all(names_phrase(word, answer) for word in need.mention)
    if need.rule in ("lookup", "fact", "label"):
        return names_phrase(need.answer, answer) and not claims_falsehood(need, answer, prompt)
    return RULES[need.rule](need, answer, prompt) > 0.99
