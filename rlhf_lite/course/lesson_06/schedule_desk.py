"""Choose a schedule of learning rates, and see what runs with it really did.

By keyboard: Tab to a row of buttons, Tab and Space to choose one.
"""

from collections.abc import Mapping, Sequence

import ipywidgets as widgets

from ...optim import OptimConfig, learning_rate_at
from ..figures import as_png
from ..safe_text import safe_attribute, safe_html
from ..static_fallback import show_with_figure
from .figures import band_over_seeds, draw_ends, draw_lines, last_loss
from .loss_curves import RATE, STEPS, TIMES, WARMUP, Curve, schedule_name

SOUND = (1.0, WARMUP, 0.1)
"""Peak rate as a multiple of the sound one, steps of warm-up, share that is left at the end."""


def rates_of(times: float, warmup_steps: int, final_fraction: float) -> list[float]:
    """Return the learning rate of every step of a schedule, by the library's function."""
    optim = OptimConfig(learning_rate=times * RATE, warmup_steps=warmup_steps, final_fraction=final_fraction)
    return [learning_rate_at(step, STEPS, optim) for step in range(STEPS)]


def desk_html(runs: Mapping[str, Sequence[Curve]], chosen: tuple[float, int, float], lines: Mapping[str, float]) -> str:
    """Draw the chosen schedule and its held-out loss beside the sound one's, and say how they ended."""
    pair = {"chosen": chosen} if chosen == SOUND else {"chosen": chosen, "sound": SOUND}
    rates = {name: (range(STEPS), rates_of(*each)) for name, each in pair.items()}
    bands = {name: band_over_seeds(runs[schedule_name(*each)], "held_out") for name, each in pair.items()}
    losses = {name: (band.xs, band.mean) for name, band in bands.items()}
    figure, alt = draw_lines({"learning rate": rates, "held-out loss (nats per token)": losses}, "step", lines)
    ends = {name: last_loss(runs[schedule_name(*each)], "held_out") for name, each in pair.items()}
    told = ", ".join(f"{name} {mean:.2f} ({low:.2f} to {high:.2f})" for name, (mean, low, high) in ends.items())
    n_seeds = len(runs[schedule_name(*chosen)])
    return (
        f'<img style="max-width: 100%" alt="{safe_attribute(alt)}" src="data:image/png;base64,{as_png(figure)}">'
        f"<p>Held-out loss at the end, mean of {n_seeds} seeds with 95 % interval: {safe_html(told)}.</p>"
    )


def schedule_box(runs: Mapping[str, Sequence[Curve]], lines: Mapping[str, float]) -> widgets.VBox:
    """Return rows of buttons for the peak, the warm-up and the end, and what they show."""
    style = {"style": {"description_width": "8em", "button_width": "9em"}}
    peaks = [(f"x {times:g}: {times * RATE:g}", times) for times in TIMES]
    peak = widgets.ToggleButtons(options=peaks, value=1.0, description="peak rate", **style)
    warmups = [("none", 0), (f"{WARMUP} steps", WARMUP)]
    warmup = widgets.ToggleButtons(options=warmups, value=WARMUP, description="warm-up", **style)
    end = widgets.ToggleButtons(options=[("falls to 10 %", 0.1), ("stays", 1.0)], value=0.1, description="end", **style)
    page = widgets.HTML()

    def redraw(_: object = None) -> None:
        page.value = desk_html(runs, (peak.value, warmup.value, end.value), lines)

    redraw()
    for control in (peak, warmup, end):
        control.observe(redraw, "value")
    return widgets.VBox([peak, warmup, end, page])


def schedule_desk(stored: Sequence[Mapping[str, Curve]], lines: Mapping[str, float]) -> None:
    """Display the desk; its static fallback is a figure of how every schedule ended.

    Args:
        stored: the runs of each seed by the schedule's name.
        lines: name -> a loss to compare with.
    """
    runs = {name: [seed[name] for seed in stored] for name in stored[0]}
    ends = {name: last_loss(curves, "held_out") for name, curves in runs.items()}
    ends = dict(sorted(ends.items(), key=lambda item: item[1]))
    title = f"held-out loss at the end (nats per token): mean and 95 % interval of {len(stored)} seeds"
    show_with_figure(schedule_box(runs, lines), *draw_ends(ends, title))
