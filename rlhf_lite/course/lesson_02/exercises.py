"""Exercises of lesson 02 on bytes, pairs and merges."""

from collections import Counter
from itertools import pairwise

from ..checks import Case, Exercise


def to_bytes(text: str) -> list[int]:
    """Return the UTF-8 bytes of a text as numbers from 0 to 255."""
    return list(text.encode("utf-8"))


def most_frequent_pair(ids: list[int]) -> tuple[int, int]:
    """Return the pair of neighbours that comes most often; of equally frequent ones, the smallest."""
    counts = Counter(pairwise(ids))
    return min(counts, key=lambda pair: (-counts[pair], pair))


def merge_pair(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """Return ids with new_id in place of each occurrence of the pair, from left to right."""
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == tuple(pair):
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


EXERCISES = (
    Exercise(
        solution=to_bytes,
        cases=(
            Case(
                arguments=("汤",), expected=[230, 177, 164],
                hint='text.encode("utf-8") gives the bytes; list() turns them into numbers',
                mistakes=(
                    ([27748], "this is the code point, ord(char); UTF-8 writes 汤, number 27,748, as three bytes"),
                    (["汤"], "these are characters; encode the text first"),
                    (["e6", "b1", "a4"], "these are the right bytes in hexadecimal, as text; return the numbers"),
                    ([100, 108], "this is UTF-16, another way of writing code points; use UTF-8"),
                    ([255, 254, 100, 108], "this is UTF-16 with a mark in front; use UTF-8"),
                    (UnicodeEncodeError, "that encoding knows only a few hundred characters; use UTF-8"),
                ),
            ),
            Case(arguments=("Aé",), expected=[65, 195, 169], hint="an English letter has one byte in UTF-8, é has two"),
            Case(arguments=("😀b",), expected=[240, 159, 152, 128, 98], hint="an emoji has four bytes in UTF-8"),
            Case(
                arguments=("aéa",), expected=[97, 195, 169, 97],
                hint="keep every byte, in the order of the text: a letter that comes twice gives its byte twice",
            ),
        ),
    ),
    Exercise(
        solution=most_frequent_pair,
        cases=(
            Case(
                arguments=([9, 7, 8, 7, 8, 9, 9],), expected=[7, 8],
                hint="pairwise(ids) gives the neighbours; count them with Counter",
                mistakes=(
                    ([9, 9], "count pairs of neighbours, not single ids"),
                    ([[7, 8], 2], "return the pair alone, without its count"),
                    (2, "return the pair, not how often it comes"),
                    ([8, 7], "go on by one place, not by two: the second id of a pair is the first of the next"),
                ),
            ),
            Case(
                arguments=([4, 2, 5, 1, 4, 2, 5, 1],), expected=[2, 5],  # 4 2, 2 5 and 5 1 twice each, 1 4 once
                hint="three pairs come twice here; of these return the smallest, as tuples are compared",
                mistakes=(
                    ([4, 2], "three pairs come twice; not the first in the text wins but the smallest: min over (-count, pair)"),
                    ([5, 1], "three pairs come twice; the smallest of them wins, not the largest"),
                    ([1, 4], "the count decides first; the smaller pair wins only among the most frequent ones"),
                ),
            ),
            Case(
                arguments=([1, 2, 3, 1, 2, 9, 2, 3, 4, 2, 3],), expected=[2, 3],
                hint="2 3 comes three times, every other pair less often",
                mistakes=(([1, 2], "the count decides first: 1 2 is smaller, but comes only twice"),),
            ),
            Case(
                arguments=([3, 3, 3, 1, 2],), expected=[3, 3],
                hint="every place counts, the first too: 3 3 comes at the first place and at the second",
                mistakes=(([1, 2], "neighbours may be equal: 3 3 3 holds the pair 3 3 twice, at two places"),),
            ),
            Case(
                arguments=([10, 7, 9, 7, 10, 7, 9, 7],), expected=[7, 9],  # 10 7, 7 9 and 9 7 twice each, 7 10 once
                hint="10 7, 7 9 and 9 7 come twice; the smallest is 7 9",
                mistakes=(([10, 7], "compare numbers, not strings: 7 is smaller than 10"),),
            ),
            Case(arguments=([9, 7, 8, 7, 8],), expected=[7, 8], hint="7 8 comes twice, every other pair once"),
        ),
    ),
    Exercise(
        solution=merge_pair,
        cases=(
            Case(
                arguments=([1, 2, 3, 1, 2], (1, 2), 256), expected=[256, 3, 256],
                hint="walk from the left; where two neighbours are the pair, append new_id and go on by two places",
                mistakes=(
                    ([256, 3, 1, 2], "replace every occurrence, not the first alone"),
                    ([256, 2, 3, 256, 2], "the new id stands for both ids: go on by two places after a merge"),
                    ([3], "the pair is taken out, and the new id is not put in"),
                    ([256, 3], "the end is missing: a pair may stand at the very end"),
                    ([256, 256, 3, 256, 256], "one new id stands for the pair, not one for each of its ids"),
                ),
            ),
            Case(
                arguments=([4, 4, 4, 7, 4], (4, 4), 300), expected=[300, 4, 7, 4],
                hint="from the left: the first two 4 become 300, the third has no partner left",
                mistakes=(
                    ([4, 300, 7, 4], "go from left to right: of three equal ids the first two are glued"),
                    ([300, 300, 7, 4], "an id that was glued is used up: the middle 4 belongs to the first pair only"),
                    ([300, 4, 7], "the last id was lost: it has no neighbour, and still belongs to the text"),
                    ([300, 300, 300, 7, 300], "only two neighbours that are both 4 are replaced, not every 4"),
                ),
            ),
            Case(
                arguments=([2, 1, 5, 1, 2, 8, 8], (2, 1), 9), expected=[9, 5, 1, 2, 8, 8],
                hint="the order counts: 1 2 is another pair than 2 1",
                mistakes=(([9, 5, 9, 8, 8], "the order counts: 1 2 is another pair than 2 1"),),
            ),
            Case(
                arguments=([4, 5, 14, 2, 4, 2], (4, 2), 300), expected=[4, 5, 14, 2, 300],
                hint="4 5 and 14 2 are other pairs than 4 2",
                mistakes=(
                    ([4, 5, 1300, 300], "compare ids, not digits in a string: 14 2 is another pair than 4 2"),
                    ([300, 14, 2, 300], "replace a 4 only where a 2 follows: 4 5 is another pair"),
                ),
            ),
            Case(
                arguments=([7, 8, 7, 8, 7, 8], (7, 8), 256), expected=[256, 256, 256],
                hint="three pairs in a row: replace each of them",
                mistakes=(([256, 7, 8, 256], "after a merge look at the next place at once: another pair may stand there"),),
            ),
        ),
    ),
)  # fmt: skip
