"""Quiz of lesson 10."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="All scores of a reward model are raised by 5. What happens to its loss?",
        choices=(
            ("Nothing.", "Only differences between answers to one prompt enter. That is why the zero is fixed afterwards."),
            ("It falls.", "Better and worse answers rise alike, so no difference changes."),
            ("It rises.", "No difference changes, so no preference does."),
        ),
        right=0,
    ),
    Question(
        text="A labeler ranks 6 answers without a tie. How many pairs is that?",
        choices=(
            ("6", "That is the number of answers. Every two of them make a pair."),
            ("15", "6 × 5 / 2: one ranking says much more than one choice."),
            ("30", "That counts each pair twice, once in either order."),
        ),
        right=1,
    ),
    Question(
        text="Two labelers agree on three pairs in four. What accuracy can one hope for on one labeler's pairs?",
        choices=(
            ("100 %", "What one person prefers by chance or by taste cannot be predicted from another's labels."),
            ("At most 75 %, their agreement",
             "Both go against the common taste at times, and each time that costs agreement. A model that knew the taste "
             "would do better."),
            ("Up to about 85 %",
             "If each follows a common taste with probability p, two agree in p² + (1 - p)² of the pairs: 0.75 for p = 0.85. "
             "A model that knew the common taste would be right in a share p of one labeler's pairs; p is (1 + √(2a - 1)) / 2."),
        ),
        right=2,
    ),
    Question(
        text="Why are all answers to a prompt kept together in a batch?",
        choices=(
            ("The prompts would get mixed up.", "A pair carries its prompt; nothing would be mixed up."),
            ("Each answer is then computed once and not learnt from again and again.",
             "Split into pairs, each of K answers would come K - 1 times in one pass: costly, and soon learnt by heart."),
            ("Memory would run out.", "It takes more memory at once, not less."),
        ),
        right=1,
    ),
    Question(
        text="A reward model is well calibrated. What does that mean?",
        choices=(
            ("It is always right.", "It may be right in 7 of 10 cases, and know it."),
            ("Its scores lie between 0 and 1.", "Scores have no bounds. Their differences give the probabilities."),
            ("Where it says 80 %, people agree with it in about 80 % of the cases.", "It is as sure as it should be."),
        ),
        right=2,
    ),
)  # fmt: skip
