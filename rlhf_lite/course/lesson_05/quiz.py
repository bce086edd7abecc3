"""Quiz of lesson 05."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="A GPT has no encoder. How can it translate a sentence?",
        choices=(
            ("It cannot; translation needs an encoder.", "GPT-3 translates. What it needs of the source stands in its own text."),
            (
                "The source stands in the same text, before the translation.",
                "The decoder looks back at everything before, and the source is a part of that.",
            ),
            ("The token embedding translates word by word.", "An embedding knows one token only, not its sentence."),
        ),
        right=1,
    ),
    Question(
        text="In training, one text of 100 tokens passes through the model once. How many predictions does it learn from?",
        choices=(
            ("1, the token after the text", "That is how the model writes. In training every place of the text predicts."),
            ("100", "Nearly. The logits after the last token speak of a token that is not in the text."),
            ("99", "Every token but the first has a prediction, made from what stands before it."),
        ),
        right=2,
    ),
    Question(
        text="Training loss and held-out loss both fall to 0.1, and the model writes rubbish. What do you look at first?",
        choices=(
            (
                "Whether a place can see the token that it must predict.",
                "Held-out text is measured with the same leak, so its loss is as good. Change a later token and watch.",
            ),
            ("Whether it has over-fitted.", "Then the held-out loss would be bad. Here it is as low as the training loss."),
            ("Whether the learning rate is too low.", "A loss of 0.1 was learnt quickly, only not what you wanted."),
        ),
        right=0,
    ),
    Question(
        text="A large GPT gets twice the width and keeps its layers. How many parameters has it then, about?",
        choices=(
            ("2 times as many", "That is what twice the layers would do."),
            ("4 times as many", "Nearly all parameters are in 12·L·d², and the width is squared there."),
            ("8 times as many", "Each matrix has two sides, so the factor comes twice, not three times."),
        ),
        right=1,
    ),
    Question(
        text="What does the cache of keys and values change?",
        choices=(
            ("The text becomes better, since the model remembers more.", "It sees the same tokens and computes the same."),
            (
                "The work: each token is read once, and the logits stay the same.",
                "What a token's keys and values are depends on nothing after it. So they need not be computed again.",
            ),
            ("The memory: less is needed.", "More is needed. The cache keeps two vectors for every layer and token."),
        ),
        right=1,
    ),
)
