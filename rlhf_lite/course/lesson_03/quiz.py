"""Quiz of lesson 03."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="A GRU's update gate z is 1 at some place of the state. What happens there to the number that stood there?",
        choices=(
            ("It is replaced by the candidate.", "With z = 0 it would be: the new state is (1 - z) * candidate + z * h."),
            ("It stays as it is.", "z says how much of the old number is kept. So a word can be remembered over many steps."),
            ("It is set to 0.", "The reset gate r can hide the old state from the candidate, but that is no more than a glance."),
        ),
        right=1,
    ),
    Question(
        text="During training the decoder has just said a wrong word. What is it given at the next step?",
        choices=(
            ("The right word", "Teacher forcing: every step is given the right earlier words. One mistake spoils nothing."),
            ("The wrong word that it said", "That is what happens when it writes alone. In training it is given the right one."),
            ("Nothing, the sentence is given up", "Every step of every sentence is trained, whatever was said before."),
        ),
        right=0,
    ),
    Question(
        text="The GRU with one context C is trained for four times as many steps. What did our measurements show?",
        choices=(
            ("Long sentences are then as easy as short ones.", "They became easier, but the gap between short and long stayed."),
            ("Nothing changes, C is full.", "It did get better: training also teaches how to pack more into C."),
            (
                "It gets better, and long sentences stay the hardest.",
                "The same number of numbers must hold 4 words or 12. More training packs them better, but the gap stays.",
            ),
        ),
        right=2,
    ),
    Question(
        text="What is the context C_i for the i-th word to write?",
        choices=(
            (
                "The note of the best matching word",
                "Close when one weight is near 1. But it is a mix, and only a mix lets gradients reach all weights.",
            ),
            (
                "A mix of all notes; the weights come from a softmax of the scores",
                "Weights are at least 0 and sum to 1, and they are made anew for each word that is written.",
            ),
            ("The last state of the encoder", "That was C, the same for all words. Attention was made to get rid of it."),
        ),
        right=1,
    ),
    Question(
        text="Attention removed the bottleneck. Why is the model still slow on long sentences?",
        choices=(
            (
                "State 10 needs state 9, which needs state 8: the steps must wait for each other.",
                "However many processors there are. Lesson 04 drops the chain of states and keeps attention only.",
            ),
            ("Softmax is slow.", "It is a small part of the work, and all source words are scored at once."),
            ("It has more parameters.", "All models of the scoreboard have the same number, on purpose."),
        ),
        right=0,
    ),
)
