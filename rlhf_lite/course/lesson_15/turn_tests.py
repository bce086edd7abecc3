"""Ask a model the same question alone, within a dialogue, and in words that need the dialogue without it."""

import random
from collections.abc import Callable, Sequence

from ...evaluate import sample
from ...gpt import GPT
from ...tinyworld import words as w
from ...tinyworld.dialogues import Dialogue, Turn, is_right
from ...tinyworld.judge import judge
from ...tinyworld.prompts import Request, draw_requests
from ...tokenizer import Tokenizer
from .dialogue_training import Messages

ASKED = ("alone", "within", "own", "words")
"""In one prompt that says all; after good answers to the turns before; after the model's own; the words without any history."""
MAX_NEW_TOKENS = 40


def likeliest_answers(model: GPT, tokenizer: Tokenizer, prompts: Sequence[str | Messages]) -> list[str]:
    """Answer every prompt with the likeliest tokens (temperature 0); return the first line of each answer."""
    ids = [tokenizer.encode_prompt(prompt) for prompt in prompts]
    drawn = sample(
        model, ids, seed=0, temperature=0.0, max_new_tokens=MAX_NEW_TOKENS, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id
    )
    return [tokenizer.decode_response(answer).split("\n")[0].strip() for answer in drawn]


def ask_turns(model: GPT, tokenizer: Tokenizer, dialogues: Sequence[Dialogue]) -> list[dict[str, list[str]]]:
    """Ask every turn of dialogues of equal length in all four ways; return the answers, by turn and way, one per dialogue."""
    told: list[list[str]] = [[] for _ in dialogues]
    found = []
    for number in range(len(dialogues[0].turns)):
        turns = [each.turns[number] for each in dialogues]
        prompts = {
            "alone": [turn.request.prompt for turn in turns],
            "within": [each.messages(number) for each in dialogues],
            "own": [each.messages(number, answers) for each, answers in zip(dialogues, told, strict=True)],
            "words": [turn.words for turn in turns],
        }
        answers = {way: likeliest_answers(model, tokenizer, prompts[way]) for way in ASKED}
        for row, answer in zip(told, answers["own"], strict=True):
            row.append(answer)
        found.append(answers)
    return found


def turn_rows(dialogues: Sequence[Dialogue], found: Sequence[dict[str, list[str]]]) -> list[dict]:
    """Score what `ask_turns` found: one row per turn number and need of history, with shares that are right and mean gold.

    Shares stand under "right", mean gold under "gold", both by way of asking; "by_kind" holds the shares within the dialogue.
    """
    rows = []
    for number, answers in enumerate(found):
        for needs_history in (False, True):
            chosen = [i for i, each in enumerate(dialogues) if each.turns[number].needs_history == needs_history]
            if not chosen:
                continue
            turns = [dialogues[i].turns[number] for i in chosen]
            right = {way: _mean(turns, [answers[way][i] for i in chosen], is_right) for way in ASKED}
            gold = {way: _mean(turns, [answers[way][i] for i in chosen], gold_of) for way in ASKED}
            rows.append({"turn": number + 1, "needs_history": needs_history, "n": len(chosen), "right": right, "gold": gold,
                         "by_kind": _by_kind(dialogues, number, answers["within"], chosen)})  # fmt: skip
    return rows


def gold_of(turn: Turn, answer: str) -> float:
    """The judge's gold score of an answer to a turn."""
    return judge(turn.request, answer).gold


def _mean(turns: Sequence[Turn], answers: Sequence[str], score: Callable[[Turn, str], float]) -> float:
    return sum(score(turn, answer) for turn, answer in zip(turns, answers, strict=True)) / len(turns)


def _by_kind(dialogues: Sequence[Dialogue], number: int, answers: Sequence[str], chosen: Sequence[int]) -> dict[str, float]:
    kinds = dict.fromkeys(dialogues[i].kind for i in chosen)
    members = {kind: [i for i in chosen if dialogues[i].kind == kind] for kind in kinds}
    return {kind: _mean([dialogues[i].turns[number] for i in rows], [answers[i] for i in rows], is_right)
            for kind, rows in members.items()}  # fmt: skip


def long_talks(seed: int | str, count: int, between: int) -> list[tuple[Messages, str]]:
    """Draw conversations in which a name is told, `between` exchanges on other subjects follow, and the name is needed.

    Returns: messages, and the name that belongs into the answer to the last one.
    """
    rng, found = random.Random(f"long talks {seed} {between}"), []
    for _ in range(count):
        name, thing = rng.choice(w.NAMES), rng.choice(w.GOODS)
        messages = [_user(f"Hello, I am {name}."), _assistant(f"Hello {name}, nice to meet you.")]
        for request in _nameless(rng, between):
            messages += [_user(request.prompt), _assistant(request.good)]
        found.append(([*messages, _user(f"Thank you for the {thing}.")], name))
    return found


def _nameless(rng: random.Random, count: int) -> list[Request]:
    drawn = draw_requests(rng.randrange(2**32), 12 * count, held_out=True, use_cases=["other", "open_qa"])
    return [r for r in drawn if not any(name in r.prompt for name in w.NAMES)][:count]


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def name_shares(
    model: GPT,
    tokenizer: Tokenizer,
    cut: Callable[[Messages, Tokenizer, int], Messages],
    *,
    seed: int | str,
    count: int,
    most: int,
) -> list[float]:
    """Share of answers that name the person, after 0 to `most` exchanges between, if history is cut by `cut`."""
    room, shares = model.config.context_length - MAX_NEW_TOKENS, []
    for between in range(most + 1):
        talks = long_talks(seed, count, between)
        answers = likeliest_answers(model, tokenizer, [cut(messages, tokenizer, room) for messages, _ in talks])
        shares.append(sum(name in answer for answer, (_, name) in zip(answers, talks, strict=True)) / count)
    return shares
