"""Raw submissions: the truth about each is the truth.

Proves: the seed decides; kinds of repeats are what they are called; what is called private holds what no harmless prompt
holds; no two users share a subject; programs send one use case and people all; about one in twenty-five is Chinese.
"""

import random
import re
from collections import defaultdict

import pytest

from rlhf_lite.course.lesson_08.submissions import (
    HARMLESS_WAYS,
    PRIVATE_WAYS,
    PROGRAMS,
    edit,
    receive,
    subjects,
)


@pytest.fixture(scope="module")
def received():
    return receive("test", 2000)


def test_the_seed_decides():
    first, again, other = receive(1, 200), receive(1, 200), receive(2, 200)
    assert first == again != other


def test_repeats_are_what_they_are_called(received):
    texts, asked, of_user = set(), set(), defaultdict(set)
    for one in received:
        kind = "same text" if one.prompt in texts else "" if one.asks not in asked else None
        assert one.repeat == kind if kind is not None else one.repeat in ("small edit", "other words")
        if one.repeat == "small edit":
            assert one.edited and one.asks in of_user[one.user], "an edit is of a prompt of the same user"
        texts.add(one.prompt)
        asked.add(one.asks)
        of_user[one.user].add(one.asks)
    assert {one.repeat for one in received} == {"", "same text", "small edit", "other words"}


def test_an_edit_changes_little():
    rng = random.Random(0)
    edits = {edit("Write about Ben and a lovely kite.", rng) for _ in range(50)}
    assert edits == {
        "Write about Ben and a lovely kite. Thanks.", "Write about Ben and a lovely kite. Please.",
        "Please: Write about Ben and a lovely kite.", "write about ben and a lovely kite.", "Write about Ben and a loely kite.",
    }  # fmt: skip


def test_private_rows_hold_something_private_and_others_do_not(received):
    private = re.compile(r"Call me at|My number is|Phone \(|@\w|Send it to|我的电话|微信号", re.IGNORECASE)
    for one in received:
        assert bool(private.search(one.prompt)) == one.private, one.prompt
    assert not set(PRIVATE_WAYS) & set(HARMLESS_WAYS)


def test_programs_send_one_use_case_and_people_many(received):
    of_user = defaultdict(list)
    for one in received:
        of_user[one.user].append(one.use_case)
    for program, (use_case, times) in PROGRAMS.items():
        assert of_user[program] == [use_case] * times
    assert len({case for user, cases in of_user.items() if user not in PROGRAMS for case in cases}) == 10


def test_subjects_offer_three_requests_about_the_same(received):
    assert all(len({request.need for request in some} | {request.prompt for request in some}) >= 3 for some in subjects())
    assert all(len({request.use_case for request in some}) == 1 for some in subjects())


def test_few_are_chinese(received):
    chinese = [one for one in received if one.chinese]
    assert 0.02 < len(chinese) / len(received) < 0.06
    assert all(bool(re.search("[\u4e00-\u9fff]", one.prompt)) == one.chinese for one in received)
