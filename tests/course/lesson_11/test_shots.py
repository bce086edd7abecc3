"""The game of three shots: its rules by hand, and REINFORCE's push against finite differences, which know no theory.

Proves: points, returns and probabilities of episodes are those worked out by hand; the best episode is the best; the sound
loss pushes, on average over all episodes, exactly along the gradient of the expected points, for any policy and baseline; the
noise is the variance of a simulation; players who learn with it reach the best, and the seed decides.
"""

import pytest
import torch

from rlhf_lite.course.lesson_11.exercises_shots import reinforce_loss
from rlhf_lite.course.lesson_11.shots import (
    BEST_POINTS,
    EPISODES,
    episode_probabilities,
    expected_points,
    expected_returns,
    finite_differences,
    learn_shots,
    log_probs_of,
    mean_and_noise,
    pushes_of,
    returns_of,
    rewards_of,
    tiredness,
)

UNDECIDED = torch.zeros(3, 3, 2, dtype=torch.float64)


@pytest.fixture
def decided():
    return torch.randn(3, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def test_one_episode_by_hand():
    far_near_far = torch.tensor([1, 0, 1])
    assert tiredness(far_near_far).tolist() == [0, 1, 1]
    assert rewards_of(far_near_far).tolist() == [3.0, 0.5, 2.5]
    assert returns_of(rewards_of(far_near_far)).tolist() == [6.0, 3.0, 2.5]


def test_the_best_episode_is_far_far_far():
    totals = rewards_of(EPISODES).sum(1)
    assert EPISODES[totals.argmax()].tolist() == [1, 1, 1] and totals.max() == BEST_POINTS == 7.5


def test_expectations_by_hand():
    assert len({tuple(row) for row in EPISODES.tolist()}) == 8
    assert episode_probabilities(UNDECIDED).tolist() == pytest.approx([1 / 8] * 8)
    assert expected_points(UNDECIDED).item() == pytest.approx((3 + 5 + 4.5 + 6.5 + 4 + 6 + 5.5 + 7.5) / 8)
    assert expected_returns(UNDECIDED).tolist() == pytest.approx([5.25, 3.25, 1.5])


def test_a_state_has_its_own_logits(decided):
    log_probs = log_probs_of(decided, torch.tensor([[1, 0, 1]]))
    by_hand = [decided[0, 0].log_softmax(0)[1], decided[1, 1].log_softmax(0)[0], decided[2, 1].log_softmax(0)[1]]
    assert log_probs[0].tolist() == pytest.approx([x.item() for x in by_hand])
    assert episode_probabilities(decided).sum().item() == pytest.approx(1)


def test_many_players_at_once_are_each_as_alone(decided):
    both = torch.stack([UNDECIDED, decided])
    torch.testing.assert_close(expected_points(both)[1], expected_points(decided))
    torch.testing.assert_close(expected_returns(both)[1], expected_returns(decided))


def test_finite_differences_of_a_square():
    assert finite_differences(lambda x: (x**2).sum(), torch.tensor([1.0, -2.0]).double()).tolist() == pytest.approx([2.0, -4.0])


@pytest.mark.parametrize("baseline", [0.0, 5.0])
def test_the_mean_push_is_the_gradient_for_any_policy_and_baseline(decided, baseline):
    for logits in (UNDECIDED, decided):
        mean, _ = mean_and_noise(lambda log_probs, rewards, values: reinforce_loss(log_probs, rewards, values + baseline), logits)
        torch.testing.assert_close(mean, finite_differences(expected_points, logits), atol=1e-6, rtol=0)


def test_noise_is_the_variance_of_drawn_pushes(decided):
    _, noise = mean_and_noise(reinforce_loss, decided)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.multinomial(episode_probabilities(decided), 20_000, replacement=True, generator=generator)
    assert pushes_of(reinforce_loss, decided)[drawn].var(0).sum().item() == pytest.approx(noise, rel=0.05)


def test_players_learn_the_best_and_the_seed_decides():
    first, again, other = (learn_shots(reinforce_loss, runs=5, seed=seed) for seed in (0, 0, 1))
    assert first.shape == (300, 5) and torch.equal(first, again) and not torch.equal(first, other)
    assert first[0].tolist() == pytest.approx([5.25] * 5) and (first[-1] > 7.3).all()
