"""Exercises of lesson 11 on one choice: the push of an answer, baselines, the clip, the best policy."""

from math import exp, log

from ..checks import Case, Exercise


def reinforce(probabilities: list[float], drawn: int, score: float) -> list[float]:
    """Return the gradient of score * log(probability of the drawn answer) with respect to each logit."""
    return [score * ((i == drawn) - p) for i, p in enumerate(probabilities)]


def best_baseline(probabilities: list[float], scores: list[float]) -> float:
    """Return the mean score, each answer weighted by its probability times the squared length of its push."""
    squares = sum(p * p for p in probabilities)
    weights = [p * (1 - 2 * p + squares) for p in probabilities]
    return sum(weight * score for weight, score in zip(weights, scores)) / sum(weights)


def compare_with_others(scores: list[float]) -> list[float]:
    """Return for each answer its score minus the mean score of the other answers."""
    total, others = sum(scores), len(scores) - 1
    return [score - (total - score) / others for score in scores]


def clipped_loss(ratios: list[float], advantages: list[float], clip: float) -> float:
    """Return the mean over answers of minus the smaller of advantage * ratio and advantage * clipped ratio."""
    terms = []
    for ratio, advantage in zip(ratios, advantages):
        clipped = min(max(ratio, 1 - clip), 1 + clip)
        terms.append(-min(advantage * ratio, advantage * clipped))
    return sum(terms) / len(terms)


def best_policy(reference: list[float], scores: list[float], kl_coef: float) -> list[float]:
    """Return probabilities in proportion to reference * e ** (score / kl_coef)."""
    weights = [p * exp(score / kl_coef) for p, score in zip(reference, scores)]
    return [weight / sum(weights) for weight in weights]


EXERCISES = (
    Exercise(
        solution=reinforce,
        cases=(
            Case(
                arguments=([0.5, 0.25, 0.25], 1, 2.0), expected=[-1.0, 1.5, -0.5],
                hint="for the drawn answer score * (1 - p), for every other one score * (0 - p)",
                mistakes=(
                    ([1.0, -1.5, 0.5], "the sign is turned round: with a positive score the drawn answer must become likelier"),
                    ([0.0, 2.0, 0.0], "raising one logit lowers the other probabilities: subtract p everywhere"),
                    ([-0.5, 0.75, -0.25], "multiply by the score: an answer with twice the score pushes twice as hard"),
                    ([-0.25, 0.375, -0.125], "this is the gradient of p; that of log p is not multiplied by p once more"),
                ),
            ),
            Case(
                arguments=([0.5, 0.5], 0, -1.0), expected=[-0.5, 0.5],
                hint="a negative score makes the drawn answer less likely: score * (1 - p) is then below 0",
            ),
        ),
    ),
    Exercise(
        solution=best_baseline,
        cases=(
            Case(
                # squares sum to 0.68; squared lengths 1 - 1.6 + 0.68 = 0.08 and 1.28; weights 0.064 and 0.256
                arguments=([0.8, 0.2], [1.0, 0.0]), expected=0.2,
                hint="weights 0.8 * 0.08 and 0.2 * 1.28; the mean of the scores with these weights",
                mistakes=(
                    (0.8, "this is the expected score: near the best, but pushes of rare answers are longer and count more"),
                    (0.064, "divide by the sum of the weights: they do not sum to 1"),
                    (0.08 / 1.36, "weight by the probability as well: a rare answer is seldom drawn"),
                    (0.5, "this is the plain mean of the scores"),
                ),
            ),
            Case(
                # squares sum to 0.375; squared lengths 0.375, 0.875, 0.875; weights 0.1875, 0.21875, 0.21875
                arguments=([0.5, 0.25, 0.25], [2.0, 1.0, -1.0]), expected=0.6,
                hint="squared lengths 0.375, 0.875 and 0.875, each times its probability",
                mistakes=(
                    (0.25 / 0.40625, "a push moves the other logits too: its squared length is 1 - 2p + the sum of all squares"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=compare_with_others,
        cases=(
            Case(
                arguments=([4.0, 1.0, 1.0],), expected=[3.0, -1.5, -1.5],
                hint="the others of the first answer have mean 1, the others of the second have mean (4 + 1) / 2",
                mistakes=(
                    ([2.0, -1.0, -1.0], "this is the mean of all: an answer's own score must stay out of its baseline"),
                    ([2.0, -4.0, -4.0], "take the mean of the others, not their sum: divide by how many there are"),
                    ([-3.0, 1.5, 1.5], "turned round: an answer better than the others has a positive advantage"),
                    ([3.0, -3.0, -3.0], "compare with the mean of the others, not with the best of them"),
                ),
            ),
            Case(
                arguments=([0.0, 3.0, 0.0, 9.0],), expected=[-4.0, 0.0, -4.0, 8.0],
                hint="the others of the last answer have mean 1",
                mistakes=(([-3.0, 3.0, -3.0, 9.0], "the mean of the others, not their middle one: one high score counts too"),),
            ),
            Case(arguments=([2.0, 2.0],), expected=[0.0, 0.0], hint="if all scores are equal, nothing is better than the rest"),
        ),
    ),
    Exercise(
        solution=clipped_loss,
        cases=(
            Case(
                # A * ratio: 1.5, 1.0, -1.5, -1.5; A * clipped: 1.2, 1.6, -1.2, -2.4; the smaller: 1.2, 1.0, -1.5, -2.4
                arguments=([1.5, 0.5, 1.5, 0.5], [1.0, 2.0, -1.0, -3.0], 0.2), expected=0.425,
                hint="for each answer the smaller of A * ratio and A * clipped ratio; then the mean; then minus",
                mistakes=(
                    (0.125, "nothing is clipped: min(max(ratio, 1 - clip), 1 + clip) keeps a ratio between 0.8 and 1.2"),
                    (0.2, "do not only clip: take the smaller of both products, or mistakes cannot be mended"),
                    (-0.1, "take the smaller of the two products, not the larger: one should not hope for too much"),
                    (-0.425, "this is the objective, which should rise; a loss should fall: it needs a minus"),
                    (1.7, "take the mean over the answers, not the sum"),
                ),
            ),
            Case(
                arguments=([1.05, 1.5], [2.0, 1.0], 0.1), expected=-1.6,  # 2.1 and 1.1
                hint="with clip 0.1 a ratio counts up to 1.1",
                mistakes=((-1.65, "clip is an argument: here it is 0.1, not 0.2"),),
            ),
            Case(arguments=([1.5, 1.5], [1.0, -1.0], 0.2), expected=0.15, hint="1.2 and -1.5: the mistake is not clipped"),
            Case(arguments=([1.0, 1.0], [1.0, -1.0], 0.2), expected=0.0, hint="where the ratio is 1, nothing is clipped"),
        ),
    ),
    Exercise(
        solution=best_policy,
        cases=(
            Case(
                arguments=([0.8, 0.2], [0.0, 0.5 * log(16)], 0.5), expected=[0.2, 0.8],  # weights 0.8 and 0.2 * 16
                hint="weights reference * exp(score / kl_coef), then each divided by the sum of all",
                mistakes=(
                    ([1 / 17, 16 / 17], "the reference is missing: what it finds unlikely starts with a small weight"),
                    ([2 / 3, 1 / 3], "divide the score by kl_coef: the cheaper the KL, the more a score should count"),
                    ([0.8, 3.2], "divide by the sum of the weights: probabilities sum to 1"),
                    ([0.0, 1.0], "that would be best if KL cost nothing; with a cost no answer falls to 0"),
                    ([1.8 / 18, 16.2 / 18], "multiply by the reference, do not add it: an answer it never gives must stay at 0"),
                ),
            ),
            Case(
                arguments=([0.5, 0.3, 0.2], [1.0, 1.0, 1.0], 0.1), expected=[0.5, 0.3, 0.2],
                hint="equal scores say nothing, so the reference is already best",
            ),
        ),
    ),
)  # fmt: skip
