"""Exercises of lesson 13, the capstone's first half: what PPO needs to know about a rollout, on tensors."""

from math import exp, log

import torch
from torch import Tensor, nn

from ..checks import Case, Exercise
from ..lesson_05.exercises_training import NextOfEach


def sampled_log_probs(model: nn.Module, tokens: Tensor, prompt_lengths: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log-probability of each sampled token, 0 elsewhere, and the mask of sampled tokens: both (B, T - 1)."""
    places = torch.arange(1, tokens.shape[1])  # of the tokens that are predicted
    mask = (places >= prompt_lengths[:, None]) & (places < lengths[:, None])
    log_probs = model(tokens)[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None]).squeeze(2)
    return log_probs * mask, mask


def reward_tensor(scores: Tensor, log_probs: Tensor, ref_log_probs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """Return the rewards (B, T - 1): each sampled token pays for its KL, the last one of a row gets the row's score too."""
    rewards = -kl_coef * (log_probs - ref_log_probs) * mask
    last = (mask * torch.arange(1, mask.shape[1] + 1)).argmax(1)
    rewards[torch.arange(len(scores)), last] += scores
    return rewards


def advantages_and_returns(rewards: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return whitened advantages (return minus value) and returns (rewards from here on): both (B, T - 1), 0 outside the mask."""
    returns = rewards.flip(1).cumsum(1).flip(1) * mask
    advantages = returns - values
    kept = advantages[mask]
    return (advantages - kept.mean()) / kept.std(correction=0) * mask, returns


_SEVENTH, _TWO = log(1 / 7), log(2 / 7)
_TOKENS, _STARTS, _ENDS = torch.tensor([[1, 2, 3, 5, 0, 0], [4, 5, 0, 1, 2, 4]]), torch.tensor([2, 3]), torch.tensor([4, 6])
_MASK = [[False, True, True, False, False], [False, False, True, True, True]]
_ALL = [[_TWO, _TWO, _SEVENTH, _TWO, _SEVENTH], [_TWO, _TWO, _TWO, _TWO, _SEVENTH]]
_KEPT = [[0.0, _TWO, _SEVENTH, 0.0, 0.0], [0.0, 0.0, _TWO, _TWO, _SEVENTH]]
_LATE = [[False, False, True, True, False], [False, False, False, True, True]]

EXERCISES = (
    Exercise(
        solution=sampled_log_probs,
        cases=(
            Case(
                # the toy gives 2/7 to the next number, 1/7 to every other one
                arguments=(NextOfEach(), _TOKENS, _STARTS, _ENDS), expected=(_KEPT, _MASK),
                hint="the output at place t speaks of token t + 1: log_softmax of model(tokens)[:, :-1], at tokens[:, 1:]; "
                "column t of the mask is True where prompt_length <= t + 1 < length",
                mistakes=(
                    ((_ALL, _MASK), "log-probabilities of prompt and padding must be 0: multiply by the mask"),
                    (([[exp(x) * m for x, m in zip(*rows)] for rows in zip(_ALL, _MASK)], _MASK),
                     "these are probabilities: take log_softmax, not softmax"),
                    ((_MASK, _KEPT), "first the log-probabilities, then the mask"),
                    (([[0.0, 0.0, _SEVENTH, _TWO, 0.0], [0.0, 0.0, 0.0, _TWO, _SEVENTH]], _LATE),
                     "the mask lies one place too late: column t speaks of token t + 1"),
                    (([[0.0, _TWO, 0.0, 0.0, 0.0], [0.0, 0.0, _TWO, _TWO, 0.0]],
                      [[False, True, False, False, False], [False, False, True, True, False]]),
                     "the last sampled token, the end token, is missing from the mask"),
                    (([[0.0, *_ALL[0][1:]], _KEPT[1]], [[False, True, True, True, True], _MASK[1]]),
                     "what comes after `lengths` is padding, which nobody sampled"),
                ),
            ),
            Case(
                arguments=(NextOfEach(), torch.tensor([[3, 4, 4, 0]]), torch.tensor([1]), torch.tensor([3])),
                expected=([[_TWO, _SEVENTH, 0.0]], [[True, True, False]]), hint="tokens 1 and 2 were sampled, token 3 is padding",
            ),
        ),
    ),
    Exercise(
        solution=reward_tensor,
        cases=(
            Case(
                arguments=(
                    torch.tensor([2.0, -1.0]), torch.tensor([[-9.0, -1.0, -2.0, -9.0], [-0.5, -1.0, -0.25, -1.0]]),
                    torch.tensor([[-5.0, -1.5, -1.0, -5.0], [-0.5, -2.0, -1.25, -3.0]]),
                    torch.tensor([[False, True, True, False], [False, True, True, True]]), 0.1,
                ),
                # KL per token: 0.5, -1; 1, 1, 2
                expected=[[0.0, -0.05, 2.1, 0.0], [0.0, -0.1, -0.1, -1.2]],
                hint="-kl_coef * (log_probs - ref_log_probs) where the mask is True, and scores added at each row's last True",
                mistakes=(
                    ([[0.0, 0.05, 1.9, 0.0], [0.0, 0.1, 0.1, -0.8]], "to leave the reference costs: the KL needs a minus"),
                    ([[0.0, -0.05, 0.1, 2.0], [0.0, -0.1, -0.1, -1.2]],
                     "rows are padded: the score belongs on the last sampled token, not into the last column"),
                    ([[0.4, -0.05, 2.1, 0.4], [0.0, -0.1, -0.1, -1.2]], "what the mask leaves out must be 0"),
                    ([[0.0, -0.05, 2.0, 0.0], [0.0, -0.1, -0.1, -1.0]], "add the score to what the last token has already"),
                    ([[0.0, 1.95, 2.1, 0.0], [0.0, -1.1, -1.1, -1.2]], "the score comes once per row, on the last sampled token"),
                    ([[0.0, -0.5, 3.0, 0.0], [0.0, -1.0, -1.0, -3.0]], "multiply the KL by kl_coef"),
                ),
            ),
            Case(
                arguments=(torch.tensor([3.0]), torch.tensor([[-1.0]]), torch.tensor([[-2.0]]), torch.tensor([[True]]), 0.5),
                expected=[[2.5]], hint="one nat at 0.5 comes off the score",
            ),
        ),
    ),
    Exercise(
        solution=advantages_and_returns,
        cases=(
            Case(
                arguments=(
                    torch.tensor([[0.0, 1.0, 2.0, 0.0], [0.0, 0.0, -1.0, 4.0]]),
                    torch.tensor([[7.0, 2.0, 1.0, 9.0], [7.0, 9.0, 3.0, 1.0]]),
                    torch.tensor([[False, True, True, False], [False, False, True, True]]),
                ),
                # returns 3, 2 and 3, 4; minus values 1, 1, 0, 3: mean 1.25, deviation sqrt(4.75) / 2
                expected=(
                    [[0.0, *[-0.5 / 4.75**0.5] * 2, 0.0], [0.0, 0.0, -2.5 / 4.75**0.5, 3.5 / 4.75**0.5]],
                    [[0.0, 3.0, 2.0, 0.0], [0.0, 0.0, 3.0, 4.0]],
                ),
                hint="a return adds up the rewards from its place on: flip, cumsum, flip; minus the value; then mean 0 and "
                "deviation 1 over the places in the mask",
                mistakes=(
                    (([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 3.0]], [[0.0, 3.0, 2.0, 0.0], [0.0, 0.0, 3.0, 4.0]]),
                     "the advantages are right but not whitened: take off their mean, divide by their deviation"),
                    (([[0.0, *[-0.25 / (4.75 / 3) ** 0.5] * 2, 0.0],
                       [0.0, 0.0, -1.25 / (4.75 / 3) ** 0.5, 1.75 / (4.75 / 3) ** 0.5]],
                      [[0.0, 3.0, 2.0, 0.0], [0.0, 0.0, 3.0, 4.0]]),
                     "divide the squares by how many places are kept, not by one less: std(correction=0)"),
                    (([[0.0, *[-0.5 / 4.75**0.5] * 2, 0.0], [0.0, 0.0, -2.5 / 4.75**0.5, 3.5 / 4.75**0.5]],
                      [[3.0, 3.0, 2.0, 0.0], [3.0, 3.0, 3.0, 4.0]]),
                     "the returns of prompt and padding must be 0: multiply by the mask"),
                    (([[0.0, 3.0, 2.0, 0.0], [0.0, 0.0, 3.0, 4.0]],
                      [[0.0, *[-0.5 / 4.75**0.5] * 2, 0.0], [0.0, 0.0, -2.5 / 4.75**0.5, 3.5 / 4.75**0.5]]),
                     "first the advantages, then the returns"),
                ),
            ),
            Case(
                # returns 5, 4; minus values 3, 4
                arguments=(torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([[True, True]])),
                expected=([[1.0, -1.0]], [[5.0, 4.0]]),
                hint="the first return is 1 + 4, the second 4: rewards from here on, not those so far",
            ),
        ),
    ),
)  # fmt: skip
