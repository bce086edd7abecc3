"""People's comparisons as the data of a run: checked, cut to length, counted, and split by prompt.

Rows go to one of three parts. The run learns from the first: demonstrations, comparisons for its reward model, prompts for
PPO. The judge, a second reward model, learns from the second. On the third nothing is trained: there models are compared.
Two rows whose dialogues begin with the same message belong to the same part, since the later turns of a dialogue often
stand in other rows. Everything that is left out is counted.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..data import pack_documents
from ..files import fingerprint
from ..gpt import GPT
from ..real_data.hub_datasets import best_response
from ..real_data.row_files import Rows, read_comparisons, read_demonstrations, read_prompts, read_text
from ..real_data.splits import split_by_user
from ..records import Comparison, Demonstration, Prompt, hold_out_end
from ..tokenizer import Tokenizer

Row = Comparison | Demonstration | Prompt
SPLIT_SEED = 0
"""The same judge's rows in every run, whatever its seed, so that runs can be compared."""
PIECE = 100_000
"""Characters of text that are tokenised as one document."""
FEW_COMPARISONS = 500
"""With fewer a reward model has learnt next to nothing (ours)."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Say which rows are used, and for what."""

    max_prompt_tokens: int = 512
    """Rows with a longer prompt are left out; answers may have as many tokens as PPO may sample (ours)."""
    judge_share: float = 0.2
    """Share of all comparisons, by prompt, that only the judge learns from (ours)."""
    held_out_share: float = 0.0
    """Share to compare models on, where the data has no folder held_out of its own (ours)."""

    def __post_init__(self):
        if self.max_prompt_tokens < 1:
            raise ValueError(f"max_prompt_tokens is {self.max_prompt_tokens}, expected at least 1")
        if not (0 < self.judge_share < 1 and 0 <= self.held_out_share < 1 and self.judge_share + self.held_out_share < 1):
            raise ValueError(
                f"judge_share {self.judge_share} and held_out_share {self.held_out_share}: expected 0 < judge_share, "
                "0 <= held_out_share, and together less than 1, since the run needs the rest"
            )


@dataclass
class Counts:
    """Count what became of the rows of one file."""

    read: int = 0
    bad: int = 0
    too_long: int = 0
    duplicates: int = 0
    known: int = 0
    """Held-out rows whose prompt stands in the training data too."""
    kept: int = 0


def first_message(prompt: str | list[dict]) -> str:
    r"""Return what names a dialogue: its first message of the user, white space and case aside.

    Example: [{"role": "user", "content": "Hi\n there"}, ...] -> "hi there".
    """
    if not isinstance(prompt, str):
        prompt = next(message["content"] for message in prompt if message["role"] == "user")
    return " ".join(prompt.lower().split())


def answers_of(row: Row) -> tuple[str, ...]:
    """Return a row's answers: all of a comparison, one of a demonstration, none of a prompt."""
    return row.responses if isinstance(row, Comparison) else (row.response,) if isinstance(row, Demonstration) else ()


def fits(row: Row, tokenizer: Tokenizer, max_prompt_tokens: int, max_answer_tokens: int) -> bool:
    """Tell whether a prompt and each of its answers, end token included, are short enough."""
    if not answers_of(row):
        return len(tokenizer.encode_prompt(row.prompt)) <= max_prompt_tokens
    examples = (tokenizer.encode_example(row.prompt, answer) for answer in answers_of(row))
    return all(n <= max_prompt_tokens and len(ids) - n <= max_answer_tokens for ids, n in examples)


class Preferences:
    """The data of a run, as the pipeline asks for it (`pipeline.World`), from a folder that `fetch` wrote.

    The folder holds comparisons.jsonl, and may hold demonstrations.jsonl and prompts.jsonl (else they are taken from the
    comparisons: the preferred answers, the prompts) and held_out/comparisons.jsonl.
    """

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, *, limits: Limits, max_answer_tokens: int, text: Path | None = None,
        base: str = "", skip_bad_rows: bool = False, tell: Callable[[str], None] = print,
    ):  # fmt: skip
        """Read and check everything, before anything is trained.

        Raises: FileNotFoundError, ValueError: naming what is missing or empty, and what to do.
        """
        self.tokenizer, self.limits, self.max_answer_tokens, self.base = tokenizer, limits, max_answer_tokens, base
        self.skip_bad_rows, self.tell = skip_bad_rows, tell
        self.counts: dict[str, Counts] = {}
        self.watch: Callable[[GPT], dict[str, Any]] | None = None
        """What PPO measures on the way; nothing is trained on it."""
        self.text, self.held_out_text = hold_out_end(read_text(text)) if text else (None, "")
        comparisons = self._read(folder, "comparisons", read_comparisons)
        held_out = self._read(folder, "held_out/comparisons", read_comparisons, optional=True)
        best = [Demonstration(**best_response(row)) for row in comparisons]
        demonstrations = self._read(folder, "demonstrations", read_demonstrations, optional=True) or _once(best)
        prompts = self._read(folder, "prompts", read_prompts, optional=True) or _once(Prompt(row.prompt) for row in comparisons)
        parts = self._deal(comparisons, own_held_out=bool(held_out))
        self.comparisons, self.judge_comparisons = parts["run"], parts["judge"]
        self.own_demonstrations = self._deal(demonstrations, own_held_out=bool(held_out))["run"]
        self.own_prompts = self._deal(prompts, own_held_out=bool(held_out))["run"]
        self.held_out = self._unknown(held_out, [*comparisons, *demonstrations, *prompts]) if held_out else parts["held_out"]
        self._check(folder)

    def _read(self, folder: Path, name: str, reader: Callable[..., Rows], *, optional: bool = False) -> list[Row]:
        """Read a file and leave out what is too long or there twice."""
        path = folder / f"{name}.jsonl"
        if optional and not path.exists():
            return []
        rows = reader(path, skip_bad_rows=self.skip_bad_rows)
        short = [row for row in rows.items if fits(row, self.tokenizer, self.limits.max_prompt_tokens, self.max_answer_tokens)]
        kept = _once(short)
        self.counts[name] = Counts(
            read=len(rows.items) + len(rows.skipped), bad=len(rows.skipped), too_long=len(rows.items) - len(short),
            duplicates=len(short) - len(kept), kept=len(kept),
        )  # fmt: skip
        return kept

    def _unknown(self, held_out: list[Row], trained: list[Row]) -> list[Row]:
        """Leave out held-out rows whose prompt begins as one of the training rows does."""
        known = {first_message(row.prompt) for row in trained}
        kept, counts = [row for row in held_out if first_message(row.prompt) not in known], self.counts["held_out/comparisons"]
        counts.known, counts.kept = len(held_out) - len(kept), len(kept)
        return kept

    def _deal(self, rows: Sequence[Row], *, own_held_out: bool) -> dict[str, list[Row]]:
        """Deal rows out by the first message of their prompt."""
        held_out = 0.0 if own_held_out else self.limits.held_out_share
        shares = {"run": 1 - self.limits.judge_share - held_out, "judge": self.limits.judge_share, "held_out": held_out}
        places = split_by_user([first_message(row.prompt) for row in rows], shares, SPLIT_SEED)
        return {name: [rows[i] for i in chosen] for name, chosen in places.items()}

    def _check(self, folder: Path) -> None:
        counted = "; ".join(f"{name}: {asdict(counts)}" for name, counts in self.counts.items())
        needed = {"comparisons of the run": self.comparisons, "comparisons of the judge": self.judge_comparisons,
                  "demonstrations": self.own_demonstrations, "prompts": self.own_prompts}  # fmt: skip
        for what, rows in needed.items():
            if not rows:
                raise ValueError(f"no {what} are left ({counted}): give more rows, or a larger --max-prompt-tokens")
        if not self.held_out:
            raise ValueError(
                f"{folder} has no held-out comparisons to compare models on ({counted}): fetch it with --held-out-file, "
                "put some into held_out/comparisons.jsonl, or give --held-out-share 0.1"
            )
        for what, rows in list(needed.items())[:2]:
            if len(rows) < FEW_COMPARISONS:
                self.tell(f"note: only {len(rows)} {what}: a reward model learns next to nothing from so few")

    def check_text(self, window: int, train_window: int) -> None:
        """Check that the text fills at least one window of each kind. Raises: ValueError."""
        held_out = len(pack_documents(self.held_out_documents(), self.tokenizer))
        if held_out < window or 9 * held_out < train_window:
            raise ValueError(f"the last tenth of the text has {held_out} tokens, expected at least {window}: give more text")

    def describe(self) -> dict[str, Any]:
        """Name the base model, the limits and every part by a fingerprint."""
        rows = {"comparisons": self.comparisons, "judge": self.judge_comparisons, "held_out": self.held_out,
                "demonstrations": self.own_demonstrations, "prompts": self.own_prompts}  # fmt: skip
        about = {name: fingerprint([asdict(row) for row in items]) for name, items in rows.items()}
        about |= {"text": fingerprint([self.text])} if self.text is not None else {}
        return about | {"base": self.base, "limits": asdict(self.limits)}

    def documents(self, count: int) -> list[str]:
        """Return the first nine tenths of the text, in pieces."""
        return list(_pieces(self.text or ""))

    def held_out_documents(self) -> list[str]:
        """Return the last tenth of the text, in pieces."""
        return list(_pieces(self.held_out_text))

    def primer(self, count: int) -> list[str]:
        """Return nothing: the base model is trained already."""
        return []

    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Return the run's demonstrations."""
        return self.own_demonstrations

    def given_comparisons(self) -> list[Comparison]:
        """Return the run's comparisons: nothing is sampled or ranked."""
        return self.comparisons

    def given_score(self) -> None:
        """Return None: the run's reward model scores."""
        return None

    def comparison_prompts(self, incoming: int, count: int) -> list[str]:
        """Refuse: the comparisons are given."""
        raise NotImplementedError("the comparisons are given")

    def rank(self, prompts: list[str], answers: list[list[str]]) -> list[list[int]]:
        """Refuse: nobody is there to rank."""
        raise NotImplementedError("the comparisons are given")

    def ppo_prompts(self, incoming: int) -> list[Any]:
        """Return the run's prompts."""
        return [row.prompt for row in self.own_prompts]

    def monitor(self, model: GPT, tokenizer: Tokenizer) -> dict[str, Any]:
        """Measure what `watch` measures."""
        return self.watch(model) if self.watch else {}


def _once(rows: Iterator[Row] | Sequence[Row]) -> list[Row]:
    """Drop rows that are there already, word for word."""
    return list({repr(row): row for row in rows}.values())


def _pieces(text: str) -> Iterator[str]:
    """Cut a text at ends of paragraphs, about every PIECE characters: the tokenizer takes pieces side by side."""
    yield from re.findall(rf"(?s).{{1,{PIECE}}}(?:\n\n|\Z)|.{{1,{PIECE}}}", text)
