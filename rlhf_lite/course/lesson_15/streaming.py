"""An answer that appears while it is written, token by token."""

from collections.abc import Iterator

import torch

from ...generate import draw, next_token_probs
from ...gpt import GPT, eval_mode
from ...tokenizer import Tokenizer

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""What the first bytes of a letter look like before the last ones are there."""


def stream_answer(
    model: GPT,
    tokenizer: Tokenizer,
    prompt_ids: list[int],
    *,
    temperature: float = 1.0,
    max_new_tokens: int = 40,
    generator: torch.Generator | None = None,
) -> Iterator[str]:
    """Yield the answer so far after every token, until the model's end token or max_new_tokens.

    The same random numbers give what `generate` gives. Half a letter is held back until it is whole.
    """
    ids = list(prompt_ids)
    uniforms = torch.rand(1, max_new_tokens, generator=generator)
    for step in range(max_new_tokens):
        with torch.no_grad(), eval_mode(model):
            logits = model(torch.tensor([ids]))[:, -1]  # (1, V)
        token = int(draw(next_token_probs(logits, temperature), uniforms[:, step]))
        if token == tokenizer.end_id:
            return
        ids.append(token)
        yield tokenizer.decode(ids[len(prompt_ids) :]).rstrip(UNFINISHED).strip()
