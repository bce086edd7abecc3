"""Tick boxes that shard: what one GPU holds of a model in training, as each part is spread over all GPUs.

By keyboard: Tab to a box, Space to tick it; arrow keys move a slider.
"""

import ipywidgets as widgets

from ...engine import EngineConfig
from ...planning.cluster import Cluster
from ...planning.costs import GB, block_parameters, training_activations
from ...planning.plan import USABLE
from ...planning.recipes import RECIPES
from ...planning.tables import readable_number
from ..static_fallback import bar_row, show_with_figure
from .dial import GRADIENT_BYTES, H100, OPTIMIZER_BYTES, WEIGHT_BYTES
from .figures import draw_stacks

PARTS = ("optimizer", "gradients", "weights")
"""What can be sharded, in the order in which it pays."""
CHECKPOINT = "compute activations again"
SIZES = ("gpt2-xl", "gpt3-6.7b", "gpt3-13b", "gpt3-175b")
GPUS = (1, 8, 16, 64, 128, 512, 1024)


def per_gpu(name: str, gpus: int, sharded: frozenset[str] | set[str] = frozenset(), *, again: bool = False) -> dict[str, float]:
    """Return the bytes on each GPU by purpose, for one full text per GPU.

    Args:
        name: a recipe's.
        gpus: how many share the work.
        sharded: which of PARTS are split over all GPUs instead of copied to each.
        again: activations are computed again instead of kept.

    Where weights are split, two blocks and the embeddings are whole at a time; where they are not, everything is there.
    """
    shape = RECIPES[name].model
    sizes = {"optimizer": OPTIMIZER_BYTES, "gradients": GRADIENT_BYTES, "weights": WEIGHT_BYTES}
    parts = ("weights", "gradients", "optimizer")
    found = {part: sizes[part] * shape.n_parameters / (gpus if part in sharded else 1) for part in parts}
    splits = "weights" in sharded and gpus > 1
    embeddings = (shape.vocab_size + shape.context_length) * shape.d_model
    found["gathered"] = float(WEIGHT_BYTES * (2 * block_parameters(shape) + embeddings)) if splits else 0.0
    cluster = Cluster(gpus=max(2, gpus), engine=EngineConfig(bfloat16=True, activation_checkpointing=again))
    length = shape.context_length
    found["activations"] = training_activations(shape, cluster, length, predicted=length)
    return found


def fits(found: dict[str, float]) -> bool:
    """Whether all parts fit into the usable memory of an H100."""
    return sum(found.values()) <= USABLE * H100.gpu_memory * GB


def shards_html(found: dict[str, float]) -> str:
    """Write what one GPU holds as bars in HTML, and whether it fits."""
    largest, total = max(found.values()), sum(found.values())
    bars = "".join(bar_row(name, value / largest, f"{readable_number(value / GB)} GB", width=20) for name, value in found.items())
    room = USABLE * H100.gpu_memory
    verdict = "✓ fits" if fits(found) else "✗ does not fit"
    said = f"<b>{verdict}</b>: {readable_number(total / GB)} GB on each GPU, {room:g} of its 80 are usable"
    return f"<table>{bars}</table><p>{said}</p>"


def shards_box() -> widgets.VBox:
    """Return the tick boxes and the bars that they move."""
    style = {"style": {"description_width": "5em"}, "layout": {"width": "30em"}}
    size = widgets.SelectionSlider(value="gpt3-175b", options=SIZES, description="size", **style)
    gpus = widgets.SelectionSlider(value=64, options=GPUS, description="GPUs", **style)
    boxes = [widgets.Checkbox(value=False, description=f"shard the {part}", indent=False) for part in PARTS]
    again, shown = widgets.Checkbox(value=False, description=CHECKPOINT, indent=False), widgets.HTML()

    def redraw(_: object = None) -> None:
        ticked = {part for part, box in zip(PARTS, boxes, strict=True) if box.value}
        shown.value = shards_html(per_gpu(size.value, gpus.value, ticked, again=again.value))

    for each in (size, gpus, *boxes, again):
        each.observe(redraw, "value")
    redraw()
    return widgets.VBox([size, gpus, *boxes, again, shown])


def steps_of(name: str, gpus: int) -> dict[str, dict[str, float]]:
    """Tick one box after the other; return what each GPU holds after each."""
    found, ticked = {"everything on each GPU": per_gpu(name, gpus)}, set()
    for part in PARTS:
        ticked = ticked | {part}
        found[f"+ {part} sharded"] = per_gpu(name, gpus, ticked)
    return found | {"+ activations again": per_gpu(name, gpus, ticked, again=True)}


def show_shards() -> None:
    """Display the tick boxes; the static fallback ticks them one after the other."""
    stacks = {name: {part: value / GB for part, value in found.items()} for name, found in steps_of("gpt3-175b", 64).items()}
    room = USABLE * H100.gpu_memory
    figure, alt = draw_stacks(stacks, "GB on each of 64 GPUs, GPT-3 175B (logarithmic)", {f"{room:g} GB usable": room})
    show_with_figure(shards_box(), figure, alt)
