"""Exercises of lesson 12: what PPO needs to know about every token of an answer."""

from math import exp

from ..checks import Case, Exercise


def sampled_mask(prompt_length: int, length: int, n_tokens: int) -> list[bool]:
    """Return n_tokens - 1 marks; mark t is True where token t + 1 was sampled."""
    return [prompt_length <= t + 1 < length for t in range(n_tokens - 1)]


def per_token_rewards(score: float, log_probs: list[float], ref_log_probs: list[float], kl_coef: float) -> list[float]:
    """Return for each sampled token minus kl_coef times its KL, log_prob - ref_log_prob; the last one gets the score too."""
    rewards = [-kl_coef * (own - ref) for own, ref in zip(log_probs, ref_log_probs)]
    rewards[-1] += score
    return rewards


def gae(rewards: list[float], values: list[float], discount: float, gae_lambda: float) -> list[float]:
    """Return each token's advantage: delta + discount * gae_lambda * the next token's advantage, from the last one backwards."""
    advantages, next_value, next_advantage = [], 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values)):
        delta = reward + discount * next_value - value
        next_advantage = delta + discount * gae_lambda * next_advantage
        next_value = value
        advantages.insert(0, next_advantage)
    return advantages


def whiten(values: list[float], mask: list[bool]) -> list[float]:
    """Return the kept values with mean 0 and standard deviation 1, and 0 for the others."""
    kept = [value for value, keep in zip(values, mask) if keep]
    mean = sum(kept) / len(kept)
    deviation = (sum((value - mean) ** 2 for value in kept) / len(kept)) ** 0.5
    return [(value - mean) / deviation if keep else 0.0 for value, keep in zip(values, mask)]


def _k3(difference: float) -> float:
    return exp(-difference) - 1 + difference


EXERCISES = (
    Exercise(
        solution=sampled_mask,
        cases=(
            Case(
                arguments=(3, 5, 7), expected=[False, False, True, True, False, False],
                hint="tokens 3 and 4 were sampled (counted from 0); mark t speaks of token t + 1, so marks 2 and 3 are True",
                mistakes=(
                    ([False, False, False, True, True, False], "one place too late: mark t speaks of token t + 1"),
                    (
                        [False, False, False, True, True, False, False],
                        "one mark too many: the first token has no log-probability, so 7 tokens have 6 marks",
                    ),
                    (
                        [False, False, True, False, False, False],
                        "the last sampled token, the end token, belongs to the answer: nothing else teaches the model to stop",
                    ),
                    ([False, False, True, True, True, True], "what comes after `length` is padding, which nobody sampled"),
                    ([True, True, True, True, False, False], "the prompt was given, not sampled: its tokens stay False"),
                ),
            ),
            Case(arguments=(1, 4, 4), expected=[True, True, True], hint="all but the first token were sampled"),
        ),
    ),
    Exercise(
        solution=per_token_rewards,
        cases=(
            Case(
                arguments=(2.0, [-1.0, -2.0, -0.5], [-1.5, -1.0, -0.75], 0.1), expected=[-0.05, 0.1, 1.975],
                hint="KL of the three tokens: 0.5, -1 and 0.25; each costs kl_coef times that; the score comes on the last one",
                mistakes=(
                    ([0.05, -0.1, 2.025], "the sign of the KL: to leave the reference must cost something, so it needs a minus"),
                    ([1.95, 2.1, 1.975], "the score comes once, on the last token; here every token has it"),
                    ([1.95, 0.1, -0.025], "the score is known when the answer is complete: it belongs on the last token"),
                    ([-0.05, 0.1, 2.0], "add the score to what the last token has already, do not put it in its place"),
                    ([-0.5, 1.0, 1.75], "multiply the KL by kl_coef"),
                    (
                        [-0.05, 0.0, 1.975],
                        "a token that the policy finds less likely than the reference has a KL below 0: keep it",
                    ),
                    ([-0.05, -0.1, 1.975], "no absolute values: a KL below 0 is paid back, or the sum is no KL any more"),
                    (
                        [-0.1 * _k3(0.5), -0.1 * _k3(-1.0), 2.0 - 0.1 * _k3(0.25)],
                        "this is k3, which is for watching; in the reward stands k1, the plain difference of log-probs",
                    ),
                    ([-0.0125, -0.05, 1.996875], "no squares: the plain difference of log-probs"),
                    ([0.0, 0.0, 2.025], "each token pays for its own KL, when it is drawn: not all at the end"),
                    ([0.1 / 12, 0.1 / 12, 2.0 + 0.1 / 12], "each token pays for its own KL, not its share of the sum"),
                ),
            ),
            Case(
                arguments=(2.0, [-1.0, -2.0], [-1.5, -1.0], 0.1), expected=[-0.05, 2.1],
                hint="two tokens: the first pays for its KL of 0.5, the last is paid for its KL of -1 and gets the score",
            ),
            Case(
                arguments=(1.0, [-0.3], [-0.3], 0.5), expected=[1.0],
                hint="a policy equal to its reference pays nothing: the reward is the score",
            ),
        ),
    ),
    Exercise(
        solution=gae,
        cases=(
            Case(
                # deltas 0 + 0.6 - 0.5, 0 + 0.8 - 0.6, 1 + 0 - 0.8
                arguments=([0.0, 0.0, 1.0], [0.5, 0.6, 0.8], 1.0, 0.5), expected=[0.25, 0.3, 0.2],
                hint="deltas are 0.1, 0.2 and 0.2; from the end: 0.2, then 0.2 + 0.5 * 0.2, then 0.1 + 0.5 * 0.3",
                mistakes=(
                    ([0.1, 0.2, 0.2], "these are the deltas; each token also gets half (gae_lambda) of the next one's advantage"),
                    ([0.5, 0.4, 0.2], "gae_lambda is missing: this adds all later deltas in full"),
                    ([0.1, 0.25, 0.325], "walk from the last token to the first: a token is worth what comes after it"),
                    ([0.75, 0.9, 1.0], "these are the returns, advantage + value; return the advantages"),
                    ([0.2, 0.3, 0.25], "right numbers in the wrong order: the first token's advantage must come first"),
                    ([0.45, 0.7, 1.0], "after the last token nothing comes: the value there is 0, not the last value again"),
                ),
            ),
            Case(
                # deltas 0 + 0.5 * 0.4 - 0.5 = -0.3 and 1 - 0.4 = 0.6; -0.3 + 0.5 * 1 * 0.6 = 0
                arguments=([0.0, 1.0], [0.5, 0.4], 0.5, 1.0), expected=[0.0, 0.6],
                hint="the discount multiplies both the next value and the next advantage",
                mistakes=(([0.5, 0.6], "the discount is missing: 0.5 * next value in the delta, and 0.5 * next advantage"),),
            ),
        ),
    ),
    Exercise(
        solution=whiten,
        cases=(
            Case(
                arguments=([1.0, 5.0, 100.0], [True, True, False]), expected=[-1.0, 1.0, 0.0],
                hint="the kept values are 1 and 5: mean 3, both 2 away from it, so the standard deviation is 2",
                mistakes=(
                    (
                        [-0.750367, -0.6629456, 0.0],
                        "the 100 is padding: leave it out of mean and deviation too",
                    ),
                    ([-2.0, 2.0, 0.0], "the mean is 0 now; divide by the standard deviation as well"),
                    ([-0.5, 0.5, 0.0], "divide by the standard deviation, the square root of the variance"),
                    ([-1.0, 1.0, 100.0], "what the mask leaves out becomes 0, or it would be learnt from after all"),
                    ([-(0.5**0.5), 0.5**0.5, 0.0], "divide the squares by how many values are kept, not by one less"),
                ),
            ),
            Case(
                # kept 0, 0, 3: mean 1, squares 1, 1, 4, so that the variance is 2
                arguments=([7.0, 0.0, 0.0, 3.0], [False, True, True, True]), expected=[0.0, -(0.5**0.5), -(0.5**0.5), 2**0.5],
                hint="the kept values are 0, 0 and 3: mean 1, standard deviation the square root of (1 + 1 + 4) / 3",
                mistakes=(
                    ([0.0, -0.75, -0.75, 1.5], "this divides by the mean distance; the standard deviation is the root of the "
                     "mean square"),
                    ([0.0, -2 / 3, -2 / 3, 4 / 3], "half the range is no standard deviation"),
                    ([0.0, 0.0, 0.0, 3**0.5], "take off the mean, 1, not the median, 0"),
                    ([0.0, 0.0, 0.0, 3 / 2**0.5], "take off the mean, 1, not the median, 0"),
                ),
            ),
        ),
    ),
)  # fmt: skip
