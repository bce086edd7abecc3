"""Quiz of lesson 01."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="Who writes the right answers from which a model learns to predict the next word?",
        choices=(
            ("Labelers, word by word", "Nobody labels anything here. Labelers enter in the later stages."),
            ("The text itself", "The next word already stands in the text. Any text will do, which is why so much can be used."),
            ("The model, for itself", "A model that learnt only from its own words would hear nothing new."),
        ),
        right=1,
    ),
    Question(
        text="A bigram model has read a whole library. Why can it still not finish 'The landmark of Paris is the'?",
        choices=(
            ("The library is too small.", "More text makes its counts more exact, but it still sees one word only."),
            (
                "It draws at random.",
                "So do large models. Without drawing it would say the commonest word after 'the', no better.",
            ),
            (
                "It sees only the last word, 'the'.",
                "Paris is out of its sight. To look further back one needs attention: lesson 03.",
            ),
        ),
        right=2,
    ),
    Question(
        text="The temperature is lowered from 1 to 0.5. What happens to the distribution?",
        choices=(
            (
                "Likely words become likelier, unlikely ones less likely.",
                "Every difference of logits is doubled. The order stays.",
            ),
            (
                "The unlikely words are cut off.",
                "That is top-k or top-p. Temperature leaves every word a chance, if a small one.",
            ),
            ("All words become equally likely.", "That is what a very high temperature does."),
        ),
        right=0,
    ),
    Question(
        text="A model has perplexity 10 on a text. What does that mean?",
        choices=(
            (
                "It is wrong about every tenth word.",
                "Perplexity counts no errors. It measures how likely the words that came were.",
            ),
            (
                "It knows ten words.",
                "It may know many more. A model that spread its guesses evenly over ten would reach 10 as well.",
            ),
            ("It is as unsure as if it chose among 10 equally likely words.", "Each word costs it log(10) nats on average."),
        ),
        right=2,
    ),
    Question(
        text="What would make a base model answer questions more often?",
        choices=(
            (
                "A lower temperature",
                "It makes the likeliest continuation likelier. If that is a question back, there will be more of them.",
            ),
            ("A larger model", "It would predict its texts better, and in those texts questions often stay without an answer."),
            (
                "Texts in which questions are answered",
                "It continues as its texts do. Lesson 09 trains it on demonstrations: SFT.",
            ),
        ),
        right=2,
    ),
)
