"""Is one model better than another? Intervals that know what varies: prompts, seeds, and both answers to one prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from ...evaluate import Z_95

BETTER, WORSE, INCONCLUSIVE = "BETTER", "WORSE", "INCONCLUSIVE"
RESAMPLES = 4000


@dataclass(frozen=True)
class Interval:
    """A mean difference and its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """BETTER where all of the interval is above 0, WORSE where all is below, else INCONCLUSIVE."""
        return BETTER if self.low > 0 else WORSE if self.high < 0 else INCONCLUSIVE

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


def _around(mean: Tensor, error: Tensor) -> Interval:
    return Interval(mean.item(), (mean - Z_95 * error).item(), (mean + Z_95 * error).item())


def paired_interval(ours: Tensor, theirs: Tensor) -> Interval:
    """Mean of the differences prompt by prompt, (N,) each: what makes a prompt hard for both falls out."""
    differences = (ours - theirs).double()
    return _around(differences.mean(), differences.std() / len(differences) ** 0.5)


def unpaired_interval(ours: Tensor, theirs: Tensor) -> Interval:
    """Difference of two means as if the prompts had nothing to do with each other, (N,) and (M,)."""
    ours, theirs = ours.double(), theirs.double()
    return _around(ours.mean() - theirs.mean(), (ours.var() / len(ours) + theirs.var() / len(theirs)) ** 0.5)


def draw_again(n_seeds: int, n_prompts: int, *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw seeds and prompts with putting back: (resamples, n_seeds) and (resamples, n_prompts) places."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(n_seeds, (resamples, n_seeds), generator=generator),
            torch.randint(n_prompts, (resamples, n_prompts), generator=generator))  # fmt: skip


def means_over(differences: Tensor, seeds: Tensor, prompts: Tensor) -> Tensor:
    """Mean difference of every resample: differences (S, P), seeds (R, S), prompts (R, P) -> (R,).

    Seeds are drawn first, prompts within: every drawn seed answers the same drawn prompts.
    """
    return differences[seeds[:, :, None], prompts[:, None, :]].mean((1, 2))


def outcomes(counts: Mapping[str, float], seed: int) -> Tensor:
    """Write counts of wins, losses and ties as one outcome per prompt, 1, 0 and 1/2, in an order that means nothing: (N,)."""
    wins, losses, ties = (int(counts[key]) for key in ("wins", "losses", "ties"))
    found = torch.cat([torch.ones(wins), torch.zeros(losses), torch.full((ties,), 0.5)]).double()
    return found[torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))]


def bootstrap_interval(differences: Tensor, *, seeds_too: bool = True, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Interval of the mean of differences (seeds, prompts) by drawing again; without `seeds_too` the seeds stay as they are.

    With few seeds it is still too narrow: three seeds drawn with putting back are a poor picture of all seeds.
    """
    differences = differences.double()
    seeds, prompts = draw_again(*differences.shape, resamples=resamples, seed=seed)
    if not seeds_too:
        seeds = torch.arange(len(differences)).expand_as(seeds)
    means = torch.cat([means_over(differences, *part) for part in zip(seeds.split(500), prompts.split(500), strict=True)])
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Interval(differences.mean().item(), low, high)


def prompts_for(effect: float, deviation: float, power: float = 0.8) -> int:
    """Number of prompts with which a true mean difference `effect` is found, at 95 %, with this probability.

    `deviation` is the standard deviation of one prompt's difference. Example: (0.03, 0.5) -> 2181.
    Source: Miller 2024 (arXiv 2411.00640), section on power.
    """
    if effect <= 0 or deviation < 0 or not 0 < power < 1:
        raise ValueError(f"effect {effect}, deviation {deviation}, power {power}: expected > 0, >= 0 and between 0 and 1")
    needed = ((Z_95 + NormalDist().inv_cdf(power)) * deviation / effect) ** 2
    return int(-(-needed // 1))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's: the correlation of ranks, those of equal numbers averaged; 0 where one side is all alike.

    Raises: ValueError, if there are not two pairs.
    """
    if len(first) < 2 or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} numbers: expected equally many, and at least two")
    ranks = torch.stack([_ranks(torch.as_tensor(each, dtype=torch.float64)) for each in (first, second)])
    if (ranks.std(dim=1) == 0).any():
        return 0.0
    return torch.corrcoef(ranks)[0, 1].item()


def _ranks(values: Tensor) -> Tensor:
    return (values[:, None] > values).double().sum(1) + ((values[:, None] == values).double().sum(1) - 1) / 2


def correlation_interval(first: Sequence[float], second: Sequence[float], *, resamples: int = 2000, seed: int = 0) -> Interval:
    """Rank correlation of pairs of numbers, and its 95 % interval by drawing the pairs again."""
    pairs, generator = list(zip(first, second, strict=True)), torch.Generator().manual_seed(seed)
    found = []
    for rows in torch.randint(len(pairs), (resamples, len(pairs)), generator=generator).tolist():
        found.append(rank_correlation(*zip(*(pairs[i] for i in rows), strict=True)))
    low, high = torch.tensor(found, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Interval(rank_correlation(first, second), low, high)
