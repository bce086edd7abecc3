"""Sample faster on a CPU: multiply by weights that were laid out once as oneDNN reads them, in half to nine tenths of the time.

PyTorch hands a product in float32 to MKL with the weights as they lie in memory, and one in bfloat16 to oneDNN, which lays
them out anew every time. Sampling multiplies by the same weights at every token, so that laying them out once pays.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..gpt import GPT

LARGE = 2**21
"""Numbers in a model's matrices from which on it pays; a smaller one's stay in the processor's caches (ours)."""
ROWS = 64
"""Rows of a product for which weights are laid out; four or more are as fast (ours)."""


def packed_linear(weight: Tensor, bias: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """Return the product by a copy of the weights: x (..., I) -> x @ weight.T + bias (..., O), with weight (O, I), bias (O,).

    It keeps no gradients. Under autocast it multiplies in the type of number that is set when this is called.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(dtype), ROWS)
    bias = None if bias is None else bias.detach().to(dtype)

    def product(x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x.to(dtype), packed, bias, "none", [], "")

    return product


def can_pack(device: torch.device | str) -> bool:
    """Tell whether weights can be laid out there, and products by them are faster: on an x86 processor, with both libraries."""
    has_both = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    return has_both and torch.device(device).type == "cpu"


def is_worth_it(numbers: int, rows: int) -> bool:
    """Tell whether so many numbers of matrices are many enough to be laid out, to multiply so many rows at a time."""
    return rows > 1 and numbers >= LARGE


def pays(model: GPT, rows: int) -> bool:
    """Tell whether to lay out a model's weights: a large one's, in float32 and whole in this process, for more than one row."""
    weights = [each.weight for each in (model.token_embedding, *_layers(model))]
    is_plain = all(each.dtype == torch.float32 and not hasattr(each, "placements") for each in weights)
    return is_plain and can_pack(weights[0].device) and is_worth_it(sum(each.numel() for each in weights), rows)


@contextmanager
def packed_layers(module: nn.Module) -> Iterator[None]:
    """Let all Linear layers inside a module multiply by such copies; until the end their weights must not change."""
    layers = _layers(module)
    try:
        for layer in layers:
            layer.forward = packed_linear(layer.weight, layer.bias)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


@contextmanager
def packed_weights(model: GPT, rows: int) -> Iterator[None]:
    """Let a model do so, its output layer with them, if that pays."""
    if not pays(model, rows):
        yield
        return
    with packed_layers(model):
        model.head = packed_linear(model.token_embedding.weight)
        try:
            yield
        finally:
            del model.head


def _layers(module: nn.Module) -> list[nn.Linear]:
    return [each for each in module.modules() if type(each) is nn.Linear]  # others have their own way
