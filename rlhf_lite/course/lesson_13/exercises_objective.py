"""Exercises of lesson 13, first part: the tax as a share, the objective's terms, and what a coefficient means."""

from ..checks import Case, Exercise


def given_back(base: float, ppo: float, ptx: float) -> float:
    """Return the share of what PPO lost, from the base model's value to PPO's, that ptx gave back."""
    lost = ppo - base
    return (ppo - ptx) / lost if lost else 0.0


def penalised_score(score: float, log_probs: list[float], ref_log_probs: list[float], kl_coef: float) -> float:
    """Return a response's score minus kl_coef for every nat that it is likelier to the policy than to the reference."""
    kl = sum(ours - theirs for ours, theirs in zip(log_probs, ref_log_probs))
    return score - kl_coef * kl


def objective(scores: list[float], kls: list[float], text_log_probs: list[float], kl_coef: float, ptx_coef: float) -> float:
    """Return the mean penalised score of the responses plus ptx_coef times the mean log-probability of the text's tokens."""
    answering = sum(score - kl_coef * kl for score, kl in zip(scores, kls)) / len(scores)
    remembering = sum(text_log_probs) / len(text_log_probs)
    return answering + ptx_coef * remembering


def coef_for_sum(coef: float, n_sequences: int, n_predictions: int) -> float:
    """Return the coefficient that, on a loss summed over each sequence's predictions, pulls as `coef` does on their mean."""
    return coef / n_predictions


def coef_for_ratio(policy_gradient: list[float], text_gradient: list[float], ratio: float) -> float:
    """Return the ptx_coef at which the text's gradient is `ratio` times as long as the policy's."""

    def length(gradient):
        return sum(number**2 for number in gradient) ** 0.5

    return ratio * length(policy_gradient) / length(text_gradient)


EXERCISES = (
    Exercise(
        solution=given_back,
        cases=(
            Case(
                arguments=(1.0, 2.0, 1.25), expected=0.75,
                hint="what PPO lost is ppo - base; what came back is ppo - ptx; the share is the second divided by the first",
                mistakes=(
                    (0.25, "this is the share that is still missing; the share that came back is 1 minus that"),
                    (0.375, "divide by what PPO lost, ppo - base, not by PPO's whole loss"),
                    (-0.75, "the sign is turned round: what came back is counted from PPO towards base"),
                ),
            ),
            Case(
                arguments=(64.0, 44.0, 54.0), expected=0.5,  # an accuracy: 20 lost, 10 back
                hint="the same formula serves where more is better: both differences are then negative",
                mistakes=((-10.0, "this is how much came back; divide it by how much was lost"),),
            ),
            Case(
                arguments=(1.0, 1.0, 0.9), expected=0.0, hint="where PPO lost nothing there is nothing to give back: return 0",
                mistakes=((ZeroDivisionError, "PPO may have lost nothing; then ppo - base is 0: return 0 before you divide"),),
            ),
        ),
    ),
    Exercise(
        solution=penalised_score,
        cases=(
            Case(
                arguments=(1.0, [-0.5, -1.0], [-1.0, -2.0], 0.1), expected=0.85,  # 0.5 + 1.0 nats
                hint="per token log_prob - ref_log_prob, here 0.5 and 1.0; their sum times kl_coef comes off the score",
                mistakes=(
                    (0.925, "sum over the tokens of the response: the KL is counted per response, not per token"),
                    (1.15, "being far from the reference costs: take the penalty off, do not add it"),
                    (-0.5, "multiply the 1.5 nats by kl_coef before you take them off"),
                ),
            ),
            Case(
                arguments=(2.0, [-2.0, -0.5], [-1.0, -1.5], 0.1), expected=2.0,  # -1 + 1 nats
                hint="a token may be less likely than before: its part is negative and stays so",
                mistakes=(
                    (1.8, "no absolute values: the first token's -1 and the second token's +1 cancel"),
                    (1.9, "do not cut negative parts off: only with them is the mean over many samples the KL"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=objective,
        cases=(
            Case(
                arguments=([1.0, 0.0], [2.0, 4.0], [-1.0, -3.0], 0.1, 0.5), expected=-0.8,  # (0.8 - 0.4) / 2 - 0.5 * 2
                hint="the mean of 1 - 0.2 and 0 - 0.4 is 0.2; the mean log-probability is -2, times 0.5 is -1",
                mistakes=(
                    (1.2, "log-probabilities are negative already: likely text makes the objective larger, so add them"),
                    (-1.8, "take the mean of the log-probabilities, not their sum: the coefficient belongs to a mean"),
                    (-0.6, "take the mean over the responses, not their sum"),
                    (-0.5, "the KL is missing: each response's score is reduced by kl_coef * kl"),
                    (-0.2, "the KL is a cost: subtract kl_coef * kl"),
                ),
            ),
            Case(
                arguments=([3.0], [1.0], [-2.0, -2.0, -2.0], 1.0, 0.0), expected=2.0,
                hint="with ptx_coef 0 only the penalised score is left: that is PPO",
            ),
        ),
    ),
    Exercise(
        solution=coef_for_sum,
        cases=(
            Case(
                arguments=(0.5, 8, 100), expected=0.005,
                hint="the sum over a sequence is n_predictions times its mean, so the coefficient must be as much smaller",
                mistakes=(
                    (50.0, "the sum is larger than the mean: the coefficient must be smaller, divide"),
                    (0.000625, "the other code still takes the mean over sequences: only the predictions in one are summed"),
                    (0.0625, "sequences are averaged in both; what differs are the predictions in a sequence"),
                    (0.5, "the sum over 100 predictions pulls 100 times as hard as their mean: that must be made up for"),
                ),
            ),
            Case(arguments=(27.8, 8, 1), expected=27.8, hint="with one prediction per sequence, sum and mean are the same"),
        ),
    ),
    Exercise(
        solution=coef_for_ratio,
        cases=(
            Case(
                arguments=([3.0, 4.0], [0.0, 10.0], 1.0), expected=0.5,  # lengths 5 and 10
                hint="the length of a gradient is the root of the sum of its squares: 5 and 10 here",
                mistakes=(
                    (2.0, "it is the text's gradient that is multiplied by the coefficient: divide by its length"),
                    (0.25, "take the square roots: these are squared lengths"),
                    (0.7, "a length is the root of the sum of squares, not the sum of absolute values"),
                ),
            ),
            Case(
                arguments=([3.0, 4.0], [0.0, 2.0], 2.0), expected=5.0,
                hint="coefficient times 2 must be 2 times 5",
                mistakes=(
                    (2.5, "this makes both equally long; `ratio` says how many times as long the text's shall be"),
                    (1.25, "a larger ratio needs a larger coefficient: multiply by it"),
                ),
            ),
        ),
    ),
)  # fmt: skip
