"""Figures of lesson 11: lines with a target, the clipped objective, and the trust region in a triangle of policies."""

from collections.abc import Mapping, Sequence
from math import sqrt

import matplotlib as mpl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..safe_text import safe_label

LINES = (
    FIRST,
    SECOND,
    {"color": "0.45", "linestyle": ":", "marker": "^"},
    {"color": "#1f5fa8", "linestyle": "-.", "marker": "D", "markerfacecolor": "white"},
)
"""Lines that differ in dash and marker, so that they are told apart without colour."""
Line = tuple[Sequence[float], Sequence[float]]
CLIP = {"color": "#1f5fa8", "linestyle": "-.", "linewidth": 1.8}
GRID = 160
"""Steps along each side of the triangle in which policies are drawn."""


def draw_panels(
    panels: Mapping[str, Mapping[str, Line]], xlabel: str, *, bands: Mapping[str, Mapping[str, Line]] | None = None,
    log_x: bool = False, targets: Mapping[str, float] | None = None,
) -> tuple[Figure, str]:  # fmt: skip
    """Draw a panel of lines for each title, told apart by dash and marker; return the figure and its alt text.

    Args:
        panels: title -> name of a line -> its (xs, ys).
        bands: the same keys -> (lows, highs) to shade around a line.
        log_x: whether xs are drawn on a logarithmic scale.
        targets: title -> the best that can be reached, a dotted line across the panel.
    """
    described, targets = [], targets or {}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * len(panels) if len(panels) > 1 else 7.5, 3.3))
        all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, lines) in zip(all_axes, panels.items(), strict=True):
            for (name, (xs, ys)), style in zip(lines.items(), LINES, strict=False):
                axes.plot(xs, ys, label=name, markevery=max(1, len(xs) // 8), **style)
                if bands and name in bands.get(title, {}):
                    axes.fill_between(xs, *bands[title][name], color=style["color"], alpha=0.13, linewidth=0)
                named = f"{title}, {name}" if name else title
                described.append(f"{named}: from {ys[0]:.2f} at {xs[0]:g} to {ys[-1]:.2f} at {xs[-1]:g}")
            axes.set(xlabel=xlabel, title=title, **({"xscale": "log"} if log_x else {}))
            if title in targets:
                axes.axhline(targets[title], label="best possible", **DOTTED)
                described.append(f"{title}, best possible: {targets[title]:.2f}")
            if len(lines) > 1 or title in targets:
                axes.legend(frameon=False, fontsize=10)
    return figure, f"Lines over {xlabel}. {'; '.join(described)}."


def draw_clip(clip: float = 0.2) -> tuple[Figure, str]:
    """Draw what one token adds to the clipped objective, against its ratio, for advantages 1 and -1."""
    ratios = [i / 100 for i in range(201)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.4))
        for axes, advantage in zip(figure.subplots(1, 2), (1, -1), strict=True):
            plain = [advantage * r for r in ratios]
            clipped = [min(advantage * r, advantage * min(max(r, 1 - clip), 1 + clip)) for r in ratios]
            axes.plot(ratios, plain, color="0.45", linestyle=":", linewidth=1.6, label="not clipped")
            axes.plot(ratios, clipped, color=INK, linewidth=2.2, label="clipped")
            axes.plot(1, advantage, marker="o", color=INK, markersize=8)
            axes.annotate("start: ratio 1", (1, advantage), (1.06, 0.8 if advantage > 0 else -0.95), fontsize=10)
            edge = 1 + clip * advantage
            axes.axvline(edge, color="0.45", linewidth=0.9)
            says = "flat: no further\npush up" if advantage > 0 else "flat: no further\npush down"
            axes.text(*((1.45, 1.16) if advantage > 0 else (0.1, -0.84)), says, fontsize=10, va="top")
            axes.set(xlabel=f"ratio ({edge:g} marked)", title=f"advantage {advantage}", ylabel="objective")
            axes.legend(loc="upper left" if advantage > 0 else "lower left", frameon=False, fontsize=10)
    alt = (
        "The clipped objective of one token against its ratio, two panels. Advantage 1: it rises with the ratio up to "
        f"{1 + clip:g} and is flat beyond. Advantage -1: it is flat at {clip - 1:g} for ratios below {1 - clip:g}, and falls as "
        "the ratio grows; on that side nothing is clipped, so a mistake can always be mended."
    )
    return figure, alt


def all_policies(steps: int = GRID) -> Tensor:
    """List policies over three answers, evenly spread over the triangle, each answer's probability above 0: (N, 3)."""
    found = [(i, j, steps - i - j) for i in range(1, steps) for j in range(1, steps - i)]
    return torch.tensor(found, dtype=torch.float64) / steps


def in_triangle(policies: Tensor) -> tuple[list[float], list[float]]:
    """Return x and y of policies (N, 3): all on the first answer is the top, on the second the left, on the third the right."""
    corners = torch.tensor([[0.5, sqrt(3) / 2], [0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    x, y = (policies.double() @ corners).T
    return x.tolist(), y.tolist()


def _draw_triangle(axes: Axes, old: Tensor, scores: Tensor, kl_limit: float, clip: float, paths: Mapping[str, Tensor]) -> None:
    policies = all_policies()
    x, y = in_triangle(policies)
    kls = (old.double() * (old.double().log() - policies.log())).sum(1)
    outside = ((policies / old.double() - 1).abs() / clip).amax(1)  # 1 on the edge of what the clip allows
    axes.tricontour(x, y, (policies @ scores.double()).numpy(), levels=8, colors=PALE, linewidths=0.8, linestyles="solid")
    axes.tricontourf(x, y, kls.numpy(), levels=[0, kl_limit], colors=[PALE], alpha=0.55)
    axes.tricontour(x, y, kls.numpy(), levels=[kl_limit], colors=INK, linewidths=1.8)
    axes.tricontour(x, y, outside.numpy(), levels=[1], colors=CLIP["color"], linewidths=1.8, linestyles="-.")
    for (name, path), style in zip(paths.items(), LINES, strict=False):
        axes.plot(*in_triangle(path), label=name, markevery=[len(path) - 1], **style)
    axes.plot(*in_triangle(old[None]), marker="*", markersize=13, color=INK, linestyle="none")
    axes.plot([0, 1, 0.5, 0], [0, 0, sqrt(3) / 2, 0], color="0.45", linewidth=0.9)
    axes.set_aspect("equal")
    axes.axis("off")


def draw_trust_region(
    names: Sequence[str], old: Tensor, scores: Tensor, kl_limit: float, clip: float, paths: Mapping[str, Tensor]
) -> tuple[Figure, str]:
    """Draw policies over three answers as points of a triangle: the region around the old one, the clip's, and paths.

    Args:
        names: the three answers: top, left, right.
        old, scores: (3,) the policy that drew the answers, and the answers' scores.
        kl_limit: how many nats KL(old || new) may be inside the trust region.
        clip: how far the clip lets each ratio count.
        paths: name -> (N, 3) policies from the old one on.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.6))
        whole, near = figure.subplots(1, 2, width_ratios=[1, 1.15])
        for axes in (whole, near):
            _draw_triangle(axes, old, scores, kl_limit, clip, paths)
        for name, (x, y) in zip(names, ((0.5, 0.9), (0.0, -0.1), (1.0, -0.1)), strict=True):
            whole.text(x, y, safe_label(name), ha="center", fontsize=10)
        (x,), (y,) = in_triangle(old[None])
        near.set(xlim=(x - 0.16, x + 0.2), ylim=(y - 0.12, y + 0.17))
        near.set_title("near the old policy (star)", fontsize=11)
        whole.set(xlim=(-0.3, 1.3), ylim=(-0.16, 1.0))
        whole.set_title("all policies; pale lines: equal expected score", fontsize=11)
        near.plot([], [], color=INK, linewidth=1.8, label=f"trust region: KL = {kl_limit:g} nats")
        near.plot([], [], **CLIP, label=f"all ratios within {1 - clip:g} to {1 + clip:g}")
        near.legend(frameon=True, fontsize=9.5, loc="upper right")
    ends = "; ".join(
        f"{name} ends at {', '.join(f'{answer} {p:.2f}' for answer, p in zip(names, path[-1].tolist(), strict=True))}"
        for name, path in paths.items()
    )
    start = ", ".join(f"{answer} {p:.2f}" for answer, p in zip(names, old.tolist(), strict=True))
    alt = (
        f"A triangle in which every point is a policy over three answers. The old policy: {start}. Around it a round region in "
        f"which the KL divergence is at most {kl_limit:g} nats, and a smaller one with straight sides, in which all ratios lie "
        f"within {1 - clip:g} to {1 + clip:g}. Paths: {ends}."
    )
    return figure, alt
