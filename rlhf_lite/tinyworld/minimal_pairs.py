"""Does a reward model see substance, or manners only? Pairs of answers that differ in one thing.

Most answers of models differ in manners, so that a reward model can order most pairs right and know nothing else. In the rows
of substance both answers are polite and of one form, and one of them is wrong; in the rows of manners both are right.
0.5 is chance, where neither answer is longer.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..gpt import ScalarModel
from ..reward import score_sequences
from ..tokenizer import Tokenizer
from . import words as w
from .abilities import held_out_requests
from .prompts import Request, find_all
from .sentences import as_sentence, listing, split_sentences

Change = Callable[[Request, random.Random], tuple[str, str]]
"""From a request to a better and a worse answer."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two answers to one prompt that differ in one thing."""

    prompt: str
    better: str
    worse: str


def _other(rng: random.Random, pool: tuple[str, ...] | list[str], *unlike: str) -> str:
    return rng.choice([each for each in pool if each not in unlike])


def _put(new: str) -> Change:
    """Put another answer for the right one."""
    return lambda request, rng: (request.good, new)


def _wrong_value(request: Request, rng: random.Random) -> tuple[str, str]:
    return request.good, request.good.replace(request.need.answer, rng.choice(request.need.wrong))


def _wrong_in_passage(request: Request, rng: random.Random) -> tuple[str, str]:
    rivals = [each for each in request.need.wrong if each in request.combination]  # of the passage, not from elsewhere
    return request.good, request.good.replace(request.need.answer, rng.choice(rivals))


def _invention(request: Request, rng: random.Random) -> tuple[str, str]:
    (town, relation), value = request.combination, rng.choice(request.need.wrong)
    return w.UNKNOWN, f"The landmark of {town} is the {value}." if relation == "landmark" else f"{town} is in {value}."


def _invented_owner(request: Request, rng: random.Random) -> tuple[str, str]:
    missing, *passage = request.combination
    return request.good, f"{rng.choice([each for each in passage if each in w.NAMES])} has the {missing}."


def _wrong_name(request: Request, rng: random.Random) -> tuple[str, str]:
    return request.good, request.good.replace(request.need.mention[-1], _other(rng, w.NAMES, *request.need.mention))


def _wrong_times(request: Request, rng: random.Random) -> tuple[str, str]:
    said = request.good.rstrip(".").split()
    return request.good, " ".join(said[:1] * (len(said) + rng.choice((-1, 1)))) + "."


def _items(kind: str, count: int, rng: random.Random) -> str:
    return as_sentence(listing(kind, count, rng))


def _wrong_count(request: Request, rng: random.Random) -> tuple[str, str]:
    return request.good, _items(request.need.kind, request.need.count + rng.choice((-1, 1)), rng)


def _wrong_kind(request: Request, rng: random.Random) -> tuple[str, str]:
    return request.good, _items(_other(rng, list(w.KINDS), request.need.kind), request.need.count, rng)


def _listed_twice(request: Request, rng: random.Random) -> tuple[str, str]:
    things = find_all("things", request.good)
    again = rng.choice(things[:-1])
    return request.good, f"{request.good[: request.good.rindex(things[-1])]}{again}."


def _wrong_person(request: Request, rng: random.Random) -> tuple[str, str]:
    asked = [word for word in request.need.mention if word in w.NAMES]
    return request.good, request.good.replace(asked[0], _other(rng, w.NAMES, *asked))


def _wrong_length(request: Request, rng: random.Random) -> tuple[str, str]:
    first, *rest = split_sentences(request.good)
    if rest and rng.random() < 0.5:
        return request.good, " ".join([first, *rest[:-1]])
    place = next(word for word in w.PLACES if f"the {word}" in first)
    more = f"The {place} was full of people." if "full of people" not in request.good else "It was a good day."
    return request.good, " ".join([first, more, *rest])


def _before(remarks: tuple[str, ...]) -> Change:
    """Put a remark before the answer."""
    return lambda request, rng: (request.good, f"{rng.choice(remarks)} {request.good}")


def _after(remarks: tuple[str, ...]) -> Change:
    """Put a remark after the answer."""
    return lambda request, rng: (request.good, f"{request.good} {rng.choice(remarks)}")


def _shrug(request: Request, rng: random.Random) -> tuple[str, str]:
    return request.good, rng.choice(w.SHRUGS)


def _second_remark(request: Request, rng: random.Random) -> tuple[str, str]:
    first, second = rng.sample(w.WARM_REMARKS, 2)
    return f"{request.good} {first}", f"{request.good} {first} {second}"


SUBSTANCE: dict[str, tuple[str, Change]] = {
    "right fact": ("landmark", _wrong_value),
    "right fact that nobody asked for": ("landmark", _wrong_value),
    "fact over shrug": ("landmark", _put(w.UNKNOWN)),
    "shrug over invention": ("invented", _invention),
    "who": ("who", _wrong_in_passage),
    "where": ("where", _wrong_in_passage),
    "owner over “does not say”": ("who", _put(w.NOT_IN_TEXT)),
    "“does not say” over invented owner": ("missing", _invented_owner),
    "names": ("names", _wrong_name),
    "times": ("times", _wrong_times),
    "list count": ("list", _wrong_count),
    "list kind": ("list", _wrong_kind),
    "nothing listed twice": ("list", _listed_twice),
    "story person": ("story", _wrong_person),
    "story length": ("story", _wrong_length),
    "opinion": ("opinion", lambda request, rng: (request.good, f"{request.need.wrong[0].capitalize()}.")),
}
"""Rows in which one answer is wrong: whose requests they change, and how."""
OF_ALL_FACTS = ("right fact", "fact over shrug")
"""Rows about all facts, in wordings drawn anew: no more than two landmarks are held out, of which the next row tells."""
MANNERS: dict[str, tuple[str, Change]] = {
    "no rude remark": ("story", _before(w.RUDE_REMARKS)),
    "no question back": ("story", _after(w.BACK_QUESTIONS)),
    "no shrug": ("story", _shrug),
    "no second warm remark": ("story", _second_remark),
}
"""Rows in which both answers are right, and one has worse manners."""


def draw_pairs(seed: int | str, per_row: int) -> dict[str, list[Pair]]:
    """Draw pairs of answers to prompts on held-out combinations, by row."""
    drawn = {}
    for row, (ability, change) in (SUBSTANCE | MANNERS).items():
        rng = random.Random(f"minimal pairs {seed} {row}")
        asks_for_length = row == "story length"  # three of five requests for a story do
        most, all_facts = 2 * per_row if asks_for_length else per_row, row in OF_ALL_FACTS
        requests = held_out_requests(ability, rng, most, all_combinations=all_facts)
        requests = [request for request in requests if request.need.count or not asks_for_length][:per_row]
        answers = [(request.prompt, *change(request, rng)) for request in requests]
        drawn[row] = [Pair(prompt=prompt, better=better, worse=worse) for prompt, better, worse in answers]
    return drawn


def minimal_pair_shares(
    reward_model: ScalarModel, tokenizer: Tokenizer, *, seed: int | str, per_row: int = 100
) -> dict[str, float]:
    """Return the share of pairs in which the better answer scores higher, by row of SUBSTANCE and MANNERS; equal is not higher."""
    pairs = draw_pairs(seed, per_row)
    texts = [(pair.prompt, text) for row in pairs.values() for pair in row for text in (pair.better, pair.worse)]
    sequences = [[*tokenizer.encode_example(*text)[0]] for text in texts]
    scores = iter(score_sequences(reward_model, sequences, tokenizer.pad_id).tolist())
    higher = {row: [next(scores) > next(scores) for _ in each] for row, each in pairs.items()}
    return {row: sum(each) / len(each) for row, each in higher.items()}
