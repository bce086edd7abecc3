"""Exercises of lesson 11 on several choices in a row: write the loss, and find the line that is wrong."""

import torch
from torch import Tensor

from ..checks import Case, Exercise


def reinforce_loss(log_probs: Tensor, rewards: Tensor, values: Tensor) -> Tensor:
    """Return minus the mean over episodes of the sum over steps of log_prob * (return - value)."""
    returns = rewards.flip(1).cumsum(1).flip(1)
    return -(log_probs * (returns - values)).sum(1).mean()


WRONG_LINES = {"A": 3, "B": 6, "C": 4, "D": 5, "E": 2}


def find_line(listing: str) -> int:
    """Return the number of the wrong line of listing "A" to "E"."""
    found = {"A": 3, "B": 6, "C": 4, "D": 5, "E": 2}
    return found[listing]


class HiddenLine(int):
    """A number that a check compares and does not show."""

    def __repr__(self) -> str:
        return "another line"


SOUND_LINES = {
    2: "line 2 gives each step its own reward and all later ones",
    3: "line 3 takes a number that was known before this episode was played",
    4: "line 4 takes the baseline off, and no more",
    5: "line 5 multiplies step by step, and then adds the steps up",
    6: "line 6 turns an objective, which should rise, into a loss, which should fall",
}
"""What a reader who names a sound line may have overlooked."""
SIGNS = {
    "A": "the push points elsewhere, so something in it depends on what was done in this very episode",
    "B": "the direction is exactly the opposite one",
    "C": "not a number: something is divided that cannot be",
    "D": "the push points elsewhere, because some rewards count more than others",
    "E": "it is right on average, only much noisier: something counts that the action could not change",
}
"""What the numbers of each listing say."""


def _case_of(letter: str) -> Case:
    right = WRONG_LINES[letter]
    mistakes = [
        (line, f"{does}, as it should. The numbers of {letter} say: {SIGNS[letter]}")
        for line, does in SOUND_LINES.items()
        if line != right
    ]
    return Case(arguments=(letter,), expected=HiddenLine(right), mistakes=mistakes, hint="return a number from 2 to 6")


EXERCISES = (
    Exercise(
        solution=reinforce_loss,
        cases=(
            Case(
                # returns 3 2 2 and 4 4 1; advantages 1 1 1.5 and 2 3 0.5; sums -3.75 and -5
                arguments=(
                    torch.tensor([[-1.0, -2.0, -0.5], [-0.5, -1.0, -2.0]]),
                    torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 1.0]]),
                    torch.tensor([2.0, 1.0, 0.5]),
                ),
                expected=4.375, hint="the returns are 3, 2, 2 and 4, 4, 1; take the values off, multiply by log_probs",
                mistakes=(
                    (-4.375, "the minus is missing: an optimizer lowers what it is given"),
                    (8.625, "rewards that came before an action are not its doing: a return starts at its own step"),
                    (5.25, "multiply each log-probability by its own advantage first, then add; not a mean by a sum"),
                    (8.0, "the values are not taken off"),
                    (-0.125, "a reward alone is not enough: what comes later counts too"),
                    (8.75, "take the mean over the episodes, not their sum"),
                    (4.375 / 3, "add the steps of an episode up; the mean is over episodes only"),
                ),
            ),
            Case(
                # returns 2, 2; minus the values 1, 0; -(-1 * 1 - 3 * 0)
                arguments=(torch.tensor([[-1.0, -3.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([1.0, 2.0])),
                expected=1.0, hint="the returns are 2 and 2; with the values taken off, 1 and 0 are left",
                mistakes=(
                    (-1.0, "the minus is missing: an optimizer lowers what it is given"),
                    (0.5, "add the steps of an episode up; the mean is over episodes only"),
                ),
            ),
        ),
    ),
    Exercise(solution=find_line, cases=tuple(map(_case_of, WRONG_LINES))),
)  # fmt: skip
