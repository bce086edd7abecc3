"""A reader's own score function on texts, in the place of a reward model: called, and what it returns checked."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

import torch
from torch import Tensor

from ..rollout import ScoreFunction
from ..tokenizer import Tokenizer

LARGEST_SCORE = 1e16
"""The value loss squares a score, and adds up (ours)."""


class ScoreFunctionError(Exception):
    """A reader's score function raised an error, which is this one's cause."""


def text_score(
    score_fn: Callable[[list, list[str]], Any], tokenizer: Tokenizer, prompts: Mapping[tuple[int, ...], Any]
) -> ScoreFunction:
    """Turn the reader's own `score_fn(prompts, responses)` into a score function on tokens.

    `prompts` are, by their token ids, the prompts as they were given: texts, or lists of messages.

    Raises: ScoreFunctionError where it raises, ValueError where it returns something else than a number per response.
    """

    def score(tokens: Tensor, response_mask: Tensor) -> Tensor:
        """Return scores (B,)."""
        asked, responses = [], []
        for ids, mask in zip(tokens.tolist(), response_mask.tolist(), strict=True):
            asked.append(prompts[tuple(ids[: mask.index(True)])])
            responses.append(tokenizer.decode_response([token for token, keep in zip(ids, mask, strict=True) if keep]))
        try:
            found = score_fn(asked, responses)
            found = list(found) if isinstance(found, Iterator) else found  # a generator raises here
        except Exception as error:
            raise ScoreFunctionError(f"score_fn raised {type(error).__name__}: {error}") from error
        return torch.tensor(_numbers(found, len(tokens)), device=tokens.device)

    return score


def _numbers(found: Any, n: int) -> list[float]:
    """Check what a score function returned: one finite number for each of `n` responses."""
    what = f"score_fn returned {type(found).__name__}"
    if hasattr(found, "tolist"):  # arrays and tensors, (N,) or (N, 1)
        shape = tuple(found.shape)
        if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
            raise ValueError(f"{what} of shape {shape}, expected ({n},): one number per response")
        found = found.reshape(-1).tolist() if len(shape) == 2 else found.tolist()
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping | Set):
        raise ValueError(f"{what}, expected a list, tuple, array, tensor or generator of {n} numbers, one per response")
    found = list(found)
    if len(found) != n:
        raise ValueError(f"score_fn returned {len(found)} scores for {n} responses: return one each")
    for place, value in enumerate(found, 1):
        if isinstance(value, str) or not hasattr(value, "__float__") or getattr(value, "ndim", 0):
            raise ValueError(f"score_fn returned {type(value).__name__} for response {place} of {n}, expected a number")
        try:
            number = float(value)
        except OverflowError:  # an int of hundreds of digits
            number = math.inf
        if not abs(number) <= LARGEST_SCORE:
            raise ValueError(f"score_fn returned {number} for response {place} of {n}, expected a finite number, at most "
                             f"{LARGEST_SCORE:.0e} from 0: float32 must hold its square")  # fmt: skip
    return [float(value) for value in found]
