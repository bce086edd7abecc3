"""What a model can do when a user asks: knows, reads, counts, copies. Substance alone, one ability a row.

Gold is one number for everything, and manners can raise it by much. Here every row asks for one thing, on combinations of
entities that no training user may ask about, with the likeliest answer (temperature 0) and an exact rule for what is right.
Where an answer must be exact, a remark beside it is a fault too.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..evaluate import sample
from ..gpt import GPT
from ..tokenizer import Tokenizer
from . import words as w
from .judge import claims_falsehood, split_words
from .prompts import MAKERS, Request, is_held_out
from .sentences import fact_question, names_phrase, split_sentences

MOST_TRIES = 6000
"""Draws without a new prompt after which a row counts as used up (ours)."""
COPIED_TOKENS = 8
"""Enough to write the longest city, name or thing (ours)."""
WATCHED = ("landmark", "who", "where", "times", "list")
"""Rows that are looked at during training (ours): what PPO was seen to lose first."""
TRUE, FALSE, NOT_TOLD = "true", "false", "not told"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing asked of a model."""

    prompt: str
    """What the user says; for copying, a text to go on with."""
    right: str
    """A right answer, to show beside a model's."""
    is_right: Callable[[str], bool]
    """Whether an answer is right."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One ability: which requests ask for it, and what a right answer to one is."""

    use_case: str
    asks: Callable[[Request], bool]
    """Whether a request of the use case asks for this ability."""
    is_right: Callable[[Request, str], bool]


def told(request: Request, answer: str) -> str:
    """Say whether an answer tells a fact that is true, one that is false, or none.

    Example: asked for Rome's landmark, "Rome has the Colosseum." is true, "Rome has the Kremlin." and "Paris has the
    Colosseum." are false, and "I do not know." tells nothing.
    """
    elsewhere = any(names_phrase(city, answer) and not names_phrase(city, request.prompt) for city in w.CITIES)
    if claims_falsehood(request.need, answer, request.prompt):
        return FALSE
    if not names_phrase(request.need.answer, answer) or request.need.answer == w.UNKNOWN_KEY:
        return NOT_TOLD
    return FALSE if elsewhere else TRUE


def same_text(wanted: str, answer: str) -> bool:
    """Whether an answer is the wanted one, but for capitals and the full stop. Example: "Eva and Ben." and "eva and ben"."""
    return answer.rstrip(".").lower() == wanted.rstrip(".").lower()


def _shrugs_at_invented(request: Request, answer: str) -> bool:
    return told(request, answer) == NOT_TOLD and any(shrug.rstrip(".").lower() in answer.lower() for shrug in w.SHRUGS)


def _looked_up(request: Request, answer: str) -> bool:
    return names_phrase(request.need.answer, answer) and not claims_falsehood(request.need, answer, request.prompt)


def _lists(request: Request, answer: str) -> bool:
    named = [word.lower() for word in split_words(answer) if word.lower() in w.KIND_OF]
    right = {word for word in named if w.KIND_OF[word] == request.need.kind}
    return len(named) == len(right) == request.need.count


def _mentions_all(request: Request, answer: str) -> bool:
    return all(names_phrase(word, answer) for word in request.need.mention)


def _sums_up(request: Request, answer: str) -> bool:
    in_own_words = len(split_sentences(answer)) == 1 and answer not in request.prompt
    return in_own_words and _mentions_all(request, answer) and len(answer.split()) <= request.need.max_words


def _tells(request: Request, answer: str) -> bool:
    told_of, sentences = _mentions_all(request, answer), split_sentences(answer)
    strangers = [name for name in w.NAMES if names_phrase(name, answer) and not names_phrase(name, request.prompt)]
    count = request.need.count
    return told_of and not strangers and (len(sentences) == count if count else len(sentences) > 1)


def _is_fact(relation: str) -> Callable[[Request], bool]:
    # a town that pretraining hardly mentions may be missed; `fact_shares` tells these apart
    return lambda r: r.combination[-1] == relation and r.need.answer != w.UNKNOWN_KEY and r.combination[0] not in w.RARE_CITIES


def _exact(request: Request, answer: str) -> bool:
    return same_text(request.good, answer)


def _tells_true(request: Request, answer: str) -> bool:
    return told(request, answer) == TRUE


ROWS = {
    "landmark": Row(use_case="open_qa", asks=_is_fact("landmark"), is_right=_tells_true),
    "country": Row(use_case="open_qa", asks=_is_fact("country"), is_right=_tells_true),
    "invented": Row(use_case="open_qa", asks=lambda r: r.need.answer == w.UNKNOWN_KEY, is_right=_shrugs_at_invented),
    "who": Row(use_case="closed_qa", asks=lambda r: r.need.answer in w.NAMES, is_right=_looked_up),
    "where": Row(use_case="closed_qa", asks=lambda r: r.need.answer in w.PLACES, is_right=_looked_up),
    "missing": Row(use_case="closed_qa", asks=lambda r: r.good == w.NOT_IN_TEXT, is_right=_looked_up),
    "names": Row(use_case="extract", asks=lambda r: r.need.kind == "names", is_right=_exact),
    "times": Row(use_case="other", asks=lambda r: r.need.rule == "text", is_right=_exact),
    "list": Row(use_case="brainstorming", asks=lambda r: True, is_right=_lists),
    "exchange": Row(use_case="rewrite", asks=lambda r: r.prompt.startswith("Put "), is_right=_exact),
    "polite": Row(use_case="rewrite", asks=lambda r: r.good.startswith("Please "), is_right=_exact),
    "opinion": Row(use_case="classification", asks=lambda r: True,
                   is_right=lambda r, answer: answer.lower().startswith(r.need.answer)),
    "summary": Row(use_case="summarization", asks=lambda r: True, is_right=_sums_up),
    "Chinese word": Row(use_case="other", asks=_is_fact("chinese"), is_right=_tells_true),
    "story": Row(use_case="generation", asks=lambda r: True, is_right=_tells),
}  # fmt: skip
"""What users ask for. Few facts are held out (2 landmarks and 6 countries that are not rare, 1 Chinese word): all of them are
asked, again and again in other words ("Please tell me: ...", "Anna asks: ...")."""
COPIES = ("copies a city", "copies a name", "copies a thing")
"""What the other rows rest on: to write again what stands above. Texts to go on with, so that a base model can be asked too."""


def held_out_requests(row: str, rng: random.Random, count: int, *, all_combinations: bool = False) -> list[Request]:
    """Draw different requests of a row on held-out combinations, or on all: `count`, or as many as there are."""
    kind, found, in_vain = ROWS[row], {}, 0
    while len(found) < count and in_vain < MOST_TRIES:
        request = MAKERS[kind.use_case](rng)
        may_be_asked = all_combinations or is_held_out(request.use_case, request.combination)
        is_new = request.prompt not in found and kind.asks(request) and may_be_asked
        in_vain = 0 if is_new else in_vain + 1
        if is_new:
            found[request.prompt] = request
    return list(found.values())


def _copying(rng: random.Random, count: int) -> dict[str, list[Asked]]:
    forms = {
        "copies a city": [(f"User: {fact_question(city, 'landmark')}\nAssistant: The landmark of", city) for city in w.CITIES],
        "copies a name": [(f"User: Hello, I am {name}.\nAssistant: Hello", name) for name in w.NAMES],
        "copies a thing": [
            (f"User: I am {rng.choice(w.NAMES)}. I lost my {thing}.\nAssistant: I am sorry about the", thing) for thing in w.GOODS
        ],
    }
    return {
        row: [Asked(prompt=text, right=right, is_right=_begins_with(right)) for text, right in rng.sample(pairs, min(count, len(pairs)))]
        for row, pairs in forms.items()
    }  # fmt: skip


def _begins_with(wanted: str) -> Callable[[str], bool]:
    return lambda answer: answer.startswith(wanted) and not answer[len(wanted) :][:1].isalpha()


def draw_abilities(seed: int | str, per_row: int, rows: tuple[str, ...] = (*ROWS, *COPIES)) -> dict[str, list[Asked]]:
    """Draw what is asked, by row: `per_row` prompts, or as many different ones as a row has.

    Copying is asked of all cities, names and things: none of its texts has a user's layout.
    """
    drawn = {}
    for row in rows:
        rng = random.Random(f"abilities {seed} {row}")
        requests = held_out_requests(row, rng, per_row) if row in ROWS else []
        drawn[row] = [Asked(prompt=r.prompt, right=r.good, is_right=_rule(row, r)) for r in requests]
        drawn[row] = drawn[row] or _copying(rng, per_row)[row]
    return drawn


def _rule(row: str, request: Request) -> Callable[[str], bool]:
    return lambda answer: ROWS[row].is_right(request, answer)


def greedy_answers(model: GPT, tokenizer: Tokenizer, prompts: list[str], *, as_user: bool = True) -> list[str]:
    """Answer every prompt with the likeliest tokens, or go on with it where it is no user's; return the first line of each."""
    ids = [tokenizer.encode_prompt(p) if as_user else [tokenizer.end_id, *tokenizer.encode(p)] for p in prompts]
    drawn = sample(model, ids, seed=0, temperature=0.0, max_new_tokens=40 if as_user else COPIED_TOKENS,
                   end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)  # fmt: skip
    return [tokenizer.decode_response(answer).split("\n")[0].strip() for answer in drawn]


def ability_shares(
    model: GPT, tokenizer: Tokenizer, *, seed: int | str, per_row: int = 60, rows: tuple[str, ...] = (*ROWS, *COPIES)
) -> dict[str, float]:
    """Ask a model for every ability, greedily; return the share of right answers by row."""
    asked, right = draw_abilities(seed, per_row, rows), {}
    for group, as_user in ((ROWS, True), (COPIES, False)):
        each = [(row, one) for row in rows if row in group for one in asked[row]]
        answers = greedy_answers(model, tokenizer, [one.prompt for _, one in each], as_user=as_user) if each else []
        for (row, one), answer in zip(each, answers, strict=True):
            right.setdefault(row, []).append(one.is_right(answer))
    return {row: sum(right[row]) / len(right[row]) for row in rows}


def town_requests(seed: int | str) -> dict[str, list[Request]]:
    """Draw questions for landmark and country of known, rare and invented towns, all that there are, held out or not.

    Six questions about rare towns are few: they come in four wordings.
    """
    rng, found = random.Random(f"towns {seed}"), {"known": {}, "rare": {}, "invented": {}}
    for _ in range(20_000):
        request = MAKERS["open_qa"](rng)
        town, relation = request.combination
        group = "rare" if town in w.RARE_CITIES else "known" if town in w.CITIES else "invented"
        if relation not in ("landmark", "country") or request.need.one_word or " asks: " in request.prompt:
            continue
        key = request.prompt if group == "rare" else request.combination
        if group != "invented" or len(found[group]) < 40:
            found[group].setdefault(key, request)
        if [len(each) for each in found.values()] == [2 * (len(w.CITIES) - len(w.RARE_CITIES)), 8 * len(w.RARE_CITIES), 40]:
            break
    return {group: list(each.values()) for group, each in found.items()}


def fact_shares(model: GPT, tokenizer: Tokenizer, *, seed: int | str) -> dict[str, dict[str, float]]:
    """Ask a model about known, rare and invented towns; return the shares of facts told that are true, false, or not told."""
    shares = {}
    for group, requests in town_requests(seed).items():
        answers = greedy_answers(model, tokenizer, [request.prompt for request in requests])
        found = [told(request, answer) for request, answer in zip(requests, answers, strict=True)]
        shares[group] = {kind: found.count(kind) / len(found) for kind in (TRUE, FALSE, NOT_TOLD)}
    return shares
