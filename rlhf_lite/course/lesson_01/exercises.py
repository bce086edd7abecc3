"""Exercises of lesson 01: a language model by counting, how to draw from it, and how good its predictions are."""

from math import exp, log

from ..checks import Case, Exercise
from . import exercises_tensors


def to_probabilities(counts: dict[str, int]) -> dict[str, float]:
    """Return each word's share of all counts."""
    total = sum(counts.values())
    return {word: count / total for word, count in counts.items()}


def pick(probabilities: dict[str, float], u: float) -> str:
    """Return the word in whose piece of the line from 0 to 1 the number u lies."""
    end = 0.0
    for word, probability in probabilities.items():
        end += probability
        if u < end:
            return word
    return word


def count_next(words: list[str]) -> dict[str, dict[str, int]]:
    """Return for each word how often each other word came next."""
    table = {}
    for word, following in zip(words, words[1:]):
        row = table.setdefault(word, {})
        row[following] = row.get(following, 0) + 1
    return table


def softmax(logits: list[float], temperature: float) -> list[float]:
    """Return probabilities in proportion to e ** (logit / temperature)."""
    largest = max(logits)
    weights = [exp((logit - largest) / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def keep_top_p(probabilities: list[float], top_p: float) -> list[float]:
    """Return the probabilities with all but the likeliest words set to 0, the rest made to sum to 1 again."""
    kept, total = set(), 0.0
    for i in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        if total >= top_p:
            break
        kept.add(i)
        total += probabilities[i]
    return [p / total if i in kept else 0.0 for i, p in enumerate(probabilities)]


def perplexity(probabilities: list[float]) -> float:
    """Return e to the power of the mean surprise, where the surprise at a word of probability p is -log(p)."""
    cross_entropy = -sum(log(p) for p in probabilities) / len(probabilities)
    return exp(cross_entropy)


_SENTENCE = "a cat saw a dog . a cat ran .".split()
_THREE = {"you": 0.5, "I": 0.3, "we": 0.2}

EXERCISES = (
    Exercise(
        solution=to_probabilities,
        cases=(
            Case(
                arguments=({"cat": 6, "dog": 2},),
                expected={"cat": 0.75, "dog": 0.25},
                hint="a word's probability is its count divided by the sum of all counts, counts.values()",
                mistakes=(
                    ({"cat": 3.0, "dog": 1.0}, "divide by the sum of the counts, not by how many words there are"),
                    ({"cat": 1.0, "dog": 1 / 3}, "divide by the sum of the counts, not by the largest: the result must sum to 1"),
                    ({"cat": 75.0, "dog": 25.0}, "these are percent; probabilities sum to 1"),
                    ({"cat": 0, "dog": 0}, "// rounds down to whole numbers; divide with /"),
                ),
            ),
            Case(
                arguments=({"ma": 6, "mei": 3, "gao": 1, "hao": 2},),
                expected={"ma": 0.5, "mei": 0.25, "gao": 1 / 12, "hao": 1 / 6},  # of 12
                hint="the sum is that of all words given, here 6 + 3 + 1 + 2 = 12",
                mistakes=(
                    ({"ma": 0.75, "mei": 0.375, "gao": 0.125, "hao": 0.25}, "8 is the example's sum: add up the counts given"),
                    ({"ma": 6 / 7, "mei": 3 / 7, "gao": 1 / 7, "hao": 2 / 7}, "add up all counts, not only the largest and the "
                                                                              "smallest"),
                    ({"ma": 0.5, "mei": 0.25, "gao": 0.08, "hao": 0.17}, "do not round: the shares must sum to 1"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=pick,
        cases=(
            Case(
                arguments=(_THREE, 0.4), expected="you",
                hint="the first piece of the line reaches from 0 to 0.5, and 0.4 lies in it",
                mistakes=(("I", "the pieces are as long as the probabilities, not equally long; begin with the first word"),),
            ),
            Case(
                arguments=(_THREE, 0.7), expected="I",
                hint="the second piece reaches from 0.5 to 0.5 + 0.3: compare u with the sum so far",
                mistakes=(
                    ("you", "`you` is the likeliest word, but it must not come every time: u decides"),
                    ("we", "compare u with the probabilities added up so far, 0.5 and then 0.8, not with 0.3 alone"),
                ),
            ),
            Case(
                arguments=({"x": 0.1, "y": 0.1, "z": 0.8}, 0.1), expected="y",
                hint="each piece begins where the one before it ends: x from 0 up to 0.1, which itself belongs to y",
            ),
            Case(
                arguments=(dict.fromkeys("abcdefghij", 0.1), 0.9999999999999999), expected="j",
                hint="ten times 0.1 sums to 0.9999999999999999 in a computer: where no piece is hit, return the last word",
            ),
        ),
    ),
    Exercise(
        solution=count_next,
        cases=(
            Case(
                arguments=(["a", "b", "a", "b", "c"],),
                expected={"a": {"b": 2}, "b": {"a": 1, "c": 1}},
                hint="zip(words, words[1:]) gives each word with the one after it; count the second one in the row of the first",
                mistakes=(
                    ({"a": {"a": 2}, "b": {"b": 2}, "c": {"c": 1}}, "this counts the words; count which word comes after each"),
                    ({"b": {"a": 2}, "a": {"b": 1}, "c": {"b": 1}}, "this looks at the word before; the row is the earlier word"),
                    ({"a": {"b": 1}, "b": {"a": 1, "c": 1}}, "`b` came twice after `a`: add 1 each time"),
                    (
                        {"a": {"b": 2}, "b": {"a": 1, "c": 1}, "c": {"a": 1}},
                        "nothing comes after the last word: the text does not go round to its beginning",
                    ),
                    ({"a": {"b": 2}, "b": {"a": 1, "c": 1}, "c": {}}, "nothing comes after `c`: leave out its empty row"),
                ),
            ),
            Case(
                arguments=(_SENTENCE,),
                expected={"a": {"cat": 2, "dog": 1}, "cat": {"saw": 1, "ran": 1}, "saw": {"a": 1}, "dog": {".": 1},
                          ".": {"a": 1}, "ran": {".": 1}},
                hint="every pair of neighbours counts once, the full stop like any other word",
            ),
            Case(
                arguments=(["so", "so", "so", "far"],), expected={"so": {"so": 2, "far": 1}},
                hint="a word may come after itself",
                mistakes=(({"so": {"far": 1}}, "a word may come after itself: `so so` is a pair like any other"),),
            ),
        ),
    ),
    Exercise(
        solution=softmax,
        cases=(
            Case(
                arguments=([log(1), log(3)], 1.0), expected=[0.25, 0.75],
                hint="e to the power of each logit, then divide each by the sum of all",
                mistakes=(([1.0, 3.0], "divide each weight by the sum of all weights, so that they sum to 1"),),
            ),
            Case(
                arguments=([0.0, log(4)], 2.0), expected=[1 / 3, 2 / 3],  # weights 1 and e ** (log(4) / 2) = 2
                hint="divide each logit by the temperature before taking exp",
                mistakes=(
                    ([1 / 17, 16 / 17], "divide by the temperature, do not multiply: a high one makes words more equal"),
                    ([0.2, 0.8], "the temperature changes nothing yet: divide each logit by it *before* exp; after it, the "
                                 "division by the sum takes it out again"),
                ),
            ),
            Case(arguments=([0.0, 0.0], 1.0), expected=[0.5, 0.5], hint="equal logits, equal probabilities"),
            Case(
                arguments=([1000.0, 1000.0], 1.0), expected=[0.5, 0.5],
                hint="only differences of logits matter",
                mistakes=((OverflowError, "e ** 1000 is too large for a computer; subtract the largest logit from all: only "
                                          "differences matter"),),
            ),
            Case(
                arguments=([0.0, 3000.0, 1000.0], 0.5), expected=[0.0, 1.0, 0.0],
                hint="subtract the *largest* logit from all, then no exponent is above 0",
                mistakes=((OverflowError, "subtract the *largest* logit: after the first, the smallest or the mean some exponent "
                                          "is still too large"),),
            ),
        ),
    ),
    Exercise(
        solution=keep_top_p,
        cases=(
            Case(
                arguments=([0.4, 0.3, 0.2, 0.1], 0.6), expected=[4 / 7, 3 / 7, 0.0, 0.0],
                hint="0.4 is less than 0.6, so one word is not enough; 0.4 + 0.3 reaches it",
                mistakes=(
                    ([1.0, 0.0, 0.0, 0.0], "the word that takes the sum over top_p stays in: 0.4 alone does not reach 0.6"),
                    ([0.4, 0.3, 0.0, 0.0], "the right words are kept; divide by what is left, so that they sum to 1 again"),
                    ([0.0] * 4, "top_p is compared with the sum of the likeliest words, not with each word alone"),
                ),
            ),
            Case(
                arguments=([0.1, 0.2, 0.7], 0.6), expected=[0.0, 0.0, 1.0],
                hint="the likeliest word is the last one here, and it is enough alone",
                mistakes=(
                    ([0.1, 0.2, 0.7], "begin with the likeliest word, wherever it stands in the list"),
                    ([1.0, 0.0, 0.0], "the result must be in the order of the words as they were given"),
                ),
            ),
            Case(arguments=([0.5, 0.3, 0.2], 0.6), expected=[0.625, 0.375, 0.0], hint="0.5 + 0.3 is the first sum to reach 0.6"),
            Case(
                arguments=([0.25, 0.5, 0.125, 0.125], 0.75), expected=[1 / 3, 2 / 3, 0.0, 0.0],
                hint="0.5 + 0.25 is exactly 0.75, and that is enough",
                mistakes=(([2 / 7, 4 / 7, 1 / 7, 0.0], "*at least* top_p: a sum of exactly top_p is enough, compare with >="),),
            ),
            Case(
                arguments=([0.25, 0.25, 0.25, 0.25], 0.5), expected=[0.5, 0.5, 0.0, 0.0],
                hint="keep places, not values: four tokens are equally likely here and two are enough, the earlier ones first",
                mistakes=(
                    ([0.25] * 4, "equally likely tokens are still several tokens: keep one after the other, by their places"),
                    ([1.0, 0.0, 0.0, 0.0], "list.index finds the first of equal values every time: keep places instead"),
                    ([0.5, 0.0, 0.0, 0.0], "list.index finds the first of equal values every time: keep places instead"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=perplexity,
        cases=(
            Case(
                arguments=([0.5, 0.125],), expected=4.0,  # surprises log 2 and log 8, mean log 4
                hint="surprise of each word: -log(p); then their mean; then exp of that",
                mistakes=(
                    (log(4), "this is the cross-entropy; the perplexity is exp of it"),
                    (16.0, "take the mean of the surprises, not their sum: divide by how many words came"),
                    (0.25, "the surprise is minus log(p): without the minus this is 1 / perplexity"),
                    (3.2, "take the logarithm of each probability first and the mean afterwards"),
                    (5.0, "this is the mean of 1 / p; the mean must be taken of -log(p), and exp of that"),
                ),
            ),
            Case(
                arguments=([0.5, 2**-7, 0.5],), expected=8.0,  # surprises 1, 7, 1 times log 2, mean 3 log 2
                hint="the mean of the surprises is their sum divided by how many there are",
                mistakes=(
                    (2**4.5, "divide by how many probabilities there are, here 3, not by 2"),
                    (2.0, "take the mean of the surprises, not their median"),
                ),
            ),
            Case(arguments=([1.0, 1.0, 1.0],), expected=1.0, hint="whoever is always sure and right is never surprised"),
        ),
    ),
    *exercises_tensors.EXERCISES,
)  # fmt: skip
