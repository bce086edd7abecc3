"""Exercises of lesson 07 on filling in: hide words, mark what counts, and one step of training, all on tensors."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checks import Case, Exercise


def hide_words(tokens: Tensor, chosen: Tensor, fates: Tensor, strangers: Tensor, mask_id: int) -> Tensor:
    """Return the tokens, but for the chosen: behind the blank (fate < 0.8), replaced (0.9 and more), or as they were."""
    hidden = torch.where(chosen & (fates < 0.8), mask_id, tokens)
    return torch.where(chosen & (fates >= 0.9), strangers, hidden)


def targets_for(tokens: Tensor, chosen: Tensor) -> Tensor:
    """Return the tokens where they were chosen, -100 elsewhere."""
    return torch.where(chosen, tokens, -100)


def masked_step(weight: Tensor, inputs: Tensor, targets: Tensor, rate: float) -> Tensor:
    """Return the weights after one step of gradient descent on the cross-entropy of the targets that are not -100."""
    leaf = weight.clone().requires_grad_()
    logits = leaf[inputs]  # (B, T, V)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
    (gradient,) = torch.autograd.grad(loss, leaf)
    return weight - rate * gradient


def _step_cases() -> tuple[Case, ...]:
    zeros, inputs, targets = torch.zeros(3, 3), torch.tensor([[0, 2, 1]]), torch.tensor([[-100, 1, -100]])
    third = 1 / 3  # softmax of three zeros; only row 2 was seen where a target counts: gradient [1/3, 1/3 - 1, 1/3]
    step = torch.tensor([[0.0, 0, 0], [0, 0, 0], [-third, 2 * third, -third]])
    two = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[1, 0], [-100, 0]])
    # rows 0, 1, 0 of a 2 x 2 table count, with targets 1, 0, 0; pushes [-.5, .5], [.5, -.5], [.5, -.5], each a third
    return (
        Case(
            arguments=(zeros, inputs, targets, 1.0), expected=step,
            hint="one target counts: where token 2 was seen, 1 is right; the gradient of its logits is softmax minus one-hot",
            mistakes=(
                (-step, "uphill: a step goes against the gradient, weight - rate * gradient"),
                (step / 3, "take the mean over the targets that count, not over all positions: cross_entropy leaves -100 out; "
                 "or leave softmax to cross_entropy"),
                (torch.zeros(3, 3), "nothing has moved: return the new weights"),
                (ValueError, "cross_entropy wants logits (N, V) and targets (N,): flatten both"),
                (RuntimeError, "if the message speaks of grad or a leaf: weight.clone().requires_grad_(), and return "
                 "weight - rate * gradient; else flatten: (N, V) and (N,)"),
            ),
        ),
        Case(
            arguments=(torch.zeros(2, 2), *two, 0.6), expected=torch.tensor([[0.0, 0.0], [0.1, -0.1]]),
            hint="three targets count; row 0 is pushed both ways, row 1 by 0.6 * 0.5 / 3",
            mistakes=(
                (torch.tensor([[0.0, 0.0], [0.3, -0.3]]), "take the mean over the targets that count, not their sum"),
                (torch.tensor([[0.0, 0.0], [1 / 6, -1 / 6]]), "the rate is an argument: here it is 0.6, not 1"),
                (torch.tensor([[0.0, 0.0], [0.075, -0.075]]), "three targets count, not four: those with -100 are left out"),
            ),
        ),
        Case(
            arguments=(torch.tensor([[0.0, 0.0], [0.0, 2.0]]).log_softmax(1), torch.tensor([[1]]), torch.tensor([[0]]), 0.1),
            expected=torch.tensor([[0.0, 0.0], [0.0, 2.0]]).log_softmax(1)
            + 0.1 * torch.tensor([[0.0, 0.0], [1.0, -1.0]]) * torch.tensor([0.0, 2.0]).softmax(0)[1],
            hint="start from the weights that are given: new = weight - rate * gradient",
        ),
    )  # fmt: skip


_TOKENS = torch.tensor([[5, 6, 7, 8], [9, 5, 6, 7]])
_CHOSEN = torch.tensor([[True, True, False, True], [False, False, True, False]])
_FATES = torch.tensor([[0.1, 0.95, 0.3, 0.85], [0.95, 0.5, 0.79, 0.95]])
_STRANGERS = torch.tensor([[1, 2, 3, 4], [4, 3, 2, 1]])

EXERCISES = (
    Exercise(
        solution=hide_words,
        cases=(
            Case(
                arguments=(torch.tensor([[5, 6, 7, 8]]), torch.tensor([[True, True, False, True]]),
                           torch.tensor([[0.1, 0.95, 0.3, 0.85]]), torch.tensor([[1, 2, 3, 4]]), 0),
                expected=torch.tensor([[0, 2, 7, 8]]),
                hint="5 has fate 0.1: blank; 6 has 0.95: the stranger 2; 7 is not chosen; 8 has 0.85: it stays",
                mistakes=(
                    (torch.tensor([[0, 0, 7, 0]]), "not every chosen word is hidden behind the blank: look at its fate"),
                    (torch.tensor([[0, 2, 0, 8]]), "7 is not chosen: it stays, whatever its fate"),
                    (torch.tensor([[0, 6, 7, 4]]), "turned round: 0.8 to 0.9 stays, 0.9 and more becomes a stranger"),
                    (torch.tensor([[0, 2, 7, 4]]), "fates from 0.8 to 0.9 stay: one chosen word in ten is shown as it is"),
                    (torch.tensor([[0, 6, 7, 8]]), "fates of 0.9 and more become the stranger of that place"),
                ),
            ),
            Case(
                arguments=(_TOKENS, _CHOSEN, _FATES, _STRANGERS, 99),
                expected=torch.tensor([[99, 2, 7, 8], [9, 5, 99, 7]]),
                hint="in the second row only the third word is chosen; mask_id is 99 here",
                mistakes=((torch.tensor([[0, 2, 7, 8], [9, 5, 0, 7]]), "mask_id is an argument: here it is 99"),),
            ),
            Case(
                arguments=(torch.tensor([[3, 4]]), torch.tensor([[True, True]]), torch.tensor([[0.8, 0.9]], dtype=torch.float64),
                           torch.tensor([[7, 8]]), 1),
                expected=torch.tensor([[3, 8]]), hint="0.8 itself stays, 0.9 itself becomes a stranger",
            ),
            Case(
                arguments=(torch.tensor([[3], [4]]), torch.tensor([[True], [True]]), torch.tensor([[0.5], [0.99]]),
                           torch.tensor([[7], [8]]), 1),
                expected=torch.tensor([[1], [8]]), hint="each place has its own stranger: here 8",
            ),
        ),
    ),
    Exercise(
        solution=targets_for,
        cases=(
            Case(
                arguments=(torch.tensor([[5, 6, 7]]), torch.tensor([[False, True, False]])),
                expected=torch.tensor([[-100, 6, -100]]),
                hint="-100 tells cross_entropy to leave a place out; only the chosen words are asked for",
                mistakes=(
                    (torch.tensor([[5, 6, 7]]), "this asks for every word, although the model can see most of them"),
                    (torch.tensor([[5, -100, 7]]), "turned round: the chosen words count, the others do not"),
                    (torch.tensor([[0, 6, 0]]), "0 is a token like others: what does not count is -100"),
                    (torch.tensor([[-100, -100, 6]]), "nothing is shifted: position t is asked for token t itself"),
                    (torch.tensor([[-100, 7, -100]]), "nothing is shifted: position t is asked for token t itself"),
                ),
            ),
            Case(
                arguments=(torch.tensor([[5, 6], [7, 8]]), torch.tensor([[True, False], [True, True]])),
                expected=torch.tensor([[5, -100], [7, 8]]), hint="keep the shape (B, T)",
            ),
        ),
    ),
    Exercise(solution=masked_step, cases=_step_cases()),
)  # fmt: skip
