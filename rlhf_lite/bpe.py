"""Byte-level BPE by hand: how text becomes the numbers that a language model reads.

A model needs a fixed list of tokens. With one token per word the list has no end and new words have no number; with one
token per byte nothing is ever unknown, but texts get long. Byte-pair encoding starts at bytes and glues the pair of
neighbours that is most frequent into a new token, again and again. Frequent words end as one token, rare ones stay
a few pieces, and a word never seen is still its bytes.

`train` learns the merges, `encode` applies them, `encode_and_show_work` shows each step. The result equals, id for id,
that of Hugging Face `tokenizers` trained on the same text (the tests check it); `tokenizer` uses theirs because it is
faster. Its ids are 2 higher: there 0 and 1 are special tokens.

Source: Sennrich et al. 2016, "Neural machine translation of rare words with subword units", section 3.2, for merges;
Radford et al. 2019 (GPT-2), section 2.2, for bytes; the cut into words follows GPT-2's released code.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

# GPT-2's rule: text is cut into words first, and no token crosses a cut. A word takes the one space before it along, so
# that "the cat" is "the" and " cat". Without the rule, "cat.", "cat!" and "cat?" would each become a token.
WORD_PATTERN = regex.compile(
    r"'(?:s|t|re|ve|m|ll|d)"  # English endings: it's, don't, we're
    r"| ?\p{L}+"  # letters of any script
    r"| ?\p{N}+"  # digits
    r"| ?[^\s\p{L}\p{N}]+"  # signs
    r"|\s+(?!\S)"  # white space, but not the last of it when a word follows: that space belongs to the word
    r"|\s+"
)

# The 256 bytes in GPT-2's order. Its files write each byte as a letter: bytes that are a visible Latin-1 letter as that
# one, the other 68 as the letters from 256 on, so that a space is "Ġ". Ids 0-255 follow this order.
_VISIBLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_HIDDEN = [byte for byte in range(256) if byte not in _VISIBLE]
BYTE_ORDER = _VISIBLE + _HIDDEN
CHAR_TO_BYTE = {chr(byte): byte for byte in _VISIBLE} | {chr(256 + i): byte for i, byte in enumerate(_HIDDEN)}
_ID_OF_BYTE = {byte: i for i, byte in enumerate(BYTE_ORDER)}

Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Hold how one word became tokens; `print` it to see a line per step."""

    stages: list[list[str]]
    """the pieces of the word, readable: first its bytes, then after each merge, last its tokens"""
    new_ids: list[int]
    """the token that each merge made, one for each stage but the first; the smaller the id, the earlier learned"""
    ids: list[int]
    """the token ids of the last stage"""

    def __str__(self) -> str:
        """Write one line per stage: the merge that made it, and the pieces."""
        labels = ["bytes", *self.new_ids]
        return "\n".join(f"{label:>6} | {' '.join(pieces)}" for label, pieces in zip(labels, self.stages, strict=True))


class BytePairEncoder:
    """Encode and decode text with learned merges; make one with `BytePairEncoder.train`."""

    def __init__(self, merges: Iterable[Pair] = ()) -> None:
        """Build the vocabulary: the 256 bytes, then one token for each merge, in the order they were learned."""
        self.pieces = [bytes([byte]) for byte in BYTE_ORDER]
        """the bytes of each token id"""
        self.merges: dict[Pair, int] = {}
        """pair of ids -> id of the token they become; the smaller that id, the earlier it was learned"""
        for pair in merges:
            self._add_merge(pair)

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return len(self.pieces)

    @classmethod
    def train(cls, texts: str | Iterable[str], vocab_size: int) -> "BytePairEncoder":
        """Learn merges until there are vocab_size tokens, or no pair is left.

        Each round merges the most frequent pair of neighbours; of equally frequent pairs, the one with the smaller
        first id, then the smaller second id. That is the rule of `tokenizers`; with another only the ids differ.

        Raises: ValueError if `vocab_size` is below 256, the number of bytes.
        """
        if vocab_size < 256:
            raise ValueError(f"vocab_size is {vocab_size}, but the 256 bytes are always in: give 256 or more")
        encoder = cls()
        index = _PairIndex(Counter(word for text in _as_list(texts) for word in split_words(text)))
        while encoder.vocab_size < vocab_size and index.counts:
            pair = index.most_frequent()
            index.merge(pair, encoder._add_merge(pair))
        return encoder

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids: cut it into words, then apply the merges in each."""
        words = split_words(text)
        ids_of_word = {word: self._merge_word(word)[-1][1] for word in set(words)}  # each distinct word once
        return [i for word in words for i in ids_of_word[word]]

    def decode(self, ids: Sequence[int]) -> str:
        """Turn token ids into text; bytes that are no UTF-8 become U+FFFD, the mark �."""
        for i in ids:
            if not 0 <= i < self.vocab_size:
                raise ValueError(f"token id {i} is outside the {self.vocab_size} ids of this encoder")
        return b"".join(self.pieces[i] for i in ids).decode(errors="replace")

    def encode_and_show_work(self, text: str) -> list[Work]:
        """Encode text and keep every step, one `Work` for each word.

        Example: `print(*encoder.encode_and_show_work("cat"), sep="\\n")` may print

            bytes | c a t
              256 | c at
              290 | cat
        """
        return [self._show_word(self._merge_word(word)) for word in split_words(text)]

    def _add_merge(self, pair: Pair) -> int:
        """Append the token that a pair becomes and give its id."""
        self.merges[pair] = len(self.pieces)
        self.pieces.append(self.pieces[pair[0]] + self.pieces[pair[1]])
        return self.merges[pair]

    def _merge_word(self, word: str) -> list[tuple[int | None, list[int]]]:
        """Apply the merges to one word: always the one learned earliest, and of several places the leftmost.

        Earliest first, not longest first: it repeats what happened to this word in training.

        Returns: (id of the new token, ids after the merge) for each step; the first step is (None, the bytes).
        """
        ids = [_ID_OF_BYTE[byte] for byte in word.encode()]
        steps: list[tuple[int | None, list[int]]] = [(None, ids)]
        while len(ids) > 1:
            new_id, i = min((self.merges.get(pair, self.vocab_size), i) for i, pair in enumerate(pairwise(ids)))
            if new_id == self.vocab_size:  # no pair of this word was ever merged
                break
            ids = [*ids[:i], new_id, *ids[i + 2 :]]  # a new list: steps keeps the old one
            steps.append((new_id, ids))
        return steps

    def _show_word(self, steps: list[tuple[int | None, list[int]]]) -> Work:
        """Make the steps of one word readable."""
        return Work(
            stages=[[readable(self.pieces[i]) for i in ids] for _, ids in steps],
            new_ids=[new_id for new_id, _ in steps if new_id is not None],
            ids=steps[-1][1],
        )


class _PairIndex:
    """Hold the words of a corpus, how often each pair of neighbours occurs, and in which words.

    Two things make the difference between seconds and hours: each distinct word is held once, with its count (a
    megabyte of Shakespeare has 297,833 words, 15,057 distinct), and a merge touches only the words with the pair.
    """

    def __init__(self, word_counts: Counter[str]) -> None:
        """Count the pairs of all words, as bytes."""
        self.words = [[_ID_OF_BYTE[byte] for byte in word.encode()] for word in word_counts]
        self.word_counts = list(word_counts.values())
        self.counts: Counter[Pair] = Counter()
        self.words_with: defaultdict[Pair, set[int]] = defaultdict(set)
        for w in range(len(self.words)):
            self._count(w, +1)

    def most_frequent(self) -> Pair:
        """Find the pair to merge next: the highest count, and of equal ones the smallest ids."""
        return min(self.counts, key=lambda pair: (-self.counts[pair], pair))

    def merge(self, pair: Pair, new_id: int) -> None:
        """Replace the pair in every word that has it, and keep the counts true."""
        for w in self.words_with.pop(pair):  # some may have lost the pair to an earlier merge: then nothing changes
            self._count(w, -1)
            self.words[w] = _replace_pair(self.words[w], pair, new_id)
            self._count(w, +1)

    def _count(self, w: int, sign: int) -> None:
        """Add the pairs of word w to the counts, or take them out."""
        for pair in pairwise(self.words[w]):
            self.counts[pair] += sign * self.word_counts[w]
            if self.counts[pair] == 0:
                del self.counts[pair]  # most_frequent looks at every key
            if sign > 0:
                self.words_with[pair].add(w)


def split_words(text: str) -> list[str]:
    """Cut text into words by GPT-2's rule; joined, they are the text again.

    Example: `split_words("I'm here,  ok")` gives `["I", "'m", " here", ",", " ", " ok"]`.
    """
    return WORD_PATTERN.findall(text)


def readable(piece: bytes) -> str:
    """Write a token's bytes so that all of them are seen: "·" for a space, "\\n" as two signs, "<E4>" for a byte."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return "".join(f"<{byte:02X}>" for byte in piece)
    return "".join("·" if char == " " else char if char.isprintable() else repr(char)[1:-1] for char in text)


def _replace_pair(ids: list[int], pair: Pair, new_id: int) -> list[int]:
    """Replace a pair from left to right.

    Example: `_replace_pair([5, 5, 5, 7], (5, 5), 300)` gives `[300, 5, 7]`.
    """
    merged, i = [], 0
    while i < len(ids):
        found = (ids[i], ids[i + 1]) == pair if i + 1 < len(ids) else False
        merged.append(new_id if found else ids[i])
        i += 2 if found else 1
    return merged


def _as_list(texts: str | Iterable[str]) -> Iterable[str]:
    """Take one text as a list of one."""
    return [texts] if isinstance(texts, str) else texts
