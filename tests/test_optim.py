"""One optimizer step does what it says: the rate by hand, gradients added and clipped, nothing touched by a bad loss."""

import copy

import pytest
import torch
from torch import nn

from rlhf_lite.optim import OptimConfig, build_optimizer, learning_rate_at, optimizer_step


def test_learning_rate_by_hand():
    config = OptimConfig(learning_rate=1.0, final_fraction=0.2, warmup_steps=4)
    # warm-up 1/4, 2/4, 3/4, 4/4; then from step 4 to step 8, the last of 9, half a cosine from 1 to 0.2:
    # at a quarter of the way cos(45 degrees) = 0.7071: 0.2 + 0.8 * (1 + 0.7071) / 2 = 0.88284; half-way 0.6
    expected = [0.25, 0.5, 0.75, 1.0, 1.0, 0.88284, 0.6, 0.31716, 0.2]
    assert [learning_rate_at(step, 9, config) for step in range(9)] == pytest.approx(expected, abs=1e-5)
    assert learning_rate_at(20, 9, config) == pytest.approx(0.2)  # beyond the end it stays


def test_learning_rate_without_warm_up_and_constant():
    config = OptimConfig(learning_rate=0.5)
    assert learning_rate_at(0, 10, config) == 0.5
    assert learning_rate_at(9, 10, config) == pytest.approx(0.05)
    assert learning_rate_at(0, 1, config) == 0.5  # one step only: no division by zero
    constant = OptimConfig(learning_rate=0.5, final_fraction=1.0)
    assert {learning_rate_at(step, 10, constant) for step in range(10)} == {0.5}


def make_layer():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0]]))
        layer.bias.fill_(3.0)
    return layer


def test_gradients_of_all_losses_add_up_and_are_clipped():
    layer, config = make_layer(), OptimConfig(learning_rate=0.1, max_grad_norm=1.0)
    optimizer = build_optimizer(layer, config)
    losses = {"first": 3 * layer.weight[0, 0], "second": 4 * layer.weight[0, 1]}
    metrics = optimizer_step(optimizer, losses, 0, 10, config)
    assert metrics == {"learning_rate": pytest.approx(0.1), "grad_norm": pytest.approx(5)}  # before clipping
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[0.6, 0.8]]))
    again = {"first": 0.3 * layer.weight[0, 0]}
    assert optimizer_step(optimizer, again, 1, 10, config)["grad_norm"] == pytest.approx(0.3)  # old gradients are gone
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[0.3, 0.0]]))  # short ones are left as they are


def test_first_step_moves_by_the_rate_of_that_step():
    config = OptimConfig(learning_rate=0.1, warmup_steps=4, weight_decay=0.0)
    layer = make_layer()
    optimizer_step(build_optimizer(layer, config), {"loss": layer.weight.sum() - layer.bias.sum()}, 1, 10, config)
    # Adam's first step is the rate times the sign of the gradient; step 1 of 4 has the rate 0.05
    torch.testing.assert_close(layer.weight.data, torch.tensor([[0.95, 1.95]]), atol=1e-5, rtol=0)
    torch.testing.assert_close(layer.bias.data, torch.tensor([3.05]), atol=1e-5, rtol=0)


def test_only_matrices_decay():
    config = OptimConfig(learning_rate=0.1, weight_decay=0.5)
    layer = make_layer()
    optimizer_step(build_optimizer(layer, config), {"loss": 0 * layer.weight.sum() + 0 * layer.bias.sum()}, 0, 10, config)
    torch.testing.assert_close(layer.weight.data, torch.tensor([[0.95, 1.9]]))  # times 1 - 0.1 * 0.5
    assert layer.bias.item() == 3


def test_frozen_parameters_stay_out():
    layer = make_layer()
    layer.bias.requires_grad_(False)
    held = [p for group in build_optimizer(layer, OptimConfig()).param_groups for p in group["params"]]
    assert [p.shape for p in held] == [(1, 2)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_named_and_changes_nothing(bad):
    layer, config = make_layer(), OptimConfig(learning_rate=0.1)
    optimizer = build_optimizer(layer, config)
    optimizer_step(optimizer, {"loss": layer.weight.sum()}, 0, 10, config)
    weights, state = copy.deepcopy(layer.state_dict()), copy.deepcopy(optimizer.state_dict()["state"])
    losses = {"good_loss": layer.weight.sum(), "bad_loss": layer.bias.sum() * bad}
    with pytest.raises(FloatingPointError, match=r"^bad_loss is -?(nan|inf) at step 1"):
        optimizer_step(optimizer, losses, 1, 10, config)
    assert all(torch.equal(layer.state_dict()[name], tensor) for name, tensor in weights.items())
    after = optimizer.state_dict()["state"]
    assert all(torch.equal(after[i][key], value) for i, slots in state.items() for key, value in slots.items())


def test_a_gradient_that_is_not_finite_changes_nothing():
    layer, config = make_layer(), OptimConfig(learning_rate=0.1)
    loss = (layer.weight - layer.weight.detach()).norm() + (layer.bias - 3).abs().sqrt().sum()  # 0, but of infinite slope
    with pytest.raises(FloatingPointError, match=r"gradient.* step 0"):
        optimizer_step(build_optimizer(layer, config), {"loss": loss}, 0, 10, config)
    assert layer.weight.tolist() == [[1, 2]] and layer.bias.item() == 3


def test_messages():
    with pytest.raises(ValueError, match="learning_rate is 0, expected more than 0"):
        OptimConfig(learning_rate=0)
    with pytest.raises(ValueError, match=r"final_fraction is 1.5, expected 0 to 1"):
        OptimConfig(final_fraction=1.5)
    with pytest.raises(ValueError, match="warmup_steps -1 must be >= 0"):
        OptimConfig(warmup_steps=-1)
    with pytest.raises(ValueError, match="max_grad_norm 0 > 0"):
        OptimConfig(max_grad_norm=0)
