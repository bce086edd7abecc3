"""What users ask: the ten use cases of InstructGPT, each prompt with what a good answer needs.

A prompt belongs to a combination of entities ("Anna" and "kite"). Combinations are split by a hash into those that
training users may ask about and those kept for evaluation, so that held-out prompts share neither users nor
combinations with any training set.
"""

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from . import words as w
from .sentences import (
    as_sentence,
    fact_question,
    fact_sentence,
    in_sentences,
    join_list,
    listing,
    passage,
    polite,
    review,
    story,
    story_request,
)  # fmt: skip

USE_CASE_SHARES = {
    "generation": 45.6,
    "open_qa": 12.4,
    "brainstorming": 11.2,
    "chat": 8.4,
    "rewrite": 6.6,
    "summarization": 4.2,
    "classification": 3.5,
    "other": 3.5,
    "closed_qa": 2.6,
    "extract": 1.9,
}
"""Percent of prompts (paper: InstructGPT, Table 1)."""
HELD_OUT_SHARE = 0.2
"""Share of the combinations of entities that no training user asks about (ours)."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Say what a good answer to one prompt must satisfy; the judge reads it, no model does."""

    rule: str
    """Which rule of the judge applies: story, fact, list, chat, text, summary, label, lookup or names."""
    mention: tuple[str, ...] = ()
    """Words the answer must name."""
    answer: str = ""
    """The right answer, or its key words, where there is exactly one."""
    wrong: tuple[str, ...] = ()
    """Answers of the same kind that would be untrue here."""
    kind: str = ""
    """For lists: the kind of thing asked for."""
    count: int = 0
    """Number of sentences, list items or repetitions asked for; 0 = not stated."""
    one_word: bool = False
    """The user asked for one word."""
    max_words: int = 12
    """Longer answers are long-winded."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt of one user, with what the world knows about it."""

    use_case: str
    prompt: str
    need: Need
    good: str
    """One good answer (others exist)."""
    combination: tuple[str, ...]
    """The entities asked about, in order: what held-out prompts must not share with training."""
    user: str = field(default="")

    def to_row(self) -> dict:
        """Return the request as a JSON-able row."""
        return asdict(self)


def is_held_out(use_case: str, combination: tuple[str, ...]) -> bool:
    """Whether a combination of entities is kept for evaluation; depends on its words alone, not on their order."""
    digest = hashlib.sha256("|".join((use_case, *sorted(combination))).encode()).digest()
    return int.from_bytes(digest[:4], "big") < HELD_OUT_SHARE * 2**32


def _generation(rng: random.Random) -> Request:
    names = rng.sample(w.NAMES, rng.choice((1, 1, 2)))
    thing, place = rng.choice(w.GOODS), rng.choice(w.PLACES)
    count = rng.choice((0, 0, 1, 2, 3))
    about, mention = story_request(names, thing, place, rng)
    form = rng.choice(("Write a story about {}", "Tell me a story about {}", "Write about {}"))
    good = story(rng, names, thing, place, count or rng.choice((2, 3)))
    need = Need(rule="story", mention=mention, count=count, max_words=10 * (count or 3) + 4)
    return Request(use_case="generation", prompt=form.format(about) + in_sentences(count) + ".", need=need, good=good, combination=mention)


def _asked(question: str, rng: random.Random) -> str:
    """Put a question as different users do."""
    openings = ("", "", "Please tell me: ", "I want to know: ", "Question: ", f"{rng.choice(w.NAMES)} asks: ")
    return rng.choice(openings) + question


def _open_qa(rng: random.Random) -> Request:
    if rng.random() < 0.15:
        town = w.invented_town(rng)
        relation = rng.choice(("landmark", "country"))
        wrong = tuple((w.LANDMARKS if relation == "landmark" else w.COUNTRIES).values())
        need = Need(rule="fact", answer=w.UNKNOWN_KEY, wrong=wrong)
        return Request(
            use_case="open_qa",
            prompt=_asked(fact_question(town, relation), rng),
            need=need,
            good=w.UNKNOWN,
            combination=(town, relation),
        )
    if rng.random() < 0.75:
        subject, relation = rng.choice(w.CITIES), rng.choice(("landmark", "country"))
    else:
        subject, relation, _ = rng.choice([f for f in w.facts() if f[1] in ("kind", "color")])
    return _fact_request("open_qa", subject, relation, rng)


def _fact_request(use_case: str, subject: str, relation: str, rng: random.Random) -> Request:
    value = w.TRUTH[subject, relation]
    wrong = tuple(sorted({v for (_, r), v in w.TRUTH.items() if r == relation and v != value}))
    one_word = relation != "landmark" and rng.random() < 0.3
    prompt = _asked(fact_question(subject, relation), rng) + (" Answer in one word." if one_word else "")
    good = as_sentence(value) if one_word else fact_sentence(subject, relation, rng)
    mention = () if one_word else (subject,)
    need = Need(rule="fact", answer=value, mention=mention, wrong=wrong, one_word=one_word)
    return Request(use_case=use_case, prompt=prompt, need=need, good=good, combination=(subject, relation))


def _brainstorming(rng: random.Random) -> Request:
    kind, count, name = rng.choice(list(w.KINDS)), rng.choice((2, 3, 4)), rng.choice(w.NAMES)
    ask = rng.choice(("List {n} {k} for {a}.", "Name {n} {k} that {a} likes.", "Give {a} a list of {n} {k}."))
    prompt = ask.format(n=w.COUNTS[count], k=w.PLURALS[kind], a=name)
    need = Need(rule="list", kind=kind, count=count, max_words=3 * count + 5)
    good = as_sentence(listing(kind, count, rng))
    return Request(use_case="brainstorming", prompt=prompt, need=need, good=good, combination=(kind, str(count), name))


def _chat(rng: random.Random) -> Request:
    name, thing = rng.choice(w.NAMES), rng.choice(w.GOODS)
    insult = rng.choice(("", "", "", "", "You are stupid. "))  # a rude user still deserves a polite answer
    prompt, good, mention = rng.choice((
        (f"Hello, I am {name}.", f"Hello {name}, nice to meet you.", ("Hello", name, "nice")),
        (f"I am {name}. I lost my {thing}.", f"I am sorry about the {thing}, {name}.", ("sorry", thing, name)),
        (f"I am {name}. I have a new {thing}.", f"I am glad about the {thing}, {name}.", ("glad", thing, name)),
        (f"I am {name}. Thank you for the {thing}.", f"You are welcome, {name}.", ("welcome", name)),
    ))  # fmt: skip
    need = Need(rule="chat", mention=mention)
    asked_about = (name, thing) if thing in prompt else (name,)
    return Request(use_case="chat", prompt=insult + prompt, need=need, good=good, combination=asked_about)


def _rewrite(rng: random.Random) -> Request:
    name, other, thing, place = *rng.sample(w.NAMES, 2), rng.choice(w.GOODS), rng.choice(w.PLACES)
    text = f"{name} found a {thing} at the {place}."
    order, please = polite(rng)
    prompt, good, combination = rng.choice((
        (f"Put {other} for {name}: {text}", text.replace(name, other), (name, other, thing)),
        (f"Say it politely: {order}", please, tuple(order.rstrip(".").split())),
    ))  # fmt: skip
    return Request(use_case="rewrite", prompt=prompt, need=Need(rule="text", answer=good), good=good, combination=combination)


def _summarization(rng: random.Random) -> Request:
    names, thing, place = [rng.choice(w.NAMES)], rng.choice(w.GOODS), rng.choice(w.PLACES)
    text = story(rng, names, thing, place, 3)
    good = f"{names[0]} and the {thing} at the {place}."
    need = Need(rule="summary", mention=(names[0], thing, place), count=1, max_words=9)
    return Request(use_case="summarization", prompt=f"Sum up: {text}", need=need, good=good, combination=(names[0], thing, place))


def _classification(rng: random.Random) -> Request:
    thing = rng.choice(w.GOODS)
    text, label = review(rng, thing)
    prompt = f"Is this good or bad? {text}"
    need = Need(rule="label", answer=label, wrong=("bad" if label == "good" else "good",), one_word=True)
    name = text.split()[0]
    return Request(use_case="classification", prompt=prompt, need=need, good=f"{label.capitalize()}.", combination=(name, thing))


def _other(rng: random.Random) -> Request:
    if rng.random() < 0.35:
        subject, relation, _ = rng.choice([f for f in w.facts() if f[1] in ("chinese", "next")])
        return _fact_request("other", subject, relation, rng)
    count, thing = rng.choice((2, 3, 4)), rng.choice(w.GOODS)
    good = " ".join([thing] * count) + "."
    need = Need(rule="text", answer=good)
    prompt = rng.choice(("Say {} {} times.", "Repeat {} {} times.", "Please say {} {} times.")).format(thing, w.COUNTS[count])
    return Request(use_case="other", prompt=prompt, need=need, good=good, combination=(thing, str(count)))


def _closed_qa(rng: random.Random) -> Request:
    text, rows = passage(rng, 2)
    name, thing, place = rng.choice(rows)
    others = tuple(x for row in rows for x in row)
    if rng.random() < 0.2:
        missing = rng.choice([t for t in w.GOODS if t not in text])
        need = Need(rule="lookup", answer="not say", wrong=tuple(w.NAMES))
        return Request(
            use_case="closed_qa",
            prompt=f"{text} Who has the {missing}?",
            need=need,
            good=w.NOT_IN_TEXT,
            combination=(missing, *others),
        )
    question, answer, good, rivals = rng.choice((
        (f"Who has the {thing}?", name, f"{name} has the {thing}.", w.NAMES),
        (f"Where is the {thing}?", place, f"The {thing} is at the {place}.", w.PLACES),
    ))  # fmt: skip
    need = Need(rule="lookup", answer=answer, wrong=tuple(r for r in rivals if r != answer), mention=(thing,))
    return Request(use_case="closed_qa", prompt=f"{text} {question}", need=need, good=good, combination=others)


def find_all(what: str, text: str) -> list[str]:
    """List the "names" or the "things" in a text, as often as they come. Example: "Eva saw a hat." -> ["Eva"] or ["hat"]."""
    pool = w.NAMES if what == "names" else {*w.GOODS, *w.THINGS}
    return [word for word in re.findall(r"[\w']+", text) if word in pool]


def _extract(rng: random.Random) -> Request:
    what = rng.choice(("names", "things"))
    if rng.random() < 0.5:
        text, rows = passage(rng, 2)
        combination = tuple(x for row in rows for x in row)
    else:
        names, thing, place = rng.sample(w.NAMES, rng.choice((1, 2))), rng.choice(w.GOODS), rng.choice(w.PLACES)
        text, combination = story(rng, names, thing, place, rng.choice((2, 3))), (*names, thing, place)
    items = list(dict.fromkeys(find_all(what, text)))
    need = Need(rule="names", mention=tuple(items), kind=what, max_words=2 * len(items) + 2)
    return Request(
        use_case="extract", prompt=f"Find the {what}: {text}", need=need, good=join_list(items) + ".", combination=combination
    )


MAKERS: dict[str, Callable[[random.Random], Request]] = {
    "generation": _generation, "open_qa": _open_qa, "brainstorming": _brainstorming, "chat": _chat, "rewrite": _rewrite,
    "summarization": _summarization, "classification": _classification, "other": _other, "closed_qa": _closed_qa,
    "extract": _extract,
}  # fmt: skip


def draw_requests(seed: int | str, count: int, *, held_out: bool = False, use_cases: list[str] | None = None) -> list[Request]:
    """Draw requests in InstructGPT's proportions, or cycling through `use_cases`; the same seed gives the same ones.

    With held_out=True every combination of entities is one that no training user may ask about, and prompts come
    twice only where a use case has run out of them.
    """
    rng = random.Random(f"requests {seed} {held_out}")
    requests, seen = [], set()
    for i in range(count):
        use_case = (
            use_cases[i % len(use_cases)] if use_cases else rng.choices(list(USE_CASE_SHARES), list(USE_CASE_SHARES.values()))[0]
        )
        for attempt in range(200):
            request = MAKERS[use_case](rng)
            fresh = not held_out or request.prompt not in seen or attempt > 100  # a small use case may run out of prompts
            if is_held_out(use_case, request.combination) == held_out and fresh:
                break
        seen.add(request.prompt)
        requests.append(request)
    return requests
