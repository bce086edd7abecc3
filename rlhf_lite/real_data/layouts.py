"""Which rows become demonstrations, comparisons and prompts: TRL's layouts, hh-rlhf's, Alpaca's, and rankings.

A prompt is a text or messages:

    {"prompt": ...}   {"messages": [...]} that end with the user's   {"instruction": ..., "input": ...}   (Alpaca's)

A demonstration is a prompt with "response", "completion" or "output", or a whole dialogue as {"messages": [...]}; where a
row has both, the messages count. A comparison is a prompt with one of two:

    {"chosen": ..., "rejected": ...}          one pair
    {"responses": [...], "ranking": [...]}    one number per response, the lowest is best, ties allowed

An answer is a text or an assistant's message. It may also be a whole dialogue, as messages or as an hh-rlhf transcript; then
the row needs no "prompt", and dialogues that are compared must be the same up to the last answer. "system" beside them
becomes the system message. All other keys (user ids, dates, scores) are ignored, and a key whose value is null is missing.
"""

import math
from dataclasses import dataclass
from typing import Any

from ..records import Comparison, Demonstration, Prompt
from .dialogues import BadRow, Messages, answered, checked_messages, checked_prompt, checked_text, joined, with_system

DEMONSTRATION_EXAMPLE = '{"prompt": "Name a color.", "response": "Blue."}'
COMPARISON_EXAMPLE = '{"prompt": "Name a color.", "responses": ["Blue.", "A dog.", "Red."], "ranking": [1, 2, 1]}'
PROMPT_EXAMPLE = '{"prompt": "Name a color."}'
ANSWER_KEYS = ("response", "completion", "output")


@dataclass(frozen=True)
class UnreadLayout:
    """A layout of other programs that is not read, and what to write in its place."""

    name: str
    keys: frozenset[str]
    """keys that all its rows have"""
    write: str
    """a row of ours, made of its keys"""


UNREAD_LAYOUTS = [UnreadLayout(name, frozenset(keys.split()), write) for name, keys, write in (
    ("LLaMA-Factory's preferences (ShareGPT)", "conversations chosen rejected",
     '{"prompt": [{"role": "user", "content": value of conversations}, ...], "chosen": its value, "rejected": its value}'),
    ("glaive's tool calls", "conversations tools", '{"messages": [...]} with user and assistant alone: tools are not supported'),
    ("ShareGPT", "conversations", '{"messages": [{"role": "user" for human, "assistant" for gpt, "content": value}, ...]}'),
    ("glaive's tool calls", "system chat", '{"messages": [...]} with user and assistant alone: tools are not supported'),
    ("Stanford's SHP", "history human_ref_A human_ref_B",
     '{"prompt": history, "responses": [human_ref_A, human_ref_B], "ranking": [1 - labels, labels]}'),
    ("WebGPT's comparisons", "question answer_0 answer_1",
     '{"prompt": full_text of question, "responses": [answer_0, answer_1], "ranking": [-score_0, -score_1]}'),
    ("PKU-SafeRLHF", "prompt response_0 response_1",
     '{"prompt": prompt, "responses": [response_0, response_1], "ranking": [better_response_id, 1 - better_response_id]}'),
    ("HelpSteer's preferences", "prompt response_1 response_2",
     '{"prompt": prompt, "responses": [response_1, response_2], "ranking": [preference_strength, -preference_strength]}'),
    ("HelpSteer", "prompt response helpfulness",
     '{"prompt": prompt, "responses": [every response to it], "ranking": [-helpfulness of each]}'),
    ("Alpaca Farm's preferences", "instruction output_1 output_2",
     '{"prompt": instruction, "responses": [output_1, output_2], "ranking": [preference - 1, 2 - preference]}'),
    ("UltraFeedback before it was made into pairs", "instruction completions",
     '{"prompt": instruction, "responses": [response of each], "ranking": [-overall_score of each]}'),
    ("Open Assistant's trees", "message_id message_tree_id text",
     '{"messages": [{"role": "user" for prompter, "content": text}, ...]}, from the root down by parent_id'),
    ("Dolly", "instruction context response", '{"prompt": instruction and context in one text, "response": response}'),
    ("TRL's KTO", "prompt completion label",
     '{"prompt": prompt, "response": completion} of those whose label is true, or pairs with "chosen" and "rejected"'),
    ("OpenOrca", "question response", '{"system": system_prompt, "prompt": question, "response": response}'),
    ("pairs from OpenOrca", "question chosen rejected",
     '{"system": system, "prompt": question, "chosen": chosen, "rejected": rejected}'),
    ("a message outside a dialogue, or a dialogue as a bare list", "role content", '{"messages": [all its messages]}'),
)]  # fmt: skip


def parse_demonstration(row: dict[str, Any]) -> Demonstration:
    """Make a demonstration of a row without nulls. Raises: BadRow."""
    labels = [row[key] for key in ("label", "kto_tag") if key in row]
    if any(type(label) is bool or ("completion" in row and label in (0, 1)) for label in labels):
        raise BadRow("its label says whether the answer is good, and a demonstration is always good")
    if "messages" in row:
        *prompt, last = checked_messages(row["messages"], '"messages"', "assistant")
        return Demonstration(with_system(prompt, row.get("system")), last["content"])
    key = next((key for key in ANSWER_KEYS if key in row), "response")
    prompt, (response,) = _prompt_and_answers(row, {f'"{key}"': _need(row, key, first="prompt")})
    return Demonstration(prompt, response)


def parse_comparison(row: dict[str, Any]) -> Comparison:
    """Make a comparison of a row without nulls. Bad too are rows that rank nothing: all tied, or all answers the same."""
    if "chosen" in row or "rejected" in row:
        prompt, responses = _prompt_and_answers(row, {f'"{key}"': _need(row, key) for key in ("chosen", "rejected")})
        return _ranked(prompt, responses, [0, 1])
    given, ranking = _need(row, "responses", first="prompt"), _need(row, "ranking")
    if not isinstance(given, list) or len(given) < 2:
        raise BadRow('"responses" must be a list of at least 2 texts')
    answers = {f'number {number} of "responses"': response for number, response in enumerate(given, start=1)}
    return _ranked(*_prompt_and_answers(row, answers), ranking)


def parse_prompt(row: dict[str, Any]) -> Prompt:
    """Make a prompt of a row without nulls. Raises: BadRow."""
    if "messages" in row and "prompt" not in row:
        return Prompt(with_system(checked_messages(row["messages"], '"messages"', "user"), row.get("system")))
    prompt = _own_prompt(row)
    if prompt is None:
        _need(row, "prompt")
    return Prompt(with_system(prompt, row.get("system")))


PARSERS = {Demonstration: parse_demonstration, Comparison: parse_comparison, Prompt: parse_prompt}
EXAMPLES = {Demonstration: DEMONSTRATION_EXAMPLE, Comparison: COMPARISON_EXAMPLE, Prompt: PROMPT_EXAMPLE}


def parse(kind: type, row: Any) -> Demonstration | Comparison | Prompt:
    """Make a record of one kind of a row.

    Raises: BadRow saying what is wrong and, where the row has a layout of UNREAD_LAYOUTS, which and what to write instead.
    """
    if not isinstance(row, dict):
        hint = ': write {"messages": [...]}' if isinstance(row, list) and row and isinstance(row[0], dict) else ""
        raise BadRow(f"expected one JSON object per line, got {type(row).__name__}{hint}")
    row = {key: value for key, value in row.items() if value is not None}
    try:
        return PARSERS[kind](row)
    except BadRow as error:
        layout = next((layout for layout in UNREAD_LAYOUTS if layout.keys <= row.keys()), None)
        if layout is None:
            raise
        raise BadRow(f"{error}; this is the layout of {layout.name}: write {layout.write}") from None


def _need(row: dict[str, Any], key: str, first: str | None = None) -> Any:
    """Return the value of a key; of two missing ones `first` is named."""
    if key not in row:
        missing = first if first and _own_prompt(row) is None else key
        raise BadRow(f'no key "{missing}"; the keys with a value are {sorted(row)}')
    return row[key]


def _own_prompt(row: dict[str, Any]) -> str | Messages | None:
    """Return the prompt that a row has beside its answers: its own, or Alpaca's instruction with the input below it."""
    if "prompt" in row or "instruction" not in row:
        return checked_prompt(row["prompt"], '"prompt"') if "prompt" in row else None
    if row.get("context") or row.get("history"):
        raise BadRow('"context" and "history" are not read')
    text = checked_text(row["instruction"], '"instruction"')
    if str(row.get("input", "")).strip():
        text += "\n" + checked_text(row["input"], '"input"')
    return checked_prompt(text, '"instruction"')


def _prompt_and_answers(row: dict[str, Any], answers: dict[str, Any]) -> tuple[str | Messages, list[str]]:
    """Return a row's prompt, and its answers without it; `answers` has what messages call each one, and its value."""
    prompt = _own_prompt(row)
    split = [answered(value, what, has_prompt=prompt is not None) for what, value in answers.items()]
    before, what = split[0][0], next(iter(answers))
    if any(other != before for other, _ in split):
        raise BadRow(f"{' and '.join(answers)} differ before the last answer")
    prompt = joined(prompt, before, what)
    if prompt is None:
        keys = f"the keys with a value are {sorted(row)}"
        raise BadRow(f'no key "prompt", and {what} is no dialogue that begins with "\\n\\nHuman:"; {keys}')
    return with_system(prompt, row.get("system")), [answer for _, answer in split]


def _ranked(prompt: str | Messages, responses: list[str], ranking: Any) -> Comparison:
    """Count the ranks from 0: ranking [1, 5, 1] becomes ranks (0, 1, 0)."""
    if not isinstance(ranking, list) or not all(_is_number(rank) for rank in ranking):
        raise BadRow('"ranking" must be a list of numbers, one per response, the lowest for the best')
    if len(ranking) != len(responses):
        raise BadRow(f'"ranking" has {len(ranking)} numbers for {len(responses)} responses')
    order = sorted(set(ranking))
    if len(order) == 1 or len({response.strip() for response in responses}) == 1:
        raise BadRow("nothing is ranked: the responses are all tied or all the same")
    return Comparison(prompt, tuple(responses), tuple(order.index(rank) for rank in ranking))


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))  # True is an int, but no rank
