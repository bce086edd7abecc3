"""Which rows are used, and for what.

Proves: near copies go and the first stays; each user keeps at most `limit` rows; no user is in two splits, and adding
other users moves nobody; fractions are met on average; a fingerprint changes with the items and with nothing else.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rlhf_lite.files import fingerprint
from rlhf_lite.real_data.splits import cap_per_user, deduplicate_by_prefix, split_by_user
from rlhf_lite.records import Demonstration

SHARES = {"train": 0.8, "validation": 0.15, "test": 0.05}


def test_deduplicate_by_hand():
    prompts = ["Sum up A", "Sum", "Sum up B", "Sum", "sum up A", "Su"]
    assert deduplicate_by_prefix(prompts, 4) == [0, 1, 4, 5]
    assert deduplicate_by_prefix(prompts, 8) == [0, 1, 2, 4, 5]
    assert deduplicate_by_prefix([], 4) == []
    with pytest.raises(ValueError, match="got 0"):
        deduplicate_by_prefix(prompts, 0)


def test_cap_by_hand():
    assert cap_per_user(["ann", "bob", "ann", "ann", "bob"], limit=2) == [0, 1, 2, 4]
    assert len(cap_per_user(["ann"] * 300)) == 200
    with pytest.raises(ValueError, match="got 0"):
        cap_per_user(["ann"], limit=0)


def test_every_row_once_and_no_user_twice():
    users = [f"user {number % 700}" for number in range(2000)]
    splits = split_by_user(users, SHARES, seed=0)
    assert list(splits) == list(SHARES)
    assert sorted(position for rows in splits.values() for position in rows) == list(range(2000))
    assert all(rows == sorted(rows) for rows in splits.values())
    owners = [{users[position] for position in rows} for rows in splits.values()]
    assert sum(map(len, owners)) == len(set(users))


def test_fractions_are_met_on_average_and_change_with_the_seed():
    users = [f"user {number}" for number in range(10_000)]
    splits = split_by_user(users, SHARES, seed=0)
    for name, share in SHARES.items():
        # a count of n draws has standard deviation sqrt(n p (1 - p)), at most 40 here: 5 of them
        assert abs(len(splits[name]) - 10_000 * share) < 200
    other = split_by_user(users, SHARES, seed=1)
    assert len(set(splits["test"]) & set(other["test"])) < 100  # 25 expected if unrelated, about 500 if the same


def test_new_users_move_nobody():
    users = [f"user {number}" for number in range(500)]
    before = split_by_user(users, SHARES, seed=0)
    after = split_by_user([*users, *(f"new {number}" for number in range(500))], SHARES, seed=0)
    assert all([row for row in after[name] if row < 500] == before[name] for name in SHARES)


def test_more_for_training_moves_users_only_into_training():
    users = [f"user {number}" for number in range(500)]
    before = split_by_user(users, {"train": 0.5, "validation": 0.5}, seed=0)
    after = split_by_user(users, {"train": 0.7, "validation": 0.3}, seed=0)
    assert set(before["train"]) < set(after["train"])


@pytest.mark.parametrize("fractions", [{"train": 0.9}, {"train": 1.1, "test": -0.1}, {}])
def test_fractions_that_make_no_whole(fractions):
    with pytest.raises(ValueError, match="sum to 1, got"):
        split_by_user(["ann"], fractions, seed=0)


def test_splits_and_fingerprints_are_the_same_in_another_process():
    """Python salts its own `hash` anew in every process."""
    code = (
        "import json; from rlhf_lite.real_data.splits import *; from rlhf_lite.files import fingerprint;"
        "users = [str(i) for i in range(99)];"
        "print(json.dumps([split_by_user(users, {'a': 0.5, 'b': 0.5}, 3), fingerprint(users)]))"
    )
    users = [str(number) for number in range(99)]
    here = [split_by_user(users, {"a": 0.5, "b": 0.5}, 3), fingerprint(users)]
    root = Path(__file__).resolve().parents[2]
    there = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(there.stdout) == here


def test_fingerprint():
    assert fingerprint([]) == "4f53cda18c2baa0c"  # sha256 of the two characters []
    assert len({fingerprint(items) for items in ([1], ["1"], [1, 2], [2, 1], [[1], 2], [12], ["1,2"])}) == 7
    assert fingerprint([{"a": 1, "b": (2,)}]) == fingerprint([{"b": [2], "a": 1}])
    assert fingerprint([Demonstration("p", "é")]) == fingerprint([{"prompt": "p", "response": "é"}])
    with pytest.raises(TypeError):
        fingerprint([object()])
