"""Forty labelers at their desks: each says of two answers which is better, and flags what is rude.

A vote comes from what the labeler likes, their taste, and from chance, their noise. Both are known here, so that each can
be taken away.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...data import seeded_generator
from ...tinyworld.judge import judge
from ...tinyworld.labelers import Labeler, demonstrate, make_labelers, utility
from ...tinyworld.mistakes import mistakes
from ...tinyworld.prompts import Request, draw_requests

ANSWERS = 5
"""Answers per prompt: a good one, four written by labelers, one with a mistake, of which five different ones are kept (ours)."""
RUDE_FROM = 0.3
"""A labeler flags what costs this much by its tone (ours)."""


@dataclass(frozen=True)
class Sheet:
    """A prompt with different answers."""

    request: Request
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """Labelers, what they are asked, and how much each likes each answer."""

    labelers: list[Labeler]
    sheets: list[Sheet]
    liking: Tensor
    """Utility before noise. Shapes: (labelers, answers), the answers of all sheets in a row."""
    pairs: Tensor
    """The two answers of each pair, as columns of `liking`; two that nobody can tell apart make none. Shapes: (pairs, 2)."""
    rude: Tensor
    """Whether the judge calls an answer rude. Shapes: (answers,)."""

    @property
    def warm(self) -> Tensor:
        """True for labelers of the warm group, False for the plain one. Shapes: (labelers,)."""
        return torch.tensor([labeler.group == "warm" for labeler in self.labelers])

    @property
    def noise(self) -> Tensor:
        """Standard deviation of one judgement. Shapes: (labelers, 1)."""
        return torch.tensor([[labeler.noise] for labeler in self.labelers])

    def mean_liking(self, group: Tensor) -> Tensor:
        """What the members of a group like on average, rounded so that equal is equal on every machine. Shapes: (answers,)."""
        return self.liking[group].mean(0).round(decimals=9)

    def answers_of(self, sheet: int) -> slice:
        """Return which columns of `liking` belong to a sheet."""
        start = sum(len(each.answers) for each in self.sheets[:sheet])
        return slice(start, start + len(self.sheets[sheet].answers))


def draw_sheets(labelers: Sequence[Labeler], seed: int | str, count: int) -> list[Sheet]:
    """Draw held-out prompts with answers: most are demonstrations, as careless as labelers write them."""
    rng = random.Random(f"sheets {seed}")
    sheets = []
    for request in draw_requests(f"sheets {seed}", count, held_out=True):
        written = [demonstrate(rng.choice(labelers), request, rng) for _ in range(4)]
        wrong = rng.sample(list(mistakes(request, rng).values()), 1)
        answers = list(dict.fromkeys([request.good, *written, *wrong]))[:ANSWERS]
        rng.shuffle(answers)
        sheets.append(Sheet(request, tuple(answers)))
    return sheets


def make_panel(seed: int, count: int = 60) -> Panel:
    """Draw forty labelers and prompts with answers, and let every labeler read everything."""
    labelers = make_labelers(seed)
    sheets = draw_sheets(labelers, seed, count)
    texts = [(sheet.request, answer) for sheet in sheets for answer in sheet.answers]
    liking = torch.tensor([[utility(labeler, *text) for text in texts] for labeler in labelers], dtype=torch.float64)
    pairs, start = [], 0
    for sheet in sheets:
        places = range(start, start + len(sheet.answers))
        pairs += [(i, j) for i in places for j in places if i < j and (liking[:, i] != liking[:, j]).any()]
        start += len(sheet.answers)
    rude = torch.tensor([judge(*text).harmless == 0 for text in texts])
    return Panel(labelers, sheets, liking, torch.tensor(pairs), rude)


def prefer(liking: Tensor, pairs: Tensor) -> Tensor:
    """Return +1 where the first answer of a pair is liked better, -1 elsewhere. Shapes: (..., answers) -> (..., pairs)."""
    return torch.where(liking[..., pairs[:, 0]] > liking[..., pairs[:, 1]], 1.0, -1.0)


def vote(panel: Panel, seed: int | str) -> Tensor:
    """Let every labeler vote on every pair, with the noise of one day. Shapes: (labelers, pairs)."""
    generator = seeded_generator("votes", seed)
    return prefer(panel.liking + panel.noise * torch.randn(panel.liking.shape, generator=generator), panel.pairs)


def kinds_of_pairs(panel: Panel, count: int, days: int = 20) -> dict[str, list[int]]:
    """Return `count` pairs on which all agree, as many on which chance decides, and as many on which the groups differ most.

    They are chosen by the votes of `days` earlier days, so that votes of today show what was not chosen for.
    """
    earlier = torch.stack([vote(panel, f"earlier {day}") for day in range(days)]).mean(0)
    plain, warm = earlier[~panel.warm].mean(0), earlier[panel.warm].mean(0)
    both, apart = (plain + warm).abs(), (plain - warm).abs()
    orders = {"all agree": -both, "chance decides": both + apart, "the groups differ": -apart}
    return {kind: order.argsort(stable=True)[:count].tolist() for kind, order in orders.items()}


def best_answers(panel: Panel, liking: Tensor) -> list[int]:
    """Return for each sheet the column of its best answer."""
    parts = [panel.answers_of(sheet) for sheet in range(len(panel.sheets))]
    return [part.start + liking[part].argmax().item() for part in parts]


def flag_rude(panel: Panel, seed: int | str) -> Tensor:
    """Let every labeler flag rude answers: what costs too much by its tone, with half the noise. Shapes: (labelers, answers)."""
    costs = torch.tensor([[labeler.rudeness_cost] for labeler in panel.labelers])
    noise = panel.noise / 2 * torch.randn(panel.liking.shape, generator=seeded_generator("flags", seed))
    return panel.rude * costs + noise > RUDE_FROM


def majority_agrees(panel: Panel, group: Tensor, taste: Tensor, size: int, seed: int | str) -> float:
    """Share of pairs on which the majority of `size` labelers of a group votes as `taste` does.

    For each pair labelers are drawn anew; who is drawn twice votes on another day.
    """
    generator = seeded_generator("majority", seed)
    members = panel.liking[group], panel.noise[group]
    n_pairs = len(panel.pairs)
    who = torch.randint(len(members[0]), (size, n_pairs), generator=generator)
    first, second = (members[0][who, panel.pairs[:, side]] for side in (0, 1))
    noise = members[1][who, 0] * torch.randn(2, size, n_pairs, generator=generator)
    votes = torch.where(first + noise[0] > second + noise[1], 1.0, -1.0)
    return (votes.sum(0).sign() == taste).float().mean().item()
