"""Texts and dialogues as people write them down, checked and brought into one form: messages with role and content.

A dialogue may come as a list of messages (TRL's and OpenAI's form) or as one text with the speakers' names in it: an
hh-rlhf transcript, or this library's own template. Such a text is taken apart here; as a prompt it would otherwise go into
the template a second time, and the model would read "User: Human: Hi Assistant:".

A message about something wrong never quotes the text: it may be private or offensive.
"""

import re
from typing import Any

from ..tokenizer import END_TOKEN, GPT2_END_TOKEN

SURROGATE = re.compile("[\ud800-\udfff]")
SPEAKERS = {"Human": "user", "User": "user", "Assistant": "assistant", "System": "system"}
ROLES = "roles go [system,] user, assistant, user, ..."

Messages = list[dict[str, str]]


class BadRow(Exception):
    """What is wrong with a row, in words; whoever reads the file adds where."""


def checked_text(value: Any, what: str) -> str:
    """Return a text that is not empty; OpenAI's content parts, if all are texts, are joined.

    Example: [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}] gives "Hi there".
    """
    if _is_parts(value):
        if any(part["type"] != "text" for part in value):
            raise BadRow(f"{what} has a part of another type than text; only parts of type text are read")
        value = "".join(checked_text(part.get("text"), f"a part of {what}") for part in value)
    if not isinstance(value, str):
        raise BadRow(f"{what} must be a text, got {type(value).__name__}")
    if not value.strip():
        raise BadRow(f"{what} is empty")
    if SURROGATE.search(value):  # JSON can write it, the tokenizer would stop on it without naming the line
        raise BadRow(f"{what} holds half of a surrogate pair, which is no character")
    return value


def _is_parts(value: Any) -> bool:
    parts = value if isinstance(value, list) and value else [None]
    return all(isinstance(part, dict) and "type" in part and "role" not in part for part in parts)


def checked_messages(value: Any, what: str, last_role: str) -> Messages:
    """Return messages whose roles go [system,] user, assistant, user, ... to `last_role`, without their other keys."""
    if not isinstance(value, list) or not all(isinstance(message, dict) for message in value):
        raise BadRow(f"{what} must be a list of messages with role and content")
    has_system = bool(value) and value[0].get("role") == "system"
    messages = []
    for number, message in enumerate(value, start=1):
        role = "system" if has_system and number == 1 else ("user", "assistant")[(number - 1 - has_system) % 2]
        if message.get("role") != role:
            raise BadRow(f"message {number} of {what} must have the role {role!r}: {ROLES}")
        content = checked_text(message.get("content"), f"the content of message {number} of {what}")
        if message.get("tool_calls"):
            raise BadRow(f"message {number} of {what} calls a tool; tools are not supported")
        if role == "user" and _waits(content):
            raise BadRow(f"message {number} of {what} holds a whole dialogue; write each of its turns as a message")
        messages.append({"role": role, "content": content})
    if not messages or messages[-1]["role"] != last_role:
        raise BadRow(f"the last message of {what} must have the role {last_role!r}")
    return messages


def transcript(text: str) -> Messages | None:
    r"""Take a dialogue written as one text apart; None where the text is no dialogue.

    A dialogue begins with a speaker and has an "Assistant:" of its own: "\n\nHuman: Hi\n\nAssistant: Hello.", as in hh-rlhf,
    or "User: Hi\nAssistant: Hello.<|end|>", this library's template.
    """
    begins = re.match(r"\s*(Human|User|System):", text)
    if not begins or not (text.startswith("\n\nHuman:") or re.search(r"^Assistant:", text, flags=re.MULTILINE)):
        return None
    names, gap = ("Human|Assistant", "\n\n") if begins[1] == "Human" else ("System|User|Assistant", "\n")
    gap = gap if f"{gap}Assistant:" in text else "\n"
    _, *parts = re.split(rf"(?:\A\s*|{gap})({names}):", text)
    turns = [(SPEAKERS[name], content.strip()) for name, content in zip(parts[::2], parts[1::2], strict=True)]
    ends = (END_TOKEN, GPT2_END_TOKEN)
    return [{"role": role, "content": _without_end(content, ends) if role == "assistant" else content} for role, content in turns]


def _without_end(content: str, ends: tuple[str, ...]) -> str:
    for end in ends:
        content = content.removesuffix(end).rstrip()
    return content


def _waits(text: str) -> bool:
    """Whether a text ends as a dialogue that waits for the assistant's answer, whatever it begins with."""
    last_line = text.rstrip().rpartition("\n")[2]
    return last_line == "Assistant:" and re.search(r"^(Human|User):", text, flags=re.MULTILINE) is not None


def checked_prompt(value: Any, what: str) -> str | Messages:
    """Return a prompt: a text, or messages that end with the user's, also where one text holds several turns."""
    if isinstance(value, list) and not _is_parts(value):
        return checked_messages(value, what, "user")
    text = checked_text(value, what)
    messages = transcript(text)
    if messages is None:
        if _waits(text):
            raise BadRow(f"{what} holds a dialogue that does not begin with a speaker; write it as messages")
        return text
    waiting = messages[-1] == {"role": "assistant", "content": ""}  # "Assistant:" with nothing behind it
    return checked_messages(messages[:-1] if waiting else messages, f"the dialogue in {what}", "user")


def answered(value: Any, what: str, *, has_prompt: bool) -> tuple[Messages, str]:
    """Return the messages before an answer, none where the answer stands alone, and the answer.

    Examples: "Blue." and [{"role": "assistant", "content": "Blue."}] give ([], "Blue."); a whole dialogue, as messages or as
    one text, is split at its last answer. Beside a prompt only an hh-rlhf transcript is one: a script may be an answer.
    """
    messages = value
    if not isinstance(value, list) or _is_parts(value):
        text = checked_text(value, what)
        messages = transcript(text) if text.startswith("\n\nHuman:") or not has_prompt else None
        if messages is None:
            return [], text
    if len(messages) == 1 and isinstance(messages[0], dict) and messages[0].get("role") == "assistant":
        messages = [{"role": "user", "content": "(the prompt)"}, *messages]
        return [], checked_messages(messages, what, "assistant")[-1]["content"]
    *before, last = checked_messages(messages, what, "assistant")
    return before, last["content"]


def joined(prompt: str | Messages | None, before: Messages, what: str) -> str | Messages | None:
    """Join a row's prompt and the messages that stand before its answers, where both say the same or one goes on from the other.

    Examples: "Hi" and [user Hi] give [user Hi]; [user Hi] and [] give [user Hi].
    """
    if prompt is None or not before:
        return prompt or before or None
    if isinstance(prompt, str):
        if prompt.strip() not in [message["content"].strip() for message in before if message["role"] == "user"]:
            raise BadRow(f'"prompt" is none of the user\'s messages in {what}')
        return before
    if not _same(prompt, before[: len(prompt)]):
        raise BadRow(f'{what} begins with other messages than "prompt"')
    return checked_messages(before, what, "user")


def _same(one: Messages, other: Messages) -> bool:
    return [(m["role"], m["content"].strip()) for m in one] == [(m["role"], m["content"].strip()) for m in other]


def with_system(prompt: str | Messages, system: Any) -> str | Messages:
    """Put a system message before a prompt; an empty one is none."""
    if system is None or (isinstance(system, str) and not system.strip()):
        return prompt
    first = {"role": "system", "content": checked_text(system, '"system"')}
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    if messages[0]["role"] != "system":
        return [first, *messages]
    if messages[0] != first:
        raise BadRow('"system" differs from the system message of the prompt')
    return messages
