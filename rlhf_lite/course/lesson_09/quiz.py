"""Quiz of lesson 09."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="What does supervised fine-tuning change in how a model is trained?",
        choices=(
            ("The loss: it rewards right answers", "It is still the surprise at the next token. It knows no right or wrong."),
            ("The texts, and which of their tokens count", "Prompts with answers, not any text, and only the answers count."),
            ("The model: layers for answering are added", "No parameter is added. A new head comes with the reward model."),
        ),
        right=1,
    ),
    Question(
        text="The end token is left out of the mask. What happens?",
        choices=(
            ("Nothing: it is no word", "It is a token like others, and the model must learn when to write it."),
            ("The model stops too early", "Nothing makes it likelier, so there is no reason to stop early."),
            ("Nothing teaches the model to stop after its answer", "It may go on as its earlier texts did, with the next turn."),
        ),
        right=2,
    ),
    Question(
        text="The validation loss rises, the judge's score does not fall. Which model would InstructGPT's authors take?",
        choices=(
            (
                "The one that a reward model scores best",
                "They chose so (appendix C), because the validation loss does not say which answers people prefer.",
            ),
            ("The one with the lowest validation loss", "It predicts people's wording best. People's liking is another matter."),
            ("The last one, whatever was measured", "More epochs are not better for certain: one measures, then chooses."),
        ),
        right=0,
    ),
    Question(
        text="After fine-tuning, a model predicts the texts it was pretrained on worse than before. Why?",
        choices=(
            ("Its memory is full", "Nothing is full: with a small learning rate it forgets much less, and learns less."),
            ("Nothing asks it to keep that ability", "The same parameters serve both, and only answers pull at them."),
            ("The demonstrations contain mistakes", "Some do, but perfect ones would move the parameters just as far."),
        ),
        right=1,
    ),
    Question(
        text="A new head on the frozen body recognised praise in sentences it had no labels for. How?",
        choices=(
            ("The head is large enough to store all sentences", "It has 129 numbers, and it never saw those sentences."),
            ("The new sentences share their words with the labelled ones", "A body from scratch had the same words, and failed."),
            (
                "In pretraining, the body had met these sentences in texts where praise matters",
                "So it represents them alike. The labels only had to say which side is called praise.",
            ),
        ),
        right=2,
    ),
)
