"""The parallel corpus: what is in it, which word translates which, and how it is split.

Proves: the articles' example stands first, word for word; seeds decide everything; links point at the right words, and
many of them cross; the two sides of a split share no sentence in either language; vocabulary and batches by hand.
"""

from itertools import pairwise

import pytest

from rlhf_lite.tinyworld.translation import (
    ANIMALS,
    ARTICLE_EXAMPLE,
    NAMES,
    PEOPLE,
    ROOMS,
    SentencePair,
    WordVocabulary,
    phrase,
    sentence_pairs,
    split_pairs,
    translation_batch,
)


@pytest.fixture(scope="module")
def pairs():
    return sentence_pairs(seed=0, count=3000)


def words_of(pair):
    english, chinese = pair.english.split(), pair.chinese.split()
    return english, chinese, [(chinese[i], english[j]) for i, j in pair.alignment]


def test_the_example_of_the_articles_comes_first(pairs):
    assert (pairs[0].english, pairs[0].chinese) == ("Tom chase Jerry", "汤姆 追逐 杰瑞")
    assert words_of(pairs[0])[2] == [("汤姆", "Tom"), ("追逐", "chase"), ("杰瑞", "Jerry")]
    assert sentence_pairs(seed=5, count=1) == [ARTICLE_EXAMPLE]
    with pytest.raises(ValueError, match="count is 0, expected at least 1"):
        sentence_pairs(seed=0, count=0)


def test_a_pattern_by_hand():
    place = phrase("in the {room}", "在/in {room}", {"room": phrase("park", "公园/park")})
    assert place.links == {(0, 0), (1, 2)}
    parts = {"a": phrase("Tom", "汤姆/Tom"), "b": phrase("Jerry", "杰瑞/Jerry"), "place": place}
    whole = phrase("{a} chases {b} {place}", "{a} {place} 追逐/chases {b}", parts)
    assert whole.english == ("Tom", "chases", "Jerry", "in", "the", "park")
    assert whole.chinese == ("汤姆", "在", "公园", "追逐", "杰瑞")
    assert whole.links == {(0, 0), (1, 3), (2, 5), (3, 1), (4, 2)}


def test_seeds_decide_everything(pairs):
    assert sentence_pairs(seed=0, count=3000) == pairs
    assert sentence_pairs(seed=0, count=100) == pairs[:100]
    other = sentence_pairs(seed=1, count=3000)
    assert len({pair.english for pair in other} & {pair.english for pair in pairs}) < 600
    chinese = {pair.english: pair.chinese for pair in pairs}
    assert all(chinese.get(pair.english, pair.chinese) == pair.chinese for pair in other)  # one translation a sentence


def test_sentences_differ_and_have_3_to_12_words(pairs):
    assert len({pair.english for pair in pairs}) == 3000
    lengths = {len(pair.english.split()) for pair in pairs}
    assert lengths == set(range(3, 13))
    assert all(3 <= len(pair.chinese.split()) <= 12 for pair in pairs)
    assert all(pair.english == " ".join(pair.english.split()) for pair in pairs)
    assert not any("{" in pair.english + pair.chinese or "/" in pair.english + pair.chinese for pair in pairs)


def test_english_articles_fit(pairs):
    for pair in pairs:
        words = pair.english.split()
        for article, word in pairwise(words):
            assert article not in ("a", "an") or (article == "an") == (word[0] in "aeiou"), pair


def test_links_join_words_that_translate_each_other(pairs):
    known = NAMES | PEOPLE | ANIMALS | ROOMS | {"yesterday": "昨天", "Monday": "星期一", "will": "会", "red": "红", "than": "比"}
    seen = set()
    for pair in pairs:
        english, chinese, links = words_of(pair)
        assert list(pair.alignment) == sorted(set(pair.alignment))
        for target, source in links:
            seen.add(source)
            assert source not in known or target == known[source] or (source, target) == ("will", "吗"), pair
        for word in known.keys() & set(english):
            assert chinese.count(known[word]) >= english.count(word), pair
    assert known.keys() <= seen


def test_only_words_without_a_partner_have_no_link(pairs):
    alone = {"english": set(), "chinese": set()}
    for pair in pairs:
        english, chinese, _ = words_of(pair)
        alone["english"] |= {english[j] for j in range(len(english)) if j not in {link[1] for link in pair.alignment}}
        alone["chinese"] |= {chinese[i] for i in range(len(chinese)) if i not in {link[0] for link in pair.alignment}}
    assert alone["english"] <= {"the", "is", "to", "does", "did"}
    assert alone["chinese"] == {"的"}


def test_alignments_are_no_plain_diagonal(pairs):
    straight = [pair for pair in pairs if [j for _, j in pair.alignment] == sorted(j for _, j in pair.alignment)]
    assert len(straight) < 0.2 * len(pairs)


def test_time_and_place_stand_before_the_verb(pairs):
    n_checked = 0
    for pair in pairs:
        words = pair.chinese.split()
        if "了" in words:
            early = [words.index(word) for word in ("昨天", "上周", "在") if word in words]
            assert all(position < words.index("了") - 1 for position in early), pair
            n_checked += bool(early)
    assert n_checked > 200


def test_both_sides_of_a_split_share_no_sentence(pairs):
    double = SentencePair("Tom chases Jerry", ARTICLE_EXAMPLE.chinese, ARTICLE_EXAMPLE.alignment)
    for seed in range(8):  # the double is held out with the example, or not at all
        train, held_out = split_pairs([*pairs[:20], double], held_out=10, seed=seed)
        assert not {pair.chinese for pair in train} & {pair.chinese for pair in held_out}
        assert not {pair.english for pair in train} & {pair.english for pair in held_out}
        assert len(train) + len(held_out) == 21
        assert len({pair.chinese for pair in held_out}) == 10
    assert split_pairs(pairs, 100, seed=0) == split_pairs(pairs, 100, seed=0)
    assert split_pairs(pairs, 100, seed=0) != split_pairs(pairs, 100, seed=1)


@pytest.mark.parametrize("held_out", [0, 3])
def test_a_split_needs_pairs_on_both_sides(pairs, held_out):
    with pytest.raises(ValueError, match=f"held_out is {held_out}, expected between 1 and 2"):
        split_pairs(pairs[:3], held_out, seed=0)


def test_training_teaches_every_word(pairs):
    train, held_out = split_pairs(pairs, 300, seed=0)
    for language in ("english", "chinese"):
        vocabulary = WordVocabulary(getattr(pair, language) for pair in train)
        assert len(vocabulary) < 200
        assert all(vocabulary.unknown_id not in vocabulary.encode(getattr(pair, language)) for pair in held_out)


def test_vocabulary_by_hand():
    vocabulary = WordVocabulary(["b a", "c b", "b c"])
    assert vocabulary.words == ["<pad>", "<start>", "<end>", "<unknown>", "b", "c", "a"]  # the commonest first, then a to z
    assert len(vocabulary) == 7
    assert vocabulary.encode("a b x c") == [6, 4, 3, 5]
    assert vocabulary.decode([1, 6, 4, 3, 5, 2, 0]) == "a b <unknown> c"


def test_batch_by_hand():
    pairs = [SentencePair("a b", "x", ()), SentencePair("c", "y x", ())]
    batch = translation_batch(pairs, WordVocabulary(["a b c"]), WordVocabulary(["x y"]))
    assert batch.source.tolist() == [[4, 5], [6, 0]]
    assert batch.source_mask.tolist() == [[True, True], [True, False]]
    assert batch.target.tolist() == [[1, 4, 2, 0], [1, 5, 4, 2]]
    assert batch.target_mask.tolist() == [[False, True, True, False], [False, True, True, True]]
