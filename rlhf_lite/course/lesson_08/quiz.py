"""Quiz of lesson 08."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="A filter deletes every prompt that holds a name. It finds all personal data. What is wrong with it?",
        choices=(
            ("Its recall is low.", "It finds everything: recall 1. Look at what else it deletes."),
            ("Its precision is low.", "Nearly all that it deletes is harmless, stories about people above all."),
            (
                "Nothing: one cannot be careful enough.",
                "What is deleted is missing later: a model that never saw a story with a name.",
            ),
        ),
        right=1,
    ),
    Question(
        text="Why are training and validation split by user?",
        choices=(
            (
                "Because a user's prompts are alike, and the score should tell about people whom the model never met.",
                "With a random split the model has seen prompts much like these, and remembering looks like knowing.",
            ),
            (
                "Because no user may have more than 200 prompts.",
                "That is the cap. It is set before, and it does not stop the leak.",
            ),
            (
                "Because personal data would leak otherwise.",
                "Personal data is filtered. What leaks here is the answer, by way of similar prompts.",
            ),
        ),
        right=0,
    ),
    Question(
        text="Two people flag rude answers and agree on 90 %. Is that much?",
        choices=(
            ("Yes: nine times in ten.", "If 5 % of the answers are rude, somebody who never looks agrees just as often."),
            ("No: it should be 100 %.", "People differ, and so does one person from day to day."),
            (
                "One cannot say before one knows how often each of them flags.",
                "Chance alone may give 90 %. Kappa takes chance off.",
            ),
        ),
        right=2,
    ),
    Question(
        text="Two labelers agree on 73 % of the pairs. What is the highest accuracy a reward model can have against one of them?",
        choices=(
            (
                "73 %: it cannot know people better than they know each other.",
                "Both err, in different places. The model may err less than either.",
            ),
            (
                "Up to 84 %, and less where pairs differ in difficulty.",
                "Right with p each, they agree on p * p + (1 - p) * (1 - p). Solve for p.",
            ),
            ("100 %, with enough data.", "The noise of a single vote cannot be known by anybody."),
        ),
        right=1,
    ),
    Question(
        text="Each pair gets twenty votes by people of one group in place of one. What becomes better?",
        choices=(
            (
                "It tells almost exactly what everybody wants.",
                "The other group still wants something else: noise averages out, taste does not.",
            ),
            ("Nothing.", "The noise of single votes averages out."),
            (
                "It tells almost exactly what this group wants.",
                "Noise averages out, and taste stays. Whose taste it is, was decided by hiring.",
            ),
        ),
        right=2,
    ),
)
