"""Raw submissions as an API receives them, with defects that were put in on purpose: so what cleaning finds can be graded.

Users have habits: a few subjects they come back to. Three programs send one kind of prompt all day. Some prompts are sent
again, as they were or slightly changed; some hold personal data, and some only look as if they did. A few are Chinese.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from ...tinyworld.prompts import Need, Request, draw_requests
from ...tinyworld.translation import NAMES, THINGS

N_USERS = 200
PROGRAMS = {"program-0": ("classification", 700), "program-1": ("summarization", 450), "program-2": ("extract", 300)}
"""A user that is a program: the one use case that it sends, and how often."""
HABIT = 0.6
"""Share of a user's prompts about one of the user's own subjects."""
SUBJECTS_PER_USER = 2
RESENT, EDITED, PRIVATE, HARMLESS, CHINESE = 0.04, 0.06, 0.04, 0.04, 0.06
"""Shares of prompts that are sent again, sent again slightly changed, private, harmless but alike, and Chinese (ours)."""
WITH_TEXT = ("classification", "summarization", "extract", "closed_qa", "rewrite")
"""Use cases whose prompts bring a text along: another text is another request."""
PRIVATE_WAYS = (
    " Call me at {a}-{b}.", " My number is +1 {a} {c} {b}.", " Phone ({a}) {c}-{b}.", " Write to {name}@example.org.",
    " My mail is {name}.{a}@mail.example.com.", " Send it to {house} {name} Street.",
)  # fmt: skip
HARMLESS_WAYS = (
    " I have {c} dollars.", " The score was {house}-{house}.", " Use the style of the years 1990-1999.", " Meet me @ the park.",
    " It is item {a}{c} of my list.", " This is question {house}.", " I took bus {c} to Park Street.",
)  # fmt: skip
CHINESE_WAYS = ("写一个关于{name}和{thing}的故事。", "用三句话写{name}的{thing}。", "{name}的{thing}是什么颜色？")
CHINESE_PRIVATE = ("我的电话是{p}。", "微信号{name}{b}。")


@dataclass(frozen=True)
class Submission:
    """One prompt as it came in, and what only this world knows about it."""

    request: Request
    """Prompt and user; what a good answer needs."""
    asks: tuple
    """What is asked for, whatever the words: equal for two prompts that want the same."""
    private: bool = False
    """Whether it holds personal data."""
    chinese: bool = False
    edited: bool = False
    """Whether it is an earlier prompt of the same user, slightly changed."""
    repeat: str = ""
    """How it repeats an earlier prompt: "same text", "small edit", "other words", or "" where it is new."""

    @property
    def prompt(self) -> str:
        """The text that was sent."""
        return self.request.prompt

    @property
    def user(self) -> str:
        """Who sent it."""
        return self.request.user

    @property
    def use_case(self) -> str:
        """Which of the ten use cases it belongs to."""
        return self.request.use_case


def new_submission(request: Request, user: str, *, chinese: bool = False) -> Submission:
    """Return a prompt of a user as it was meant, without a defect."""
    text = request.prompt if request.use_case in WITH_TEXT or chinese else ""
    asks = (request.use_case, request.combination, request.need, text)
    return Submission(replace(request, user=user), asks, chinese=chinese)


@cache
def subjects() -> list[list[Request]]:
    """Draw what users come back to: prompts about the same things, of which at least three ask for something else each."""
    found: dict[tuple, dict[tuple, Request]] = defaultdict(dict)
    for request in draw_requests("subjects", 30_000):
        about = tuple(word for word in request.combination if not word.isdecimal())  # "two birds" or "three birds"
        found[request.use_case, about][new_submission(request, "").asks] = request
    return [list(asked.values()) for asked in found.values() if len(asked) >= 3]


def edit(prompt: str, rng: random.Random) -> str:
    """Change a prompt a little, as people do who send it again; what it asks for stays the same."""
    words = prompt.split()
    place = max(range(len(words)), key=lambda i: len(words[i]))
    slip = [*words[:place], words[place][:2] + words[place][3:], *words[place + 1 :]]  # the third letter is missing
    return rng.choice((f"{prompt} Thanks.", f"{prompt} Please.", f"Please: {prompt}", prompt.lower(), " ".join(slip)))


def _fill(ways: tuple[str, ...], name: str, rng: random.Random) -> str:
    numbers = {"a": rng.randint(200, 999), "b": rng.randint(1000, 9999), "c": rng.randint(200, 999), "house": rng.randint(11, 99)}
    return rng.choice(ways).format(name=name, p=f"138 {rng.randint(1000, 9999)} {rng.randint(1000, 9999)}", **numbers)


def _chinese_request(rng: random.Random) -> Request:
    name, thing = rng.choice(list(NAMES.values())), rng.choice([chinese for chinese, *_ in THINGS.values()])
    prompt = rng.choice(CHINESE_WAYS).format(name=name, thing=thing)
    need = Need(rule="story", mention=(name, thing))
    return Request(use_case="generation", prompt=prompt, need=need, good="", combination=(name, thing))


def _with_defects(one: Submission, earlier: list[Submission], rng: random.Random) -> Submission:
    """Return what is sent in the end: this prompt, perhaps with something added, or an earlier one of the user again."""
    chance, thanks = rng.random(), "谢谢。" if one.chinese else ""
    if earlier and chance < RESENT + EDITED:
        again = rng.choice(earlier)
        if chance < RESENT:
            return again
        text = f"{again.prompt}谢谢。" if again.chinese else edit(again.prompt, rng)
        return replace(again, request=replace(again.request, prompt=text), edited=True)
    name = rng.choice(list(NAMES))
    if chance < RESENT + EDITED + PRIVATE:
        more = _fill(CHINESE_PRIVATE if one.chinese else PRIVATE_WAYS, name.lower() if rng.random() < 0.5 else name, rng)
        return replace(one, request=replace(one.request, prompt=one.prompt + more), private=True)
    if chance < RESENT + EDITED + PRIVATE + HARMLESS:
        more = thanks or _fill(HARMLESS_WAYS, name, rng)
        return replace(one, request=replace(one.request, prompt=one.prompt + more))
    return one


def _as_meant(seed: int | str, count: int, rng: random.Random) -> Iterator[Submission]:
    """Draw prompts before any defect: those of people with habits, and those of programs."""
    users = [f"user-{i:03d}" for i in range(N_USERS)]
    activity = [1 / (1 + i) ** 0.6 for i in range(N_USERS)]  # few write much, many little, as in `tinyworld.users`
    pool = rng.sample(subjects(), SUBJECTS_PER_USER * N_USERS)
    habits = {user: pool[i::N_USERS] for i, user in enumerate(users)}  # no two users share a subject
    for request in draw_requests(f"submissions {seed}", count):
        user = rng.choices(users, activity)[0]
        if rng.random() < CHINESE:
            yield new_submission(_chinese_request(rng), user, chinese=True)
        else:
            usual = rng.random() < HABIT
            yield new_submission(rng.choice(rng.choice(habits[user])) if usual else request, user)
    for program, (use_case, times) in PROGRAMS.items():
        for request in draw_requests(f"{program} {seed}", times, use_cases=[use_case]):
            yield new_submission(request, program)


def receive(seed: int | str, count: int = 3000) -> list[Submission]:
    """Draw the raw submissions of `count` prompts by people and those of the programs, in the order in which they came."""
    rng = random.Random(f"submissions {seed}")
    meant = list(_as_meant(seed, count, rng))
    rng.shuffle(meant)
    of_user: dict[str, list[Submission]] = defaultdict(list)
    asked, texts, stream = set(), set(), []
    for one in meant:
        sent = _with_defects(one, of_user[one.user], rng)
        if sent.prompt in texts:
            repeat = "same text"
        elif sent.asks in asked:
            repeat = "small edit" if sent.edited else "other words"
        else:
            repeat = ""
        sent = replace(sent, repeat=repeat)
        asked.add(sent.asks)
        texts.add(sent.prompt)
        of_user[sent.user].append(sent)
        stream.append(sent)
    return stream
