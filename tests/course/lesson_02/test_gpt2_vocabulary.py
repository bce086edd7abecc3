"""GPT-2's vocabulary: files of its form become an encoder with the same ids; a machine without them gives None."""

import json

import huggingface_hub.constants
import pytest

from rlhf_lite.bpe import BYTE_ORDER, CHAR_TO_BYTE, BytePairEncoder
from rlhf_lite.course.lesson_02 import gpt2_vocabulary
from rlhf_lite.course.lesson_02.gpt2_vocabulary import encoder_of, gpt2_folder
from rlhf_lite.hf import load_gpt2_tokenizer

TEXTS = ["the cat sat at the mat. The hat!", "汤姆追逐杰瑞。 It's 12 o'clock"]
CHAR_OF = {byte: char for char, byte in CHAR_TO_BYTE.items()}


@pytest.fixture
def folder(tmp_path):
    """A small vocabulary in the two files that GPT-2 has: vocab.json and merges.txt."""
    encoder = BytePairEncoder.train(TEXTS, 300)

    def written(piece):
        return "".join(CHAR_OF[byte] for byte in piece)

    vocabulary = {written(piece): i for i, piece in enumerate(encoder.pieces)} | {"<|endoftext|>": encoder.vocab_size}
    lines = [f"{written(encoder.pieces[a])} {written(encoder.pieces[b])}" for a, b in encoder.merges]
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_files_of_gpt2s_form_give_an_encoder_with_the_same_ids(folder):
    tokenizer = load_gpt2_tokenizer(folder)
    encoder = encoder_of(tokenizer)
    assert encoder.merges == BytePairEncoder.train(TEXTS, 300).merges and len(encoder.merges) > 30
    for text in (*TEXTS, "another cat, 另一个 😀\n\n"):
        assert encoder.encode(text) == tokenizer.encode(text)
    assert encoder.pieces[:256] == [bytes([byte]) for byte in BYTE_ORDER]


def test_the_cache_is_looked_up_without_a_network(folder, monkeypatch):
    monkeypatch.setattr(gpt2_vocabulary, "try_to_load_from_cache", lambda name, file: None)
    assert gpt2_folder() is None
    there = {("gpt2", "merges.txt"): str(folder / "merges.txt")}
    monkeypatch.setattr(gpt2_vocabulary, "try_to_load_from_cache", lambda *asked: there.get(asked))
    assert gpt2_folder() == folder


def test_an_empty_cache_has_no_gpt2(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert gpt2_folder() is None
