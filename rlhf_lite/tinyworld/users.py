"""The stream of prompts as it comes in: users, duplicates, personal data; and its cleaning, as InstructGPT's."""

import random
import re
from dataclasses import dataclass, replace

from ..real_data.splits import cap_per_user, deduplicate_by_prefix, split_by_user
from . import words as w
from .prompts import USE_CASE_SHARES, Request, draw_requests

N_USERS = 400
"""Customers of the playground (ours)."""
PROMPTS_PER_USER_CAP = 200
"""Most prompts kept of one user (paper: InstructGPT, section 3.2)."""
PREFIX_CHARACTERS = 60
"""Prompts that agree this far from the start are duplicates (ours; the paper says "long common prefix")."""
DUPLICATE_SHARE = 0.06
PERSONAL_DATA_SHARE = 0.02
SPLITS = {"sft": 0.3, "reward": 0.3, "ppo": 0.4}
"""Share of the training users whose prompts serve each stage (ours)."""

_PERSONAL = re.compile(r"\b\d{3}-\d{4}\b|\b[\w.]+@[\w.]+\b")


@dataclass(frozen=True)
class CleaningReport:
    """How many prompts each step of the cleaning left out."""

    incoming: int
    personal: int
    duplicates: int
    over_cap: int
    kept: int


def _made_up_personal_data(request: Request, rng: random.Random) -> Request:
    name = rng.choice(w.NAMES)
    extra = rng.choice(
        (f" Call me at {rng.randint(200, 999)}-{rng.randint(1000, 9999)}.", f" Write to {name.lower()}@example.org.")
    )
    return replace(request, prompt=request.prompt + extra)


def incoming_requests(seed: int, count: int) -> list[Request]:
    """Draw training prompts with user ids; a few users write very many, some prompts come twice or with personal data."""
    rng = random.Random(f"users {seed}")
    users = [f"user-{i:03d}" for i in range(N_USERS)]
    activity = [1 / (1 + i) ** 0.6 for i in range(N_USERS)]  # few write much, many little
    stream: list[Request] = []
    for request in draw_requests(f"incoming {seed}", count):
        request = replace(request, user=rng.choices(users, activity)[0])
        kind = rng.random()
        if stream and kind < DUPLICATE_SHARE:
            earlier = rng.choice(stream)
            request = replace(earlier, prompt=earlier.prompt + rng.choice(("", " Thanks.", " Please.")))
        elif kind < DUPLICATE_SHARE + PERSONAL_DATA_SHARE:
            request = _made_up_personal_data(request, rng)
        stream.append(request)
    return stream


def clean_requests(requests: list[Request]) -> tuple[list[Request], CleaningReport]:
    """Leave out personal data, duplicates, and what is over the cap of one user."""
    public = [r for r in requests if not _PERSONAL.search(r.prompt)]
    single = [public[i] for i in deduplicate_by_prefix([r.prompt for r in public], PREFIX_CHARACTERS)]
    capped = [single[i] for i in cap_per_user([r.user for r in single], PROMPTS_PER_USER_CAP)]
    report = CleaningReport(
        incoming=len(requests), personal=len(requests) - len(public), duplicates=len(public) - len(single),
        over_cap=len(single) - len(capped), kept=len(capped),
    )  # fmt: skip
    return capped, report


def training_requests(seed: int, count: int) -> tuple[dict[str, list[Request]], CleaningReport]:
    """Draw, clean and split by user: stage -> its prompts. Every labeler-made and customer prompt goes through here."""
    requests, report = clean_requests(incoming_requests(seed, count))
    rows = split_by_user([r.user for r in requests], SPLITS, seed)
    return {stage: [requests[i] for i in indices] for stage, indices in rows.items()}, report


def labelers_requests(seed: int, stage: str, count: int) -> list[Request]:
    """Draw prompts that labelers wrote for a stage: of every use case as many, since they are asked to think of all of them."""
    use_cases = list(USE_CASE_SHARES)
    requests = draw_requests(f"labelers {stage} {seed}", count, use_cases=use_cases)
    return [replace(request, user="labelers") for request in requests]


def with_labelers(requests: list[Request], seed: int, stage: str, share: float) -> list[Request]:
    """Put prompts written by labelers in the place of some of the users', and shuffle; as many as before."""
    count = round(share * len(requests))
    mixed = requests[: len(requests) - count] + labelers_requests(seed, stage, count)
    random.Random(f"mixed {stage} {seed}").shuffle(mixed)
    return mixed
