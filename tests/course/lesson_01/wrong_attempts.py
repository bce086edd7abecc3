"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from math import exp, log

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


WRONG = {
    "to_probabilities": (_divides_by_number_of_words, _divides_by_largest, _percent),
    "pick": (_likeliest, _does_not_add_up, _equal_pieces),
    "count_next": (_counts_words, _counts_the_word_before, _notes_only_that_it_came, _goes_round),
    "softmax": (_multiplies, _forgets_temperature, _forgets_to_divide, _overflows),
    "keep_top_p": (_stops_too_early, _does_not_sum_to_one, _threshold, _in_the_given_order, _sorted_result),
    "perplexity": (_only_cross_entropy, _sum_not_mean, _no_minus, _from_mean_probability),
}
