"""Exercises of lesson 08 on cleaning: precision and recall, personal data, the overlap of prompts."""

import re

import torch
from torch import Tensor

from ..checks import Case, Exercise


def precision_recall(found: set, truth: set) -> tuple[float, float]:
    """Return the share of what was found that is true, and the share of what is true that was found."""
    hits = len(found & truth)
    precision = hits / len(found) if found else 1.0
    recall = hits / len(truth) if truth else 1.0
    return precision, recall


def has_personal_data(prompt: str) -> bool:
    """Whether a prompt holds a phone number, a mail address, or a house number with its street."""
    phone, mail, house = r"\b\d{3}[ -]\d{4}\b", r"\w@\w", r"\d+ \w+ Street"
    return bool(re.search(f"{phone}|{mail}|{house}", prompt))


def overlaps(rows: Tensor) -> Tensor:
    """Return for every two rows of 0 and 1: ones in common / ones in either."""
    common = rows @ rows.T
    sizes = rows.sum(1)
    return common / (sizes[:, None] + sizes - common)


def _personal(prompt: str, expected: bool, hint: str) -> Case:
    return Case(arguments=(prompt,), expected=expected, hint=hint)


EXERCISES = (
    Exercise(
        solution=precision_recall,
        cases=(
            Case(
                arguments=({1, 2, 3, 4}, {2, 4, 6, 8, 10}), expected=(0.5, 0.4),
                hint="2 and 4 are hits: 2 of the 4 that were found, and 2 of the 5 that are true",
                mistakes=(
                    ((0.4, 0.5), "turned round: precision comes first, and divides by how many were found"),
                    ((0.5, 0.5), "recall divides by how many are true, not by how many were found"),
                    ((2 / 7, 2 / 7), "do not divide by all that is in either: precision and recall have a divisor each"),
                    ((2, 2), "divide the hits: by how many were found, and by how many are true"),
                    ((0.5, 0.6), "recall is what was found of the truth, not what was missed"),
                ),
            ),
            Case(arguments=({7}, {7, 8}), expected=(1.0, 0.5), hint="all that was found is true, but half is missing"),
            Case(
                arguments=(set(), {1, 2}), expected=(1.0, 0.0),
                hint="who finds nothing makes no false alarm: precision 1 by convention, recall 0",
                mistakes=((ZeroDivisionError, "nothing was found: give precision 1 then, by convention"),
                          ((0.0, 0.0), "who finds nothing makes no false alarm: precision 1 by convention")),
            ),
            Case(
                arguments=({1}, set()), expected=(0.0, 1.0),
                hint="nothing is there to be found: recall 1 by convention; the one alarm is false",
                mistakes=((ZeroDivisionError, "nothing is there to be found: give recall 1 then, by convention"),),
            ),
        ),
    ),
    Exercise(
        solution=has_personal_data,
        cases=(
            _personal("Name two birds. Call me at 555-0199.", True, "a phone number: three digits, a mark, four digits"),
            _personal("Name two birds. Write to eva@example.org.", True, "a mail address: letters on both sides of the @"),
            _personal("Name two birds. My number is +1 555 123 4567.", True, "a phone number may hold spaces instead of a dash"),
            _personal("Name two birds. Send it to 12 Anna Street.", True, "a house number, a name, then Street: a home"),
            _personal("Write a story about Anna and a kite.", False, "a name alone is no personal data: stories need people"),
            _personal("Write about Ben. Meet me @ the park.", False, "an @ between spaces is no mail address"),
            _personal("Say ball three times. I have 250 dollars.", False, "a number alone is no personal data"),
            _personal("Write about Ben in the style of the years 1990-1999.", False, "four digits and four digits: years"),
            _personal("Write about Ben. I took bus 250 to Park Street.", False, "250 is the bus, no house of the street"),
        ),
    ),
    Exercise(
        solution=overlaps,
        cases=(
            Case(
                # in common: rows 0 and 1 two, 0 and 2 one, 1 and 2 none; sizes 3, 2, 2
                arguments=(torch.tensor([[1.0, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 1]]),),
                expected=torch.tensor([[1, 2 / 3, 0.25], [2 / 3, 1, 0], [0.25, 0, 1]]),
                hint="in common: rows @ rows.T; in either: size + size - in common, which counts nothing twice",
                mistakes=(
                    (torch.tensor([[3.0, 2, 1], [2, 2, 0], [1, 0, 2]]), "that is what is in common: divide by what is in either"),
                    (torch.tensor([[0.5, 0.4, 0.2], [0.4, 0.5, 0], [0.2, 0, 0.5]]),
                     "size + size counts what they have in common twice: subtract it once"),
                    (torch.tensor([[1, 1, 0.5], [1, 1, 0], [0.5, 0, 1]]),
                     "do not divide by the shorter one: then a short prompt inside a long one counts as equal"),
                    (torch.tensor([[0.6, 0.4, 0.2], [0.4, 0.4, 0], [0.2, 0, 0.4]]),
                     "divide by the words of these two prompts, not by the whole vocabulary"),
                ),
            ),
            Case(
                arguments=(torch.tensor([[1.0, 0, 1], [1.0, 1, 0]]),), expected=torch.tensor([[1, 1 / 3], [1 / 3, 1]]),
                hint="one in common, three in either",
            ),
        ),
    ),
)  # fmt: skip
