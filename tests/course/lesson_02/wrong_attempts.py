"""Attempts at the exercises in `exercises`: wrong ones, each refused with a hint of its own, and right ones."""

from collections import Counter
from itertools import pairwise

import numpy as np
import torch

from rlhf_lite.course.lesson_02.exercises import merge_pair, most_frequent_pair


def _code_points(text):
    return [ord(char) for char in text]


def _characters(text):
    return list(text)


def _hexadecimal(text):
    return [f"{byte:02x}" for byte in text.encode()]


def _utf_16(text):
    return list(text.encode("utf-16-le"))


def _utf_16_with_mark(text):
    return list(b"\xff\xfe" + text.encode("utf-16-le"))


def _latin_1(text):
    return list(text.encode("latin-1"))


def _each_byte_once(text):
    return list(dict.fromkeys(text.encode()))


def _char_by_char(text):
    return tuple(byte for char in text for byte in char.encode("utf-8"))


def _from_a_buffer(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _first_in_the_text(ids):
    return Counter(pairwise(ids)).most_common(1)[0][0]


def _largest_of_equals(ids):
    counts = Counter(pairwise(ids))
    return max(counts, key=lambda pair: (counts[pair], pair))


def _with_count(ids):
    pair = most_frequent_pair(ids)
    return pair, Counter(pairwise(ids))[pair]


def _count_alone(ids):
    return _with_count(ids)[1]


def _single_ids(ids):
    return [Counter(ids).most_common(1)[0][0]] * 2


def _every_second_place(ids):
    counts = Counter(zip(ids[::2], ids[1::2], strict=False))
    return min(counts, key=lambda pair: (-counts[pair], pair))


def _smallest_of_all(ids):
    return min(pair for pair, count in Counter(pairwise(ids)).items() if count > 1)


def _smallest_as_text(ids):
    counts = Counter(pairwise(ids))
    return min(counts, key=lambda pair: (-counts[pair], str(pair)))


def _equal_neighbours_left_out(ids):
    counts = Counter(pair for pair in pairwise(ids) if pair[0] != pair[1])
    return min(counts, key=lambda pair: (-counts[pair], pair))


def _by_sorting(ids):
    pairs = [[ids[i], ids[i + 1]] for i in range(len(ids) - 1)]
    best = max(pairs.count(pair) for pair in pairs)
    return sorted(pair for pair in pairs if pairs.count(pair) == best)[0]


def _by_unique_rows(ids):
    rows, counts = torch.tensor(ids).unfold(0, 2, 1).unique(dim=0, return_counts=True)  # rows come sorted
    return rows[(counts == counts.max()).nonzero()[0, 0]]


def _first_only(ids, pair, new_id):
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new_id, *ids[i + 2 :]]
    return ids


def _goes_on_by_one(ids, pair, new_id):
    return [new_id if (a, b) == pair else a for a, b in pairwise([*ids, None])]


def _takes_out(ids, pair, new_id):
    return [i for i in merge_pair(ids, pair, new_id) if i != new_id]


def _every_id_of_the_pair(ids, pair, new_id):
    return [new_id if i in pair else i for i in ids]


def _from_the_right(ids, pair, new_id):
    return merge_pair(ids[::-1], pair[::-1], new_id)[::-1]


def _either_order(ids, pair, new_id):
    return merge_pair(merge_pair(ids, pair, new_id), pair[::-1], new_id)


def _loses_the_end(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids) - 1:
        found = (ids[i], ids[i + 1]) == pair
        merged.append(new_id if found else ids[i])
        i += 2 if found else 1
    return merged


def _in_a_string(ids, pair, new_id):
    text = " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new_id))
    return [int(part) for part in text.split()]


def _where_the_first_id_stands(ids, pair, new_id):
    ids = list(ids)
    while pair in pairwise(ids):
        i = ids.index(pair[0])
        ids[i : i + 2] = [new_id]
    return ids


def _jumps_over_the_next(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids):
        found = tuple(ids[i : i + 2]) == pair
        merged += [new_id, *ids[i + 2 : i + 3]] if found else [ids[i]]
        i += 3 if found else 1
    return merged


def _in_place(ids, pair, new_id):
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
        i += 1
    return np.array(ids)


def _by_recursion(ids, pair, new_id):
    if len(ids) < 2:
        return tuple(ids)
    found = (ids[0], ids[1]) == pair
    return (new_id if found else ids[0], *_by_recursion(ids[2 if found else 1 :], pair, new_id))


WRONG = {
    "to_bytes": (_code_points, _characters, _hexadecimal, _utf_16, _utf_16_with_mark, _latin_1, _each_byte_once),
    "most_frequent_pair": (
        _first_in_the_text, _largest_of_equals, _with_count, _count_alone, _single_ids, _every_second_place, _smallest_of_all,
        _smallest_as_text, _equal_neighbours_left_out,
    ),
    "merge_pair": (
        _first_only, _goes_on_by_one, _takes_out, _every_id_of_the_pair, _from_the_right, _either_order, _loses_the_end,
        _in_a_string, _where_the_first_id_stands, _jumps_over_the_next,
    ),
}  # fmt: skip
RIGHT = {
    "to_bytes": (_char_by_char, _from_a_buffer),
    "most_frequent_pair": (_by_sorting, _by_unique_rows),
    "merge_pair": (_in_place, _by_recursion),
}
