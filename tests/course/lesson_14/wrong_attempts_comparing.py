"""Plausible wrong attempts at the exercises in `exercises_comparing`, each to be refused with a hint of its own."""

import numpy as np
import torch

from rlhf_lite.course.lesson_14.exercises_comparing import (
    both_win_rates,
    prompts_needed,
    standard_errors,
    wilson,
)


def _turned(ours, theirs, tie):
    return both_win_rates(ours, theirs, tie)[::-1]


def _no_ties(ours, theirs, tie):
    pairs = list(zip(ours, theirs, strict=True))
    wins, losses = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
    return wins / (wins + losses), (wins + (len(ours) - wins - losses) / 2) / len(ours)


def _ties_lose(ours, theirs, tie):
    return both_win_rates(ours, theirs, tie)[0], sum(a - b >= tie for a, b in zip(ours, theirs, strict=True)) / len(ours)


def _ties_win(ours, theirs, tie):
    return both_win_rates(ours, theirs, tie)[0], sum(a - b > -tie for a, b in zip(ours, theirs, strict=True)) / len(ours)


def _of_all(ours, theirs, tie):
    return sum(a - b >= tie for a, b in zip(ours, theirs, strict=True)) / len(ours), both_win_rates(ours, theirs, tie)[1]


def _divides_by_nothing(ours, theirs, tie):
    pairs = list(zip(ours, theirs, strict=True))
    wins, losses = sum(a - b >= tie for a, b in pairs), sum(b - a >= tie for a, b in pairs)
    return wins / (wins + losses), (wins + (len(ours) - wins - losses) / 2) / len(ours)


def _normal(wins, decided):
    p = wins / decided
    half = 1.96 * (p * (1 - p) / decided) ** 0.5
    return p - half, p + half


def _cut(wins, decided):
    low, high = _normal(wins, decided)
    return max(0.0, low), min(1.0, high)


def _not_divided(wins, decided):
    low, high = wilson(wins, decided)
    return low * (1 + 1.96**2 / decided), high * (1 + 1.96**2 / decided)


def _own_middle(wins, decided):
    p, n, z = wins / decided, decided, 1.96
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    return (p - half) / (1 + z**2 / n), (p + half) / (1 + z**2 / n)


def _short_root(wins, decided):
    p, n, z = wins / decided, decided, 1.96
    half = z * (p * (1 - p) / n) ** 0.5
    return (p + z**2 / (2 * n) - half) / (1 + z**2 / n), (p + z**2 / (2 * n) + half) / (1 + z**2 / n)


def _other_first(ours, theirs):
    return standard_errors(ours, theirs)[::-1]


def _deviations(ours, theirs):
    return tuple(each * len(ours) ** 0.5 for each in standard_errors(ours, theirs))


def _whole_population(ours, theirs):
    n = len(ours)
    return (ours - theirs).std(correction=0) / n**0.5, ((ours.var(correction=0) + theirs.var(correction=0)) / n) ** 0.5


def _no_root(ours, theirs):
    return standard_errors(ours, theirs)[0], (ours.var() + theirs.var()) / len(ours)


def _by_n(ours, theirs):
    return tuple(each / len(ours) ** 0.5 for each in standard_errors(ours, theirs))


def _one_mean(differences, seeds, prompts):
    return torch.full((len(seeds),), differences.mean())


def _all_seeds(differences, seeds, prompts):
    return torch.stack([differences[:, p].mean() for p in prompts])


def _first_seed_only(differences, seeds, prompts):
    return torch.stack([differences[s[0], p].mean() for s, p in zip(seeds, prompts, strict=True)])


def _all_prompts(differences, seeds, prompts):
    return torch.stack([differences[s].mean() for s in seeds])


def _together(differences, seeds, prompts):
    return differences[seeds, prompts].mean(1)


def _down(effect, deviation):
    return int((2.8 * deviation / effect) ** 2)


def _half_a_prompt(effect, deviation):
    return (2.8 * deviation / effect) ** 2


def _not_squared(effect, deviation):
    return -int(-2.8 * deviation // effect)


def _deviation_once(effect, deviation):
    return -int(-(2.8**2) * deviation // effect**2)


def _half_power(effect, deviation):
    return prompts_needed(effect, deviation * 1.96 / 2.8)


def _effect_once(effect, deviation):
    return -int(-((2.8 * deviation) ** 2) / 0.03 // effect)


def _exactly_tie_is_a_tie(ours, theirs, tie):
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    wins, losses = sum(d > tie for d in differences), sum(d < -tie for d in differences)
    decided = wins / (wins + losses) if wins + losses else 0.5
    return decided, (wins + (len(differences) - wins - losses) / 2) / len(differences)


def _without_signs(ours, theirs):
    paired = (ours - theirs).abs().std() / len(ours) ** 0.5
    return paired, ((ours.var() + theirs.var()) / len(ours)) ** 0.5


WRONG = {
    "both_win_rates": (_exactly_tie_is_a_tie, _turned, _no_ties, _ties_lose, _ties_win, _of_all, _divides_by_nothing),
    "wilson": (_normal, _cut, _not_divided, _own_middle, _short_root),
    "standard_errors": (_without_signs, _other_first, _deviations, _whole_population, _no_root, _by_n),
    "resampled_means": (_one_mean, _all_seeds, _all_prompts, _together),
    "prompts_needed": (_down, _half_a_prompt, _not_squared, _deviation_once, _half_power, _effect_once),
}


def _counting(ours, theirs, tie):
    wins = losses = 0
    for a, b in zip(ours, theirs, strict=True):
        wins, losses = wins + (a - b >= tie), losses + (b - a >= tie)
    half = (len(ours) + wins - losses) / (2 * len(ours))
    return [wins / (wins + losses) if wins + losses > 0 else 0.5, half]


def _on_tensors(ours, theirs, tie):
    difference = torch.tensor(ours) - torch.tensor(theirs)
    wins, losses = (difference >= tie).sum(), (difference <= -tie).sum()
    decided = wins / (wins + losses) if wins + losses else torch.tensor(0.5)
    return torch.stack([decided, torch.where(difference.abs() < tie, 0.5, (difference > 0).float()).mean()])


def _solved_for_p(wins, decided):
    z2 = 1.96**2
    root = (z2 * (z2 + 4 * wins * (decided - wins) / decided)) ** 0.5
    return [(2 * wins + z2 - root) / (2 * (decided + z2)), (2 * wins + z2 + root) / (2 * (decided + z2))]


def _wilson_array(wins, decided):
    return np.array(wilson(wins, decided))


def _by_hand(ours, theirs):
    n, d = len(ours), ours - theirs
    paired = (((d - d.mean()) ** 2).sum() / (n - 1) / n).sqrt()
    return torch.stack([paired, ((ours.var() + theirs.var()) / n).sqrt()])


def _numpy_errors(ours, theirs):
    a, b = ours.numpy(), theirs.numpy()
    return np.std(a - b, ddof=1) / len(a) ** 0.5, ((np.var(a, ddof=1) + np.var(b, ddof=1)) / len(a)) ** 0.5


def _broadcast(differences, seeds, prompts):
    return differences[seeds[:, :, None], prompts[:, None, :]].mean((1, 2))


def _loops(differences, seeds, prompts):
    return [
        sum(differences[s, p].item() for s in row for p in column) / (len(row) * len(column))
        for row, column in zip(seeds, prompts, strict=True)
    ]


def _negative_floor(effect, deviation):
    return -int(-((2.8 * deviation / effect) ** 2) // 1)


def _numpy_ceil(effect, deviation):
    return np.ceil((2.8 * deviation) ** 2 / effect**2)


RIGHT = {
    "both_win_rates": (_counting, _on_tensors),
    "wilson": (_solved_for_p, _wilson_array),
    "standard_errors": (_by_hand, _numpy_errors),
    "resampled_means": (_broadcast, _loops),
    "prompts_needed": (_negative_floor, _numpy_ceil),
}
