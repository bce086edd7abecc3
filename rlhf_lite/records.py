"""The rows that stages train on, from a labeler's words to padded batches: demonstrations, comparisons, prompts.

Fine-tuning reads prompt and response in a row; the reward model reads several responses to one prompt, with their ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .data import pad_right, response_mask_from
from .tokenizer import Tokenizer


@dataclass(frozen=True)
class Demonstration:
    """A prompt and the response a labeler wrote to it."""

    prompt: str | list[dict]
    """text, or chat messages `{"role": ..., "content": ...}` that end with the user's"""
    response: str


@dataclass(frozen=True)
class Comparison:
    """K responses to one prompt, ranked by a labeler."""

    prompt: str | list[dict]
    responses: tuple[str, ...]
    """K texts, K >= 2"""
    ranks: tuple[int, ...]
    """K numbers, 0 = best, equal = a tie"""

    @property
    def best(self) -> str:
        """The response that was ranked first; of several, the one that stands first."""
        return self.responses[self.ranks.index(0)]


@dataclass(frozen=True)
class Prompt:
    """A prompt without a response, to sample from."""

    prompt: str | list[dict]


@dataclass(frozen=True)
class Example:
    """One tokenised demonstration."""

    ids: list[int]
    """prompt, response, end token"""
    prompt_length: int
    """how many of `ids` belong to the prompt"""

    @property
    def n_learned(self) -> int:
        """Number of tokens that are predicted and learnt: the response's, but never the first token of the text."""
        return len(self.ids) - max(1, self.prompt_length)


class PrimerTerm(NamedTuple):
    """One term of a primer as texts; see `pretrain.Term`."""

    documents: list[str]
    questions: list[list[tuple[str, str]]]
    """By kind: beginnings of texts, and the word that must come next."""
    share: float
    most_steps: int


@dataclass(frozen=True)
class EncodedComparison:
    """One tokenised comparison: K responses to one prompt."""

    ids: tuple[list[int], ...]
    """K lists: prompt, response, end token"""
    ranks: tuple[int, ...]
    """K numbers, 0 = best, equal = a tie"""


@dataclass(frozen=True)
class ExampleBatch:
    """Demonstrations, padded on the right."""

    tokens: Tensor
    """(B, T) long"""
    response_mask: Tensor
    """(B, T) bool, True = a token of the response, end token included"""


@dataclass(frozen=True)
class RankedBatch:
    """All responses to all prompts of a batch, one after the other; K may differ from prompt to prompt."""

    tokens: Tensor
    """(N, T) long, padded on the right"""
    lengths: Tensor
    """(N,) long, real tokens of each row"""
    prompt_index: Tensor
    """(N,) long, which prompt of the batch the row answers: 0, 0, 0, 1, 1, ..."""
    ranks: Tensor
    """(N,) long, rank among the responses to the same prompt, 0 = best"""


def _keep_short(encoded: list, sizes: list[int], limit: int, what: str) -> tuple[list, int]:
    """Drop what is too long, never cut it: the end token would be lost and the model would not learn to stop."""
    kept = [item for item, size in zip(encoded, sizes, strict=True) if size <= limit]
    if not kept:
        shortest = f"; the shortest has {min(sizes)}" if sizes else ""
        raise ValueError(f"none of the {len(sizes)} {what} fits in {limit} tokens{shortest}")
    return kept, len(encoded) - len(kept)


def encode_demonstrations(
    demonstrations: Sequence[Demonstration], tokenizer: Tokenizer, context_length: int
) -> tuple[list[Example], int]:
    """Tokenise demonstrations and drop those longer than the context.

    Returns: the examples, and how many were dropped.
    Raises: ValueError if none is left.
    """
    encoded = [Example(*tokenizer.encode_example(each.prompt, each.response)) for each in demonstrations]
    return _keep_short(encoded, [len(each.ids) for each in encoded], context_length, "demonstrations")


def collate_examples(examples: Sequence[Example], pad_id: int) -> ExampleBatch:
    """Stack examples of one batch and mark their responses."""
    tokens, lengths = pad_right([each.ids for each in examples], pad_id)
    prompt_lengths = torch.tensor([each.prompt_length for each in examples])
    return ExampleBatch(tokens, response_mask_from(prompt_lengths, lengths, tokens.shape[1]))


def encode_comparisons(
    comparisons: Sequence[Comparison], tokenizer: Tokenizer, context_length: int
) -> tuple[list[EncodedComparison], int]:
    """Tokenise comparisons and drop those of which a response does not fit in the context.

    The whole comparison goes: keeping the short responses alone would compare other answers than the labeler did.

    Returns: the comparisons, and how many were dropped.
    Raises: ValueError if none is left.
    """
    encoded = [
        EncodedComparison(
            ids=tuple(tokenizer.encode_example(each.prompt, response)[0] for response in each.responses),
            ranks=each.ranks,
        )
        for each in comparisons
    ]
    return _keep_short(encoded, [max(map(len, each.ids)) for each in encoded], context_length, "comparisons")


def collate_comparisons(comparisons: Sequence[EncodedComparison], pad_id: int) -> RankedBatch:
    """Stack all responses of all prompts of one batch.

    Comparisons of 3 and 2 responses give N = 5 rows with `prompt_index` `[0, 0, 0, 1, 1]`.
    """
    tokens, lengths = pad_right([ids for each in comparisons for ids in each.ids], pad_id)
    prompt_index = [index for index, each in enumerate(comparisons) for _ in each.ids]
    ranks = [rank for each in comparisons for rank in each.ranks]
    return RankedBatch(tokens, lengths, torch.tensor(prompt_index), torch.tensor(ranks))


def encode_prompts(
    prompts: Sequence[Prompt | str | list[dict]], tokenizer: Tokenizer, max_prompt_length: int
) -> tuple[list[list[int]], int]:
    """Tokenise prompts to sample from and drop those longer than `max_prompt_length`.

    Returns: a list of ids per prompt, not padded, and how many prompts were dropped.
    Raises: ValueError if none is left.
    """
    encoded = [tokenizer.encode_prompt(each.prompt if isinstance(each, Prompt) else each) for each in prompts]
    return _keep_short(encoded, [len(ids) for ids in encoded], max_prompt_length, "prompts")


def hold_out_end(text: str, held_out_share: float = 0.1) -> tuple[str, str]:
    """Cut off a text's end, which is not trained on: nine tenths and a tenth (nanoGPT's choice as well)."""
    border = round(len(text) * (1 - held_out_share))
    return text[:border], text[border:]
