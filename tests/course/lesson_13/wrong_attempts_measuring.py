"""Plausible wrong attempts at the exercises in `exercises_measuring`, each to be refused with a hint of its own."""

from rlhf_lite.course.lesson_13.exercises_measuring import not_beaten


def _best_gold(settings):
    return [max(settings, key=lambda name: settings[name][0])]


def _must_be_better_in_both(settings):
    return [name for name, (gold, loss) in settings.items() if not any(g > gold and v < loss for g, v in settings.values())]


def _the_beaten_ones(settings):
    kept = not_beaten(settings)
    return [name for name in settings if name not in kept]


def _equals_beat_each_other(settings):
    return [
        name for name, (gold, loss) in settings.items()
        if not any(g >= gold and v <= loss for other, (g, v) in settings.items() if other != name)
    ]  # fmt: skip


def _first_against_last(gold, score, drop):
    return gold[-1] <= gold[0] - drop and score[-1] > score[0]


def _gold_alone(gold, score, drop):
    return gold[-1] <= max(gold) - drop


def _score_against_its_start(gold, score, drop):
    return gold[-1] <= max(gold) - drop and score[-1] > score[0]


def _any_drop(gold, score, drop):
    peak = gold.index(max(gold))
    return gold[-1] < gold[peak] and score[-1] > score[peak]


WRONG = {
    "not_beaten": (_best_gold, _must_be_better_in_both, _the_beaten_ones, _equals_beat_each_other),
    "overoptimised": (_first_against_last, _gold_alone, _score_against_its_start, _any_drop),
}
