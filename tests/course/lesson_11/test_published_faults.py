"""Each published fault is one wrong line, and a number finds it.

Proves: mending the one line that the exercise asks for makes a listing as good as the sound loss, on average and in its noise;
each fault's numbers are those that the lesson explains; the mean of log-probs climbs the objective that the
lesson names; none of them stops with an error or a warning.
"""

import math
import warnings

import pytest
import torch

from rlhf_lite.course.lesson_11.exercises_shots import WRONG_LINES, reinforce_loss
from rlhf_lite.course.lesson_11.published_faults import FAULTS, listing, measure
from rlhf_lite.course.lesson_11.shots import (
    EPISODES,
    episode_probabilities,
    expected_points,
    finite_differences,
    mean_and_noise,
    rewards_of,
)

UNDECIDED = torch.zeros(3, 3, 2, dtype=torch.float64)
MENDED = {
    "A": "    baseline = values",
    "B": "    return -objective",
    "C": "    advantages = returns - baseline",
    "D": "    objective = (log_probs * advantages).sum(1).mean()",
    "E": "    returns = rewards.flip(1).cumsum(1).flip(1)",
}
"""What belongs in the place of each listing's wrong line."""


@pytest.fixture(scope="module")
def measured():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = {name: measure(loss) for name, loss in {"sound": reinforce_loss, **FAULTS}.items()}
    assert not said, "a warning would stand in the lesson"
    return found


def push_and_noise(lines, letter):
    space = {"torch": torch}
    exec("\n".join(lines), space)
    return mean_and_noise(space[f"loss_{letter}"], UNDECIDED)


@pytest.mark.parametrize("letter", FAULTS)
def test_mending_the_one_line_mends_the_push_and_nothing_else_is_wrong(letter):
    shown = [line[3:] for line in listing(letter).splitlines()]
    assert shown[0] == f"def loss_{letter}(log_probs, rewards, values):" and len(shown) == 6
    assert all(line.startswith(f"    {name} = ") for line, name in
               zip(shown[1:5], ("returns", "baseline", "advantages", "objective"), strict=True))  # fmt: skip
    truth, noise = finite_differences(expected_points, UNDECIDED), mean_and_noise(reinforce_loss, UNDECIDED)[1]
    shown[WRONG_LINES[letter] - 1] = MENDED[letter]
    mean, mended_noise = push_and_noise(shown, letter)
    torch.testing.assert_close(mean, truth, atol=1e-6, rtol=0)
    assert mended_noise == pytest.approx(noise)


def test_lines_are_numbered():
    assert [line[0] for line in listing("A").splitlines()] == list("123456")


def test_numbers_find_every_fault(measured):
    sound = measured["sound"]
    assert sound.direction == pytest.approx(1) and sound.away == pytest.approx(0, abs=1e-6)
    assert measured["A"].direction < 0.8 and measured["D"].direction < 0.8  # they point elsewhere
    assert measured["B"].direction == pytest.approx(-1) and measured["B"].away == pytest.approx(2)
    assert math.isnan(measured["C"].away)
    assert measured["E"].away == pytest.approx(0, abs=1e-6) and measured["E"].noise > 5 * sound.noise  # right, but noisy


def test_where_players_end(measured):
    ends = {name: found.points[-1] for name, found in measured.items()}
    assert (ends["sound"] > 7.4).all() and ends["C"].isnan().all()
    assert 5.25 < ends["A"].mean() < 7 and 5.25 < ends["D"].mean() < 7 and ends["B"].mean() < 3.2
    assert ends["E"].median() > 7.3 and ends["E"].quantile(0.1) < 7


def test_the_mean_of_log_probs_climbs_an_objective_in_which_late_rewards_count_more():
    weighted = (rewards_of(EPISODES) * torch.tensor([1, 2, 3]) / 3).sum(1)
    mean, _ = mean_and_noise(FAULTS["D"], UNDECIDED)
    other = finite_differences(lambda logits: episode_probabilities(logits) @ weighted, UNDECIDED)
    torch.testing.assert_close(mean, other, atol=1e-6, rtol=0)
