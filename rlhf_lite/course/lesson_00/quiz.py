"""Quiz of lesson 00."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="Why does a base model often answer a question with a question?",
        choices=(
            ("It does not know the answer.", "It may well know it. What it lacks is the aim to answer."),
            (
                "In its texts a question is often followed by another one.",
                "It was trained to predict what comes next, and it does.",
            ),
            ("It wants to know more before it answers.", "It wants nothing: it writes what usually comes next."),
        ),
        right=1,
    ),
    Question(
        text="Which stage needs people only to compare answers, not to write them?",
        choices=(
            ("Stage 0, pretraining", "Pretraining needs plain text and nobody's work on it."),
            ("Stage 1, SFT", "SFT copies demonstrations, so somebody must write them."),
            ("Stage 2, the reward model", "Comparing is quicker than writing, and one can rank answers better than one's own."),
        ),
        right=2,
    ),
    Question(
        text="In the toy example all three scores are raised by 5. What happens to the three probabilities?",
        choices=(
            (
                "Nothing.",
                "All weights are multiplied by the same number, and the division by the sum takes it out: differences matter.",
            ),
            ("All three grow.", "They cannot: they sum to 1. Try it in the cell."),
            ("They become equal.", "The ratios of the weights stay as they were. Try it in the cell."),
        ),
        right=0,
    ),
    Question(
        text="PPO's reward-model score goes up and up. Is the model getting better?",
        choices=(
            ("Yes: that is what the score means.", "The score comes from a small model with faults, and PPO finds them."),
            (
                "Not necessarily.",
                "One has to look with something that was not trained on: people, or here the judge. Lesson 14 shows both.",
            ),
            (
                "No: a rising score is always a fault.",
                "Up to a point better answers do score higher. Only the score alone cannot tell.",
            ),
        ),
        right=1,
    ),
    Question(
        text="Is it known that ChatGPT's reasoning comes from training on code?",
        choices=(
            (
                "Yes, its makers published it.",
                "They published the method, InstructGPT's on conversations, not where each ability comes from.",
            ),
            ("No, it is a guess from outside.", "There are good arguments for it, but it is an inference."),
            ("No, it was shown to be wrong.", "Nothing published here decides it either way."),
        ),
        right=1,
    ),
)
