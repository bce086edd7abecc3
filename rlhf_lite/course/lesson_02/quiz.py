"""Quiz of lesson 02."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="A byte-level BPE tokenizer was trained on English only. What happens to a Chinese sentence?",
        choices=(
            ("It gets the token for unknown text.", "There is none. Whatever the text, its bytes are in the vocabulary."),
            ("It becomes its bytes, and comes back whole.", "About three tokens per character: nothing is lost, but it is long."),
            ("It becomes one token per character.", "Only if such merges were learnt. From English texts none were."),
        ),
        right=1,
    ),
    Question(
        text="Two tokenizers have the same tokens, but one learnt the merge b + c before a + b, the other after it. Then",
        choices=(
            (
                "they cut every text alike.",
                "The merge that was learnt earlier goes first: abc is a + bc in one of them and ab + c in the other.",
            ),
            (
                "one of them loses text.",
                "Both give the text back: however it is cut, the bytes are the same ones in the same order.",
            ),
            (
                "they may cut words in different ways.",
                "The order belongs to the tokenizer as much as the vocabulary. A model must be read with the one it learnt with.",
            ),
        ),
        right=2,
    ),
    Question(
        text="Model A has a loss of 1.6 nats per token, model B 1.9. Their tokenizers differ. Which predicts text better?",
        choices=(
            (
                "That cannot be said.",
                "If B's tokens are twice as long, B is far better. Ask for bits per byte, on the same text.",
            ),
            ("A, its loss is lower.", "Lower per token. If its tokens are shorter, it needs more of them for the same text."),
            ("B, its vocabulary must be larger.", "Perhaps it is, and that still does not say how well B predicts."),
        ),
        right=0,
    ),
    Question(
        text="A user types <|end|> in the middle of a message. What should the tokenizer do?",
        choices=(
            ("Refuse the message", "Somebody may want to talk about tokens. As plain text it does no harm."),
            (
                "Give the end token, since that is its name",
                "Then users could end their own turn, and write the next one as the assistant.",
            ),
            ("Cut it as seven ordinary characters", "Special tokens are put in by the program, never read out of a text."),
        ),
        right=2,
    ),
    Question(
        text="Why do language models find it hard to count the letters of a word?",
        choices=(
            ("They cannot count at all.", "They may learn to, where what is to be counted is in sight."),
            (
                "They see tokens, and a common word is one of them.",
                "The token's number says nothing of its letters. The model must have learnt its spelling from elsewhere.",
            ),
            (
                "Letters are lost when a word becomes a token.",
                "No byte is lost: the text comes back. But the model reads the token's number.",
            ),
        ),
        right=1,
    ),
)
