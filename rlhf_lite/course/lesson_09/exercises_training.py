"""Exercises of lesson 09, from the loss on: how many steps, which epoch, what the loss asks for, a rate for body and head."""

from math import log

from ..checks import Case, Exercise


def training_steps(n_demonstrations: int, epochs: float, batch_size: int) -> int:
    """Return how many optimizer steps a run takes, at least 1, where a batch may reach into the next epoch."""
    return max(1, round(epochs * n_demonstrations / batch_size))


def best_epoch(measured: dict[int, dict[str, float]], key: str, lowest: bool) -> int:
    """Return the epoch at which a measurement is lowest, or highest."""
    choose = min if lowest else max
    return choose(measured, key=lambda epoch: measured[epoch][key])


def expected_surprise(written: list[float], predicted: list[float]) -> float:
    """Return the mean surprise at answers that come with the shares `written`, where the model gave `predicted`."""
    return -sum(p * log(q) for p, q in zip(written, predicted) if p > 0)


def rate_of_each(names: list[str], body_rate: float, head_rate: float) -> dict[str, float]:
    """Return the learning rate of each parameter: the head's names begin with "scalar_head."."""
    return {name: head_rate if name.startswith("scalar_head.") else body_rate for name in names}


_RUN = {1: {"loss": 0.71, "gold": 0.10}, 2: {"loss": 0.58, "gold": 0.22}, 4: {"loss": 0.63, "gold": 0.35},
        8: {"loss": 0.80, "gold": 0.31}}  # fmt: skip
_NAMES = ["backbone.token_embedding.weight", "backbone.overhead.bias", "scalar_head.weight", "scalar_head.bias"]
_BODY, _HEAD = 1e-5, 0.02

EXERCISES = (
    Exercise(
        solution=training_steps,
        cases=(
            Case(
                arguments=(50, 3, 32), expected=5,  # 150 demonstrations in all, 4.7 batches
                hint="3 passes over 50 demonstrations are 150 in all; a step takes 32 of them; round",
                mistakes=(
                    (2, "this is one epoch; multiply by the epochs"),
                    (3, "do not drop the 18 left over in each epoch: the next epoch's fill the batch up"),
                    (6, "an epoch need not end with a step: divide once, after multiplying, not epoch by epoch"),
                    (150, "this counts demonstrations; a step takes batch_size of them at once"),
                    (4.6875, "a step is whole: round the result"),
                    (4, "round to the nearest whole number instead of cutting with // or int"),
                ),
            ),
            Case(arguments=(5, 1, 32), expected=1, hint="at least one step: max(1, ...)",
                 mistakes=((0, "rounding gives 0, a run that learns nothing: at least 1, with max"),)),
        ),
    ),
    Exercise(
        solution=best_epoch,
        cases=(
            Case(
                arguments=(_RUN, "loss", True), expected=2,
                hint="of 0.71, 0.58, 0.63 and 0.80 the lowest is 0.58, measured after epoch 2",
                mistakes=(
                    (0.58, "return the epoch, the key of the dictionary, not the value"),
                    (8, "`lowest` is True here: take the epoch with the lowest value, neither the highest nor the last"),
                ),
            ),
            Case(
                arguments=(_RUN, "gold", False), expected=4,
                hint="of 0.10, 0.22, 0.35 and 0.31 the highest is 0.35, measured after epoch 4",
                mistakes=((1, "`lowest` is False here: take the highest"), (8, "not the last epoch: the one that measured best")),
            ),
            Case(
                arguments=({3: {"loss": 0.5}, 9: {"loss": 0.4}, 20: {"loss": 0.6}}, "loss", True), expected=9,
                hint="any epochs may have been measured",
                mistakes=((20, "take the epoch that measured best, not the last one"),),
            ),
        ),
    ),
    Exercise(
        solution=expected_surprise,
        cases=(
            Case(
                arguments=([0.75, 0.25], [0.5, 0.25]), expected=0.75 * log(2) + 0.25 * log(4),
                hint="0.75 times the surprise -log(0.5), plus 0.25 times the surprise -log(0.25)",
                mistakes=(
                    (-0.75 * log(0.75) - 0.25 * log(0.25), "take the logarithm of what is predicted, not of what is written"),
                    (-0.5 * log(0.75) - 0.25 * log(0.25), "weigh by what is written; the logarithm is of what is predicted"),
                    (-0.75 * log(2) - 0.25 * log(4), "a surprise is minus a logarithm"),
                    (0.5 * log(2) + 0.5 * log(4), "weigh each surprise by how often that answer is written"),
                    (-log(0.4375), "first the logarithm of each prediction, then the mean"),
                ),
            ),
            Case(arguments=([1.0, 0.0], [0.5, 0.0]), expected=log(2), hint="leave out answers that nobody writes",
                 mistakes=((ValueError, "log(0) has no value; leave out the answers that are never written, where p is 0"),)),
        ),
    ),
    Exercise(
        solution=rate_of_each,
        cases=(
            Case(
                arguments=(_NAMES[::2], _BODY, _HEAD), expected={_NAMES[0]: _BODY, _NAMES[2]: _HEAD},
                hint="head_rate for names that begin with scalar_head., body_rate for all others",
                mistakes=(
                    ({_NAMES[0]: _HEAD, _NAMES[2]: _BODY}, "swapped: the new head needs the larger rate, it knows nothing yet"),
                    (dict.fromkeys(_NAMES[::2], _BODY), "the new head gets a rate of its own"),
                    ({_NAMES[2]: _HEAD}, "the body's parameters need an entry too, with body_rate (0 would freeze them)"),
                ),
            ),
            Case(
                arguments=(_NAMES, _BODY, _HEAD),
                expected={_NAMES[0]: _BODY, _NAMES[1]: _BODY, _NAMES[2]: _HEAD, _NAMES[3]: _HEAD},
                hint="look at the beginning of each name",
                mistakes=(({_NAMES[0]: _BODY, _NAMES[1]: _HEAD, _NAMES[2]: _HEAD, _NAMES[3]: _HEAD},
                           "`overhead` holds `head` and is none: name.startswith(...) looks at the beginning only"),),
            ),
        ),
    ),
)  # fmt: skip
