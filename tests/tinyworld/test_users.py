"""Prompts come from users with their habits, and are cleaned as InstructGPT's were.

Proves: use cases come in InstructGPT's shares; duplicates, personal data and a few very active users are really there, and
after cleaning really gone; every step is counted; no user serves two stages; the seed decides everything.
"""

import re
from collections import Counter

import pytest

from rlhf_lite.tinyworld import users
from rlhf_lite.tinyworld.prompts import USE_CASE_SHARES, is_held_out

PERSONAL = re.compile(r"\d{3}-\d{4}|@")


@pytest.fixture(scope="module")
def incoming():
    return users.incoming_requests(seed=0, count=12_000)


@pytest.fixture(scope="module")
def cleaned(incoming):
    return users.clean_requests(incoming)


def test_use_cases_come_in_instructgpts_shares(incoming):
    count = Counter(request.use_case for request in incoming)
    assert sum(USE_CASE_SHARES.values()) == pytest.approx(99.9)  # the paper's own rounding
    for use_case, percent in USE_CASE_SHARES.items():
        assert abs(100 * count[use_case] / len(incoming) - percent) < 2, use_case


def test_there_is_something_to_clean(incoming):
    personal = sum(bool(PERSONAL.search(request.prompt)) for request in incoming)
    assert 0.01 < personal / len(incoming) < 0.04
    assert len({request.prompt for request in incoming}) < 0.95 * len(incoming)
    activity = Counter(request.user for request in incoming)
    assert max(activity.values()) > users.PROMPTS_PER_USER_CAP
    assert len(activity) > 300


def test_what_is_kept_is_clean(cleaned):
    requests, _ = cleaned
    prompts = [request.prompt for request in requests]
    assert not [prompt for prompt in prompts if PERSONAL.search(prompt)]
    assert len({prompt[: users.PREFIX_CHARACTERS] for prompt in prompts}) == len(prompts)
    assert max(Counter(request.user for request in requests).values()) == users.PROMPTS_PER_USER_CAP


def test_every_step_is_counted(incoming, cleaned):
    requests, report = cleaned
    assert report.incoming == len(incoming) and report.kept == len(requests)
    assert report.incoming - report.personal - report.duplicates - report.over_cap == report.kept
    assert min(report.personal, report.duplicates, report.over_cap) > 0


def test_cleaning_leaves_out_exactly_these():
    prompts = ["Hello.", "Hello.", "Call me at 555-1234.", "Write to a.b@example.org.", "Room 12-3456?", "Bye."]
    stream = [users.replace(users.draw_requests(0, 1)[0], prompt=prompt, user="user-001") for prompt in prompts]
    kept, report = users.clean_requests(stream)
    assert [request.prompt for request in kept] == ["Hello.", "Room 12-3456?", "Bye."]
    assert (report.personal, report.duplicates, report.over_cap) == (2, 1, 0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_user_and_no_prompt_serves_two_stages(seed):
    stages, report = users.training_requests(seed, 3000)
    assert set(stages) == {"sft", "reward", "ppo"} and sum(map(len, stages.values())) == report.kept
    for a in stages:
        for b in stages:
            if a < b:
                assert not {r.user for r in stages[a]} & {r.user for r in stages[b]}
                assert not {r.prompt for r in stages[a]} & {r.prompt for r in stages[b]}
    assert all(0.15 * report.kept < len(rows) < 0.55 * report.kept for rows in stages.values())


def test_the_seed_decides_the_stream():
    assert users.incoming_requests(5, 200) == users.incoming_requests(5, 200)
    assert users.incoming_requests(5, 200) != users.incoming_requests(6, 200)


def test_labelers_write_their_share_of_the_prompts_of_every_use_case():
    requests = users.training_requests(0, 4000)[0]["sft"]
    mixed = users.with_labelers(requests, 0, "sft", 0.5)
    written = [request for request in mixed if request.user == "labelers"]
    assert len(mixed) == len(requests) and len(written) == round(len(requests) / 2)
    count = Counter(request.use_case for request in written)
    assert set(count) == set(USE_CASE_SHARES) and max(count.values()) - min(count.values()) <= 1
    assert not any(is_held_out(request.use_case, request.combination) for request in written)
    assert mixed == users.with_labelers(requests, 0, "sft", 0.5) and users.with_labelers(requests, 0, "sft", 0.0) != mixed
