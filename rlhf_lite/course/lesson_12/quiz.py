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
        text="Every score is raised by 10. What does a good baseline change?",
        choices=(
            (
                "It changes which answers become likelier on average.",
                "The average push is the same with and without it. That is why one may choose it freely.",
            ),
            ("It makes the policy learn the 10.", "Nothing can learn the 10: it is the same for every answer."),
            (
                "It takes the 10 away, so that the pushes are far less noisy.",
                "Only differences between answers are left. The average push stays, its variance falls.",
            ),
        ),
        right=2,
    ),
    Question(
        text="A token has advantage -1 and its ratio has grown to 1.5. What does the clipped loss do?",
        choices=(
            (
                "It pushes the token down: on this side nothing is clipped.",
                "The policy went the wrong way, and mistakes can always be mended. The clip only stops moves the right way.",
            ),
            ("Nothing: 1.5 is more than 1.2.", "That would hold for a positive advantage. Take the smaller of both products."),
            ("It pushes the token up.", "A negative advantage never does."),
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
