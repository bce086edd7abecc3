"""Wrong orders: they lose no text, differ from the learnt order, and do what their names say."""

import pytest

from rlhf_lite.bpe import BytePairEncoder
from rlhf_lite.course.lesson_02.wrong_tokenizers import leftmost_merge, longest_match


def encoder_with(*pairs):
    """An encoder whose merges are named by bytes, in the order in which they were learnt."""
    ids, merges = {piece: i for i, piece in enumerate(BytePairEncoder().pieces)}, []
    for left, right in pairs:
        merges.append((ids[left], ids[right]))
        ids[left + right] = len(ids)
    return BytePairEncoder(merges)


def pieces(encoder, ids):
    return [encoder.pieces[i] for i in ids]


def test_the_leftmost_pair_wins_over_the_one_learnt_first():
    encoder = encoder_with((b"b", b"c"), (b"a", b"b"))
    assert pieces(encoder, encoder.encode("abc")) == [b"a", b"bc"]
    assert pieces(encoder, leftmost_merge(encoder, "abc")) == [b"ab", b"c"]


def test_the_longest_token_wins_over_the_one_learnt_first():
    encoder = encoder_with((b"b", b"c"), (b"a", b"b"), (b"c", b"d"), (b"ab", b"cd"))
    assert pieces(encoder, encoder.encode("abcd")) == [b"a", b"bc", b"d"]
    assert pieces(encoder, longest_match(encoder, "abcd")) == [b"abcd"]


@pytest.mark.parametrize("cut", [longest_match, leftmost_merge])
def test_the_text_comes_back_whatever_the_order(cut):
    encoder = BytePairEncoder.train(["the cat sat at the mat. The hat!"], 290)
    for text in ("the mat sat", "汤姆 😀 that", "", "  two\n lines "):
        assert encoder.decode(cut(encoder, text)) == text


def test_after_a_merge_the_leftmost_pair_is_looked_for_anew():
    encoder = encoder_with((b"a", b"b"), (b"x", b"ab"))
    assert pieces(encoder, leftmost_merge(encoder, "xab")) == [b"xab"]
