"""What is read with care says what is wrong; a checksum shows any change of what it names.

That text appears whole or not at all is proven in test_checkpoint, that whole runs survive damage in test_corruption.
"""

import pytest
import torch

from rlhf_lite.files import load_tensors, read_json, save_tensors, tensors_checksum

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3), "c": torch.tensor([True, False])}


def test_json_of_the_right_form_is_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"x": 1.5, "y": 2}')
    assert read_json(path, dict, "delete it", of=(int, float)) == {"x": 1.5, "y": 2}


@pytest.mark.parametrize("content, told", [
    (b"{", "is damaged"), (b"\xff\xfe", "is damaged"), (b"[" * 100_000, "is damaged"), (b"[1]", "holds a list, expected a dict"),
    (b'{"x": "y"}', "holds other things than expected"),
])  # fmt: skip
def test_other_json_is_named(tmp_path, content, told):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"a.json {told}.*: delete it"):
        read_json(path, dict, "delete it", of=int)


def test_nothing_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no .*a.json: make it"):
        read_json(tmp_path / "a.json", dict, "make it")
    with pytest.raises(ValueError, match="is a folder, expected a file: delete it"):
        read_json(tmp_path, dict, "delete it")


def test_a_checksum_shows_every_change():
    first = torch.arange(6.0).view(2, 3)
    near = first.clone()
    near[1, 2] = torch.nextafter(near[1, 2], torch.tensor(9.0))  # one bit
    changes = [{"a": near}, {"a": first.view(3, 2)}, {"a": first.int()}, {"d": first}, {"b": torch.tensor(4)}]
    sums = [tensors_checksum(TENSORS | change, "about") for change in changes] + [tensors_checksum(TENSORS, "About")]
    assert len({tensors_checksum(TENSORS, "about"), *sums}) == 7
    assert tensors_checksum(dict(reversed(TENSORS.items())), "about") == tensors_checksum(TENSORS, "about")


def test_one_changed_bit_of_a_weight_is_found(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"w": torch.arange(4.0)}, {"a": 1})
    assert load_tensors(path)[1] == {"a": 1}
    content = bytearray(path.read_bytes())
    content[-3] ^= 16
    path.write_bytes(content)
    with pytest.raises(ValueError, match="its checksum is another"):
        load_tensors(path)
