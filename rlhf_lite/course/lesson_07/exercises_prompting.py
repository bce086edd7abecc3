"""Exercises of lesson 07 on prompting: lay out examples, and choose among options by their log-probability."""

from ..checks import Case, Exercise


def lay_out(examples: list[tuple[str, str]], task: str) -> str:
    """Return solved exercises, one after the other, then the task with its solution left open, no space at the end."""
    solved = "".join(f"Exercise: {question}\nSolution: {answer}\n" for question, answer in examples)
    return f"{solved}Exercise: {task}\nSolution:"


def best_option(log_probs: list[list[float]], by_length: bool) -> int:
    """Return the number of the option with the highest sum of its tokens' log-probabilities, or highest mean if by_length."""
    totals = [sum(tokens) / (len(tokens) if by_length else 1) for tokens in log_probs]
    return max(range(len(totals)), key=lambda i: totals[i])


def answers_go_round(examples: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each prompt with the answer of the next, the last with the first one's."""
    answers = [answer for _, answer in examples]
    return [(question, answer) for (question, _), answer in zip(examples, answers[1:] + answers[:1])]


_TWO = [("The cup. More polite:", "Please, the cup."), ("Two times hat:", "hat hat.")]

EXERCISES = (
    Exercise(
        solution=lay_out,
        cases=(
            Case(
                arguments=([("Two times hat:", "hat hat.")], "Two times cup:"),
                expected="Exercise: Two times hat:\nSolution: hat hat.\nExercise: Two times cup:\nSolution:",
                hint="each example takes two lines, Exercise: and Solution:; the task comes last, in the same form",
                mistakes=(
                    (
                        "Exercise: Two times hat:\nSolution: hat hat.\nExercise: Two times cup:\nSolution: ",
                        "no space at the end: the space belongs to the token that the model shall write (lesson 02)",
                    ),
                    (
                        "Exercise: Two times hat:\nSolution: hat hat.\nExercise: Two times cup:\nSolution:\n",
                        "no new line at the end: the answer goes on behind Solution:",
                    ),
                    (
                        "Exercise: Two times hat:\nSolution: hat hat.\nExercise: Two times cup:",
                        "end with Solution:, so that the likeliest continuation is an answer, not another exercise",
                    ),
                    (
                        "Exercise: Two times hat:\nSolution: hat hat.\n\nExercise: Two times cup:\nSolution:",
                        "no empty lines: this base model has read pages without them",
                    ),
                    (
                        "Exercise: Two times cup:\nSolution:\nExercise: Two times hat:\nSolution: hat hat.",
                        "the task comes last: the model goes on where the text ends",
                    ),
                ),
            ),
            Case(
                arguments=(_TWO, "Who has the hat?"),
                expected="Exercise: The cup. More polite:\nSolution: Please, the cup.\n"
                "Exercise: Two times hat:\nSolution: hat hat.\nExercise: Who has the hat?\nSolution:",
                hint="all examples, in the order given, one new line between two lines",
                mistakes=(
                    (
                        "Exercise: Two times hat:\nSolution: hat hat.\nExercise: Who has the hat?\nSolution:",
                        "all examples, not only the last",
                    ),
                ),
            ),
            Case(
                arguments=([], "Two times cup:"), expected="Exercise: Two times cup:\nSolution:",
                hint="without examples it is a zero-shot prompt: the task alone",
            ),
        ),
    ),
    Exercise(
        solution=best_option,
        cases=(
            Case(
                arguments=([[-4.0], [-0.5, -1.0], [-3.0]], False), expected=1, hint="sums -4, -1.5 and -3",
                mistakes=(
                    (0, "log-probabilities are below 0: the likeliest is the one nearest to 0"),
                    (2, "the highest sum, not the last option or the middle one"),
                ),
            ),
            Case(
                arguments=([[-2.0], [-1.0, -1.0, -1.0]], False), expected=0,
                hint="sums -2 and -3: the first is likelier",
                mistakes=(
                    (1, "by_length is False here: compare the sums, -2 and -3"),
                    (-2.0, "return the number of the option, not its log-probability"),
                ),
            ),
            Case(
                arguments=([[-2.0], [-1.0, -1.0, -1.0]], True), expected=1,
                hint="means -2 and -1: per token the second is likelier",
                mistakes=((0, "by_length is True here: compare the means per token, -2 and -1"),),
            ),
            Case(
                arguments=([[-0.1, -6.0], [-3.1], [-2.9, -3.0, -3.1]], True), expected=2,
                hint="means -3.05, -3.1 and -3.0",
                mistakes=(
                    (0, "take the mean of all tokens of an option, not its first or best token"),
                    (1, "these are the sums: -6.1, -3.1 and -9; by_length asks for means"),
                ),
            ),
            Case(
                arguments=([[-3.0, -3.0], [-2.0]], True), expected=1, hint="means -3 and -2",
                mistakes=((0, "by_length asks for the mean per token, not for the longest option"),),
            ),
            Case(
                arguments=([[-1.0, -1.0, -7.0], [-2.0]], True), expected=1, hint="means -3 and -2",
                mistakes=((0, "the mean, neither the middle token nor the longest option"),),
            ),
        ),
    ),
    Exercise(
        solution=answers_go_round,
        cases=(
            Case(
                arguments=([("a", "1"), ("b", "2"), ("c", "3")],), expected=[("a", "2"), ("b", "3"), ("c", "1")],
                hint="the prompts stay where they are; each takes the answer of the next",
                mistakes=(
                    ([("a", "1"), ("b", "2"), ("c", "3")], "nothing has moved: here every answer is still right"),
                    ([("b", "2"), ("c", "3"), ("a", "1")], "move the answers alone: whole pairs in another order stay right"),
                    ([("a", "3"), ("b", "1"), ("c", "2")], "the other way round: the first prompt takes the second answer"),
                    ([("a", "3"), ("b", "2"), ("c", "1")], "in this order the middle one is still right"),
                    ([("a", "2"), ("b", "3")], "the last prompt takes the first answer: none is lost"),
                ),
            ),
            Case(
                arguments=([("x", "good"), ("y", "bad")],), expected=[("x", "bad"), ("y", "good")],
                hint="with two examples the answers change places",
            ),
        ),
    ),
)  # fmt: skip
