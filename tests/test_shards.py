"""States of sharded runs come back as they were; what was cut off does not count, and what is damaged is named.

That several processes write and another number of them reads is proven in test_processes.
"""

import pytest
import torch

from rlhf_lite.engine import Engine
from rlhf_lite.shards import ABOUT, forget_shards, load_shards, newest_shards, save_shards

TENSORS = {"model/policy/a.weight": torch.arange(6.0).view(2, 3), "generator/x": torch.arange(9, dtype=torch.uint8)}


def empty(name, shape, dtype):
    return torch.zeros(shape, dtype=dtype)


def test_round_trip_keeps_the_newest_alone(tmp_path):
    for step in (3, 12):
        save_shards(tmp_path, {name: tensor + step for name, tensor in TENSORS.items()}, step, Engine())
    step, path = newest_shards(tmp_path)
    assert step == 12 and [each.name for each in tmp_path.iterdir()] == ["shards-12"]
    found = load_shards(path, empty)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], tensor + 12) for name, tensor in TENSORS.items())
    forget_shards(tmp_path)
    assert newest_shards(tmp_path) is None


def test_a_state_that_was_cut_off_does_not_count(tmp_path):
    save_shards(tmp_path, TENSORS, 3, Engine())
    (tmp_path / "shards-8").mkdir()  # killed before its last file
    assert newest_shards(tmp_path)[0] == 3


@pytest.mark.parametrize("damage", ["truncated", "foreign", "gone"])
def test_a_damaged_file_is_named_and_others_are_left(tmp_path, damage):
    save_shards(tmp_path, TENSORS, 3, Engine())
    (tmp_path / "log.jsonl").write_text("{}\n")
    _, path = newest_shards(tmp_path)
    (file,) = path.glob("*.safetensors")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:40] if damage == "truncated" else b"PK\x03\x04 a pickle, perhaps")
    with pytest.raises(ValueError, match=r"shards-3 is not a whole checkpoint .*delete that folder"):
        load_shards(path, empty)
    assert (path / ABOUT).exists() and (tmp_path / "log.jsonl").exists()
