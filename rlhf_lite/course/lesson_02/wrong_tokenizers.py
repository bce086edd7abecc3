"""Two wrong ways of applying learnt merges. The text still comes back from the tokens: only the model notices.

Both use the vocabulary of a `BytePairEncoder`. Right is to apply, again and again, the merge that was learnt earliest.
"""

from ...bpe import BytePairEncoder, split_words


def longest_match(encoder: BytePairEncoder, text: str) -> list[int]:
    """Cut each word from the left, the longest token of the vocabulary first."""
    id_of, ids = {piece: i for i, piece in enumerate(encoder.pieces)}, []
    for word in split_words(text):
        rest = word.encode()
        while rest:
            length = next(n for n in range(len(rest), 0, -1) if rest[:n] in id_of)
            ids.append(id_of[rest[:length]])
            rest = rest[length:]
    return ids


def leftmost_merge(encoder: BytePairEncoder, text: str) -> list[int]:
    """In each word, apply whichever merge fits furthest to the left, however late it was learnt."""
    id_of, ids = {piece: i for i, piece in enumerate(encoder.pieces)}, []
    for word in split_words(text):
        cut, i = [id_of[bytes([byte])] for byte in word.encode()], 0
        while i < len(cut) - 1:
            pair = (cut[i], cut[i + 1])
            if pair in encoder.merges:
                cut[i : i + 2], i = [encoder.merges[pair]], 0
            else:
                i += 1
        ids += cut
    return ids
