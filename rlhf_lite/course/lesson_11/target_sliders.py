"""A slider for `kl_coef`: the reference, the best policy by the closed form, and the policy that gradient ascent learns.

All expectations are exact sums over four answers, so that nothing is drawn and every run is the same.

By keyboard: Tab to the slider, arrow keys to move it.
"""

from dataclasses import dataclass

import ipywidgets as widgets
import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from ...reports.plots import INK, PALE, STYLE
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure

ANSWERS = ("The Colosseum.", "I do not know.", "Who can tell me?", "Find it out yourself.")
REFERENCE = (0.1, 0.5, 0.3, 0.1)
"""How likely the SFT model gives each answer (made up)."""
SCORES = (1.0, 0.0, -0.5, -1.0)
"""What the reward model thinks of each answer (made up)."""
CHOICES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SHOWN = (0.1, 0.5, 2.0)
"""What the static fallback shows."""
STEPS, RATE = 1000, 1.0


@dataclass(frozen=True)
class Policies:
    """Three policies over the answers, and what the learned one gets."""

    reference: list[float]
    closed_form: list[float]
    learned: list[float]
    score: float
    """Expected score of the learned policy."""
    kl: float
    """Its KL divergence from the reference, nats."""


def learn_policy(kl_coef: float) -> Policies:
    """Climb expected score - kl_coef * KL by gradient ascent from the reference, and write the best policy down beside it."""
    reference, scores = (torch.tensor(row, dtype=torch.float64) for row in (REFERENCE, SCORES))
    rate = RATE / max(1.0, kl_coef)  # the more expensive the KL, the steeper the climb
    logits = reference.log().requires_grad_()
    for step in range(STEPS + 1):
        log_p = logits.log_softmax(0)
        score, kl = log_p.exp() @ scores, log_p.exp() @ (log_p - reference.log())
        if step < STEPS:
            logits.data += rate * torch.autograd.grad(score - kl_coef * kl, logits)[0]
    closed_form = (reference.log() + scores / kl_coef).softmax(0)
    return Policies(list(REFERENCE), closed_form.tolist(), log_p.exp().tolist(), score.item(), kl.item())


def policies_html(found: Policies) -> str:
    """Write the three policies as bars in HTML, answer by answer, and below them what the learned one gets."""
    rows = ""
    for answer, *shares in zip(ANSWERS, found.reference, found.closed_form, found.learned, strict=True):
        rows += f'<tr><th colspan="3" style="text-align: left">{safe_html(answer)}</th></tr>'
        names = ("reference", "closed form", "learned")
        rows += "".join(bar_row(name, p, f"{p:.3f}", width=20) for name, p in zip(names, shares, strict=True))
    away = max(abs(a - b) for a, b in zip(found.closed_form, found.learned, strict=True))
    said = f"learned: score {found.score:.2f}, KL {found.kl:.2f} nats; largest difference from the closed form {away:.3f}"
    return f"<table>{rows}</table><p>{said}</p>"


def target_box() -> widgets.VBox:
    """Return the slider and the three policies that belong to it."""
    slider = widgets.SelectionSlider(
        value=0.5, options=CHOICES, description="kl_coef", style={"description_width": "5em"}, layout={"width": "30em"}
    )
    shown = widgets.HTML()

    def redraw(_: object = None) -> None:
        shown.value = policies_html(learn_policy(slider.value))

    slider.observe(redraw, "value")
    redraw()
    return widgets.VBox([slider, shown])


def draw_targets() -> tuple[Figure, str]:
    """Draw the policies for the settings of the static fallback, a panel each; return the figure and its alt text."""
    alts, places = [], range(len(ANSWERS))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.2))
        for axes, kl_coef in zip(figure.subplots(1, len(SHOWN), sharey=True), SHOWN, strict=True):
            found = learn_policy(kl_coef)
            axes.barh(places, found.learned, height=0.62, color=PALE, edgecolor=INK, label="learned")
            for place, p in zip(places, found.learned, strict=True):
                axes.text(1.24, place, f"{p:.2f}", ha="right", va="center", fontsize=10)
            axes.plot(found.closed_form, places, "D", color=INK, label="closed form")
            axes.plot(found.reference, places, "o", color=INK, markerfacecolor="white", label="reference")
            axes.set(yticks=places, yticklabels=ANSWERS, ylim=(len(ANSWERS) - 0.5, -0.5), xlim=(-0.03, 1.25), xticks=[0, 0.5, 1])
            axes.set_title(f"kl_coef {kl_coef:g}: score {found.score:.2f}, KL {found.kl:.2f}", fontsize=11)
            axes.grid(visible=False)
            described = ", ".join(f"{answer} {p:.2f}" for answer, p in zip(ANSWERS, found.learned, strict=True))
            alts.append(f"kl_coef {kl_coef:g}: {described}")
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=10, loc="outside lower center", ncols=3)
    return figure, f"Learned policies, each on the marks of the closed form. {'; '.join(alts)}."


def target_slider() -> None:
    """Display the slider; its static fallback is a figure of three settings."""
    show_with_figure(target_box(), *draw_targets())
