"""Linear weights packed once for oneDNN: sampling on a CPU then takes 50 to 90 % of the time.

PyTorch hands a float32 product to MKL with the weights as they lie in memory, and a bfloat16 one to oneDNN, which packs them
anew every time. Sampling multiplies by the same weights at every token, so that packing them once pays.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGE = 2**21
"""Number of weights from which on packing pays; fewer stay in the processor's caches (ours)."""
ROWS = 64
"""Rows of a product for which weights are packed; four or more are as fast (ours)."""


def packed_linear(weight: Tensor, bias: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """Return the product by a packed copy: x (..., I) -> x @ weight.T + bias (..., O), with weight (O, I), bias (O,).

    It keeps no gradients. Under autocast it multiplies in the number type that is set when this is called.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype
    bias = None if bias is None else bias.detach().to(dtype)
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():  # AVX2 alone: oneDNN cannot pack it
        plain = weight.detach().to(dtype)
        return lambda x: F.linear(x.to(dtype), plain, bias)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(dtype), ROWS)

    def product(x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x.to(dtype), packed, bias, "none", [], "")

    return product


def pays(model: nn.Module, rows: int) -> bool:
    """Whether to pack a GPT's weights: a large one's, in float32 and whole in this process, on x86, for more than one row."""
    weights = [each.weight for each in (model.token_embedding, *_linear_layers(model))]
    is_plain = all(each.dtype == torch.float32 and not hasattr(each, "placements") for each in weights)
    on_x86 = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available() and weights[0].device.type == "cpu"
    return on_x86 and is_plain and is_worth_it(sum(each.numel() for each in weights), rows)


def is_worth_it(numbers: int, rows: int) -> bool:
    """Whether so many weights are packed, to multiply so many rows at a time."""
    return rows > 1 and numbers >= LARGE


@contextmanager
def packed_weights(model: nn.Module, rows: int) -> Iterator[None]:
    """Let a GPT multiply by packed copies, its output layer too, if that pays; until the end its weights must not change."""
    layers = _linear_layers(model) if pays(model, rows) else []
    try:
        for layer in layers:
            layer.forward = packed_linear(layer.weight, layer.bias)
        if layers:
            model.head = packed_linear(model.token_embedding.weight)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)
        if layers:
            vars(model).pop("head", None)


def _linear_layers(module: nn.Module) -> list[nn.Linear]:
    return [each for each in module.modules() if type(each) is nn.Linear]  # subclasses have a forward pass of their own
