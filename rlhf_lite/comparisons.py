"""Answers for labelers to rank: of several models at several temperatures, to other prompts, and written by people."""

import random
from collections.abc import Sequence
from typing import Any

from .engine import Engine
from .evaluate import sample
from .gpt import GPT
from .presets import World
from .tokenizer import Tokenizer


def draw_answers(
    sources: Sequence[tuple[GPT, float]], prompts: list[list[int]], off_topic: int, *, seed: int, max_new_tokens: int,
    end_id: int, pad_id: int, engine: Engine,
) -> list[list[list[int]]]:  # fmt: skip
    """Let every (model, temperature) answer every prompt, and add `off_topic` answers that were given to other prompts.

    Returns: for each prompt, its different answers as token ids, in the order of the sources.
    """
    answers: list[dict[tuple[int, ...], None]] = [{} for _ in prompts]
    for k, (model, temperature) in enumerate(sources):
        with engine.unsharded(model):
            drawn = sample(model, prompts, seed=f"{seed} source {k}", temperature=temperature, max_new_tokens=max_new_tokens,
                           end_id=end_id, pad_id=pad_id, engine=engine)  # fmt: skip
        for kept, ids in zip(answers, drawn, strict=True):
            kept[tuple(ids)] = None
    firsts = [next(iter(kept)) for kept in answers]  # of the first source: the last source's would be the base model's
    for i, kept in enumerate(answers):
        kept.update(dict.fromkeys(firsts[(i + 1 + k) % len(answers)] for k in range(off_topic)))
    return [[list(ids) for ids in kept] for kept in answers]


def ranked_rows(world: World, tokenizer: Tokenizer, prompts: list[str], answers: list[list[list[int]]]) -> list[dict[str, Any]]:
    """Let labelers rank; return rows with prompt, token ids of the sequences, and ranks. Ids are never re-tokenised."""
    ranks = world.rank(prompts, [[tokenizer.decode_response(ids) for ids in kept] for kept in answers])
    return [
        {"prompt": prompt, "ids": [tokenizer.encode_prompt(prompt) + ids for ids in kept], "ranks": rank}
        for prompt, kept, rank in zip(prompts, answers, ranks, strict=True)
        if len(set(rank)) > 1
    ]


def written_rows(world: World, tokenizer: Tokenizer, count: int, longest: int) -> list[list[dict[str, Any]]]:
    """Let people write `count` prompts, each with a good answer and one with a mistake; who made it knows which is which.

    Returns: by term, rows as of `ranked_rows`; an answer of more than `longest` tokens is left out, and its rival with it.
    """
    terms = []
    for pairs in world.written_pairs(count) if count else []:
        examples = [[tokenizer.encode_example(prompt, text) for text in texts] for prompt, *texts in pairs]
        fitting = [max(len(ids) - n_prompt for ids, n_prompt in both) <= longest for both in examples]
        terms.append([
            {"prompt": pair[0], "ids": [ids for ids, _ in both], "ranks": [0, 1]}
            for pair, both, fits in zip(pairs, examples, fitting, strict=True) if fits
        ])  # fmt: skip
    return terms


def in_order(written: list[list[dict[str, Any]]], sampled: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Put term after term; the last one is shuffled together with the rankings of models' answers."""
    if not written:
        return sampled
    *first, last = written
    mixed = random.Random(f"mixed rankings {seed}").sample(last + sampled, len(last) + len(sampled))
    return [row for term in first for row in term] + mixed
