"""What of a conversation fits into the model's context: whole exchanges, the newest first."""

from ...tokenizer import Tokenizer
from .dialogue_training import Messages


def n_tokens(messages: Messages, tokenizer: Tokenizer) -> int:
    """Number of tokens that the model is given to answer the last message."""
    return len(tokenizer.encode_prompt(messages))


def keep_last(messages: Messages, tokenizer: Tokenizer, room: int) -> Messages:
    """Keep the last message and as many whole exchanges right before it as fit into `room` tokens.

    Raises: ValueError where the last message alone does not fit.
    """
    for start in range(0, len(messages), 2):
        if n_tokens(messages[start:], tokenizer) <= room:
            return messages[start:]
    raise ValueError(
        f"the last message has {n_tokens(messages[-1:], tokenizer)} tokens, and there is room for {room}: shorten it"
    )


def keep_first_and_last(messages: Messages, tokenizer: Tokenizer, room: int) -> Messages:
    """Keep the first exchange, the last message, and as many whole exchanges right before it as fit into `room` tokens.

    Where the first exchange leaves no room for the last message, it goes too: see `keep_last`.
    """
    if n_tokens(messages, tokenizer) <= room:
        return messages
    for start in range(2, len(messages), 2):
        if n_tokens(messages[:2] + messages[start:], tokenizer) <= room:
            return messages[:2] + messages[start:]
    return keep_last(messages, tokenizer, room)
