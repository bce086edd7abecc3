"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

from collections import Counter
from itertools import pairwise

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


WRONG = {
    "to_bytes": (_code_points, _characters, _hexadecimal, _utf_16, _utf_16_with_mark, _latin_1),
    "most_frequent_pair": (
        _first_in_the_text, _largest_of_equals, _with_count, _count_alone, _single_ids, _every_second_place, _smallest_of_all,
    ),
    "merge_pair": (
        _first_only, _goes_on_by_one, _takes_out, _every_id_of_the_pair, _from_the_right, _either_order, _loses_the_end,
    ),
}  # fmt: skip
