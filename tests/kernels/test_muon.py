"""Muon steps matrices by orthogonal updates, as torch's own does, and everything else exactly as Adam does."""

import pytest
import torch

from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.kernels.muon import orthogonalize
from rlhf_lite.optim import OptimConfig, build_optimizer, clip_and_step, optimizer_step


def config(**changes) -> OptimConfig:
    settings = {"learning_rate": 1e-2, "muon_learning_rate": 3e-2, "final_fraction": 1.0, "max_grad_norm": 1e9}
    return OptimConfig(**(settings | changes))


def test_orthogonalized_matrices_have_singular_values_near_one():
    matrices = torch.randn(3, 8, 32, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrices))
    assert values.min() > 0.6 and values.max() < 1.3
    assert torch.linalg.svdvals(matrices / matrices.norm(dim=(1, 2), keepdim=True)).min() < 0.3  # not so before


def trained(muon: bool, steps: int = 3):
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=32, context_length=16, d_model=16, n_layers=2, n_heads=2))
    optimizer = build_optimizer(model, config(muon_learning_rate=3e-2 if muon else 0.0, weight_decay=0.01))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    inputs = torch.randint(2, model.config.vocab_size, (4, 8), generator=torch.Generator().manual_seed(1))
    for step in range(steps):
        loss = torch.nn.functional.cross_entropy(model(inputs)[:, :-1].flatten(0, 1), inputs[:, 1:].flatten())
        optimizer_step(optimizer, {"loss": loss}, step, steps, config())
    return model, before


def test_what_is_no_inner_matrix_moves_as_adamw_moves_it():
    # one step: later ones see the other parameters' different moves
    ours, adam = dict(trained(True, 1)[0].named_parameters()), dict(trained(False, 1)[0].named_parameters())
    others = [name for name in ours if "blocks." not in name or ours[name].dim() < 2]
    assert len(others) > 5
    for name in others:
        torch.testing.assert_close(ours[name], adam[name], rtol=1e-4, atol=1e-6)


SHAPES = ((16, 16), (32, 16), (16, 64))


def one_matrix(shape):
    """A module whose only parameter is one that Muon takes."""
    block = torch.nn.ModuleDict({"blocks": torch.nn.ModuleList([torch.nn.Linear(shape[1], shape[0], bias=False)])})
    return block, block["blocks"][0].weight


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inner_matrices_move_as_torch_muon_moves_them(shape):
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon to compare with")
    block, ours = one_matrix(shape)
    theirs = torch.nn.Parameter(ours.detach().clone())
    reference = torch.optim.Muon([theirs], lr=3e-2, weight_decay=0.5, momentum=0.95, nesterov=True)
    optimizer = build_optimizer(block, config(weight_decay=0.5))
    optimizer.param_groups[0]["lr"] = 3e-2
    for step in range(4):  # each gradient points elsewhere: momentum shows
        gradient = torch.randn(shape, generator=torch.Generator().manual_seed(step))
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        optimizer.step()
        reference.step()
    # theirs iterates in bfloat16, and its moves are about 1 * lr long per entry
    torch.testing.assert_close(ours.detach(), theirs.detach(), rtol=0, atol=3e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_two_steps_by_hand(shape):
    block, weight = one_matrix(shape)
    expected, momentum = weight.detach().clone(), torch.zeros(shape)
    optimizer, rate, decay = build_optimizer(block, config(weight_decay=0.1)), 3e-2, 0.1
    optimizer.param_groups[0]["lr"] = rate
    for step in range(2):
        gradient = torch.randn(shape, generator=torch.Generator().manual_seed(step))
        momentum = 0.95 * momentum + 0.05 * gradient
        ahead = 0.05 * gradient + 0.95 * momentum  # Nesterov: the momentum as it will be
        u, s, v = torch.linalg.svd(ahead, full_matrices=False)
        for _ in range(5):  # what five Newton-Schulz steps make of the singular values
            s = s / s.norm() if _ == 0 else s
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        long = max(1, shape[0] / shape[1]) ** 0.5
        expected = expected * (1 - rate * decay) - rate * long * (u * s) @ v
        weight.grad = gradient
        optimizer.step()
    torch.testing.assert_close(weight.detach(), expected, rtol=0, atol=1e-5)


def test_each_group_follows_its_own_peak_rate():
    model = GPT(GPTConfig(vocab_size=32, context_length=16, d_model=16, n_layers=1, n_heads=2))
    settings = config(warmup_steps=4)
    optimizer = build_optimizer(model, settings)
    clip_and_step(optimizer, 1, 10, settings)  # no gradients: only rates are set; half of the warm-up is done
    rates = {group["muon"]: group["lr"] for group in optimizer.param_groups}
    assert rates == {True: pytest.approx(1.5e-2), False: pytest.approx(5e-3)}


def test_in_parts_keys_and_values_are_each_orthogonal_and_positions_take_small_steps():
    model = GPT(GPTConfig(vocab_size=32, context_length=16, d_model=16, n_layers=1, n_heads=2))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = build_optimizer(model, config(muon_parts=True, weight_decay=0.0))
    generator = torch.Generator().manual_seed(0)
    for p in model.parameters():
        p.grad = torch.randn(p.shape, generator=generator)
    model.blocks[0].attention.key_value.weight.grad[16:] *= 1000.0  # the values' gradient
    clip_and_step(optimizer, 0, 1, config(muon_parts=True))
    moved = {name: p.detach() - before[name] for name, p in model.named_parameters()}
    for half in moved["blocks.0.attention.key_value.weight"].chunk(2):
        assert 0.8 < half.norm().item() / (3e-2 * 16**0.5) < 1.2  # of an orthogonal matrix: 4
    assert moved["token_embedding.weight"].abs().mean().item() == pytest.approx(1e-2, rel=1e-3)  # Adam's first step: its rate
    assert moved["position_embedding.weight"].abs().mean().item() == pytest.approx(1e-3, rel=1e-3)
