"""Quiz of lesson 12."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="What can PPO reach that imitation cannot?",
        choices=(
            (
                "Answers without any mistake",
                "It goes where the score is high. Where the score is wrong, the answers become wrong.",
            ),
            (
                "Answers better than most of those that people wrote",
                "The model tries its own answers, and what scores well becomes likelier, however rare it was at first.",
            ),
            ("New knowledge of the world", "A score says how good an answer is, not what is true. Facts come from pretraining."),
        ),
        right=1,
    ),
    Question(
        text="From the third iteration on, the mean KL of an answer stays below 0. What follows?",
        choices=(
            ("The policy is very close to its reference.", "Then it would be close to 0. A true KL divergence is never below 0."),
            (
                "Nothing: a single token's KL may be below 0.",
                "That of a token may, and even that of an answer. The mean over many sampled answers may not.",
            ),
            (
                "Tokens are counted that this policy did not sample.",
                "A mask at the wrong place, or answers drawn from another distribution: the mean is a KL only for own samples.",
            ),
        ),
        right=2,
    ),
    Question(
        text="Why does nearly every token have an advantage, though only the last one brings a score?",
        choices=(
            (
                "The value changes from token to token, and GAE passes later news back.",
                "A token after which more is expected than before was a good one, long before the score arrives.",
            ),
            ("The score is shared out among the tokens.", "The score comes once. The values only pass the news of it on."),
            ("Whitening makes them.", "Whitening shifts and scales advantages. It makes none."),
        ),
        right=0,
    ),
    Question(
        text="Where does the score of the reward model enter the rewards of an answer?",
        choices=(
            ("A part of it on every token", "GAE and the value model spread the blame and the praise; the score comes once."),
            ("On the last sampled token, once", "Every token pays its KL cost; the last one also gets the score."),
            ("On the first token", "There is no score before the answer is complete."),
        ),
        right=1,
    ),
    Question(
        text="In the very first minibatch the ratio is 0.93. What follows?",
        choices=(
            ("The learning rate is too high.", "Nothing has been learnt yet at this point: the rate cannot have acted."),
            ("The reward model is bad.", "Scores do not enter the ratio, which compares the policy with itself."),
            (
                "Sampling and learning do not use the same forward pass.",
                "Dropout, another temperature or shifted tokens: old and new log-probs should be the same numbers.",
            ),
        ),
        right=2,
    ),
)
