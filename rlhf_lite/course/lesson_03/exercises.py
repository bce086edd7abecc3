"""Exercises of lesson 03: a recurrent step, how a decoder is trained, how it writes, how it is marked; then attention."""

from math import log, tanh

import torch
from torch import Tensor

from ..checks import Case, Exercise
from .exercises_attention import EXERCISES as ATTENTION


def mix(old: list[float], new: list[float], update: list[float]) -> list[float]:
    """Return update * old + (1 - update) * new, number by number."""
    return [z * o + (1 - z) * n for o, n, z in zip(old, new, update)]


def gru_step(from_x: Tensor, from_h: Tensor, h: Tensor) -> Tensor:
    """Return the new state of a GRU; from_x and from_h hold the parts for reset, update and candidate in a row."""
    x_r, x_z, x_n = from_x.chunk(3)
    h_r, h_z, h_n = from_h.chunk(3)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


def teacher_forcing(words: list[str]) -> tuple[list[str], list[str]]:
    """Return what the decoder is given at each step, and what it should answer there."""
    return ["<start>", *words], [*words, "<end>"]


def greedy(table: dict[str, dict[str, float]], longest: int) -> list[str]:
    """Return the words written when always the likeliest comes next, until <end> or so many words."""
    words, last = [], "<start>"
    while len(words) < longest:
        last = max(table[last], key=table[last].get)
        if last == "<end>":
            break
        words.append(last)
    return words


def exact_match_by_length(english: list[str], right: list[str], written: list[str]) -> dict[int, float]:
    """Return for each number of English words the share of sentences that were translated exactly."""
    marks = {}
    for sentence, wanted, found in zip(english, right, written):
        marks.setdefault(len(sentence.split()), []).append(wanted == found)
    return {length: sum(row) / len(row) for length, row in marks.items()}


_X, _H = torch.tensor([0.0, 0.0, 0.5]), torch.tensor([0.0, 0.0, 1.0])
_X2 = torch.tensor([log(3), log(3), -log(3), -log(3), 0.0, 1.0])  # reset 0.75, update 0.25
_H2 = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
_TABLE = {"<start>": {"b": 0.4, "a": 0.6}, "a": {"<end>": 0.3, "b": 0.7}, "b": {"a": 0.1, "<end>": 0.9}}
_CIRCLE = {"<start>": {"a": 1.0}, "a": {"b": 1.0}, "b": {"<end>": 0.4, "a": 0.6}}
_CHAIN = {"<start>": {"a": 1.0}, "a": {"b": 1.0}, "b": {"c": 1.0}, "c": {"<end>": 1.0}}

EXERCISES = (
    Exercise(
        solution=mix,
        cases=(
            Case(
                arguments=([4.0, 8.0], [0.0, 2.0], [0.25, 0.0]), expected=[1.0, 2.0],
                hint="for each place: update times the old number plus (1 - update) times the new one",
                mistakes=(
                    ([3.0, 8.0], "it is the other way round: update 1 keeps the old number, update 0 takes the new one"),
                    ([1.0, 10.0], "the first place is right by chance: what is new counts (1 - update) times"),
                    ([2.0, 5.0], "this is the middle of old and new; update says how much of each"),
                ),
            ),
            Case(
                arguments=([1.0, 4.0], [3.0, 0.0], [0.5, 1.0]), expected=[2.0, 4.0],
                hint="with update 1 the old number stays as it is",
                mistakes=(([3.5, 4.0], "what is new counts (1 - update) times, not in full"),),
            ),
        ),
    ),
    Exercise(
        solution=gru_step,
        cases=(
            Case(
                # r = z = 0.5, n = tanh(0.5 + 0.5 * 1) = tanh(1), new state 0.5 * tanh(1) + 0.5 * 2
                arguments=(_X, _H, torch.tensor([2.0])), expected=torch.tensor([0.5 * tanh(1) + 1]),
                hint="r and z are sigmoid(x + h) of their parts, n is tanh(x_n + r * h_n), and then mix n with h by z",
                mistakes=(
                    (torch.tensor([0.5 * tanh(1.5) + 1]), "r is not used yet: the candidate is tanh(x_n + r * h_n)"),
                    (torch.tensor([0.5 * tanh(0.75) + 1]), "r resets only what comes from the state: x_n + r * h_n"),
                    (torch.tensor([1.5]), "the candidate needs tanh around it, which keeps it between -1 and 1"),
                ),
            ),
            Case(
                # r = 0.75, z = 0.25, n = [tanh(0.75), tanh(1)], new state 0.75 n + 0.25 h
                arguments=(_X2, _H2, torch.tensor([1.0, -1.0])),
                expected=torch.tensor([0.75 * tanh(0.75) + 0.25, 0.75 * tanh(1) - 0.25]),
                hint="chunk(3) cuts a row into three equal parts: reset, update, candidate",
                mistakes=(
                    (
                        torch.tensor([0.25 * tanh(0.25) + 0.75, 0.25 * tanh(1) - 0.75]),
                        "reset and update are swapped: the first part of each row is for r, the second for z",
                    ),
                    (
                        torch.tensor([0.25 * tanh(0.75) + 0.75, 0.25 * tanh(1) - 0.75]),
                        "z says how much of the old state stays: (1 - z) * n + z * h",
                    ),
                ),
            ),
            Case(
                # r = sigmoid(log 3) = 0.75, z = sigmoid(-log 3) = 0.25, n = tanh(0.25 + 0.75), new state 0.75 n + 0.25 * 2
                arguments=(torch.tensor([0.0, log(3), 0.25]), torch.tensor([log(3), -2 * log(3), 1.0]), torch.tensor([2.0])),
                expected=torch.tensor([0.75 * tanh(1) + 0.5]),
                hint="both gates read the word and the state: r is the sigmoid of x_r + h_r, z of x_z + h_z",
                mistakes=(
                    (torch.tensor([0.25 * tanh(0.75) + 1.5]), "the gates read the state too: x_r + h_r and x_z + h_z"),
                    (torch.tensor([0.75 * tanh(0.35) + 0.5]), "r is the sigmoid of x_r + h_r, the *first* parts of both"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=teacher_forcing,
        cases=(
            Case(
                arguments=(["a", "b", "c"],), expected=(["<start>", "a", "b", "c"], ["a", "b", "c", "<end>"]),
                hint="two lists of the same length: at each step the first says what was written before, the second what is next",
                mistakes=(
                    ((["a", "b", "c"], ["a", "b", "c"]), "nothing is left to guess: it is given the very word it should say"),
                    ((["<start>", "a", "b"], ["a", "b", "c"]), "after the last word it should say <end>, else it never stops"),
                    ((["a", "b", "c"], ["b", "c", "<end>"]), "nobody teaches the first word: begin with <start>"),
                    (
                        (["<start>", "a", "b", "c", "<end>"], ["a", "b", "c", "<end>"]),
                        "after <end> nothing is to be said, so <end> is never given",
                    ),
                ),
            ),
            Case(arguments=(["a"],), expected=(["<start>", "a"], ["a", "<end>"]), hint="one word takes two steps: it, and <end>"),
            Case(arguments=([],), expected=(["<start>"], ["<end>"]), hint="where there is nothing to say, <end> comes at once"),
        ),
    ),
    Exercise(
        solution=greedy,
        cases=(
            Case(
                arguments=(_TABLE, 5), expected=["a", "b"],
                hint="begin with last = '<start>'; each time take the likeliest word of table[last]",
                mistakes=(
                    (["a", "b", "<end>"], "<end> says stop; it is no word of the translation"),
                    (["<start>", "a", "b"], "<start> is only where it begins; leave it out of the result"),
                    (["b", "a"], "take the likeliest word of each row, not the first one"),
                ),
            ),
            Case(
                arguments=(_CHAIN, 2), expected=["a", "b"],
                hint="stop after `longest` words even if <end> never came",
                mistakes=((["a", "b", "c"], "stop after `longest` words: a model may never say <end>"),),
            ),
            Case(
                arguments=({"<start>": {"a": 0.9, "b": 0.1}, "a": {"<end>": 1.0}}, 5), expected=["a"],
                hint="a is likelier than b, and after a comes <end>",
            ),
            Case(
                arguments=(_CIRCLE, 5), expected=["a", "b", "a", "b", "a"],
                hint="a word may come again",
                mistakes=((["a", "b"], "a word may come a second time; only <end> and `longest` stop"),),
            ),
        ),
    ),
    Exercise(
        solution=exact_match_by_length,
        cases=(
            Case(
                arguments=(["Tom ran", "Lily ran", "a cat ran"], ["x y", "z y", "m y"], ["x y", "x y", "m y"]),
                expected={2: 0.5, 3: 1.0},
                hint="group the sentences by len(sentence.split()); in each group, the share where written == right",
                mistakes=(
                    ({7: 1.0, 8: 0.0, 9: 1.0}, "count words, not letters: len(sentence.split())"),
                    ({6: 1.0, 7: 0.5}, "count words, not letters: len(sentence.split())"),
                    ({2: 1, 3: 1}, "divide by how many sentences of that length there are"),
                    (2 / 3, "one share for each length, in a dictionary"),
                    ({2: 0.75, 3: 1.0}, "a sentence counts only if all of it is right; compare whole sentences"),
                ),
            ),
            Case(
                arguments=(["Tom ran off", "a b", "c d", "e f"], ["x y z", "x y", "x y", "p q"], ["z y x", "x y z", "x y", "p"]),
                expected={3: 0.0, 2: 1 / 3},
                hint="right is only what equals the right translation: written == right",
                mistakes=(
                    ({3: 1.0, 2: 1 / 3}, "the order of the words matters: compare the whole texts"),
                    ({3: 0.0, 2: 2 / 3}, "a right beginning is not enough, and nothing may stand behind it: written == right"),
                ),
            ),
            Case(arguments=(["Tom ran"], ["x y"], ["x y"]), expected={2: 1.0}, hint="one sentence of 2 words, and it is right"),
        ),
    ),
    *ATTENTION,
)  # fmt: skip
