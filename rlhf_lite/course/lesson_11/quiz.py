"""Quiz of lesson 11."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="During training the policy's pseudo-loss rises. What follows?",
        choices=(
            ("Something is broken: a loss must fall.", "Only its gradient means something. It may rise, fall or stay."),
            ("The policy gets worse.", "Look at the expected score: the same run can show a rising and a falling pseudo-loss."),
            (
                "Nothing: look at the score instead.",
                "Each batch has another pseudo-loss, made for its gradient at this one point. What should rise is the score.",
            ),
        ),
        right=2,
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
        text="A colleague subtracts from each return the mean return of the same episode. Is that a baseline?",
        choices=(
            (
                "No: it depends on the actions of this episode, so the mean push changes.",
                "A baseline may depend on the state, never on what was done. Here the push pointed elsewhere.",
            ),
            ("Yes: any number that lowers the noise is one.", "Less noise around a wrong direction leaves it wrong."),
            ("Yes: then the advantages have mean 0.", "That is not what is needed. A baseline must not depend on the actions."),
        ),
        right=0,
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
        text="The reference gives an answer probability 0. With kl_coef 0.01, how likely is it under the best policy?",
        choices=(
            ("As likely as its score deserves", "Its weight is reference * e^(score / kl_coef), and 0 times anything is 0."),
            ("0, whatever its score", "To reach it would cost an infinite KL. Reinforcement needs something to reinforce."),
            ("1, if its score is the highest", "That would need a reference that gives it sometimes, however seldom."),
        ),
        right=1,
    ),
)
