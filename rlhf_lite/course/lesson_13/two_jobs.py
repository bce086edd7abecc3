"""A model of twelve numbers with two jobs: the smallest one that pays an alignment tax.

It answers a prompt and it continues a forum page, each time with one of four words. Each job has four numbers of its own
and both share four more, as two kinds of text share most of a network. All expectations are exact sums over four words, so
that nothing is drawn and every run is the same.

By keyboard: Tab to a slider, arrow keys to move it.
"""

from dataclasses import dataclass

import ipywidgets as widgets
import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from ...reports.plots import INK, PALE, STYLE
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_figure

WORDS = ("an answer", "a shrug", "a question", "an insult")
SFT = (0.3, 0.3, 0.2, 0.2)
"""How likely the SFT model gives each word as its answer to a prompt (made up)."""
SCORES = (1.0, 0.0, -0.5, -1.0)
"""What the reward model thinks of each word as an answer (made up)."""
FORUM = (0.1, 0.3, 0.5, 0.1)
"""How often each word comes next on a forum page (made up): there, questions are followed by questions."""
STEPS, RATE = 200, 0.5
SETTINGS = (("as it starts: SFT", None), ("PPO", (0.05, 0.0)), ("a stronger KL penalty", (2.0, 0.0)), ("PPO-ptx", (0.05, 0.5)))
"""What the static fallback shows: title, then kl_coef and ptx_coef."""
JOBS = ("after a prompt", "on a forum page")


@dataclass(frozen=True)
class Outcome:
    """The toy model after training."""

    answers: list[float]
    """Probability of each word after a prompt."""
    forum: list[float]
    """Probability of each word on a forum page."""
    score: float
    """Expected score of an answer."""
    kl: float
    """KL of the answers from SFT, nats."""
    text_loss: float
    """Cross-entropy on forum pages, nats per word."""


def train_two_jobs(kl_coef: float, ptx_coef: float, steps: int = STEPS) -> Outcome:
    """Climb the objective of PPO-ptx by plain gradient ascent, from the SFT model."""
    sft, scores, forum = (torch.tensor(row, dtype=torch.float64) for row in (SFT, SCORES, FORUM))
    own_answer, own_forum, shared = sft.log(), forum.log(), torch.zeros_like(sft)
    parameters = [numbers.requires_grad_() for numbers in (own_answer, own_forum, shared)]
    for step in range(steps + 1):
        answers, text = (own_answer + shared).log_softmax(0), (own_forum + shared).log_softmax(0)
        score = (answers.exp() * scores).sum()
        kl = (answers.exp() * (answers - sft.log())).sum()
        log_likelihood = (forum * text).sum()
        objective = score - kl_coef * kl + ptx_coef * log_likelihood
        if step < steps:
            gradients = torch.autograd.grad(objective, parameters)
            with torch.no_grad():
                for numbers, gradient in zip(parameters, gradients, strict=True):
                    numbers += RATE * gradient
    return Outcome(answers.exp().tolist(), text.exp().tolist(), score.item(), kl.item(), -log_likelihood.item())


def outcome_html(outcome: Outcome) -> str:
    """Write both jobs as bars in HTML, and below them the three terms."""
    rows = ""
    for job, probabilities in zip(JOBS, (outcome.answers, outcome.forum), strict=True):
        rows += f'<tr><th colspan="3" style="text-align: left">{safe_html(job)}</th></tr>'
        rows += "".join(bar_row(word, p, f"{p:.0%}", width=20) for word, p in zip(WORDS, probabilities, strict=True))
    described = f"score {outcome.score:.2f}, KL from SFT {outcome.kl:.2f} nats, loss on forum text {outcome.text_loss:.2f}"
    described += " nats per word"
    return f"<table>{rows}</table><p>{described}</p>"


def two_jobs_box() -> widgets.VBox:
    """Return sliders for both coefficients, and the trained toy that they lead to."""
    wide = {"style": {"description_width": "6em"}, "layout": {"width": "32em"}}
    choices = [0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
    kl = widgets.SelectionSlider(value=0.05, options=choices, description="kl_coef", **wide)
    ptx = widgets.SelectionSlider(value=0.0, options=choices, description="ptx_coef", **wide)
    shown = widgets.HTML()

    def redraw(_: object = None) -> None:
        shown.value = outcome_html(train_two_jobs(kl.value, ptx.value))

    for slider in (kl, ptx):
        slider.observe(redraw, "value")
    redraw()
    return widgets.VBox([kl, ptx, shown])


def draw_two_jobs() -> tuple[Figure, str]:
    """Draw both jobs under the settings of the static fallback, one column per setting; return the figure and its alt text."""
    alts, places = [], range(len(WORDS))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.9))
        columns = figure.subplots(2, len(SETTINGS), sharex=True, sharey=True).T
        for (title, coefficients), column in zip(SETTINGS, columns, strict=True):
            outcome = train_two_jobs(*(coefficients or (0.0, 0.0)), steps=STEPS if coefficients else 0)
            for axes, job, probabilities in zip(column, JOBS, (outcome.answers, outcome.forum), strict=True):
                bars = axes.barh(places, probabilities, height=0.65, color=PALE, edgecolor=INK)
                axes.bar_label(bars, [f"{p:.2f}" for p in probabilities], padding=3, fontsize=10)
                axes.set(yticks=places, yticklabels=WORDS, ylim=(len(WORDS) - 0.5, -0.5), xlim=(0, 1.25), xticks=[0, 0.5, 1])
                axes.grid(visible=False)
                described = ", ".join(f"{word} {p:.2f}" for word, p in zip(WORDS, probabilities, strict=True))
                alts.append(f"{title}, {job}: {described}")
            named = title if coefficients is None else "{}\nkl_coef {:g}, ptx_coef {:g}".format(title, *coefficients)
            column[0].set_title(named, fontsize=11)
        for axes, job in zip(columns[0], JOBS, strict=True):
            axes.set_ylabel(job, fontsize=11)
    return figure, f"The toy's two jobs under {len(SETTINGS)} settings. {'; '.join(alts)}."


def two_jobs_sliders() -> None:
    """Display the sliders; their static fallback is a figure of four settings."""
    show_with_figure(two_jobs_box(), *draw_two_jobs())
