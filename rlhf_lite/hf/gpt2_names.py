"""GPT-2's names for our weights and sizes, both ways. What it calls differently from us:

    wte, wpe, ln_f            token_embedding, position_embedding, final_norm
    h.0.ln_1, ln_2            blocks.0.attention_norm, feed_forward_norm
    h.0.attn.c_attn           query and key_value side by side
    h.0.attn.c_proj           attention.output
    h.0.mlp.c_fc, c_proj      feed_forward.widen, narrow

Its matrices are stored transposed, since its layers (Conv1D) multiply from the other side.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..gpt import GPT, GPTConfig

WEIGHTS = "model.safetensors"
LAYER_NORM_EPSILON = 1e-5  # torch.nn.LayerNorm's own, and GPT-2's
BLOCK_PARTS = {
    "ln_1": "attention_norm", "ln_2": "feed_forward_norm", "attn.c_proj": "attention.output",
    "mlp.c_fc": "feed_forward.widen", "mlp.c_proj": "feed_forward.narrow",
}  # fmt: skip


def to_gpt2_names(model: GPT) -> dict[str, Tensor]:
    """Return a model's weights under GPT-2's names and in its layout, without the "transformer." in front."""
    state = model.state_dict()
    tensors = {theirs: state[ours].T if turned else state[ours] for theirs, ours, turned in _names(model.config.n_layers)}
    for i in range(model.config.n_layers):
        for part in ("weight", "bias"):
            attention = f"blocks.{i}.attention"
            fused = torch.cat([state[f"{attention}.query.{part}"], state[f"{attention}.key_value.{part}"]])  # (3C, C) or (3C,)
            tensors[f"h.{i}.attn.c_attn.{part}"] = fused.T if part == "weight" else fused
    return tensors


def from_gpt2_names(tensors: dict[str, Tensor], n_layers: int, source: str | Path) -> dict[str, Tensor]:
    """Return GPT-2's weights under our names and layout; `source` names them in errors."""
    tensors = _without_extras(tensors, source)
    fused_names = {f"h.{i}.attn.c_attn.{part}" for i in range(n_layers) for part in ("weight", "bias")}
    wanted = {theirs for theirs, _, _ in _names(n_layers)} | fused_names
    if wanted != set(tensors):
        missing, unknown = sorted(wanted - set(tensors))[:3], sorted(set(tensors) - wanted)[:3]
        found = f"missing: {missing or 'none'}, unknown: {unknown or 'none'}"
        raise ValueError(f"{source} is no GPT-2 of {n_layers} layers: {found}")
    state = {ours: tensors[theirs].T if turned else tensors[theirs] for theirs, ours, turned in _names(n_layers)}
    for i in range(n_layers):
        for part in ("weight", "bias"):
            fused = tensors[f"h.{i}.attn.c_attn.{part}"]
            third = fused.shape[-1] // 3
            query, key_value = (fused.T if part == "weight" else fused).split([third, fused.shape[-1] - third])
            state |= {f"blocks.{i}.attention.query.{part}": query, f"blocks.{i}.attention.key_value.{part}": key_value}
    return state


def _names(n_layers: int) -> Iterator[tuple[str, str, bool]]:
    """List (GPT-2's name, ours, whether it is transposed) of every tensor but the fused query, key and value."""
    yield "wte.weight", "token_embedding.weight", False
    yield "wpe.weight", "position_embedding.weight", False
    for part in ("weight", "bias"):
        yield f"ln_f.{part}", f"final_norm.{part}", False
        for i in range(n_layers):
            for theirs, ours in BLOCK_PARTS.items():
                turned = part == "weight" and not theirs.startswith("ln_")
                yield f"h.{i}.{theirs}.{part}", f"blocks.{i}.{ours}.{part}", turned


def _without_extras(tensors: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Drop the prefix, stored causal masks and a second copy of the embedding; a different output layer is refused."""
    plain = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    plain = {name: t for name, t in plain.items() if not re.fullmatch(r"h\.\d+\.attn\.(masked_)?bias", name)}
    head = plain.pop("lm_head.weight", None)
    if head is not None and not torch.equal(head, plain.get("wte.weight", head[:0])):
        raise ValueError(f"{source} has an output layer of its own (lm_head), but only one tied to the embedding is supported")
    return plain


def gpt2_settings(shape: GPTConfig) -> dict[str, Any]:
    """A shape, and the mathematics that belong to it, in the names of `transformers`' GPT2Config."""
    return {
        "vocab_size": shape.vocab_size, "n_positions": shape.context_length, "n_embd": shape.d_model,
        "n_layer": shape.n_layers, "n_head": shape.n_heads, "n_inner": shape.d_ff, "activation_function": "gelu_new",
        "layer_norm_epsilon": LAYER_NORM_EPSILON, **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), shape.dropout),
    }  # fmt: skip
