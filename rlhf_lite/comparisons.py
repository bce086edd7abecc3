"""Answers for labelers to rank: of several models at several temperatures, to other prompts, and written by people."""

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


def add_written(
    answers: list[list[list[int]]], prompts: list[str], written: list[list[str]], tokenizer: Tokenizer, longest: int
) -> list[list[list[int]]]:
    """Add people's texts to the answers to each prompt, as token ids: those not there yet and of `longest` tokens at most."""
    added = []
    for kept, prompt, texts in zip(answers, prompts, written, strict=True):
        new = [ids[n_prompt:] for ids, n_prompt in (tokenizer.encode_example(prompt, text) for text in texts)]
        added.append(kept + [ids for ids in new if ids not in kept and len(ids) <= longest])
    return added


def ranked_rows(world: World, tokenizer: Tokenizer, prompts: list[str], answers: list[list[list[int]]]) -> list[dict[str, Any]]:
    """Let labelers rank; return rows with prompt, token ids of the sequences, and ranks. Ids are never re-tokenised."""
    ranks = world.rank(prompts, [[tokenizer.decode_response(ids) for ids in kept] for kept in answers])
    return [
        {"prompt": prompt, "ids": [tokenizer.encode_prompt(prompt) + ids for ids in kept], "ranks": rank}
        for prompt, kept, rank in zip(prompts, answers, ranks, strict=True)
        if len(set(rank)) > 1
    ]
