"""Sample from a GPT: many prompts of different lengths at once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .data import pad_right, response_mask_from
from .gpt import GPT, eval_mode
from .kernels.active_rows import ActiveRows, sampling

NO_TOKEN = -1
"""Stands after an answer's last token."""


@dataclass(frozen=True)
class Generation:
    """Prompts with their sampled answers."""

    tokens: Tensor
    """(B, T) prompt, answer, then padding on the right."""
    prompt_lengths: Tensor
    """(B,) number of prompt tokens."""
    lengths: Tensor
    """(B,) number of prompt and answer tokens."""
    finished: Tensor
    """(B,) bool: the answer ended with the end token, not by the length limit."""

    @property
    def response_mask(self) -> Tensor:
        """(B, T) bool: True = a sampled token, the end token included."""
        return response_mask_from(self.prompt_lengths, self.lengths, self.tokens.shape[1])

    def responses(self) -> list[list[int]]:
        """Return the sampled ids of each answer, the end token included."""
        ends = zip(self.tokens.tolist(), self.prompt_lengths.tolist(), self.lengths.tolist(), strict=True)
        return [row[start:end] for row, start, end in ends]


def next_token_probs(logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Tensor:
    """Return the distribution to sample from: (B, V) -> (B, V).

    temperature 0 puts everything on the most likely token; top_k keeps the k most likely; top_p keeps the smallest
    set of most likely tokens whose probabilities sum to at least top_p.
    """
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}, expected 0 (greedy) or more")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is {top_k}, expected at least 1, or None to keep all tokens")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}, expected 0 < top_p <= 1, or None to keep all tokens")
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    logits = logits.float() / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], float("-inf"))
    probs = logits.softmax(-1)
    if top_p is not None and top_p < 1:  # at 1 nothing is cut, but rounding of the sum would cut a little
        ordered, indices = probs.sort(-1, descending=True)
        kept = ordered.masked_fill(ordered.cumsum(-1) - ordered >= top_p, 0.0)
        probs = torch.zeros_like(probs).scatter(-1, indices, kept)
        probs = probs / probs.sum(-1, keepdim=True)
    return probs


def draw(probs: Tensor, uniform: Tensor) -> Tensor:
    """Pick the token at which the cumulative probability passes `uniform`: (B, V), (B,) in [0, 1) -> (B,).

    A row's draw depends on its own random number only, not on which other rows are still sampled beside it.
    """
    cumulative = probs.cumsum(-1)
    target = uniform[:, None] * cumulative[:, -1:]  # rounding: the last sum may not be exactly 1
    return torch.searchsorted(cumulative, target, right=True).squeeze(-1).clamp(max=probs.shape[-1] - 1)


def generate(
    model: GPT,
    prompts: list[list[int]],
    *,
    max_new_tokens: int,
    end_id: int,
    pad_id: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    uniforms: Tensor | None = None,
) -> Generation:
    """Sample an answer to each prompt, up to and with its end token or max_new_tokens.

    Random numbers, one per token, come from the generator or are given: `uniforms` (B, max_new_tokens) in [0, 1).

    Raises: ValueError for an empty prompt, or where prompt and answer do not fit into the model's context.
    """
    _check_prompts(model, prompts, max_new_tokens)
    uniforms = torch.rand(len(prompts), max_new_tokens, generator=generator) if uniforms is None else uniforms
    uniforms = uniforms.to(next(model.parameters()).device)
    answers = torch.full_like(uniforms, NO_TOKEN, dtype=torch.long)
    with eval_mode(model), sampling(model, len(prompts)):
        rows = ActiveRows(model, prompts, pad_id, max_new_tokens)
        for step in range(max_new_tokens):
            probs = next_token_probs(rows.next_logits(), temperature, top_k, top_p)  # (rows, V)
            drawn = draw(probs, uniforms[rows.index, step])
            answers[rows.index, step] = drawn
            rows.append(drawn, is_last=drawn == end_id)
            if len(rows) == 0:
                break
    return _collect(prompts, answers, end_id, pad_id)


def _check_prompts(model: GPT, prompts: list[list[int]], max_new_tokens: int) -> None:
    if not prompts or not all(prompts):
        raise ValueError("generate needs at least one prompt, and at least one token in each")
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens is {max_new_tokens}, expected at least 1")
    longest, context = max(map(len, prompts)), model.config.context_length
    if longest + max_new_tokens > context:
        raise ValueError(
            f"a prompt of {longest} tokens and {max_new_tokens} new ones do not fit into context_length {context}: "
            f"shorten the prompt to {max(0, context - max_new_tokens)} tokens or lower max_new_tokens"
        )


def _collect(prompts: list[list[int]], answers: Tensor, end_id: int, pad_id: int) -> Generation:
    """Put each prompt and its answer (B, max_new_tokens), NO_TOKEN after its last token, next to each other."""
    n_drawn, device = (answers != NO_TOKEN).sum(1), answers.device
    drawn = [answer[:n] for answer, n in zip(answers.tolist(), n_drawn.tolist(), strict=True)]
    tokens, lengths = pad_right([p + a for p, a in zip(prompts, drawn, strict=True)], pad_id)
    return Generation(
        tokens=tokens.to(device),
        prompt_lengths=torch.tensor([len(p) for p in prompts], device=device),
        lengths=lengths.to(device),
        finished=answers.gather(1, n_drawn[:, None] - 1).squeeze(1) == end_id,
    )
