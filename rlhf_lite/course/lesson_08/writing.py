"""The three kinds of prompts that labelers write where no user has written any: simple, few-shot, user-based."""

import random

from ...tinyworld.prompts import Request, draw_requests
from ...tinyworld.users import labelers_requests

WISHES = {
    "I run a toy shop and want texts about my toys.": "generation",
    "My pupils ask for facts, and I want short answers.": "open_qa",
    "I plan parties and need ideas for presents.": "brainstorming",
    "I read many reviews and only want to know: good or bad?": "classification",
    "I want long reports told in one line.": "summarization",
}
"""What people wrote who asked to use the API (made up), and the use case that this means."""


def simple_prompts(seed: int, count: int) -> list[str]:
    """Labelers write any task they can think of, and take care to think of all kinds; as `tinyworld.users` draws them."""
    return [request.prompt for request in labelers_requests(seed, "lesson 08", count)]


def few_shot(instruction: str, examples: list[tuple[str, str]], query: str) -> str:
    """Write an instruction, pairs of query and answer, and a last query without its answer."""
    shown = [f"{asked} {answered}" for asked, answered in examples]
    return "\n".join([instruction, *shown, query])


def few_shot_prompt(seed: int, examples: int = 3) -> str:
    """Draw a few-shot prompt: the labeler writes the instruction once and several queries with answers."""
    drawn = draw_requests(f"few-shot {seed}", examples + 1, use_cases=["classification"])
    pairs = [(request.prompt.removeprefix("Is this good or bad? "), request.good) for request in drawn]
    return few_shot("Is this good or bad?", pairs[:-1], pairs[-1][0])


def user_based_prompts(seed: int) -> list[tuple[str, Request]]:
    """For each wish of a future user draw a prompt that this user might send."""
    drawn = draw_requests(f"user-based {seed}", len(WISHES), use_cases=list(WISHES.values()))
    return random.Random(f"user-based {seed}").sample(list(zip(WISHES, drawn, strict=True)), len(WISHES))
