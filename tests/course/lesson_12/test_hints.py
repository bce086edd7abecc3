"""Each hint of lesson 12's exercises on numbers is what its own mistake gets, and not a hint that nobody ever sees.

Proves: for every mistake that a check knows, some wrong attempt is told just that hint.
"""

import pytest
from course.lesson_12 import wrong_attempts_diagnosis, wrong_attempts_ppo, wrong_attempts_update

from rlhf_lite.course.checks import feedback
from rlhf_lite.course.lesson_12 import exercises_diagnosis, exercises_ppo, exercises_update

ATTEMPTS = wrong_attempts_diagnosis.WRONG | wrong_attempts_ppo.WRONG | wrong_attempts_update.WRONG
EXERCISES = {
    each.name: each
    for each in (*exercises_ppo.EXERCISES, *exercises_update.EXERCISES, *exercises_diagnosis.EXERCISES)
    if each.name != "diagnose"  # which has a hint for each of 72 wrong guesses
}


@pytest.mark.parametrize("name", EXERCISES)
def test_every_hint_is_reached(name):
    told = {feedback(attempt, EXERCISES[name]).rpartition("Hint: ")[2] for attempt in ATTEMPTS[name]}
    known = {hint for case in EXERCISES[name].cases for _, hint in case.mistakes}
    assert known - told == set()
