"""One dial from nano to 175B: parameters, memory by part, FLOPs, time and money, from the shape and the tokens alone.

By keyboard: Tab to a slider, arrow keys to move it.
"""

from dataclasses import dataclass

import ipywidgets as widgets

from ...engine import EngineConfig
from ...gpt import GPTConfig
from ...planning.cluster import Cluster
from ...planning.costs import GB, PF_DAY, attention_flops, kv_cache_bytes, training_activations, training_flops
from ...planning.recipes import RECIPES
from ...planning.tables import readable_number, readable_time
from ..figures import show
from ..static_fallback import bar_row, show_with_fallback
from .figures import draw_where_it_stops

SIZES = (
    "nano", "tiny", "small", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "gpt3-2.7b", "gpt3-6.7b", "gpt3-13b", "gpt3-175b",
)  # fmt: skip
"""Names of recipes, smallest first."""
SHOWN = ("tiny", "gpt3-175b")
"""What the static fallback shows."""
STATE = ("weights", "gradients", "optimizer")
"""The training state's parts."""
GPUS = (1, 8, 64, 512, 1000, 4096)
H100 = Cluster(gpus=1, engine=EngineConfig(bfloat16=True))
"""The GPU that is counted with: 80 GB, 989 TFLOP/s by its data sheet; 40 % of that and 2.50 USD an hour are assumed."""
WEIGHT_BYTES, GRADIENT_BYTES, OPTIMIZER_BYTES = 2, 2, 12
"""Bytes per parameter in mixed precision; the optimizer's are master weights and two moments."""


@dataclass(frozen=True)
class Dial:
    """What one size needs."""

    shape: GPTConfig
    memory: dict[str, float]
    """Bytes by purpose: weights, gradients, optimizer, activations of one full context, KV cache of one full context."""
    tokens: float
    """Tokens of its pretraining."""
    flops: float
    """6 N D of that."""
    attention: float
    """FLOPs of attention, on top."""
    days: float
    """Days on the GPUs asked for."""
    usd: float

    @property
    def pf_days(self) -> float:
        """6 N D in petaflop/s-days, as papers count."""
        return self.flops / PF_DAY


def turn_to(name: str, gpus: int = 1000) -> Dial:
    """Work out what a recipe's model and its pretraining need on so many H100s.

    Raises: KeyError for a name that is not in RECIPES.
    """
    recipe = RECIPES[name]
    shape, pretrain, context = recipe.model, recipe.preset.pretrain, recipe.model.context_length
    tokens = float(pretrain.steps * pretrain.batch_size * pretrain.sequence_length)
    flops, attention = training_flops(shape, tokens), 3 * attention_flops(shape, tokens, pretrain.sequence_length)
    seconds = (flops + attention) / (gpus * H100.peak_tflops * 1e12 * H100.efficiency)
    memory = {
        "weights": float(WEIGHT_BYTES * shape.n_parameters),
        "gradients": float(GRADIENT_BYTES * shape.n_parameters),
        "optimizer": float(OPTIMIZER_BYTES * shape.n_parameters),
        "activations of one text": training_activations(shape, H100, context, predicted=context),
        "KV cache of one text": kv_cache_bytes(shape, context, H100.compute_bytes),
    }
    return Dial(shape, memory, tokens, flops, attention, seconds / 86_400, seconds / 3600 * gpus * H100.price)


def dial_html(found: Dial, gpus: int) -> str:
    """Write what one size needs as bars and lines in HTML."""
    largest, shape = max(found.memory.values()), found.shape
    bars = "".join(
        bar_row(name, value / largest, f"{readable_number(value / GB)} GB", width=20) for name, value in found.memory.items()
    )
    state = sum(found.memory[name] for name in STATE)
    said = (
        f"{shape.n_parameters:,} parameters: {shape.n_layers} layers of width {shape.d_model:,}, {shape.n_heads} heads, "
        f"context {shape.context_length:,}",
        f"training state {readable_number(state / GB)} GB: {state / (H100.gpu_memory * GB):.3g} times an H100's 80 GB",
        f"{found.tokens:.3g} tokens: 6 N D = {found.flops:.3g} FLOPs = {readable_number(found.pf_days)} PF-days; "
        f"attention adds {found.attention / found.flops:.1%}",
        f"on {gpus:,} H100 at {H100.efficiency:.0%} of their peak: {readable_time(found.days)}, "
        f"{readable_number(found.usd)} USD at {H100.price:.2f} USD per GPU and hour (both assumed)",
    )
    return f"<table>{bars}</table>" + "".join(f"<p>{line}</p>" for line in said)


def dial_box() -> widgets.VBox:
    """Return the dial with what belongs to it."""
    style = {"style": {"description_width": "5em"}, "layout": {"width": "34em"}}
    size = widgets.SelectionSlider(value="tiny", options=SIZES, description="size", **style)
    gpus = widgets.SelectionSlider(value=1000, options=GPUS, description="GPUs", **style)
    shown = widgets.HTML()

    def redraw(_: object = None) -> None:
        shown.value = dial_html(turn_to(size.value, gpus.value), gpus.value)

    for each in (size, gpus):
        each.observe(redraw, "value")
    redraw()
    return widgets.VBox([size, gpus, shown])


def show_dial() -> None:
    """Display where each size stops fitting, as a figure, and the dial; its static fallback is two of its settings."""
    found = {name: turn_to(name) for name in SIZES}
    state = {name: sum(each.memory[part] for part in STATE) for name, each in found.items()}
    show(*draw_where_it_stops({name: each.memory["weights"] for name, each in found.items()}, state))
    page = "".join(f"<p><b>{name}</b></p>{dial_html(found[name], 1000)}" for name in SHOWN)
    plain = f"The dial, set to {' and '.join(SHOWN)}: run this cell to turn it."
    show_with_fallback(dial_box(), {"text/html": page, "text/plain": plain})
