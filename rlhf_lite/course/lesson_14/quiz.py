"""Quiz of lesson 14."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="A page says: “our model wins 86 % of comparisons”. What do you ask first?",
        choices=(
            ("How large the model is", "Interesting, but it does not say what the 86 % are a share of."),
            (
                "How many comparisons were ties, and how many there were",
                "86 % of 30 decided prompts out of 400 is 53 % with ties counted half. Both numbers are true.",
            ),
            ("Which temperature was used", "It matters, and comes second: first one must know what was counted."),
        ),
        right=1,
    ),
    Question(
        text="Two models answer the same 300 prompts. Why is the paired interval narrower?",
        choices=(
            ("It uses twice as many answers.", "Both intervals use the same 600 answers."),
            ("Pairs are drawn again, and single answers are not.", "Drawing again is another matter; the formula needs none."),
            (
                "A hard prompt is hard for both models, and in the difference that falls out.",
                "What varies is only what the two make of the same prompt.",
            ),
        ),
        right=2,
    ),
    Question(
        text="Three training runs of each recipe, 300 prompts each. Which is the honest interval?",
        choices=(
            (
                "Draw the three seeds again, and within them the prompts",
                "Another run of the recipe would be another seed. Three seeds are few, and the interval says so.",
            ),
            ("Treat it as 900 prompts", "That answers how sure we are about these three models, not about the recipe."),
            ("Take the best seed, with 300 prompts", "The best of three is better than usual: best-of-n, with you as judge."),
        ),
        right=0,
    ),
    Question(
        text="A judge prefers longer answers. Length control turns a win rate of 60 % into 52 %. Is 52 % the truth?",
        choices=(
            ("Yes: length no longer counts.", "It removes all that goes with length, the deserved part as well."),
            (
                "Not surely: where length itself makes answers better or worse, that part is removed too.",
                "Padded answers in this lesson are worse than plain ones; length control made them look equal.",
            ),
            ("No: win rates must not be corrected.", "Where lengths differ by chance the correction came nearer to the truth."),
        ),
        right=1,
    ),
    Question(
        text="There is no judge, only reward models. Which checkpoint of a PPO run do you take?",
        choices=(
            (
                "The one with the highest score",
                "By its own reward model that lies late in the run, often near the last, however far it went.",
            ),
            ("The last one: it has learnt most", "It has also learnt most of the reward model's errors."),
            (
                "One before a second reward model, with labels of its own, stops rising; and then people look at it",
                "What both like is more likely good. But a second reward model can share the first one's errors.",
            ),
        ),
        right=2,
    ),
)
