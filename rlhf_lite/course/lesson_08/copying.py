"""A machine that only remembers: it answers a prompt with the answer to the most similar prompt of its training set.

It knows nothing about prompts it has not seen. So what an evaluation says about it shows how much the evaluation leaks.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...real_data.splits import split_by_user
from ...tinyworld.judge import judge
from .cleaning import clean, presence, words_of
from .submissions import Submission, receive

LATER_USERS = 40
"""Users who come only after the model is trained: the truth about new users."""
SHARES = {"train": 0.8, "validation": 0.2}


def most_similar(asked: Sequence[Submission], known: Sequence[Submission]) -> list[int]:
    """Return for each prompt asked the place of the known prompt with the largest overlap; rare words count more."""
    words = sorted({word for one in known for word in words_of(one.prompt)})
    vocabulary = {word: i for i, word in enumerate(words)}
    rows, known_rows = (presence([one.prompt for one in some], vocabulary=vocabulary).double() for some in (asked, known))
    weights = (len(known) / known_rows.sum(0)).log()  # a word that half of the prompts have says little: log 2
    common: Tensor = (rows * weights) @ known_rows.T
    either = (rows @ weights)[:, None] + known_rows @ weights - common
    return (1e9 * common / either).round().argmax(1).tolist()  # rounded: ties fall alike on every machine


def copying_score(train: Sequence[Submission], test: Sequence[Submission]) -> float:
    """Mean gold score of the machine's answers to the test prompts."""
    places = most_similar(test, train)
    scores = [judge(one.request, train[i].request.good).gold for one, i in zip(test, places, strict=True)]
    return sum(scores) / len(scores)


@dataclass(frozen=True)
class Leak:
    """What each way of splitting says about the machine, and the truth."""

    at_random: float
    """Mean gold score on validation prompts drawn at random."""
    by_user: float
    """The same on validation prompts of users of whom nothing is in the training set."""
    later_users: float
    """The same on users who came later."""


def people(submissions: Sequence[Submission]) -> list[Submission]:
    """Keep what people wrote in English: programs and Chinese are questions of their own."""
    return [one for one in submissions if not one.chinese and one.user.startswith("user")]


def measure_leak(seed: int, *, cleaned: bool, count: int = 1500) -> Leak:
    """Split the same submissions both ways, and let the machine answer three sets of prompts."""
    received = people(receive(f"leak {seed}", count))
    users = sorted({one.user for one in received})
    rng = random.Random(f"leak {seed}")
    later = set(rng.sample(users, LATER_USERS))
    new = [one for one in received if one.user in later]
    ours = [one for one in received if one.user not in later]
    if cleaned:
        new, ours = clean(new), clean(ours)
    drawn = rng.sample(ours, len(ours))
    cut = round(SHARES["train"] * len(drawn))
    places = split_by_user([one.user for one in ours], SHARES, seed)
    by_user = {name: [ours[i] for i in places[name]] for name in SHARES}
    return Leak(
        at_random=copying_score(drawn[:cut], drawn[cut:]),
        by_user=copying_score(by_user["train"], by_user["validation"]),
        later_users=copying_score(by_user["train"], new),
    )
