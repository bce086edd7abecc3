"""Three sliders for a judge's faults, on real answers of two models: how the verdict bends, and what repairs give back.

By keyboard: Tab to a slider, arrow keys to move it.
"""

import ipywidgets as widgets
from matplotlib.figure import Figure

from ..figures import draw_bars
from ..static_fallback import bar_row, show_with_figure
from .faulty_judge import FaultyJudge, Judged, repaired

RANGES = {"position": (0.0, 0.4, 0.05), "length": (-0.04, 0.1, 0.01), "warmth": (-0.3, 0.6, 0.05)}
"""Of each fault: least, most and step, in points of gold; length per word (ours)."""
SHOWN = {
    "no fault": {},
    "position 0.2": {"position": 0.2},
    "length 0.06": {"length": 0.06},
}
"""What the static fallback shows."""


def mixed_html(judge: FaultyJudge, ours: Judged, theirs: Judged) -> str:
    """Write the win rates as bars in HTML: as judged, and after each repair, and the true one."""
    rows = "".join(bar_row(name, share, f"{share:.1%}", width=22) for name, share in repaired(judge, ours, theirs).items())
    first, swapped = judge.both_ways(ours, theirs)
    changed = (first != swapped).double().mean().item()
    return f"<table>{rows}</table><p>winner changes with the order: {changed:.0%} of prompts</p>"


def mixer_box(ours: Judged, theirs: Judged) -> widgets.VBox:
    """Return the sliders and the win rates that belong to them."""
    sliders = {
        name: widgets.FloatSlider(value=0.0, min=low, max=high, step=step, description=name, readout_format=".2f",
                                  style={"description_width": "5em"}, layout={"width": "30em"})
        for name, (low, high, step) in RANGES.items()
    }  # fmt: skip
    shown = widgets.HTML()

    def redraw(_: object = None) -> None:
        shown.value = mixed_html(FaultyJudge(**{name: slider.value for name, slider in sliders.items()}), ours, theirs)

    for slider in sliders.values():
        slider.observe(redraw, "value")
    redraw()
    return widgets.VBox([*sliders.values(), shown])


def draw_mixed(ours: Judged, theirs: Judged) -> tuple[Figure, str]:
    """Draw the win rates of the static fallback's judges, a panel each; return the figure and its alt text."""
    return draw_bars({name: repaired(FaultyJudge(**faults), ours, theirs) for name, faults in SHOWN.items()})


def judge_mixer(ours: Judged, theirs: Judged) -> None:
    """Display the sliders; the static fallback is a figure of three judges."""
    show_with_figure(mixer_box(ours, theirs), *draw_mixed(ours, theirs))
