"""Four arms with hidden scores: the reader pulls before the algorithm does.

An arm's score is its mean plus noise, since one labeler is not like the next. The n-th pull of an arm brings the same score
to everybody, so that readers, and rules that pull on their own, can be compared.

By keyboard: Tab to an arm's button, Space to pull.
"""

from collections.abc import Callable, Sequence

import ipywidgets as widgets
import torch

from ...data import seeded_generator
from ..quiz import LETTERS
from ..static_fallback import bar_row, show_with_fallback

MEANS = (-0.5, 1.0, -1.0, 0.0)
"""What each arm brings on average: the reader does not see it before the last pull."""
PULLS = 30
Rule = Callable[[Sequence[Sequence[float]], torch.Generator], int]
"""(what each arm has brought so far, a generator) -> the arm to pull next."""


def draw_scores(seed: object = "lesson 11") -> list[list[float]]:
    """Draw what each pull of each arm brings: one row per arm, PULLS scores in each, noise with standard deviation 1."""
    noise = torch.randn(len(MEANS), PULLS, generator=seeded_generator("arms", seed))
    return (torch.tensor(MEANS)[:, None] + noise).tolist()


def play(rule: Rule, seed: object) -> tuple[float, list[int]]:
    """Let a rule pull PULLS times; return the sum of the scores and the arms pulled."""
    scores, generator = draw_scores(seed), seeded_generator("rule", seed)
    brought: list[list[float]] = [[] for _ in MEANS]
    arms = []
    for _ in range(PULLS):
        arm = rule(brought, generator)
        brought[arm].append(scores[arm][len(brought[arm])])
        arms.append(arm)
    return sum(map(sum, brought)), arms


def at_random(brought: Sequence[Sequence[float]], generator: torch.Generator) -> int:
    """Pull any arm."""
    return int(torch.randint(len(brought), (1,), generator=generator))


def twice_each(brought: Sequence[Sequence[float]], generator: torch.Generator) -> int:
    """Pull each arm twice, then always the one with the best mean so far."""
    few = [arm for arm, scores in enumerate(brought) if len(scores) < 2]
    return few[0] if few else max(range(len(brought)), key=lambda arm: sum(brought[arm]) / len(brought[arm]))


def arms_html(brought: Sequence[Sequence[float]], *, shown_means: bool) -> str:
    """Write what each arm has brought: number of pulls as a bar, mean so far; at the end the true mean too."""
    most = max(1, *map(len, brought))
    rows = []
    for letter, scores, mean in zip(LETTERS, brought, MEANS, strict=False):
        said = f"{len(scores)} pulls, mean {sum(scores) / len(scores):+.2f}" if scores else "0 pulls"
        said += f", truly {mean:+.1f}" if shown_means else ""
        rows.append(bar_row(f"arm {letter}", len(scores) / most, said, width=16))
    return f"<table>{''.join(rows)}</table>"


class ArmsBox(widgets.VBox):
    """One button per arm, what each has brought, and the sum so far."""

    def __init__(self):
        self.scores, self.brought = draw_scores(), [[] for _ in MEANS]
        letters = LETTERS[: len(MEANS)]
        self.buttons = [widgets.Button(description=f"arm {letter}", tooltip=f"Pull arm {letter}") for letter in letters]
        self.again = widgets.Button(description="Begin again", tooltip="Forget all pulls and begin again")
        self.said, self.table = widgets.HTML(), widgets.HTML()
        for arm, button in enumerate(self.buttons):
            button.on_click(lambda _, arm=arm: self._pull(arm))
        self.again.on_click(lambda _: self._reset())
        super().__init__([widgets.HBox([*self.buttons, self.again]), self.said, self.table])
        self._show("Choose an arm.")

    @property
    def pulls(self) -> int:
        """Number of pulls so far."""
        return sum(map(len, self.brought))

    def _pull(self, arm: int) -> None:
        if self.pulls == PULLS:
            return
        score = self.scores[arm][len(self.brought[arm])]
        self.brought[arm].append(score)
        self._show(f"Arm {LETTERS[arm]} brought {score:+.2f}.")

    def _reset(self) -> None:
        self.brought = [[] for _ in MEANS]
        self._show("Choose an arm.")

    def _show(self, news: str) -> None:
        is_over, total = self.pulls == PULLS, sum(map(sum, self.brought))
        for button in self.buttons:
            button.disabled = is_over
        self.said.value = f"<p>{news} Pull {self.pulls} of {PULLS}; sum {total:+.2f}.{' That was the last one.' * is_over}</p>"
        self.table.value = arms_html(self.brought, shown_means=is_over)


def show_arms() -> None:
    """Display the arms; their static fallback shows how the rule that pulls each arm twice played."""
    total, arms = play(twice_each, "lesson 11")
    scores = draw_scores()
    brought = [scores[arm][: arms.count(arm)] for arm in range(len(MEANS))]
    plain = f"Run this lesson to pull the arms yourself. Somebody who pulled each arm twice, then the best one, got {total:+.2f}."
    page = f"<p>{plain}</p>{arms_html(brought, shown_means=False)}"
    show_with_fallback(ArmsBox(), {"text/html": page, "text/plain": plain})
