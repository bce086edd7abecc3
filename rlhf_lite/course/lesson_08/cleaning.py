"""Clean submissions and grade it: near copies by the share of words in common, recall for each kind of repeat."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from ...real_data.splits import cap_per_user, deduplicate_by_prefix
from ...tinyworld.users import PREFIX_CHARACTERS, PROMPTS_PER_USER_CAP
from .exercises_cleaning import has_personal_data, overlaps
from .submissions import Submission

NEAR = 0.9
"""Prompts with at least this overlap are near copies (ours)."""
Pieces = Callable[[str], Iterable[str]]


def words_of(text: str) -> set[str]:
    """Return the words of a text in lower case. Example: "A cat, a dog." -> {"a", "cat", "dog"}."""
    return set(re.findall(r"[\w']+", text.lower()))


def characters_of(text: str) -> set[str]:
    """Return letters, digits and signs that are parts of words. Example: "A cat." -> {"a", "c", "t"}."""
    return set(re.findall(r"\w", text.lower()))


def presence(texts: Sequence[str], pieces_of: Pieces = words_of, vocabulary: dict[str, int] | None = None) -> Tensor:
    """Return a row per text: 1 where it has a piece of the vocabulary, 0 elsewhere; without one, all pieces of the texts.

    Shapes: (texts, pieces).
    """
    pieces = [pieces_of(text) for text in texts]
    if vocabulary is None:
        vocabulary = {piece: i for i, piece in enumerate(sorted({piece for each in pieces for piece in each}))}
    rows = torch.zeros(len(texts), len(vocabulary))
    for row, each in zip(rows, pieces, strict=True):
        row[[vocabulary[piece] for piece in each if piece in vocabulary]] = 1
    return rows


def overlap_with_earlier(texts: Sequence[str], pieces_of: Pieces = words_of) -> Tensor:
    """Return for each text its largest overlap with a text before it; 0 for the first. Shapes: (texts,)."""
    return overlaps(presence(texts, pieces_of)).tril(-1).amax(1)


def near_copies(texts: Sequence[str], threshold: float = NEAR, pieces_of: Pieces = words_of) -> set[int]:
    """Return the places of texts whose overlap with a text before them is at least `threshold`."""
    return set((overlap_with_earlier(texts, pieces_of) >= threshold).nonzero().flatten().tolist())


def shared_prefix(texts: Sequence[str], characters: int = PREFIX_CHARACTERS) -> set[int]:
    """Return the places that the library's `deduplicate_by_prefix` leaves out."""
    return set(range(len(texts))) - set(deduplicate_by_prefix(texts, characters))


def recall_by_kind(found: set[int], submissions: Sequence[Submission]) -> dict[str, float]:
    """Return for each kind of repeat the share of the submissions of that kind that was found."""
    there = Counter(one.repeat for one in submissions if one.repeat)
    hit = Counter(submissions[i].repeat for i in found)
    return {kind: hit[kind] / count for kind, count in sorted(there.items())}


def keep_under_cap(submissions: Sequence[Submission], cap: int) -> list[Submission]:
    """Return the submissions that the library's `cap_per_user` keeps."""
    return [submissions[i] for i in cap_per_user([one.user for one in submissions], cap)]


def clean(submissions: Sequence[Submission], cap: int = PROMPTS_PER_USER_CAP) -> list[Submission]:
    """Leave out personal data, then copies and near copies, then what is over the cap of a user."""
    public = [one for one in submissions if not has_personal_data(one.prompt)]
    single = [public[i] for i in deduplicate_by_prefix([one.prompt for one in public], PREFIX_CHARACTERS)]
    near = near_copies([one.prompt for one in single])
    return keep_under_cap([one for i, one in enumerate(single) if i not in near], cap)
