"""Quiz of lesson 07."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="BERT's loss is 0.5 nats, a GPT's on the same text 0.9. Which is the better model of the language?",
        choices=(
            ("BERT: its loss is lower.", "It was asked something easier: hidden words, with both sides in view."),
            (
                "Nobody can tell: they answered different questions.",
                "One averages over hidden words with both sides in view, the other over all words with the left side. "
                "Compare them on one task.",
            ),
            ("GPT: it has predicted more words.", "It learnt from more, but the two numbers measure different things."),
        ),
        right=1,
    ),
    Question(
        text="Somebody trains BERT with the loss on every word, hidden or not. The loss falls faster and lower. Is that good?",
        choices=(
            ("Yes: six times more words teach.", "Most of them stand in the input: to copy them teaches next to nothing."),
            (
                "No: most of that loss is for copying words that are in view.",
                "A machine that copies its input gets 87 % of the words right and knows no language.",
            ),
            ("Yes, as long as it falls on new texts too.", "It does: copying works on every text. It is not what was wanted."),
        ),
        right=1,
    ),
    Question(
        text="Three examples in the prompt help. How do you find out whether the model learns the task from them?",
        choices=(
            ("Add more examples.", "More of the same cannot tell the form of the examples from their content."),
            (
                "Give each example another one's answer, and see whether the gain stays.",
                "If it stays, the form did it. Examples of another task and other text of the same length tell the rest.",
            ),
            ("Look at a few answers.", "A good answer does not say where it came from."),
        ),
        right=1,
    ),
    Question(
        text="A model chooses between “yes” and “certainly not” by the sum of log-probabilities. What should you look out for?",
        choices=(
            (
                "The longer option has more tokens, and each lowers the sum.",
                "Either compare means per token, or use options of one token each. Say which you did.",
            ),
            ("Nothing: the likeliest option is its answer.", "Under a sum the length counts, whatever the model believes."),
            ("Log-probabilities can be positive.", "They never are: a probability is at most 1."),
        ),
        right=0,
    ),
    Question(
        text="What did instruction tuning on many tasks do here for a task that was left out?",
        choices=(
            (
                "It did as well as training on the task itself.",
                "On average far from it: compare the last two columns of the table. Only open_qa came as far.",
            ),
            (
                "It gained where a related task was trained, little elsewhere; the mean gain cannot be told from 0.",
                "Ten use cases are few, and an ability was even lost. Larger models and more tasks may show more.",
            ),
            (
                "Nothing: a model can only do what it was tuned on.",
                "Tasks with a related one in training gained: look at open_qa.",
            ),
        ),
        right=1,
    ),
)
