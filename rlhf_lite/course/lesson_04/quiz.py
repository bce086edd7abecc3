"""Quiz of lesson 04."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="Why are scores divided by the square root of the head's width before the softmax?",
        choices=(
            ("So that the weights sum to 1", "Softmax does that with any scores."),
            (
                "So that the softmax does not saturate",
                "Products of wide vectors are large. Large scores make one weight nearly 1, and then nothing moves any more.",
            ),
            ("So that long sentences are not preferred", "The length of the sentence does not enter. The width of a head does."),
        ),
        right=1,
    ),
    Question(
        text="Without positions, what does self-attention make of 'Tom chases Jerry' and 'Jerry chases Tom'?",
        choices=(
            (
                "The same note for each word, in another order",
                "A word finds the same keys and values wherever they stand, so nobody knows who chases whom.",
            ),
            ("Two different sets of notes", "Nothing in a score says where a word stands. Positions must be added."),
            ("An error", "It runs well, which is why a missing position is easily overlooked."),
        ),
        right=0,
    ),
    Question(
        text="A decoder is trained without the causal mask. What happens?",
        choices=(
            ("Its loss does not fall.", "It falls: each next word can be copied from its input."),
            ("It learns slower but as well.", "It learns to copy what will not be there when it has to write by itself."),
            (
                "Its loss falls, and it cannot translate.",
                "While writing, the next word is not there to be copied. A low loss alone proves nothing.",
            ),
        ),
        right=2,
    ),
    Question(
        text="In cross-attention, where do query, key and value come from?",
        choices=(
            (
                "Query from the decoder, key and value from the encoder",
                "The word to be written asks; the source words answer. The two sides may differ in length.",
            ),
            ("All three from the encoder", "That is the encoder's self-attention. Nobody would be asking what to write next."),
            ("Query from the encoder, key and value from the decoder", "Turned round: the source does not need the translation."),
        ),
        right=0,
    ),
    Question(
        text="What did the Transformer gain over a GRU with attention in this lesson?",
        choices=(
            ("Clearly better translations", "Not on so small a task: both come near to all sentences. Look at the scoreboard."),
            (
                "All words of a sentence are worked on at once, and no word is far away.",
                "Here that saves little. On long texts and machines that do much at once it is what matters.",
            ),
            ("Less work for long texts", "The other way round: every word looks at every word, so work grows with the square."),
        ),
        right=1,
    ),
)
