"""Measurements are rounded throughout, read in order, and where there are none it is said how they are made."""

import json

import pytest

from rlhf_lite.studies.stored import read_measured, rounded


def test_numbers_are_rounded_wherever_they_are():
    assert rounded({"a": [0.123456, {"b": 2 / 3}], "n": 7, "is": True, "none": None, "text": "0.123456"}) == {
        "a": [0.1235, {"b": 0.6667}], "n": 7, "is": True, "none": None, "text": "0.123456",
    }  # fmt: skip
    assert rounded(0.123456, digits=2) == 0.12


def test_files_are_read_in_order_and_their_absence_is_explained(tmp_path):
    for seed in (1, 0):
        (tmp_path / f"seed-{seed}.json").write_text(json.dumps({"seed": seed}))
    (tmp_path / "x-seed-5.json").write_text(json.dumps({"seed": 5}))
    assert read_measured(tmp_path, "measure") == [{"seed": 0}, {"seed": 1}]
    assert read_measured(tmp_path, "measure", "x-*.json") == [{"seed": 5}]
    with pytest.raises(FileNotFoundError, match=r"no y-\*\.json in .*: measure it first"):
        read_measured(tmp_path, "measure it first", "y-*.json")
