"""The update that readers write is the library's: its losses, gradients and steps.

Proves: the first losses by hand; each step against the library's losses, autograd and a step worked out here; the mask, on
both losses.
"""

import pytest
import torch
from torch.nn import functional as F

from rlhf_lite.course.lesson_12.exercises_update import (
    EXERCISES,
    LogitsPerToken,
    ValuePerToken,
    learn_from_rollout,
    small_arguments,
    small_rollout,
)
from rlhf_lite.ppo import policy_loss, value_loss

CASES = {"first": EXERCISES[0].cases[0], "second": EXERCISES[0].cases[1]}


def fresh(case):
    """A case's arguments with models of their own."""
    _, _, optimizers, rollout, clip, passes = case.arguments
    return small_arguments(rollout, tuple(each.param_groups[0]["lr"] for each in optimizers), clip, passes)


def test_the_first_losses_by_hand():
    # 1.2 * 10, 0.5 * 10, 1.5 * -10, 0.8 * -20: -14 of 4 tokens; half of the mean of 25, 49, 100, 36
    first, second, _ = learn_from_rollout(*fresh(CASES["first"]))
    assert first == pytest.approx([3.5, 26.25])
    # values 0.6 for token 2 and 0.8 for token 1: errors -4.4, -6.4, -9.2, -5.2
    assert second[1] == pytest.approx((4.4**2 + 6.4**2 + 9.2**2 + 5.2**2) / 8)


@pytest.mark.parametrize("name", CASES)
def test_each_step_is_the_library_s_loss_and_a_cut_gradient(name):
    policy, value_model, optimizers, rollout, clip, passes = fresh(CASES[name])
    losses = []
    for _ in range(passes):
        logits, values = policy(rollout.tokens)[:, :-1], value_model(rollout.tokens)[:, :-1]
        log_probs = -F.cross_entropy(logits.transpose(1, 2), rollout.tokens[:, 1:], reduction="none")
        found = (
            policy_loss(log_probs, rollout.old_log_probs, rollout.advantages, rollout.mask, clip)[0],
            value_loss(values, rollout.old_values, rollout.returns, rollout.mask, value_clip=1e9),
        )
        losses.append([loss.item() for loss in found])
        for model, optimizer, loss in zip((policy, value_model), optimizers, found, strict=True):
            (gradient,) = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                (parameter,) = model.parameters()
                parameter -= optimizer.param_groups[0]["lr"] * gradient / max(1.0, gradient.norm().item())
    assert learn_from_rollout(*fresh(CASES[name])) == [pytest.approx(pair, rel=1e-4) for pair in losses]


def test_what_the_mask_leaves_out_changes_nothing():
    tokens, mask, ratios = [[1, 2, 3, 0]], [[0, 1, 0]], [[1.0, 0.5, 1.0]]
    rollouts = [small_rollout(tokens, mask, ratios, [[a, 2.0, a]], [[a, 1.0, a]]) for a in (0.0, 100.0)]
    found = [learn_from_rollout(*small_arguments(rollout, (0.5, 0.5), 0.2, 2)) for rollout in rollouts]
    assert found[0] == found[1]


def test_the_toy_models_begin_at_zero():
    tokens = torch.tensor([[1, 2, 3]])
    assert LogitsPerToken()(tokens).abs().max() == 0 and LogitsPerToken()(tokens).shape == (1, 3, 4)
    assert ValuePerToken()(tokens).tolist() == [[0.0, 0.0, 0.0]]
