"""Sliders for the shape of a GPT: where its parameters are, what a token costs, what memory it takes, who is as large.

By keyboard: Tab to a control, arrow keys to move it.
"""

import math
from collections.abc import Mapping

import ipywidgets as widgets
import matplotlib as mpl
from matplotlib.figure import Figure

from ...gpt import GPTConfig
from ...planning.cluster import Cluster
from ...planning.costs import (
    GB,
    approximate_parameters,
    forward_flops,
    kv_cache_bytes,
    state_memory,
    training_flops,
)
from ...planning.recipes import GPT2_SIZES, GPT3
from ...reports.plots import INK, STYLE
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure

PUBLISHED: dict[str, GPTConfig] = {name: row[0] for name, row in (GPT2_SIZES | GPT3).items()}
SHAPES = {"tiny (this course)": GPTConfig()} | PUBLISHED
"""Shapes to jump to."""
WIDTHS = sorted({32, 64, 96, 192, 256, 512} | {shape.d_model for shape in SHAPES.values()})
VOCABULARIES = (256, 1024, 4096, 16384, 50257, 100_000)
CONTEXTS = (128, 192, 512, 1024, 2048, 8192)
OWN = "your own"
FILLS = (("0.25", ""), ("0.55", ""), ("1.0", "///"), ("1.0", ""), ("0.8", "..."))
"""Shade and hatching of each part in the static fallback."""
IN_FALLBACK = ("tiny (this course)", "gpt2", "gpt2-xl", "gpt3-6.7b", "gpt3-175b")


def parameters_by_part(config: GPTConfig) -> dict[str, int]:
    """Count the parameters of each part; together they are `config.n_parameters`."""
    c, f, layers = config.d_model, config.d_ff, config.n_layers
    matrices = {
        "token embedding": config.vocab_size * c, "position embedding": config.context_length * c,
        "attention": layers * 4 * c * c, "feed-forward": layers * 2 * c * f,
    }  # fmt: skip
    return matrices | {"biases and LayerNorms": config.n_parameters - sum(matrices.values())}


def nearest_published(config: GPTConfig) -> str:
    """Name the published model whose size differs by the smallest factor."""
    return min(PUBLISHED, key=lambda name: abs(math.log(PUBLISHED[name].n_parameters / config.n_parameters)))


def with_size_word(number: float) -> str:
    """Write a number with a word for its size. Examples: 948992 -> "0.949 million", 1.746e11 -> "175 billion"."""
    size, word = next(((s, w) for s, w in ((1e12, "trillion"), (1e9, "billion"), (1e5, "million")) if number >= s), (1, ""))
    return f"{number / (1e6 if word == 'million' else size):.3g} {word}".strip()


def memory(number: float) -> str:
    """Write bytes. Examples: 3.8e6 -> "3.8 MB", 3.5e11 -> "350 GB"."""
    size, unit = next(((s, u) for s, u in ((1e12, "TB"), (GB, "GB"), (1e6, "MB")) if number >= s), (1e3, "kB"))
    return f"{number / size:.3g} {unit}"


def facts_of(config: GPTConfig) -> dict[str, str]:
    """Describe what a shape costs, in the conventions of `costs`: numbers of 2 bytes, Adam with fp32 weights."""
    training = state_memory(config, Cluster(), trained=True)
    state = training.weights + training.gradients + training.optimizer + training.gathered
    name, counted = nearest_published(config), approximate_parameters(config)
    return {
        "parameters": f"{config.n_parameters:,} ({with_size_word(config.n_parameters)})",
        "formula 12·L·d² + (V + T)·d": f"{with_size_word(counted)}, {abs(counted / config.n_parameters - 1):.2%} off",
        "to read one token": f"{with_size_word(forward_flops(config, 1))} FLOPs",
        "to learn from one token": f"{with_size_word(training_flops(config, 1))} FLOPs",
        "memory to run it": f"{memory(2 * config.n_parameters)}, and {memory(kv_cache_bytes(config, 1, 2))} of cache per token",
        "memory to train it": f"{memory(state)}, before activations",
        "nearest published size": f"{name}, {with_size_word(PUBLISHED[name].n_parameters)}",
    }


def shape_html(config: GPTConfig) -> str:
    """Write the parts as bars and the costs below them."""
    shares = {part: count / config.n_parameters for part, count in parameters_by_part(config).items()}
    rows = "".join(bar_row(safe_html(part), share, f"{share:.1%}", width=22, padding=8) for part, share in shares.items())
    facts = "".join(
        f'<tr><td style="text-align: right; padding: 0 8px">{safe_html(name)}</td>'
        f'<td style="text-align: left; padding: 0 8px"><b>{safe_html(fact)}</b></td></tr>'
        for name, fact in facts_of(config).items()
    )
    return f"<table>{rows}</table><table>{facts}</table>"


def shape_box(start: str = "gpt2") -> widgets.VBox:
    """Return sliders for layers, width, heads, vocabulary and context, and what they move; shapes that cannot be say why."""
    wide = {"style": {"description_width": "9em"}, "layout": {"width": "36em"}}
    jump = widgets.Dropdown(options=[*SHAPES, OWN], value=start, description="a known shape", **wide)
    layers = widgets.IntSlider(min=1, max=96, description="layers L", **wide)
    width = widgets.SelectionSlider(options=WIDTHS, description="width d", **wide)
    heads = widgets.IntSlider(min=1, max=96, description="heads", **wide)
    vocabulary = widgets.SelectionSlider(options=VOCABULARIES, description="vocabulary V", **wide)
    context = widgets.SelectionSlider(options=CONTEXTS, description="context T", **wide)
    controls = {"n_layers": layers, "d_model": width, "n_heads": heads, "vocab_size": vocabulary, "context_length": context}
    page = widgets.HTML()

    def shape() -> dict[str, int]:
        return {name: control.value for name, control in controls.items()}

    def redraw(_: object = None) -> None:
        jump.value = next((name for name, config in SHAPES.items() if _shape_of(config) == shape()), OWN)
        try:
            page.value = shape_html(GPTConfig(**shape()))
        except ValueError as error:
            page.value = f"<p><b>This cannot be built:</b> {safe_html(str(error))}.</p>"

    def set_all(_: object = None) -> None:
        if jump.value != OWN:
            for name, value in _shape_of(SHAPES[jump.value]).items():
                controls[name].value = value  # each redraws; the last one finds the known shape again

    set_all()
    redraw()
    for control in controls.values():
        control.observe(redraw, "value")
    jump.observe(set_all, "value")
    return widgets.VBox([jump, *controls.values(), page])


def _shape_of(config: GPTConfig) -> dict[str, int]:
    names = ("n_layers", "d_model", "n_heads", "vocab_size", "context_length")
    return {name: getattr(config, name) for name in names}


def draw_parts(shapes: Mapping[str, GPTConfig]) -> tuple[Figure, str]:
    """Draw each shape's parameters as one bar of five parts; return the figure and its alt text."""
    described = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.4))
        axes = figure.subplots()
        for row, (name, config) in enumerate(shapes.items()):
            left, parts = 0.0, parameters_by_part(config)
            for (part, count), (shade, hatch) in zip(parts.items(), FILLS, strict=True):
                share = 100 * count / config.n_parameters
                axes.barh(row, share, left=left, height=0.6, color=shade, edgecolor=INK, hatch=hatch, label=None if row else part)
                left += share
            described.append(f"{name}: " + ", ".join(f"{part} {n / config.n_parameters:.1%}" for part, n in parts.items()))
        labels = [f"{name}\n{with_size_word(config.n_parameters)}" for name, config in shapes.items()]
        axes.set(yticks=range(len(shapes)), yticklabels=labels, xlabel="% of all parameters", xlim=(0, 100))
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False, fontsize=10)
    return figure, f"Where the parameters are. {'; '.join(described)}."


def shape_sliders() -> None:
    """Display the sliders; their static fallback is a figure of five known shapes."""
    show_with_figure(shape_box(), *draw_parts({name: SHAPES[name] for name in IN_FALLBACK}))
