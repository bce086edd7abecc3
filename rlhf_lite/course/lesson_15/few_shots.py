"""What examples in the prompt are worth to a model: the same page with three solved exercises, and with none."""

import random
from collections.abc import Sequence

from ...evaluate import sample
from ...gpt import GPT
from ...tinyworld import words as w
from ...tinyworld.evaluation import MAX_NEW_TOKENS, few_shot_prompt
from ...tinyworld.judge import judge
from ...tinyworld.prompts import draw_requests
from ...tinyworld.school_tasks import as_page
from ...tokenizer import Tokenizer


def go_on(model: GPT, tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """Go on with every text by the likeliest tokens; return the first line of each."""
    ids = [tokenizer.encode(text) for text in texts]
    drawn = sample(
        model, ids, seed=0, temperature=0.0, max_new_tokens=MAX_NEW_TOKENS, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id
    )
    return [tokenizer.decode_response(answer).split("\n")[0].strip() for answer in drawn]


def few_shot_gold(model: GPT, tokenizer: Tokenizer, *, seed: int | str, count: int) -> dict[str, float]:
    """Mean gold on held-out requests, asked on a school book's page with three solved examples, with none, and as a user asks."""
    requests, rng = draw_requests(f"few shots {seed}", count, held_out=True), random.Random(f"few shots {seed}")
    room = model.config.context_length - MAX_NEW_TOKENS
    few = [few_shot_prompt(request, tokenizer, room, rng) for request in requests]
    zero = [as_page([(request.prompt, "")]).rstrip() for request in requests]
    asked = [f"User: {request.prompt}\nAssistant:" for request in requests]
    return {
        name: sum(judge(r, answer).gold for r, answer in zip(requests, go_on(model, tokenizer, texts), strict=True)) / count
        for name, texts in {"three examples": few, "none": zero, "as a user": asked}.items()
    }


def pattern_pages(seed: int | str, count: int, examples: int) -> list[tuple[str, str]]:
    """Draw pages whose pattern only the examples tell, each name twice, and the word that must follow.

    Example: with 2 examples ("Copy: Eva Eva. Ben Ben. Tom", "Tom").
    """
    rng, pages = random.Random(f"patterns {seed} {examples}"), []
    for _ in range(count):
        *shown, last = rng.sample(w.NAMES, examples + 1)
        pages.append((" ".join(["Copy:", *(f"{name} {name}." for name in shown), last]), last))
    return pages


def pattern_share(model: GPT, tokenizer: Tokenizer, *, seed: int | str, count: int, examples: int) -> float:
    """Share of pages of which the pattern is gone on with."""
    pages = pattern_pages(seed, count, examples)
    answers = go_on(model, tokenizer, [text for text, _ in pages])
    return sum(answer.startswith(name) for answer, (_, name) in zip(answers, pages, strict=True)) / count
