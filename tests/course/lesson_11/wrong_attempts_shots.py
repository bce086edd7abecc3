"""Plausible wrong attempts at the exercises in `exercises_shots`, each to be refused with a hint of its own."""

from rlhf_lite.course.lesson_11.exercises_shots import find_line, reinforce_loss


def _objective(log_probs, rewards, values):
    return -reinforce_loss(log_probs, rewards, values)


def _whole_return(log_probs, rewards, values):
    return -(log_probs * (rewards.sum(1, keepdim=True) - values)).sum(1).mean()


def _mean_log_prob(log_probs, rewards, values):
    returns = rewards.flip(1).cumsum(1).flip(1)
    return -(log_probs.mean(1) * (returns - values).sum(1)).mean()


def _no_values(log_probs, rewards, values):
    return reinforce_loss(log_probs, rewards, 0 * values)


def _own_reward_only(log_probs, rewards, values):
    return -(log_probs * (rewards - values)).sum(1).mean()


def _sum_over_episodes(log_probs, rewards, values):
    return reinforce_loss(log_probs, rewards, values) * len(rewards)


def _mean_over_steps(log_probs, rewards, values):
    return reinforce_loss(log_probs, rewards, values) / rewards.shape[1]


def _always_2(listing):
    return 2


def _always_3(listing):
    return 3


def _always_5(listing):
    return 5


def _two_of_five(listing):
    return {"A": 3, "B": 6}.get(listing, 5)


def _forgets_c(listing):
    return find_line(listing) if listing != "C" else 3


def _blames_the_minus(listing):
    return find_line(listing) if listing != "D" else 6


WRONG = {
    "reinforce_loss": (
        _objective, _whole_return, _mean_log_prob, _no_values, _own_reward_only, _sum_over_episodes, _mean_over_steps,
    ),
    "find_line": (_always_2, _always_3, _always_5, _two_of_five, _forgets_c, _blames_the_minus),
}  # fmt: skip
