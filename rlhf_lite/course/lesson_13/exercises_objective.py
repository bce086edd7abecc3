"""Exercises of lesson 13 on the objective: the tax as a share, the three terms, and what a coefficient means."""

import torch
from torch import Tensor

from ..checks import Case, Exercise


def given_back(before: float, ppo: float, ptx: float) -> float:
    """Return the share of what PPO lost, from the loss before it to its own, that ptx gave back; 0 where PPO lost nothing."""
    lost = ppo - before
    return (ppo - ptx) / lost if lost > 0 else 0.0


def objective(
    scores: list[float], kls: list[float], text_log_probs: list[float], kl_coef: float, ptx_coef: float
) -> float:
    """Return the mean penalised score of the responses plus ptx_coef times the mean log-probability of the text's tokens."""
    answering = sum(score - kl_coef * kl for score, kl in zip(scores, kls)) / len(scores)
    remembering = sum(text_log_probs) / len(text_log_probs)
    return answering + ptx_coef * remembering


def coef_for_ratio(policy_gradients: list[Tensor], text_gradients: list[Tensor], ratio: float) -> float:
    """Return the ptx_coef at which the text's whole gradient is `ratio` times as long as the policy's."""

    def length(gradients):
        return sum((g**2).sum().item() for g in gradients) ** 0.5

    return ratio * length(policy_gradients) / length(text_gradients)


EXERCISES = (
    Exercise(
        solution=given_back,
        cases=(
            Case(
                arguments=(1.0, 2.0, 1.25), expected=0.75,
                hint="what PPO lost is ppo - before; what came back is ppo - ptx; the share is the second divided by the first",
                mistakes=(
                    (0.25, "this is the share that is still missing; the share that came back is 1 minus that"),
                    (0.375, "divide by what PPO lost, ppo - before, not by PPO's whole loss"),
                    (-0.75, "the sign is turned round: what came back is counted from PPO's loss downwards"),
                ),
            ),
            Case(
                arguments=(1.0, 1.5, 0.75), expected=1.5,
                hint="ptx may give back more than was lost: then the share is above 1",
                mistakes=(
                    (1.0, "do not stop at 1: with text mixed in, a model may predict text better than before"),
                    (0.75, "this is how many nats came back; divide by how many were lost"),
                ),
            ),
            Case(
                arguments=(2.0, 3.0, 3.5), expected=-0.5, hint="where ptx made it worse, the share is below 0",
                mistakes=(
                    (0.0, "do not stop at 0: if ptx loses even more than PPO, the share is negative"),
                    (0.5, "no absolute values: ptx lost more than PPO here, so the share is negative"),
                ),
            ),
            Case(
                arguments=(1.0, 1.0, 0.9), expected=0.0, hint="where PPO lost nothing there is nothing to give back: return 0",
                mistakes=((ZeroDivisionError, "PPO may have lost nothing; then ppo - before is 0: return 0 before you divide"),),
            ),
            Case(
                arguments=(1.0, 0.75, 0.5), expected=0.0, hint="PPO's loss fell: it lost nothing, so nothing can come back",
                mistakes=((-1.0, "PPO gained here: where ppo is not above before, nothing was lost, and the answer is 0"),),
            ),
        ),
    ),
    Exercise(
        solution=objective,
        cases=(
            Case(
                # (0.8 - 0.4) / 2 - 0.5 * 3
                arguments=([1.0, 0.0], [2.0, 4.0], [-1.0, -3.0, -5.0], 0.1, 0.5), expected=-1.3,
                hint="the mean of 1 - 0.2 and 0 - 0.4 is 0.2; the mean log-probability is -3, times 0.5 is -1.5",
                mistakes=(
                    (1.3, "this is a loss, to be made smaller; the objective is made larger: turn the sign round"),
                    (1.7, "log-probabilities are negative already: likely text makes the objective larger, so add them"),
                    (-4.3, "take the mean of the log-probabilities, not their sum: the coefficient belongs to a mean"),
                    (-2.05, "the text has its own number of tokens: divide its sum by that, not by the number of answers"),
                    (-1.1, "take the mean over the responses, not their sum"),
                    (-1.0, "the KL is missing: each response's score is reduced by kl_coef * kl"),
                    (-0.7, "the KL is a cost: subtract kl_coef * kl"),
                    (-2.8, "ptx_coef multiplies the text's mean: it is missing"),
                ),
            ),
            Case(
                arguments=([3.0], [1.0], [-2.0, -2.0, -2.0, -6.0], 1.0, 0.25), expected=1.25,
                hint="3 less one nat at 1 each is 2; the mean log-probability is -3, a quarter of it -0.75",
            ),
            Case(
                arguments=([1.0, 2.0, 6.0], [0.0, 5.0, 10.0], [-4.0], 0.2, 0.0), expected=2.0,
                hint="with ptx_coef 0 only the penalised score is left: that is PPO",
            ),
        ),
    ),
    Exercise(
        solution=coef_for_ratio,
        cases=(
            Case(
                # lengths 3 and 6
                arguments=([torch.tensor([[1.0], [2.0]]), torch.tensor([2.0])], [torch.zeros(2, 1), torch.tensor([-6.0])], 1.0),
                expected=0.5,
                hint="the length of a gradient is the root of the sum of all squares, over all its tensors: 3 and 6 here",
                mistakes=(
                    (2.0, "it is the text's gradient that is multiplied by the coefficient: divide by its length"),
                    (0.25, "take the square roots: these are squared lengths"),
                    ((5**0.5 + 2) / 6, "all tensors together are one gradient: add the squares first, then take one root"),
                    (5 / 6, "a length is the root of the sum of squares, not the sum of absolute values"),
                ),
            ),
            Case(
                arguments=([torch.tensor([6.0, 8.0])], [torch.tensor([[2.0, 2.0], [2.0, 2.0]])], 2.0), expected=5.0,
                hint="lengths 10 and 4: coefficient times 4 must be 2 times 10",
                mistakes=(
                    (2.5, "this makes both equally long; `ratio` says how many times as long the text's shall be"),
                    (1.25, "a larger ratio needs a larger coefficient: multiply by it"),
                ),
            ),
            Case(
                arguments=([torch.tensor([3.0]), torch.tensor([4.0])], [torch.tensor([0.0, 10.0])], 1.0), expected=0.5,
                hint="lengths 5 and 10",
            ),
        ),
    ),
)  # fmt: skip
