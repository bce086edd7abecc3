"""Quiz of lesson 06."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="A new model with a vocabulary of 50,257 tokens starts with a loss of 10.9. What follows?",
        choices=(
            ("Something is wrong: a loss should start near 1.", "Nothing is learnt yet. Compare with ln 50,257 = 10.82."),
            (
                "It starts as it should.",
                "ln 50,257 = 10.82: every token equally likely. A little more, since its first weights are random.",
            ),
            ("It is worse than guessing, so the targets are shuffled.", "Shuffled targets start there too; they end elsewhere."),
        ),
        right=1,
    ),
    Question(
        text="After 200 steps the training loss is 0.02. The text is ordinary English. What do you do first?",
        choices=(
            ("Stop early, before it overfits.", "0.02 is far below what anybody could know about the next word."),
            ("Publish it.", "Nobody predicts ordinary text that well: the next word is often open."),
            (
                "Look at the targets: position t must be asked for token t + 1.",
                "A model that is asked for what it sees copies. Its held-out loss, measured rightly, rises.",
            ),
        ),
        right=2,
    ),
    Question(
        text="Documents are packed into windows without a mask between them. What tells them apart?",
        choices=(
            ("The end token between them", "The model learns that what stands before it says little about what follows."),
            ("Nothing: the model mixes them up.", "Every document is followed by an end token. Models learn what it means."),
            ("Their positions start at 0 again.", "A packed window counts its positions from its own start."),
        ),
        right=0,
    ),
    Question(
        text="A colleague's held-out loss is clearly below the training loss. What is likely?",
        choices=(
            ("A very good model", "Then both losses would be low."),
            (
                "The held-out text also stands in the training text, or the two texts differ in kind.",
                "Search the training text for runs of held-out tokens, and measure on text that is surely new.",
            ),
            ("The learning rate is too high.", "That lifts both losses."),
        ),
        right=1,
    ),
    Question(
        text="A law fitted to five small models foretells the loss of a larger one. When is that worth most?",
        choices=(
            ("When the law fits the five models closely", "Two laws may fit alike and part further on."),
            (
                "When the prediction is written down before the larger model is trained",
                "Then it can be wrong. A law that is fitted afterwards always agrees with what it was fitted to.",
            ),
            ("When the larger model is a hundred times larger", "The further away, the more the form of the law decides."),
        ),
        right=1,
    ),
)
