"""Attempts at the exercises in `exercises`: wrong ones, each refused with a hint of its own, and right ones."""

# ruff: noqa: B905, B007, RUF007

from collections import Counter
from itertools import accumulate
from math import exp, log, prod

import numpy as np
import torch

from rlhf_lite.course.lesson_01.exercises import count_next, keep_top_p, perplexity, softmax, to_probabilities


def _divides_by_number_of_words(counts):
    return {word: count / len(counts) for word, count in counts.items()}


def _divides_by_largest(counts):
    return {word: count / max(counts.values()) for word, count in counts.items()}


def _percent(counts):
    return {word: 100 * p for word, p in to_probabilities(counts).items()}


def _likeliest(probabilities, u):
    return max(probabilities, key=probabilities.get)


def _does_not_add_up(probabilities, u):
    return next((word for word, p in probabilities.items() if u < p), list(probabilities)[-1])


def _equal_pieces(probabilities, u):
    return list(probabilities)[int(u * len(probabilities))]


def _counts_words(words):
    return {word: {word: words.count(word)} for word in words}


def _counts_the_word_before(words):
    return count_next(words[::-1])


def _notes_only_that_it_came(words):
    return {word: dict.fromkeys(row, 1) for word, row in count_next(words).items()}


def _goes_round(words):
    return count_next([*words, words[0]])


def _multiplies(logits, temperature):
    return softmax(logits, 1 / temperature)


def _forgets_temperature(logits, temperature):
    return softmax(logits, 1.0)


def _forgets_to_divide(logits, temperature):
    return [exp(logit / temperature) for logit in logits]


def _overflows(logits, temperature):
    weights = [exp(logit / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def _stops_too_early(probabilities, top_p):
    order, total = sorted(range(len(probabilities)), key=lambda i: -probabilities[i]), 0.0
    kept = []
    for i in order:
        total += probabilities[i]
        if total >= top_p and kept:
            break
        kept.append(i)
    return [p / sum(probabilities[j] for j in kept) if i in kept else 0.0 for i, p in enumerate(probabilities)]


def _does_not_sum_to_one(probabilities, top_p):
    return [p if kept else 0.0 for p, kept in zip(probabilities, keep_top_p(probabilities, top_p))]


def _threshold(probabilities, top_p):
    kept = [p if p >= top_p else 0.0 for p in probabilities]
    return [p / sum(kept) if sum(kept) else 0.0 for p in kept]


def _in_the_given_order(probabilities, top_p):
    kept, total = [], 0.0
    for p in probabilities:
        kept.append(p if total < top_p else 0.0)
        total += p
    return [p / sum(kept) for p in kept]


def _sorted_result(probabilities, top_p):
    return sorted(keep_top_p(probabilities, top_p), reverse=True)


def _only_cross_entropy(probabilities):
    return log(perplexity(probabilities))


def _sum_not_mean(probabilities):
    return exp(-sum(log(p) for p in probabilities))


def _no_minus(probabilities):
    return 1 / perplexity(probabilities)


def _from_mean_probability(probabilities):
    return len(probabilities) / sum(probabilities)


def _the_eight_of_the_text(counts):
    return {word: count / 8 for word, count in counts.items()}


def _largest_and_smallest(counts):
    return {word: count / (max(counts.values()) + min(counts.values())) for word, count in counts.items()}


def _rounds(counts):
    return {word: round(p, 2) for word, p in to_probabilities(counts).items()}


def _by_pop(counts):
    total = sum(list(counts.values()))
    return dict(zip(counts, (np.array(list(counts.values())) / total)))


def _as_tensor(counts):
    shares = torch.tensor(list(counts.values()), dtype=torch.float64)
    return dict(zip(counts, shares / shares.sum()))


def _nothing_at_the_end(probabilities, u):
    end = 0.0
    for word, p in probabilities.items():
        end += p
        if u < end:
            return word


def _takes_off(probabilities, u):
    for word, p in probabilities.items():
        u -= p
        if u < -1e-12:
            break
    return word


def _by_accumulate(probabilities, u):
    hit = [word for word, end in zip(probabilities, accumulate(probabilities.values())) if u < end]
    return (hit + list(probabilities)[-1:])[0]


def _not_after_itself(words):
    table = {word: {next_: n for next_, n in row.items() if next_ != word} for word, row in count_next(words).items()}
    return {word: row for word, row in table.items() if row}


def _with_an_empty_row(words):
    return {words[-1]: {}} | count_next(words)


def _by_counter(words):
    table = {}
    for (word, following), n in Counter(zip(words, words[1:])).items():
        table.setdefault(word, {})[following] = n
    return table


def _by_places(words):
    table = {word: Counter() for word in words[:-1]}
    for i in range(len(words) - 1):
        table[words[i]][words[i + 1]] += 1
    return table


def _subtracts_the_first(logits, temperature):
    return _overflows([logit - logits[0] for logit in logits], temperature)


def _by_torch(logits, temperature):
    return (torch.tensor(logits) / temperature).softmax(0)


def _by_numpy(logits, temperature):
    weights = np.exp((np.array(logits) - max(logits)) / temperature)
    return weights / weights.sum()


def _until_more_than(probabilities, top_p):
    kept, total = set(), 0.0
    for i in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        kept.add(i)
        total += probabilities[i]
        if total > top_p:
            break
    return [p / total if i in kept else 0.0 for i, p in enumerate(probabilities)]


def _cut_off_by_value(probabilities, top_p):
    least = min(p for p in keep_top_p(probabilities, top_p) if p) * sum(
        p for p, kept in zip(probabilities, keep_top_p(probabilities, top_p)) if kept
    )
    kept = [p if p >= least - 1e-9 else 0.0 for p in probabilities]
    return [p / sum(kept) for p in kept]


def _by_index(probabilities, top_p):
    kept, total = set(), 0.0
    for p in sorted(probabilities, reverse=True):
        if total >= top_p:
            break
        kept.add(probabilities.index(p))
        total += p
    return [p / total if i in kept else 0.0 for i, p in enumerate(probabilities)]


def _top_p_by_torch(probabilities, top_p):
    ordered, places = torch.tensor(probabilities, dtype=torch.float64).sort(descending=True, stable=True)
    ordered[ordered.cumsum(0) - ordered > top_p - 1e-9] = 0
    return torch.zeros_like(ordered).scatter(0, places, ordered / ordered.sum())


def _top_p_by_pairs(probabilities, top_p):
    result, total = [0.0] * len(probabilities), 0.0
    for p, i in sorted(((p, -i) for i, p in enumerate(probabilities)), reverse=True):
        if total < top_p:
            result[-i] = p
            total += p
    return np.array(result) / total


def _median(probabilities):
    return exp(-float(np.median([log(p) for p in probabilities])))


def _square_root(probabilities):
    return prod(probabilities) ** -0.5


def _root_of_the_product(probabilities):
    return prod(probabilities) ** (-1 / len(probabilities))


def _perplexity_by_torch(probabilities):
    return (-torch.tensor(probabilities).log().mean()).exp()


WRONG = {
    "to_probabilities": (
        _divides_by_number_of_words, _divides_by_largest, _percent, _the_eight_of_the_text, _largest_and_smallest, _rounds,
    ),
    "pick": (_likeliest, _does_not_add_up, _equal_pieces, _nothing_at_the_end),
    "count_next": (
        _counts_words, _counts_the_word_before, _notes_only_that_it_came, _goes_round, _not_after_itself, _with_an_empty_row,
    ),
    "softmax": (
        _multiplies, _forgets_temperature, _forgets_to_divide, _overflows, _subtracts_the_first,
    ),
    "keep_top_p": (
        _stops_too_early, _does_not_sum_to_one, _threshold, _in_the_given_order, _sorted_result, _until_more_than,
        _cut_off_by_value, _by_index,
    ),
    "perplexity": (_only_cross_entropy, _sum_not_mean, _no_minus, _from_mean_probability, _median, _square_root),
}  # fmt: skip
RIGHT = {
    "to_probabilities": (_by_pop, _as_tensor),
    "pick": (_takes_off, _by_accumulate),
    "count_next": (_by_counter, _by_places),
    "softmax": (_by_torch, _by_numpy),
    "keep_top_p": (_top_p_by_torch, _top_p_by_pairs),
    "perplexity": (_root_of_the_product, _perplexity_by_torch),
}
