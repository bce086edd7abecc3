"""Exercises of lesson 06 on scaling: a loss predicted from smaller models, and what a run costs."""

from math import exp, log

import numpy as np

from ..checks import Case, Exercise


def predict_loss(sizes: list[float], losses: list[float], larger: float) -> float:
    """Fit log L = a - b log N by least squares, and return the loss that this gives for a larger N."""
    slope, start = np.polyfit(np.log(sizes), np.log(losses), 1)
    return exp(start + slope * log(larger))


def pf_days(parameters: float, tokens: float) -> float:
    """Return what training costs in petaflop/s-days: 6 FLOPs per parameter and token; one is 10^15 FLOPs per second for a day."""
    return 6 * parameters * tokens / (1e15 * 24 * 60 * 60)


_THREE = ([1e3, 1e4, 1e5], [4.0, 2.5, 2.0])
"""No straight line in logarithms, so that least squares differs from a line through two points."""
_FITTED = 20 ** (1 / 3) * 2**-1.0  # centre: the geometric mean at 1e4; slope: half as much per factor 100; 1e6 is 100 times 1e4
_LINEAR_SLOPE = float(np.polyfit(_THREE[0], _THREE[1], 1)[0])
_SEMILOG = float(np.polyval(np.polyfit(np.log(_THREE[0]), _THREE[1], 1), log(1e6)))

EXERCISES = (
    Exercise(
        solution=predict_loss,
        cases=(
            Case(
                arguments=([100.0, 400.0], [6.0, 3.0], 1600.0), expected=1.5,
                hint="four times as large, half the loss: np.polyfit on the logarithms of both gives a line",
                mistakes=(
                    (-9.0, "a straight line in N and L falls below 0; fit the logarithms of both"),
                    (0.0, "fit log L against log N, take the logarithm of `larger` too, and exp in the end"),
                    (log(1.5), "this is log L: take exp in the end"),
                    (24.0, "the sign: the loss falls as N grows"),
                ),
            ),
            Case(
                arguments=(*_THREE, 1e6), expected=_FITTED,
                hint="all three sizes count: np.polyfit(np.log(sizes), np.log(losses), 1) gives slope and start",
                mistakes=(
                    (2.0 * 2.0 / 2.5, "this goes on from the last two sizes; least squares takes all of them"),
                    (4.0 * (0.5) ** 1.5, "this is the line through the first and the last size; least squares takes all of them"),
                    (_SEMILOG, "fit log L, not L, against log N"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=pf_days,
        cases=(
            Case(
                arguments=(2e12, 7.2e6), expected=1.0,  # 8.64e19 FLOPs
                hint="6 * parameters * tokens FLOPs, divided by 1e15 * 24 * 60 * 60",
                mistakes=(
                    (8.64e19, "these are FLOPs: divide by what a petaflop/s-day holds"),
                    (1 / 3, "2 FLOPs per parameter and token read; learning takes 6"),
                    (86400.0, "a day has 24 * 60 * 60 seconds: divide by them too"),
                    (1 / 6, "6 FLOPs per parameter and token"),
                    (24.0, "a day has 24 * 60 * 60 seconds, an hour 60 * 60"),
                    (1000.0, "peta is 10^15; 10^12 is tera"),
                ),
            ),
            Case(arguments=(5e9, 2e11), expected=6e21 / 8.64e19, hint="parameters and tokens both count"),
        ),
    ),
)  # fmt: skip
