"""Quiz of lesson 13."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="Where does the alignment tax of PPO come from?",
        choices=(
            ("The reward model dislikes pretraining text.", "It never sees any. It scores answers to prompts only."),
            (
                "Weights that serve texts as well are moved for the sake of answers.",
                "Nothing in PPO's objective speaks of texts, so nothing holds what they need in place.",
            ),
            ("PPO deletes what is not needed.", "Nothing is deleted: with some text mixed in, the ability is soon there again."),
        ),
        right=1,
    ),
    Question(
        text="Why does the KL term not protect the pretraining text?",
        choices=(
            (
                "It is computed on the model's own answers to prompts, and its reference is the SFT model.",
                "It does not see texts, and even at its goal it leads back to a model that has paid a tax already.",
            ),
            (
                "Its coefficient is always too small.",
                "Raised a hundredfold it holds the policy still. Text is then only as good as SFT's.",
            ),
            ("KL is never negative.", "True of the KL, but that is not the reason."),
        ),
        right=0,
    ),
    Question(
        text="InstructGPT used a ptx coefficient of 27.8. What should you use in your own code?",
        choices=(
            (
                "27.8, as the paper did",
                "The paper does not say what its loss was divided by. Only with that would the number mean anything.",
            ),
            ("0, to be safe", "That is PPO without ptx, with the whole tax."),
            (
                "A value at which the text's gradient is about as long as the policy's",
                "Lengths of gradients can be compared whatever each loss was divided by. Then sweep around it.",
            ),
        ),
        right=2,
    ),
    Question(
        text="The reward model's score keeps rising, the gold score falls. What is going on?",
        choices=(
            ("The gold score is too noisy.", "One run might be. Five runs that all end lower are not noise."),
            (
                "The policy finds answers that the reward model overrates.",
                "Goodhart's law: the score was learnt from other answers than those the policy now gives.",
            ),
            ("The learning rate is too low.", "The policy moves fast enough. It moves towards the wrong thing."),
        ),
        right=1,
    ),
    Question(
        text="Why are fresh comparisons collected from the newest policy for a second round?",
        choices=(
            (
                "The reward model must learn about the answers that the policy gives now.",
                "It is least to be trusted where it has seen nothing, and there the policy has gone.",
            ),
            ("The old comparisons have been used up.", "They can be used again, and are: the second round trains on both."),
            ("Labelers become better with practice.", "The labelers are the same. What is new are the answers that they rank."),
        ),
        right=0,
    ),
)
