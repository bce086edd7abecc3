"""A conversation with a model: what was said, what of it the model is given, answers drawn for the last turn, and thumbs."""

from collections.abc import Callable, Iterator

from ...data import seeded_generator
from ...gpt import GPT
from ...tokenizer import Tokenizer
from .dialogue_training import Messages
from .history import keep_last, n_tokens
from .streaming import stream_answer
from .thumbs import DOWN, NONE, UP, comparison_row, save_comparison

MAX_NEW_TOKENS = 40
STOPPED = "I will not show that answer."
"""What stands in the place of an answer that the filter stopped."""
Filter = Callable[[str], bool]


class Conversation:
    """Messages of both sides; the last turn may have several answers, of which the liked one stays."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, *, temperature: float = 1.0, is_stopped: Filter | None = None):
        self.model, self.tokenizer, self.temperature, self.is_stopped = model, tokenizer, temperature, is_stopped
        self.messages: Messages = []
        """Up to the user's last message."""
        self.answers: list[str] = []
        self.thumbs: list[int] = []
        self.draws = 0

    @property
    def room(self) -> int:
        """Tokens for what was said; the rest of the context is for the answer."""
        return self.model.config.context_length - MAX_NEW_TOKENS

    def given(self) -> Messages:
        """The part of the conversation that the model is given now."""
        return keep_last(self.messages, self.tokenizer, self.room)

    def used(self) -> int:
        """Number of tokens of that part; 0 before anything was said."""
        return n_tokens(self.given(), self.tokenizer) if self.messages else 0

    def say(self, text: str) -> None:
        """Let the user say something; the answer that is liked best becomes part of what was said.

        Raises: ValueError where the text is empty, cannot be encoded, or is too long; nothing is changed then.
        """
        if not text.strip():
            raise ValueError("nothing to send: type something first")
        said = [{"role": "user", "content": text.strip()}]
        keep_last(said, self.tokenizer, self.room)
        if self.answers:
            self.messages.append({"role": "assistant", "content": self.best()})
        self.messages += said
        self.answers, self.thumbs = [], []

    def best(self) -> str:
        """The answer with the best thumb, of several the newest."""
        return max(zip(self.thumbs, range(len(self.answers)), self.answers, strict=True))[2]

    def answer(self) -> Iterator[str]:
        """Draw one more answer to the last message; yield it as it grows, and keep it at the end."""
        if not self.messages:
            raise ValueError("nothing was said yet: send something first")
        self.draws += 1
        generator, text = seeded_generator("chat", self.draws), ""
        ids = self.tokenizer.encode_prompt(self.given())
        for text in stream_answer(self.model, self.tokenizer, ids, temperature=self.temperature,
                                  max_new_tokens=MAX_NEW_TOKENS, generator=generator):  # fmt: skip
            if self.is_stopped is None:
                yield text
        text = STOPPED if self.is_stopped is not None and self.is_stopped(text) else text
        self.answers.append(text)
        self.thumbs.append(NONE)
        yield text

    def rate(self, number: int, thumb: int) -> str:
        """Set the thumb of an answer (pressed twice, it is taken back), store what it says, and return a message.

        Raises: OSError where the file cannot be written.
        """
        if thumb not in (UP, NONE, DOWN):
            raise ValueError(f"thumb is {thumb}, expected 1 for up, -1 for down or 0")
        self.thumbs[number] = NONE if self.thumbs[number] == thumb else thumb
        prompt = self.given()
        row = comparison_row(prompt, self.answers, self.thumbs)
        stored = save_comparison(prompt, row)
        if row is None:
            return f"No comparison yet: it takes two different answers, one liked more than the other (Retry). {stored}"
        return f"Stored. {stored}"
