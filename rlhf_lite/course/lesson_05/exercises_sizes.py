"""Exercises of lesson 05 on size: what a cache saves, how many parameters a shape has, which shapes cannot be."""

from ..checks import Case, Exercise


def tokens_read(prompt: int, new: int, cached: bool) -> int:
    """Return how many tokens pass through the model while `new` tokens are written after a prompt; the last is not read."""
    if cached:
        return prompt + new - 1
    return sum(prompt + written for written in range(new))


def count_parameters(n_layers: int, d_model: int, vocab_size: int, context_length: int) -> int:
    """Return the numbers in all matrices of a GPT, the output layer tied; biases and LayerNorms left out."""
    attention = 4 * d_model**2  # query, key, value, output
    feed_forward = 2 * d_model * (4 * d_model)  # up and down projection
    embeddings = (vocab_size + context_length) * d_model
    return n_layers * (attention + feed_forward) + embeddings


def misprints(rows: dict[str, tuple[int, int]]) -> list[str]:
    """Return the names of the models whose width cannot be split over their heads; rows are name -> (heads, width)."""
    return [name for name, (heads, width) in rows.items() if width % heads != 0]


EXERCISES = (
    Exercise(
        solution=tokens_read,
        cases=(
            Case(
                arguments=(3, 4, False), expected=18,
                hint="to draw the first new token 3 tokens are read, then 4, then 5, then 6",
                mistakes=(
                    (6, "this is with a cache. Without one, everything so far is read again for each new token: 3 + 4 + 5 + 6"),
                    (22, "the first new token is drawn after reading 3 tokens, the prompt alone: begin the sum with 3"),
                    (24, "the text grows: the reads are 3, 4, 5 and 6 tokens long, not 6 each time"),
                ),
            ),
            Case(
                arguments=(3, 4, True), expected=6,
                hint="the prompt is read once, then each new token once; the last new token is written and not read",
                mistakes=(
                    (18, "with a cache no token is read twice"),
                    (7, "nothing is drawn after the last new token, so it need not be read"),
                    (4, "the prompt must be read too, once"),
                ),
            ),
            Case(arguments=(10, 1, True), expected=10, hint="one new token takes one reading of the prompt, cache or not"),
        ),
    ),
    Exercise(
        solution=count_parameters,
        cases=(
            Case(  # 12 * 4 = 48 in the block, 3 * 2 + 4 * 2 = 14 in the embeddings
                arguments=(1, 2, 3, 4), expected=62,
                hint="attention has 4 matrices of d x d, feed-forward one of d x 4d and one of 4d x d; then V x d and T x d",
                mistakes=(
                    (68, "the output layer is the token embedding again (tied): count V * d once"),
                    (54, "the position embedding is missing: T * d"),
                    (58, "attention has four matrices: query, key, value, and the output that mixes the heads"),
                    (46, "feed-forward has two matrices: d x 4d to widen and 4d x d back"),
                    (38, "a matrix has width times width numbers: d squared"),
                    (48, "the embeddings are missing: (V + T) * d"),
                ),
            ),
            Case(
                arguments=(2, 2, 3, 4), expected=110, hint="2 blocks of 48 each, and 14 in the embeddings",
                mistakes=(
                    (62, "every layer has matrices of its own: multiply the block by the number of layers"),
                    (124, "the embeddings are there once, however many layers there are"),
                ),
            ),
            Case(
                arguments=(3, 4, 10, 5), expected=636,  # 3 * 12 * 16 + 15 * 4
                hint="12 * 4 * 4 in each of 3 blocks, 15 * 4 in the embeddings",
                mistakes=(
                    (348, "d squared is d * d, not 2 * d: here 16, not 8"),
                    (1212, "a matrix has d * d numbers, not d * d * d"),
                ),
            ),
        ),
    ),
    Exercise(
        solution=misprints,
        cases=(
            Case(
                arguments=({"a": (4, 128), "b": (3, 128), "c": (6, 96)},), expected=["b"],
                hint="heads share the width equally: width % heads must be 0. 128 cannot be split over 3",
                mistakes=(
                    (["a", "c"], "these are the models that can be built; the others are asked for"),
                    (["a", "b", "c"], "divide the width by the heads, not the other way round"),
                    (["c"], "any whole number will do as a head's width: 96 / 6 = 16 is as good as 128"),
                ),
            ),
            Case(
                arguments=({"x": (24, 2048), "y": (25, 1600), "z": (40, 5140)},), expected=["x", "z"],
                hint="2048 / 24 and 5140 / 40 are not whole numbers, 1600 / 25 = 64 is",
                mistakes=(
                    (["x"], "go through all rows and collect every one that does not fit"),
                ),
            ),
            Case(
                arguments=({"p": (2, 6), "q": (4, 20), "r": (5, 40)},), expected=[],
                hint="6 / 2 = 3, 20 / 4 = 5 and 40 / 5 = 8 are whole numbers",
                mistakes=(
                    (["p", "q"], "a head's width may be any whole number, 3 or 5 too, not only an even one"),
                ),
            ),
        ),
    ),
)  # fmt: skip
