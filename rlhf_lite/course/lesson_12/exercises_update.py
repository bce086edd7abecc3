"""Exercise of lesson 12 on tensors: PPO's whole update, from the fixed numbers of a rollout to both models' steps."""

from math import log

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...rollout import Rollout
from ..checks import Case, Exercise, PlainSGD


def learn_from_rollout(
    policy: nn.Module, value_model: nn.Module, optimizers: list[Optimizer], rollout: Rollout, clip: float, passes: int
) -> list[list[float]]:
    """Learn from a whole rollout some times; return policy loss and value loss before each step."""
    losses = []
    for _ in range(passes):
        log_probs = policy(rollout.tokens)[:, :-1].log_softmax(-1).gather(2, rollout.tokens[:, 1:, None]).squeeze(2)
        ratio = (log_probs - rollout.old_log_probs).exp()
        gain = torch.min(ratio * rollout.advantages, ratio.clamp(1 - clip, 1 + clip) * rollout.advantages)
        policy_loss = -gain[rollout.mask].mean()
        error = value_model(rollout.tokens)[:, :-1] - rollout.returns
        value_loss = 0.5 * (error[rollout.mask] ** 2).mean()
        for model, optimizer, loss in zip((policy, value_model), optimizers, (policy_loss, value_loss)):
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        losses.append([policy_loss.item(), value_loss.item()])
    return losses


class LogitsPerToken(nn.Module):
    """The smallest policy: each token id has logits of its own for the next token, all 0 at first."""

    def __init__(self, vocab_size: int = 4):
        super().__init__()
        self.logits = nn.Embedding.from_pretrained(torch.zeros(vocab_size, vocab_size), freeze=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> (B, T, V)."""
        return self.logits(tokens)

    def __repr__(self) -> str:
        return "policy"


class ValuePerToken(nn.Module):
    """The smallest value model: each token id has one number, 0 at first."""

    def __init__(self, vocab_size: int = 4):
        super().__init__()
        self.values = nn.Embedding.from_pretrained(torch.zeros(vocab_size, 1), freeze=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> (B, T)."""
        return self.values(tokens).squeeze(-1)

    def __repr__(self) -> str:
        return "value model"


class SmallRollout(Rollout):
    """A rollout as an argument of a case, which messages name in a word."""

    def __repr__(self) -> str:
        return "rollout"


def small_rollout(
    tokens: list[list[int]], mask: list[list[int]], ratios: list[list[float]], advantages: list[list[float]],
    returns: list[list[float]],
) -> SmallRollout:
    """Make a rollout from which `LogitsPerToken` as it is at first has the given ratios (all logits 0: log-probs -log 4)."""
    old = -log(4) - torch.tensor(ratios).log()
    zeros = torch.zeros_like(old)
    return SmallRollout(
        tokens=torch.tensor(tokens), mask=torch.tensor(mask).bool(), scores=zeros[:, 0], old_log_probs=old, ref_log_probs=old,
        old_values=zeros, rewards=zeros, advantages=torch.tensor(advantages), returns=torch.tensor(returns),
        finished=torch.ones(len(tokens)).bool(),
    )  # fmt: skip


def small_arguments(rollout: Rollout, rates: tuple[float, float], clip: float, passes: int) -> tuple:
    """Arguments of one case, with fresh models."""
    models = LogitsPerToken(), ValuePerToken()
    optimizers = [PlainSGD(model.parameters(), lr=rate) for model, rate in zip(models, rates, strict=True)]
    return *models, optimizers, rollout, clip, passes


def _mistake(
    case: tuple, *, clipped: bool = True, masked: bool = True, sign: float = -1.0, worse: bool = False, half: float = 0.5,
    zero: bool = True, cut: bool = True, steps: bool = True, after: bool = False, mean: bool = True, upside_down: bool = False,
    value_clip: float = 1e9,
) -> list[list[float]]:
    """Losses that a wrong attempt gets; each argument is one mistake."""
    case = small_arguments(case[3], tuple(o.param_groups[0]["lr"] for o in case[2]), case[4], case[5])
    policy, value_model, optimizers, rollout, clip, passes = case
    kept, losses = rollout.mask if masked else torch.ones_like(rollout.mask), []
    for _ in range(passes + after):
        log_probs = policy(rollout.tokens)[:, :-1].log_softmax(-1).gather(2, rollout.tokens[:, 1:, None]).squeeze(2)
        ratio = (rollout.old_log_probs - log_probs if upside_down else log_probs - rollout.old_log_probs).exp()
        both = ratio * rollout.advantages, ratio.clamp(1 - clip, 1 + clip) * rollout.advantages
        gain = (torch.max if worse else torch.min)(*both) if clipped else both[0]
        values = value_model(rollout.tokens)[:, :-1]
        errors = torch.max((values - rollout.returns) ** 2, (values.clamp(-value_clip, value_clip) - rollout.returns) ** 2)
        found = [sign * gain[kept], half * errors[kept]]
        found = [part.mean() if mean else part.sum() for part in found]
        for model, optimizer, loss in zip((policy, value_model), optimizers, found, strict=True):
            if zero:
                optimizer.zero_grad()
            loss.backward()
            if cut:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if steps:
                optimizer.step()
        losses.append([loss.item() for loss in found])
    return losses[after:]


# Four sampled tokens. Ratios and advantages: 1.5 and 10, 0.5 and 10, 1.5 and -10, 0.5 and -20; what counts is 1.2 * 10,
# 0.5 * 10, 1.5 * -10 and 0.8 * -20: -14 in all, so that the policy loss is 14 / 4. Values are 0: half the mean of the returns'
# squares is (25 + 49 + 100 + 36) / 8. The value model's gradient is (-12, -16) / 4 for tokens 2 and 1, of length 5; cut to
# length 1 it moves them to 0.6 and 0.8.
_FIRST = small_arguments(
    small_rollout(
        [[3, 2, 1, 2], [2, 1, 3, 0]], [[0, 1, 1], [1, 1, 0]], [[1.0, 1.5, 0.5], [1.5, 0.5, 3.0]],
        [[5.0, 10.0, 10.0], [-10.0, -20.0, 7.0]], [[4.0, 5.0, 10.0], [7.0, 6.0, 2.0]],
    ),
    (0.5, 1.0), 0.2, 3,
)  # fmt: skip
# One sampled token: 2.0 counts as 1.1 for an advantage of 1; no gradient, so that the policy stays. Value 0, return 0.5; then
# the value is 0.25, 0.375, ...: each step of rate 0.5 goes half of the way.
_SECOND = small_arguments(small_rollout([[1, 2, 3]], [[0, 1]], [[1.0, 2.0]], [[3.0, 1.0]], [[9.0, 0.5]]), (1.0, 0.5), 0.1, 3)
EXERCISES = (
    Exercise(
        solution=learn_from_rollout,
        cases=(
            Case(
                arguments=_FIRST, expected=learn_from_rollout(*small_arguments(_FIRST[3], (0.5, 1.0), 0.2, 3)),
                hint="the losses before the first step are 3.5 and 26.25; then each model takes its own step: zero_grad, "
                "backward, clip_grad_norm_ to 1, step",
                mistakes=(
                    (_mistake(_FIRST, clipped=False), "the ratio is not clipped"),
                    (_mistake(_FIRST, worse=True), "of the clipped and the unclipped gain the smaller counts, not the larger"),
                    (_mistake(_FIRST, masked=False), "only places that the mask keeps count, in both losses: indexing with "
                     "[rollout.mask] drops the others"),
                    (_mistake(_FIRST, sign=1.0), "a loss is made smaller, a gain is to grow: the policy loss has a minus"),
                    (_mistake(_FIRST, half=1.0), "the value loss is half the mean squared error"),
                    (_mistake(_FIRST, mean=False), "take means over the sampled tokens, not sums"),
                    (_mistake(_FIRST, zero=False), "gradients of earlier steps are left: zero_grad() in each step"),
                    (_mistake(_FIRST, cut=False), "gradients as long as these must be cut: clip_grad_norm_(parameters, 1.0), "
                     "between backward and step"),
                    (_mistake(_FIRST, steps=False), "nothing is learnt between the passes: is there a step() after each "
                     "backward(), the first optimizer for the policy, the second for the value model?"),
                    (_mistake(_FIRST, upside_down=True), "the ratio is probability now / probability when it was drawn"),
                    (_mistake(_FIRST, value_clip=0.2), "the values' own clip is left out in this exercise"),
                    (_mistake(_FIRST, after=True), "give the losses before each step, not after it"),
                ),
            ),
            Case(
                arguments=_SECOND, expected=[[-1.1, 0.125], [-1.1, 0.03125], [-1.1, 0.0078125]],
                hint="one sampled token, clip 0.1, three passes: the ratio 2 counts as 1.1, so that the policy has no gradient; "
                "the value comes half of the way nearer to the return each time",
            ),
        ),
    ),
)  # fmt: skip
