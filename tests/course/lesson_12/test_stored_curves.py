"""The stored curves of the wrong runs show what the lesson and its hints say of them.

Proves: of each fault, a sign that all its seeds show and no sound run; and that two faults, told apart by the KL alone, learn
the same.
"""

import pytest

from rlhf_lite.course.lesson_12.injected_faults import FAULTS
from rlhf_lite.course.lesson_12.wrong_runs import stored_runs


def _last_gold(run):
    return run["gold"][-1]


SEEN = {
    "dropout on": lambda run, sound: abs(run["kl"][0]) > 10 and run["clip_fraction"][0] > 0.5,
    "KL off": lambda run, sound: run["kl"][0] == 0 and 0.1 < run["kl"][-1] - sound["kl"][-1] < 1,
    "reward on padding": lambda run, sound: min(run["explained_variance"]) < -10 and _last_gold(run) < _last_gold(sound) - 0.1,
    "mask off by one": lambda run, sound: max(run["kl"][1:]) < 0 and run["kl"][-1] < -8,
    "wrong temperature": lambda run, sound: run["score"][0] > sound["score"][0] + 0.9 and _last_gold(run) < _last_gold(sound),
    "no whitening": lambda run, sound: run["grad_norm"][0] > 2 * sound["grad_norm"][0],
    "reference trained too": lambda run, sound: set(run["kl"]) == {0.0},
    "ptx too strong": lambda run, sound: min(run["grad_norm"]) > 25 and run["score"][-1] < sound["score"][-1] - 0.5,
    "reward model of manners": lambda run, sound: max(run["score"]) < 1 and run["explained_variance"][0] < -2
    and run["explained_variance"][-1] > sound["explained_variance"][-1],
}
"""What the lesson and its hints say of a fault's curves, for every seed beside the sound run of the same seed."""


@pytest.mark.parametrize("name", SEEN)
def test_the_stored_curves_are_as_the_lesson_says(name):
    assert set(SEEN) == set(FAULTS)
    sound = stored_runs("sound")
    for seed, run in stored_runs(name).items():
        assert SEEN[name](run, sound[seed])
        assert not SEEN[name](sound[seed], sound[seed])


def test_without_a_price_and_with_a_moving_reference_the_same_is_learnt():
    free, moving = stored_runs("KL off"), stored_runs("reference trained too")
    assert all(free[seed][key] == moving[seed][key] for seed in free for key in free[seed] if key != "kl")
    assert all(free[seed]["kl"][-1] > 1.5 for seed in free)
