"""Plausible wrong attempts at the exercises in `exercises_prompting`, each to be refused with its own hint; and right ones."""

import numpy as np
import torch

from rlhf_lite.course.lesson_07.exercises_prompting import best_option, lay_out


def _space_at_the_end(examples, task):
    return lay_out(examples, task) + " "


def _line_at_the_end(examples, task):
    return lay_out(examples, task) + "\n"


def _without_solution(examples, task):
    return lay_out(examples, task).removesuffix("\nSolution:")


def _task_first(examples, task):
    return "\n".join([f"Exercise: {task}\nSolution:"] + [f"Exercise: {q}\nSolution: {a}" for q, a in examples])


def _empty_lines(examples, task):
    return lay_out(examples, task).replace("\nExercise:", "\n\nExercise:")


def _last_example_only(examples, task):
    return lay_out(examples[-1:], task)


def _joined(examples, task):
    lines = []
    for question, answer in examples:
        lines += ["Exercise: " + question, "Solution: " + answer]
    return "\n".join([*lines, "Exercise: " + task, "Solution:"])


def _recursive(examples, task):
    if not examples:
        return f"Exercise: {task}\nSolution:"
    return f"Exercise: {examples[0][0]}\nSolution: {examples[0][1]}\n" + _recursive(examples[1:], task)


def _always_mean(log_probs, by_length):
    return best_option(log_probs, True)


def _always_sum(log_probs, by_length):
    return best_option(log_probs, False)


def _least_likely(log_probs, by_length):
    return best_option([[-x for x in option] for option in log_probs], by_length)


def _value_itself(log_probs, by_length):
    return max(sum(option) / (len(option) if by_length else 1) for option in log_probs)


def _first_token(log_probs, by_length):
    return best_option([option[:1] for option in log_probs] if by_length else log_probs, by_length)


def _longest(log_probs, by_length):
    return best_option([[-1.0 / len(option)] for option in log_probs] if by_length else log_probs, False)


def _middle_token(log_probs, by_length):
    return best_option([[float(np.median(option))] for option in log_probs] if by_length else log_probs, False)


def _with_numpy(log_probs, by_length):
    return np.argmax([np.mean(option) if by_length else np.sum(option) for option in log_probs])


def _with_tensors(log_probs, by_length):
    options = [torch.tensor(option, dtype=torch.float64) for option in log_probs]
    return torch.stack([option.mean() if by_length else option.sum() for option in options]).argmax()


def _unchanged(examples):
    return examples


def _pairs_moved(examples):
    return examples[1:] + examples[:1]


def _other_way(examples):
    answers = [answer for _, answer in examples]
    return [(question, answers[i - 1]) for i, (question, _) in enumerate(examples)]


def _reversed(examples):
    return [(question, answer) for (question, _), (_, answer) in zip(examples, reversed(examples), strict=True)]


def _last_is_lost(examples):
    return [(examples[i][0], examples[i + 1][1]) for i in range(len(examples) - 1)]


def _by_number(examples):
    return [[examples[i][0], examples[(i + 1) % len(examples)][1]] for i in range(len(examples))]


def _by_zip(examples):
    questions, answers = zip(*examples, strict=True)
    return list(zip(questions, (*answers[1:], answers[0]), strict=True))


WRONG = {
    "lay_out": (_space_at_the_end, _line_at_the_end, _without_solution, _task_first, _empty_lines, _last_example_only),
    "best_option": (_always_mean, _always_sum, _least_likely, _value_itself, _first_token, _longest, _middle_token),
    "answers_go_round": (_unchanged, _pairs_moved, _other_way, _reversed, _last_is_lost),
}
RIGHT = {
    "lay_out": (_joined, _recursive),
    "best_option": (_with_numpy, _with_tensors),
    "answers_go_round": (_by_number, _by_zip),
}
