"""Quiz of lesson 12."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="At temperature 1, PPO is far better than SFT. With both at their best temperature, SFT is as good. What follows?",
        choices=(
            (
                "PPO taught the model new facts.",
                "A score says how good an answer is, not what is true. And the cool SFT model has no fact from PPO.",
            ),
            (
                "PPO mostly made the model sure of good answers that it knew already.",
                "It makes likelier what scores well among its own answers. A cooler temperature also makes likely ones likelier.",
            ),
            (
                "PPO did nothing.",
                "At temperature 1 it did much. What is gained depends on what one compares with: say which temperature.",
            ),
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
            ("A part of it on every token", "GAE and the value model spread blame and praise; the score comes once."),
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
