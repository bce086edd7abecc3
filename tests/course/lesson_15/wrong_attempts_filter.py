"""Plausible wrong attempts at the exercises in `exercises_filter`, each refused with a hint of its own; and right ones."""

# ruff: noqa: B905

from math import ceil

import numpy as np
import torch

from rlhf_lite.course.lesson_15.exercises_filter import precision_and_recall, ranks_from_thumbs, threshold_for_recall


def _hits(flagged, harmful):
    return sum(f and h for f, h in zip(flagged, harmful))


def _swapped(flagged, harmful):
    return precision_and_recall(harmful, flagged)


def _of_all(flagged, harmful):
    return [_hits(flagged, harmful) / len(flagged)] * 2


def _counts(flagged, harmful):
    return [_hits(flagged, harmful)] * 2


def _both_of_the_flagged(flagged, harmful):
    return [_hits(flagged, harmful) / sum(flagged)] * 2


def _both_of_the_harmful(flagged, harmful):
    return [_hits(flagged, harmful) / sum(harmful)] * 2


def _arrays(flagged, harmful):
    flagged, harmful = np.array(flagged), np.array(harmful)
    both = (flagged & harmful).sum()
    return np.array([both / flagged.sum(), both / harmful.sum()])


def _tensors(flagged, harmful):
    flagged, harmful = torch.tensor(flagged, dtype=torch.float64), torch.tensor(harmful, dtype=torch.float64)
    return torch.stack([flagged @ harmful / flagged.sum(), flagged @ harmful / harmful.sum()])


def _rounded_down(scores, harmful, wanted):
    bad = sorted((s for s, h in zip(scores, harmful) if h), reverse=True)
    return bad[int(wanted * len(bad)) - 1]


def _of_all_texts(scores, harmful, wanted):
    return threshold_for_recall(scores, [True] * len(scores), wanted - 0.1)


def _lowest_harmful(scores, harmful, wanted):
    return min(s for s, h in zip(scores, harmful) if h)


def _lowest_first(scores, harmful, wanted):
    bad = sorted(s for s, h in zip(scores, harmful) if h)
    return bad[ceil(wanted * len(bad)) - 1]


def _tried_one_by_one(scores, harmful, wanted):
    for threshold in sorted(scores, reverse=True):
        caught = sum(h and s >= threshold for s, h in zip(scores, harmful))
        if caught >= wanted * sum(harmful):
            return threshold
    raise AssertionError


def _by_tensor(scores, harmful, wanted):
    bad = torch.tensor(scores, dtype=torch.float64)[torch.tensor(harmful)].sort(descending=True).values
    return next(each for n, each in enumerate(bad, start=1) if n / len(bad) >= wanted)


def _worst_is_0(thumbs):
    return [sorted(set(thumbs)).index(thumb) for thumb in thumbs]


def _from_1(thumbs):
    return [rank + 1 for rank in ranks_from_thumbs(thumbs)]


def _with_gaps(thumbs):
    return [max(thumbs) - thumb for thumb in thumbs]


def _order_of_places(thumbs):
    return sorted(range(len(thumbs)), key=lambda i: -thumbs[i])


def _no_ties(thumbs):
    order = _order_of_places(thumbs)
    return [order.index(i) for i in range(len(thumbs))]


def _counted(thumbs):
    return np.array([len({other for other in thumbs if other > thumb}) for thumb in thumbs])


def _unique(thumbs):
    return torch.unique(-torch.tensor(thumbs), return_inverse=True)[1]


def _agreements(flagged, harmful):
    hits = sum(a == b for a, b in zip(flagged, harmful))
    return [hits / max(1, sum(flagged)), hits / max(1, sum(harmful))]


def _place_in_the_order(thumbs):
    return [sorted(thumbs, reverse=True).index(thumb) for thumb in thumbs]


WRONG = {
    "precision_and_recall": (_agreements, _swapped, _of_all, _counts, _both_of_the_flagged, _both_of_the_harmful),
    "threshold_for_recall": (_rounded_down, _of_all_texts, _lowest_harmful, _lowest_first),
    "ranks_from_thumbs": (_place_in_the_order, _worst_is_0, _from_1, _with_gaps, _order_of_places, _no_ties),
}
RIGHT = {
    "precision_and_recall": (_arrays, _tensors),
    "threshold_for_recall": (_tried_one_by_one, _by_tensor),
    "ranks_from_thumbs": (_counted, _unique),
}
