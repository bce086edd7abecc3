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
                "It does not see texts. What holds answers near SFT's protects texts only as far as the same weights serve both.",
            ),
            (
                "Its coefficient is always too small.",
                "Raised a hundredfold it holds the policy still, and its answers too. Text is then as good as SFT's, at best.",
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
                "Begin where both gradients are of one order of length, then sweep: measure what each value buys and costs",
                "Lengths can be compared whatever each loss was divided by. They say where to look, not which value is best.",
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
        text="You write PPO-ptx. Where does the pretraining text come in?",
        choices=(
            (
                "As a loss of its own, added to the policy's before one optimizer step.",
                "The policy did not draw the text, so there is no ratio, no reward and no advantage: only its cross-entropy.",
            ),
            ("As a reward for every token of the text.", "Rewards belong to sampled tokens. Nobody sampled these."),
            ("In the value model's loss.", "That one learns to foresee returns. It is another network, with its own optimizer."),
        ),
        right=0,
    ),
)
