"""Decide which rows are used, and for what: drop near copies, cap each user, split by user, name the result.

InstructGPT's prompts came from users of an API, and a user tends to send many prompts made from one template. Near
copies on both sides of a split, or one user on both, make a validation score look better than it is.

Each function works on plain lists and returns positions in them, so that it serves rows of every kind.

Source: InstructGPT (Ouyang et al. 2022), section 3.2: de-duplicated by long common prefixes, at most 200 prompts per
user, and no user of the training set in the validation and test sets.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence


def deduplicate_by_prefix(prompts: Sequence[str], prefix_characters: int) -> list[int]:
    """Keep the first of all prompts that share their first `prefix_characters` characters.

    A shorter prompt goes only if another is equal to it. With 4 characters, `["Sum up A", "Sum up B", "Sum", "Sum"]`
    keeps `[0, 2]`.

    Returns: the positions to keep, in order.
    Raises: ValueError if `prefix_characters` is below 1.
    Source: InstructGPT, section 3.2, which gives no length.
    """
    if prefix_characters < 1:
        raise ValueError(f"expected prefix_characters >= 1, got {prefix_characters}")
    first_seen: dict[str, int] = {}
    for position, prompt in enumerate(prompts):
        first_seen.setdefault(prompt[:prefix_characters], position)
    return list(first_seen.values())


def cap_per_user(user_ids: Sequence[str], limit: int = 200) -> list[int]:
    """Keep the first `limit` rows of each user: with limit 1, `["ann", "bob", "ann"]` keeps `[0, 1]`.

    Returns: the positions to keep, in order.
    Raises: ValueError if `limit` is below 1.
    Source: InstructGPT, section 3.2: 200 prompts per user.
    """
    if limit < 1:
        raise ValueError(f"expected limit >= 1, got {limit}")
    kept, seen = [], Counter()
    for position, user_id in enumerate(user_ids):
        seen[user_id] += 1
        if seen[user_id] <= limit:
            kept.append(position)
    return kept


def split_by_user(user_ids: Sequence[str], fractions: dict[str, float], seed: int) -> dict[str, list[int]]:
    """Deal rows out to splits so that all rows of a user land in the same one.

    The split of a user is a hash of seed and id, so it never depends on the other users: new data moves nobody. The
    price is that the fractions, such as `{"train": 0.9, "validation": 0.1}`, are met only on average, and over users,
    not rows: with few users a split may stay empty.

    Returns: for each name of `fractions`, the positions of its rows, in order.
    Raises: ValueError if a fraction is negative or they do not sum to 1.
    Source: InstructGPT, section 3.2: splits by user id.
    """
    if any(share < 0 for share in fractions.values()) or not math.isclose(sum(fractions.values()), 1, abs_tol=1e-6):
        raise ValueError(f"expected fractions of at least 0 that sum to 1, got {fractions}")
    split_of = {user_id: _split_of(user_id, fractions, seed) for user_id in set(user_ids)}
    rows: dict[str, list[int]] = {name: [] for name in fractions}
    for position, user_id in enumerate(user_ids):
        rows[split_of[user_id]].append(position)
    return rows


def _split_of(user_id: str, fractions: dict[str, float], seed: int) -> str:
    digest = hashlib.sha256(json.dumps([seed, user_id]).encode()).digest()
    place = int.from_bytes(digest[:6], "big") / 2**48  # in [0, 1), exact in a float
    upper = 0.0
    for name, share in fractions.items():
        upper += share
        if place < upper:
            return name
    return max(fractions, key=fractions.get)  # the shares summed to a hair less than 1
