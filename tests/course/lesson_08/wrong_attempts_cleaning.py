"""Plausible wrong attempts at the exercises in `exercises_cleaning`, each to be refused with a hint of its own."""

import re

from rlhf_lite.course.lesson_08.exercises_cleaning import precision_recall


def _turned_round(found, truth):
    return precision_recall(found, truth)[::-1]


def _one_divisor(found, truth):
    share = len(found & truth) / max(1, len(found))
    return share, share


def _of_either(found, truth):
    share = len(found & truth) / max(1, len(found | truth))
    return share, share


def _counts(found, truth):
    return len(found & truth), len(found & truth)


def _missed(found, truth):
    precision, recall = precision_recall(found, truth)
    return precision, 1 - recall


def _nothing_found_is_forgotten(found, truth):
    return len(found & truth) / len(found), len(found & truth) / len(truth)


def _no_truth_is_forgotten(found, truth):
    return (len(found & truth) / len(found) if found else 1.0), len(found & truth) / len(truth)


def _as_the_library(prompt):
    return bool(re.search(r"\b\d{3}-\d{4}\b|\b[\w.]+@[\w.]+\b", prompt))


def _any_digit(prompt):
    return any(letter.isdigit() for letter in prompt)


def _no_street(prompt):
    return bool(re.search(r"\b\d{3}[ -]\d{4}\b|\w@\w", prompt))


def _any_at(prompt):
    return bool(re.search(r"\b\d{3}[ -]\d{4}\b|@|\d+ \w+ Street", prompt))


def _any_number_at(prompt):
    return bool(re.search(r"\b\d{3}\b|\w@\w|\d+ \w+ Street", prompt))


def _inside_longer_numbers(prompt):
    return bool(re.search(r"\d{3}[ -]\d{4}|\w@\w|\d+ \w+ Street", prompt))


def _any_street(prompt):
    return bool(re.search(r"\b\d{3}[ -]\d{4}\b|\w@\w|\d+ .*Street", prompt))


def _any_name(prompt):
    return bool(re.search(r"\b\d{3}[ -]\d{4}\b|\w@\w|\d+ \w+ Street|\b(Anna|Ben|Eva)\b", prompt))


def _no_mail(prompt):
    return bool(re.search(r"\b\d{3}[ -]\d{4}\b|\d+ \w+ Street", prompt))


def _nothing(prompt):
    return False


def _in_common(rows):
    return rows @ rows.T


def _counted_twice(rows):
    sizes = rows.sum(1)
    return rows @ rows.T / (sizes[:, None] + sizes)


def _of_the_shorter(rows):
    sizes = rows.sum(1)
    return rows @ rows.T / sizes[:, None].minimum(sizes)


def _of_the_vocabulary(rows):
    return rows @ rows.T / rows.shape[1]


WRONG = {
    "precision_recall": (
        _turned_round, _one_divisor, _of_either, _counts, _missed, _nothing_found_is_forgotten, _no_truth_is_forgotten,
    ),
    "has_personal_data": (
        _as_the_library, _no_street, _any_at, _any_number_at, _inside_longer_numbers, _any_street, _any_name, _no_mail, _nothing,
    ),
    "overlaps": (_in_common, _counted_twice, _of_the_shorter, _of_the_vocabulary),
}  # fmt: skip
