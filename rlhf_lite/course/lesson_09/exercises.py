"""Exercises of lesson 09, from a demonstration to the loss: the template, the mask, the mean, a batch."""

from ..checks import Case, Exercise
from .exercises_training import EXERCISES as TRAINING


def lay_out(prompt: str, answer: str) -> str:
    """Return a demonstration as the text that the model reads, the mark of the end token last."""
    return f"User: {prompt}\nAssistant: {answer.strip()}<|end|>"


def answer_mask(n_prompt: int, n_tokens: int, n_padded: int) -> list[bool]:
    """Return for each place of a padded row True if it holds a token of the answer, the end token included."""
    return [n_prompt <= place < n_tokens for place in range(n_padded)]


def counted_loss(log_probs: list[float], counts: list[bool]) -> float:
    """Return the mean surprise over the tokens that count: T - 1 log-probabilities, T truth values."""
    kept = [log_prob for log_prob, counted in zip(log_probs, counts[1:]) if counted]
    return -sum(kept) / len(kept)


def pad_and_mark(rows: list[list[int]], n_prompts: list[int], pad_id: int) -> tuple[list[list[int]], list[list[bool]]]:
    """Return the rows, filled up on the right to the same length, and for each the mask of its answer."""
    longest = max(len(row) for row in rows)
    padded = [row + [pad_id] * (longest - len(row)) for row in rows]
    masks = [[n <= place < len(row) for place in range(longest)] for row, n in zip(rows, n_prompts)]
    return padded, masks


_BY_LENGTH = ([[8, 3, 1], [5, 6, 7, 1]], [1, 2], 3)

EXERCISES = (
    Exercise(
        solution=lay_out,
        cases=(
            Case(
                arguments=("Hi", "Hello."), expected="User: Hi\nAssistant: Hello.<|end|>",
                hint="first `User: ` and the prompt, a new line, then `Assistant: `, the answer and <|end|>",
                mistakes=(
                    ("User: Hi\nAssistant: Hello.", "without <|end|> nothing teaches the model to stop"),
                    ("User: Hi Assistant: Hello.<|end|>", "the assistant's turn begins on a new line: \\n"),
                    ("User: Hi<|end|>\nAssistant: Hello.<|end|>", "only the answer ends with <|end|>: the user's turn is "
                                                                   "ended by the new line"),
                    ("User: Hi\nAssistant:Hello.<|end|>", "a space stands between `Assistant:` and the answer: ' Hello' and "
                                                          "'Hello' are different tokens"),
                ),
            ),
            Case(
                arguments=("Name a color.", " Blue.\n"), expected="User: Name a color.\nAssistant: Blue.<|end|>",
                hint="take white space off both ends of the answer with .strip()",
                mistakes=(("User: Name a color.\nAssistant:  Blue.\n<|end|>", "people leave white space around what they "
                           "write; take it off the answer with .strip(), or the model learns it"),),
            ),
            Case(
                arguments=("Hi", "Good day. "), expected="User: Hi\nAssistant: Good day.<|end|>",
                hint="white space at the ends goes, what stands between words stays",
            ),
        ),
    ),
    Exercise(
        solution=answer_mask,
        cases=(
            Case(
                arguments=(3, 6, 10), expected=[False] * 3 + [True] * 3 + [False] * 4,
                hint="places 0 to 2 are the prompt, 3 to 5 the answer with its end token, 6 to 9 padding",
                mistakes=(
                    ([True] * 3 + [False] * 7, "this marks the prompt, which is only read; mark the answer"),
                    ([False] * 3 + [True] * 7, "padding must not count: the answer ends at place n_tokens"),
                    ([False] * 3 + [True] * 2 + [False] * 5, "the end token is the last of the n_tokens, and it counts: without "
                                                             "it the model never learns to stop"),
                    ([False] * 3 + [True] * 3, "the row has n_padded places: padding needs an entry too, False"),
                    ([False] * 3 + [True] * 6 + [False], "n_tokens counts prompt and answer together"),
                ),
            ),
            Case(
                arguments=(2, 4, 4), expected=[False, False, True, True],
                hint="count from n_prompt up to n_tokens; this row has no padding",
            ),
        ),
    ),
    Exercise(
        solution=counted_loss,
        cases=(
            Case(
                arguments=([-4.0, -3.0, -1.0, -0.5], [False, False, False, True, True]), expected=0.75,
                hint="token 3 and token 4 count; their log-probabilities stand one place earlier, at 2 and 3",
                mistakes=(
                    (0.5, "shifted by one: log_probs[0] speaks of token 1, so it belongs to counts[1]; use counts[1:]"),
                    (0.375, "divide by how many tokens count, 2, not by all of them"),
                    (-0.75, "the surprise is minus the log-probability"),
                    (1.5, "this is the sum; the loss is the mean over the tokens that count"),
                    (2.125, "every token counts here: leave out those where counts is False"),
                ),
            ),
            Case(
                arguments=([-2.0, -1.0, -3.0], [False, True, False, True]), expected=2.5,
                hint="tokens 1 and 3 count here, with -2 and -3",
            ),
            Case(
                arguments=([-2.0, -4.0], [True, False, True]), expected=4.0,
                hint="token 0 has no prediction: only token 2 counts",
                mistakes=((2.0, "divide by the tokens that count and have a prediction: token 0 has none"),),
            ),
        ),
    ),
    Exercise(
        solution=pad_and_mark,
        cases=(
            Case(
                arguments=([[5, 6, 7, 1], [8, 9, 1]], [2, 1], 0),
                expected=([[5, 6, 7, 1], [8, 9, 1, 0]], [[False, False, True, True], [False, True, True, False]]),
                hint="fill the second row up with one 0 on the right; its mask is False for the prompt and for that 0",
                mistakes=(
                    (([[5, 6, 7, 1], [0, 8, 9, 1]], [[False, False, True, True], [False, True, True, False]]),
                     "for training, pad on the right: each row then starts at place 0, where its positions begin"),
                    (([[5, 6, 7, 1], [8, 9, 1, 0]], [[False, False, True, True], [False, True, True, True]]),
                     "the padding counts here: the mask must end with the row's own length"),
                    (([[5, 6, 7], [8, 9, 1]], [[False, False, True], [False, True, True]]),
                     "never cut: the end token of the long row is lost; fill the short rows up"),
                    (([[5, 6, 7, 1], [8, 9, 1, 0]], [[True] * 4, [True, True, True, False]]),
                     "the prompt must not count: begin each mask with n False"),
                ),
            ),
            Case(
                arguments=_BY_LENGTH,
                expected=([[8, 3, 1, 3], [5, 6, 7, 1]], [[False, True, True, False], [False, False, True, True]]),
                hint="here the second row is the longest, the pad id is 3, and the answer itself holds it",
                mistakes=(
                    (([[8, 3, 1, 3], [5, 6, 7, 1]], [[False, False, True, False], [False, False, True, True]]),
                     "the 3 in the answer is a real token: make masks from lengths, never by looking for the pad id"),
                    (([[8, 3, 1, 0], [5, 6, 7, 1]], [[False, True, True, False], [False, False, True, True]]),
                     "fill up with pad_id, which is 3 here"),
                    (([[8, 3, 1], [5, 6, 7, 1]], [[False, True, True], [False, False, True, True]]),
                     "fill up to the longest row, whichever that is"),
                    (([[8, 3, 1], [5, 6, 7, 1]], [[False, True, True], [False, False, True]]),
                     "the longest row need not be the first"),
                ),
            ),
        ),
    ),
    *TRAINING,
)  # fmt: skip
