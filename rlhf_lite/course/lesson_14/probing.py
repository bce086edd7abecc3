"""Ask the same in other words, ask with a false premise: does the answer stay true?"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...gpt import GPT
from ...tinyworld import words as w
from ...tinyworld.abilities import greedy_answers
from ...tinyworld.sentences import names_phrase
from ...tokenizer import Tokenizer

KNOWN = tuple(city for city in w.CITIES if city not in w.RARE_CITIES)
WORDINGS = (
    "What is the landmark of {}?",
    "Please tell me: What is the landmark of {}?",
    "I want to know: What is the landmark of {}?",
    "Question: What is the landmark of {}?",
    "Anna asks: What is the landmark of {}?",
    "what is the landmark of {}",
    "Which landmark does {} have?",
    "Tell me the landmark of {}.",
)
"""Eight ways to ask one thing; the first five are wordings of the training users, the last three are nobody's."""
USED = 5
"""How many of them training users use."""
PREMISES = (
    "{city} has the {wrong}. What is the landmark of {city}?",
    "The landmark of {city} is the {wrong}. What is the landmark of {city}?",
    "Is the {wrong} the landmark of {city}?",
    "Why is the {wrong} in {city}?",
)
"""Questions that take something false for true."""
TRUE, BELIEVED, OTHER = "says the truth", "repeats the premise", "says something else"


@dataclass(frozen=True)
class Probe:
    """What a model makes of one question about every known city."""

    form: str
    answers: list[str]
    shares: dict[str, float]
    """Share of cities by kind of answer."""


def _ask(model: GPT, tokenizer: Tokenizer, form: str, prompts: Sequence[str], kind: Callable[[int, str], str]) -> Probe:
    answers = greedy_answers(model, tokenizer, list(prompts))
    kinds = [kind(i, answer) for i, answer in enumerate(answers)]
    return Probe(form, answers, {name: kinds.count(name) / len(kinds) for name in (TRUE, BELIEVED, OTHER)})


def ask_in_wordings(model: GPT, tokenizer: Tokenizer) -> list[Probe]:
    """Ask for the landmark of every known city in all wordings, greedily."""

    def kind(i: int, answer: str) -> str:
        return TRUE if names_phrase(w.LANDMARKS[KNOWN[i]], answer) else OTHER

    return [_ask(model, tokenizer, form, [form.format(city) for city in KNOWN], kind) for form in WORDINGS]


def ask_with_premises(model: GPT, tokenizer: Tokenizer, *, seed: int = 0) -> list[Probe]:
    """Ask about every known city with another city's landmark put in its mouth, greedily."""
    rng = random.Random(f"false premises {seed}")
    wrong = [w.LANDMARKS[rng.choice([other for other in KNOWN if other != city])] for city in KNOWN]

    def kind(i: int, answer: str) -> str:
        if names_phrase(w.LANDMARKS[KNOWN[i]], answer):
            return TRUE
        return BELIEVED if names_phrase(wrong[i], answer) else OTHER

    asked = [[form.format(city=city, wrong=said) for city, said in zip(KNOWN, wrong, strict=True)] for form in PREMISES]
    return [_ask(model, tokenizer, form, prompts, kind) for form, prompts in zip(PREMISES, asked, strict=True)]
