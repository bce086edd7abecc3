"""Sample from a GPT: many prompts of different lengths at once, each token read only once."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .attention import for_changing_shapes
from .data import lengths_to_mask, pad_left, pad_right
from .gpt import GPT
from .kernels.packed_weights import packed_weights

NOT_DRAWN = -1
"""In the place of a token: none was drawn."""


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
    first_log_probs: Tensor
    """(B,) nats, what the sampler itself gave to each answer's first token: to compare with a teacher-forced pass."""

    @property
    def response_mask(self) -> Tensor:
        """(B, T) bool: True = a sampled token, the end token included."""
        n = self.tokens.shape[1]
        return lengths_to_mask(self.lengths, n) & ~lengths_to_mask(self.prompt_lengths, n)

    def responses(self) -> list[list[int]]:
        """Return the sampled ids of each answer, the end token included."""
        ends = zip(self.tokens.tolist(), self.prompt_lengths.tolist(), self.lengths.tolist(), strict=True)
        return [row[start:end] for row, start, end in ends]


def next_token_probs(logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Tensor:
    """Turn logits into the distribution to sample from: (B, V) -> (B, V).

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

    Prompts are padded on the left; finished rows leave the batch, so that nothing is computed for them. Random numbers, one
    a token, come from the generator, or are given: `uniforms` (B, max_new_tokens) in [0, 1).

    Raises: ValueError for an empty prompt, or where prompt and answer do not fit into the model's context.
    """
    _check_prompts(model, prompts, max_new_tokens)
    device = next(model.parameters()).device
    tokens, real = (each.to(device) for each in pad_left(prompts, pad_id))
    uniforms = (torch.rand(len(prompts), max_new_tokens, generator=generator) if uniforms is None else uniforms).to(device)
    n_read, caches = tokens.shape[1], model.new_caches()
    is_padded, real = not real.all(), F.pad(real, (0, max_new_tokens), value=True)  # (B, S): answers hold no padding
    answers, first_log_probs = tokens.new_full((len(prompts), max_new_tokens), NOT_DRAWN), uniforms.new_empty(len(prompts))
    rows = torch.arange(len(prompts), device=device)  # which prompt each row of the batch belongs to
    new, was_training = tokens, model.training
    model.eval()
    with _as_sampling_needs(model, device, len(prompts)):
        for step in range(max_new_tokens):
            model.anyone(True)  # needs this pass; see _keep_in_step
            hidden = model.hidden(new, padding_mask=real[:, : n_read + step] if is_padded else None, caches=caches)
            probs = next_token_probs(model.head(hidden[:, -1]), temperature, top_k, top_p)
            drawn = draw(probs, uniforms[rows, step])
            if step == 0:
                first_log_probs.copy_(probs.gather(1, drawn[:, None]).squeeze(1).log())
            answers[rows, step] = drawn
            if (drawn == end_id).any():
                kept, gaps, fillers = _close_ranks(drawn != end_id)
                rows, drawn, real = rows[kept], drawn[kept], real[kept]
                for cache in caches:
                    cache.keep_rows(len(kept), gaps, fillers)
            if not len(rows):
                break
            new = drawn[:, None]
        _keep_in_step(model, max_new_tokens - step - 1)
    model.train(was_training)
    return _collect(prompts, answers, first_log_probs, end_id, pad_id)


@contextmanager
def _as_sampling_needs(model: GPT, device: torch.device, rows: int) -> Iterator[None]:
    """Keep no gradients, and prepare nothing for single shapes: each token finds others."""
    # inference mode, which keeps the fewest accounts, can neither gather weights from other processes (FSDP2) nor use
    # autocast's copies of them again: there it would convert every weight at every token
    has_bare_weights = model.anyone is bool and not torch.is_autocast_enabled(device.type)
    without_gradients = torch.inference_mode() if has_bare_weights else torch.no_grad()
    uncompiled = torch.compiler.set_stance("force_eager") if model.compiled else nullcontext()
    with uncompiled, without_gradients, for_changing_shapes(device), packed_weights(model, rows):
        yield


def _close_ranks(going_on: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Say which rows go on: those at the first places stay there, but for gaps, which others from the end fill.

    Shapes: going_on (B,) bool -> kept (n,), the row that goes to each place; gaps (N,), places; fillers (N,), rows.
    """
    n = int(going_on.sum())
    gaps, fillers = (~going_on[:n]).nonzero().squeeze(1), going_on[n:].nonzero().squeeze(1) + n
    kept = torch.arange(n, device=going_on.device)
    kept[gaps] = fillers
    return kept, gaps, fillers


def _keep_in_step(model: GPT, most: int) -> None:
    # processes that share the weights gather a block together: one that is done goes on with an idle row until all are
    idle = torch.zeros(1, 1, dtype=torch.long, device=next(model.parameters()).device)
    for _ in range(most):
        if not model.anyone(False):
            break
        model.hidden(idle)


def _check_prompts(model: GPT, prompts: list[list[int]], max_new_tokens: int) -> None:
    if not prompts or not all(prompts):
        raise ValueError("generate needs at least one prompt, and at least one token in each")
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens is {max_new_tokens}, expected at least 1")
    longest, room = max(map(len, prompts)), model.config.context_length
    if longest + max_new_tokens > room:
        raise ValueError(
            f"a prompt of {longest} tokens and {max_new_tokens} new ones do not fit into context_length {room}: "
            f"shorten the prompt to {max(0, room - max_new_tokens)} tokens or lower max_new_tokens"
        )


def _collect(
    prompts: list[list[int]], answers: Tensor, first_log_probs: Tensor, end_id: int, pad_id: int
) -> Generation:
    """Put each prompt and its answer (B, max_new_tokens), NOT_DRAWN after its last token, next to each other."""
    n_drawn, device = (answers != NOT_DRAWN).sum(1), answers.device
    drawn = [answer[:n] for answer, n in zip(answers.tolist(), n_drawn.tolist(), strict=True)]
    tokens, lengths = pad_right([p + a for p, a in zip(prompts, drawn, strict=True)], pad_id)
    return Generation(
        tokens=tokens.to(device),
        prompt_lengths=torch.tensor([len(p) for p in prompts], device=device),
        lengths=lengths.to(device),
        finished=answers.gather(1, n_drawn[:, None] - 1).squeeze(1) == end_id,
        first_log_probs=first_log_probs,
    )
