"""Byte-level BPE by hand.

Proves: training, ties and encoding equal Hugging Face `tokenizers` merge for merge, id for id; any text comes back from
its tokens; a merge worked out on paper; the shown work ends in the tokens that `encode` gives.
"""

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer as HFTokenizer
from tokenizers import models, pre_tokenizers, trainers

from rlhf_lite.bpe import BYTE_ORDER, CHAR_TO_BYTE, BytePairEncoder, readable, split_words
from rlhf_lite.tokenizer import Tokenizer

SHAKESPEARE = Path(__file__).parents[2] / "shared" / "real" / "tinyshakespeare.txt"

TEXTS = {
    "english": "It's the cat that sat. They're here; we'll see that the cats don't sit!  Numbers: 1, 22, 333.\n\n" * 3,
    "chinese": "人工智能正在改变世界。世界也在改变人工智能。机器学习是人工智能的一部分。\n学而时习之,不亦说乎?",
    "mixed": "naïve café 😀😀👩‍👩‍👧 Привет, привет! مرحبا 한국어 日本語\t\ttabs\r\nand  spaces   \n",
    "every pair once": "abcdefghijklmnopqrstuvwxyz",
    "all ties": "zy xw zy xw ba dc ba dc",
    "overlaps": "aaaa aaaaa aaa abababa bababab aabbaabb",
    "empty": "",
}


def hf_encoder(texts, vocab_size):
    reference = HFTokenizer(models.BPE())
    reference.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    reference.train_from_iterator(texts, trainer)
    return reference


def hf_merges(reference):
    ids = reference.get_vocab()
    return [(ids[left], ids[right]) for left, right in json.loads(reference.to_str())["model"]["merges"]]


def assert_equal_to_hf(texts, vocab_size, other_text):
    ours, reference = BytePairEncoder.train(texts, vocab_size), hf_encoder(texts, vocab_size)
    assert list(ours.merges) == hf_merges(reference)
    assert ours.vocab_size == reference.get_vocab_size()
    for text in (*texts, other_text):
        assert ours.encode(text) == reference.encode(text).ids


@pytest.mark.parametrize("vocab_size", [256, 257, 270, 1000])
@pytest.mark.parametrize("name", TEXTS)
def test_equals_hf_on_small_texts(name, vocab_size):
    assert_equal_to_hf([TEXTS[name]], vocab_size, other_text=" ".join(TEXTS.values()))


def test_equals_hf_on_several_texts_at_once():
    assert_equal_to_hf(list(TEXTS.values()), 400, other_text="another text, 另一个")


def test_equals_hf_on_random_texts_full_of_ties():
    rng = random.Random(0)
    for _ in range(60):
        letters = rng.choice(["ab ", "abc ", "abcdefgh ", "中文a ", "aé 😀", "ab \n'st1,"])
        text, other_text = ("".join(rng.choices(letters, k=150)) for _ in range(2))
        assert_equal_to_hf([text], 256 + rng.choice([3, 10, 40, 400]), other_text)


def test_equals_hf_on_shakespeare():
    if not SHAKESPEARE.exists():
        pytest.skip(f"no {SHAKESPEARE.name} in ../shared/real: the small texts stand in for it")
    text = SHAKESPEARE.read_text(encoding="utf-8")
    assert_equal_to_hf([text[:200_000]], 1024, other_text=text[200_000:250_000])


def test_fast_tokenizer_gives_the_same_tokens_two_ids_higher():
    texts = list(TEXTS.values())
    ours, fast = BytePairEncoder.train(texts, 350), Tokenizer.train(texts, 352)
    for text in texts:
        assert [i + 2 for i in ours.encode(text)] == fast.encode(text)


def test_merges_worked_out_on_paper():
    # Words: "ab" 2, " ab" 2, " abc" 1. Pairs: a+b 5, space+a 3, b+c 1. First merge a+b = 256, then space+256 (3 times),
    # then 257+c (once). 'a', 'b', 'c' are 64, 65, 66 in GPT-2's order ('!' is 0), the space is 220.
    encoder = BytePairEncoder.train(["ab ab abc", "ab ab"], 259)
    assert list(encoder.merges.items()) == [((64, 65), 256), ((220, 256), 257), ((257, 66), 258)]
    assert encoder.pieces[256:] == [b"ab", b" ab", b" abc"]
    assert encoder.encode("abc ab") == [256, 66, 257]


def test_ties_go_to_the_smaller_ids():
    # x+w, z+y: 2 each. x is smaller than z although z+y comes first in the text.
    assert BytePairEncoder.train("zy,xw,zy,xw", 257).pieces[256] == b"xw"
    # a+c and a+b: 1 each. Same first id, so the smaller second id.
    assert BytePairEncoder.train("ac,ab", 257).pieces[256] == b"ab"


def test_any_text_comes_back():
    encoder = BytePairEncoder.train(TEXTS["english"], 300)
    for text in [*TEXTS.values(), "".join(map(chr, range(0x3000))), "\U0010ffff\x00\ufeff"]:
        assert encoder.decode(encoder.encode(text)) == text


def test_bytes_that_are_no_text_become_replacement_marks():
    encoder = BytePairEncoder()
    for i, byte in enumerate(BYTE_ORDER):
        assert encoder.decode([i]) == (chr(byte) if byte < 128 else "\ufffd")
    assert encoder.decode(encoder.encode("中")[:2] + encoder.encode("a")) == "\ufffda"


def test_byte_table_is_gpt2s():
    assert sorted(BYTE_ORDER) == list(range(256))
    assert set(CHAR_TO_BYTE) == set(pre_tokenizers.ByteLevel.alphabet())
    assert [CHAR_TO_BYTE[char] for char in "!aĠĊ"] == [ord("!"), ord("a"), ord(" "), ord("\n")]


def test_words_are_cut_by_gpt2s_rule():
    assert split_words("I'm here,  ok") == ["I", "'m", " here", ",", " ", " ok"]
    assert split_words("x\n\n y 12ab") == ["x", "\n\n", " y", " 12", "ab"]
    for text in TEXTS.values():
        assert "".join(split_words(text)) == text


def test_shown_work_is_the_work():
    encoder = BytePairEncoder.train(TEXTS["english"], 320)
    work = encoder.encode_and_show_work("that cat")
    assert [i for word in work for i in word.ids] == encoder.encode("that cat")
    for word in work:
        assert [len(stage) for stage in word.stages] == list(range(len(word.stages[0]), len(word.ids) - 1, -1))
        assert all("".join(stage) == "".join(word.stages[0]) for stage in word.stages)
        assert word.stages[-1] == [readable(encoder.pieces[i]) for i in word.ids]


def test_shown_work_prints_a_line_a_step():
    encoder = BytePairEncoder.train(["ab ab abc", "ab ab"], 259)
    printed = "\n".join(str(word) for word in encoder.encode_and_show_work("abd ab"))
    assert printed == " bytes | a b d\n   256 | ab d\n bytes | · a b\n   256 | · ab\n   257 | ·ab"


def test_readable_pieces_show_every_byte():
    assert readable(b" the") == "·the"
    assert readable(b"\n") == "\\n"
    assert readable("中".encode()) == "中"
    assert readable("中".encode()[:2]) == "<E4><B8>"


def test_messages():
    with pytest.raises(ValueError, match="vocab_size is 255, but the 256 bytes are always in"):
        BytePairEncoder.train("text", 255)
    for outside in (-1, 256):
        with pytest.raises(ValueError, match=f"token id {outside} is outside the 256 ids"):
            BytePairEncoder().decode([outside])
