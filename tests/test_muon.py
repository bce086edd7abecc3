"""Muon steps matrices by orthogonal updates, as torch's own does, and everything else exactly as Adam does."""

import pytest
import torch

from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.optim import OptimConfig, build_optimizer, optimizer_step, orthogonalize


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


def test_inner_matrices_move_as_torch_muon_moves_them():
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon to compare with")
    for shape in ((16, 16), (32, 16), (16, 64)):
        torch.manual_seed(0)
        start, gradient = torch.randn(shape), torch.randn(shape)
        theirs = torch.nn.Parameter(start.clone())
        reference = torch.optim.Muon([theirs], lr=3e-2, weight_decay=0.0, momentum=0.95)
        block = torch.nn.ModuleDict({"blocks": torch.nn.ModuleList([torch.nn.Linear(shape[1], shape[0], bias=False)])})
        ours = block["blocks"][0].weight
        with torch.no_grad():
            ours.copy_(start)
        optimizer = build_optimizer(block, config(weight_decay=0.0))
        optimizer.param_groups[0]["lr"] = 3e-2
        for _ in range(2):
            ours.grad, theirs.grad = gradient.clone(), gradient.clone()
            optimizer.step()
            reference.step()
        # theirs iterates in bfloat16, and its moves are of length about 1 * lr an entry
        torch.testing.assert_close(ours.detach(), theirs.detach(), rtol=0, atol=3e-3)
