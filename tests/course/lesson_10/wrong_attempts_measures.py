"""Plausible wrong attempts at the exercises in `exercises_measures`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from rlhf_lite.course.lesson_10.exercises_measures import calibrate, length_accuracy


def _number_of_pairs(k):
    return k, k * (k - 1) // 2


def _with_itself(k):
    return k, k * k


def _the_same(k):
    return k, 2 * k


def _pairs(first, second):
    return [(first[i] - first[j], second[i] - second[j]) for i in range(len(first)) for j in range(i)]


def _ties_disagree(first, second):
    return sum(a * b > 0 for a, b in _pairs(first, second)) / len(_pairs(first, second))


def _ties_agree(first, second):
    return sum(a * b >= 0 for a, b in _pairs(first, second)) / len(_pairs(first, second))


def _same_rank(first, second):
    return sum(a == b for a, b in zip(first, second)) / len(first)


def _shorter(answers, ranking):
    return 1 - length_accuracy(answers, ranking)


def _characters(answers, ranking):
    return length_accuracy(["x " * len(answer) for answer in answers], ranking)


def _equal_is_wrong(answers, ranking):
    lengths = [len(answer.split()) for answer in answers]
    pairs = [(i, j) for i, a in enumerate(ranking) for j, b in enumerate(ranking) if a < b]
    return sum(lengths[i] > lengths[j] for i, j in pairs) / len(pairs)


def _middle_of_the_piece(probabilities, came_true, bins):
    pieces = sorted({min(int(p * bins), bins - 1) for p in probabilities})
    rows = calibrate(probabilities, came_true, bins)
    return [((piece + 0.5) / bins, observed) for piece, (_, observed) in zip(pieces, rows)]


def _counts(probabilities, came_true, bins):
    inside = [[t for p, t in zip(probabilities, came_true) if min(int(p * bins), bins - 1) == b] for b in range(bins)]
    rows = calibrate(probabilities, came_true, bins)
    return [(predicted, sum(part)) for (predicted, _), part in zip(rows, filter(None, inside))]


def _other_way_round(probabilities, came_true, bins):
    return [(observed, predicted) for predicted, observed in calibrate(probabilities, came_true, bins)]


def _one_piece(probabilities, came_true, bins):
    return calibrate(probabilities, came_true, 1)


def _per_cent(first, second):
    decided = [a * b for a, b in _pairs(first, second) if a and b]
    return 100 * sum(x > 0 for x in decided) / len(decided) if len(decided) == 3 else sum(x > 0 for x in decided) / len(decided)


def _ties_of_the_ranking(answers, ranking):
    lengths = [len(answer.split()) for answer in answers]
    pairs = [(i, j) for i, a in enumerate(ranking) for j, b in enumerate(ranking) if a < b or (a == b and i < j)]
    right = sum((lengths[i] > lengths[j]) + 0.5 * (lengths[i] == lengths[j]) for i, j in pairs)
    return right / len(pairs)


def _in_order_of_appearance(probabilities, came_true, bins):
    rows = calibrate(probabilities, came_true, bins)
    pieces = [min(int(p * bins), bins - 1) for p in probabilities]
    return [rows[sorted(set(pieces)).index(piece)] for piece in dict.fromkeys(pieces)]


WRONG = {
    "answers_computed": (_number_of_pairs, _with_itself, _the_same),
    "share_alike": (_ties_disagree, _ties_agree, _same_rank, _per_cent),
    "length_accuracy": (_shorter, _characters, _equal_is_wrong, _ties_of_the_ranking),
    "calibrate": (_middle_of_the_piece, _counts, _other_way_round, _one_piece, _in_order_of_appearance),
}
