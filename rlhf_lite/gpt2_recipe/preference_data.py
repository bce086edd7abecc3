"""People's comparisons as the data of a run: checked, cut to length, counted, and split by prompt.

Rows go to one of three parts. The run learns from the first: demonstrations, comparisons for its reward model, prompts for
PPO. The judge, a second reward model, learns from the second. On the third nothing is trained: there models are compared.
Rows whose dialogues begin with the same message go to the same part, since the later turns of a dialogue often stand in
other rows; where most dialogues begin with one message, such as a greeting, rows are split by the whole prompt instead.
Everything that is left out is counted.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
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
"""Whatever the run's seed, the judge has the same rows, so that runs can be compared."""
PIECE = 100_000
"""Characters of text that are tokenised as one document."""
FEW_COMPARISONS = 500
"""With fewer a reward model has learnt next to nothing (ours)."""

SHORTER = "give more rows, or a larger --max-prompt-tokens"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Which rows are used, and for what."""

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


def first_message(prompt: str | list[dict]) -> str:
    r"""Return the user's first message, white space and case aside.

    Example: [{"role": "user", "content": "Hi\n there"}, ...] -> "hi there".
    """
    if not isinstance(prompt, str):
        prompt = next(message["content"] for message in prompt if message["role"] == "user")
    return " ".join(prompt.lower().split())


def whole_prompt(prompt: str | list[dict]) -> str:
    """Return all messages of a prompt as one text, white space and case aside."""
    return " ".join((prompt if isinstance(prompt, str) else json.dumps(prompt)).lower().split())


def is_short_enough(row: Row, tokenizer: Tokenizer, max_prompt_tokens: int, max_answer_tokens: int) -> bool:
    """Whether a prompt and each of its answers, end token included, have at most so many tokens."""
    if isinstance(row, Prompt):
        return len(tokenizer.encode_prompt(row.prompt)) <= max_prompt_tokens
    answers = row.responses if isinstance(row, Comparison) else (row.response,)
    examples = (tokenizer.encode_example(row.prompt, answer) for answer in answers)
    return all(n <= max_prompt_tokens and len(ids) - n <= max_answer_tokens for ids, n in examples)


class Preferences:
    """The data of a run, as the pipeline asks for it (`pipeline.World`), from a folder that `fetch` wrote.

    The folder holds comparisons.jsonl, and may hold demonstrations.jsonl and prompts.jsonl (else they are taken from the
    comparisons: the preferred answers, the prompts) and held_out/comparisons.jsonl.
    """

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, *, limits: Limits, max_answer_tokens: int, text: Path | None = None,
        base: str = "", skip_bad_rows: bool = False, show: Callable[[str], None] = print,
    ):  # fmt: skip
        """Read and check everything, before anything is trained.

        Raises: FileNotFoundError, ValueError: naming what is missing or empty, and what to do.
        """
        self.folder, self.tokenizer, self.limits, self.base, self.show = folder, tokenizer, limits, base, show
        self.max_answer_tokens, self.skip_bad_rows = max_answer_tokens, skip_bad_rows
        self.counts: dict[str, dict[str, int]] = {}
        """File -> what became of its rows; "known" are held-out rows whose prompt is in the training data too."""
        self.watch: Callable[[GPT], dict[str, Any]] | None = None
        """What PPO measures on the way; nothing is trained on it."""
        self.text, self.held_out_text = hold_out_end(read_text(text)) if text else (None, "")
        comparisons = self._read("comparisons", read_comparisons)
        held_out = self._read("held_out/comparisons", read_comparisons, optional=True)
        demonstrations = self._read("demonstrations", read_demonstrations, optional=True)
        demonstrations = demonstrations or _once(Demonstration(**best_response(row)) for row in comparisons)
        prompts = self._read("prompts", read_prompts, optional=True) or _once(Prompt(row.prompt) for row in comparisons)
        self.split_by = self._choose_split(comparisons)
        held_out_share = 0.0 if held_out else limits.held_out_share
        parts = self._split(comparisons, held_out_share)
        self.comparisons, self.judge_comparisons, self.held_out = parts["run"], parts["judge"], parts["held_out"]
        self.own_demonstrations = self._split(demonstrations, held_out_share)["run"]
        self.own_prompts = self._split(prompts, held_out_share)["run"]
        if held_out:
            self.held_out = self._without_known(held_out, [*comparisons, *demonstrations, *prompts])
        self._check(comparisons)

    def _read(self, name: str, reader: Callable[..., Rows], *, optional: bool = False) -> list[Row]:
        """Read a file and leave out what is too long or there twice."""
        path = self.folder / f"{name}.jsonl"
        if optional and not path.exists():
            return []
        rows, sizes = reader(path, skip_bad_rows=self.skip_bad_rows), (self.limits.max_prompt_tokens, self.max_answer_tokens)
        short = [row for row in rows.items if is_short_enough(row, self.tokenizer, *sizes)]
        kept = _once(short)
        self.counts[name] = {"read": len(rows.items) + len(rows.skipped), "bad": len(rows.skipped), "known": 0, "kept": len(kept),
                             "too_long": len(rows.items) - len(short), "duplicates": len(short) - len(kept)}  # fmt: skip
        return kept

    def _choose_split(self, comparisons: list[Row]) -> Callable[[Any], str]:
        """Split by first message, but by the whole prompt where one first message begins more than half of the rows."""
        [(message, count), *_] = Counter(first_message(row.prompt) for row in comparisons).most_common(1) or [("", 0)]
        if 2 * count <= len(comparisons):
            return first_message
        self.show(f"note: {count:,} of {len(comparisons):,} dialogues begin with {message[:40]!r}, so rows are split by their "
                  "whole prompt, and turns of one dialogue may lie in several parts")  # fmt: skip
        return whole_prompt

    def _without_known(self, held_out: list[Row], trained: list[Row]) -> list[Row]:
        """Leave out held-out rows whose prompt is one of the training rows', as `split_by` sees it."""
        known = {self.split_by(row.prompt) for row in trained}
        kept = [row for row in held_out if self.split_by(row.prompt) not in known]
        self.counts["held_out/comparisons"] |= {"known": len(held_out) - len(kept), "kept": len(kept)}
        return kept

    def _split(self, rows: Sequence[Row], held_out_share: float) -> dict[str, list[Row]]:
        judge = self.limits.judge_share
        shares = {"run": 1 - judge - held_out_share, "judge": judge, "held_out": held_out_share}
        places = split_by_user([self.split_by(row.prompt) for row in rows], shares, SPLIT_SEED)
        return {name: [rows[i] for i in chosen] for name, chosen in places.items()}

    def _check(self, comparisons: list[Row]) -> None:
        counted = "; ".join(f"{name}: {counts}" for name, counts in self.counts.items())
        needed = {"comparisons of the run": self.comparisons, "comparisons of the judge": self.judge_comparisons,
                  "demonstrations": self.own_demonstrations, "prompts": self.own_prompts}  # fmt: skip
        different = len({self.split_by(row.prompt) for row in comparisons})
        for what, rows in needed.items():
            if not rows:
                keys = "prompts" if self.split_by is whole_prompt else "first messages"
                cause = (
                    f"{len(comparisons)} comparisons have {different} different {keys}, and rows with the same one stay "
                    "together, for the run or for the judge: give comparisons with more different prompts"
                )
                raise ValueError(f"no {what} are left: {cause if comparisons else f'{counted}: {SHORTER}'}")
        if not self.held_out:
            raise ValueError(
                f"{self.folder} has no held-out comparisons to compare models on ({counted}): fetch it with --held-out-file, "
                "put some with other prompts into held_out/comparisons.jsonl, or give --held-out-share 0.1"
            )
        for what, rows in list(needed.items())[:2]:
            if len(rows) < FEW_COMPARISONS:
                self.show(f"note: only {len(rows)} {what}: a reward model learns next to nothing from so few")

    def check_text(self, window: int, train_window: int) -> None:
        """Check that the text fills at least one window of each kind. Raises: ValueError."""
        held_out = len(pack_documents(self.held_out_documents(), self.tokenizer))
        if held_out < window or 9 * held_out < train_window:
            raise ValueError(f"the last tenth of the text has {held_out} tokens, expected at least {window}: give more text")

    def describe(self) -> dict[str, Any]:
        """Identify the base model, the limits and every part, so that two runs with other data cannot share a folder."""
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

    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Return the run's demonstrations."""
        return self.own_demonstrations

    def text_to_mix_in(self, count: int) -> list[str]:
        """Return the text, in pieces, if there is one."""
        return self.documents(count)

    def given_comparisons(self) -> list[Comparison]:
        """Return the run's comparisons: nothing is sampled or ranked."""
        return self.comparisons

    def given_score(self) -> None:
        """Return None: the run's reward model scores."""
        return None

    def ppo_prompts(self, incoming: int) -> list[Any]:
        """Return the run's prompts."""
        return [row.prompt for row in self.own_prompts]

    def monitor(self, model: GPT, tokenizer: Tokenizer) -> dict[str, Any]:
        """Measure what `watch` measures."""
        return self.watch(model) if self.watch else {}


def _once(rows: Iterable[Row]) -> list[Row]:
    """Drop rows that are there already, word for word."""
    return list({repr(row): row for row in rows}.values())


def _pieces(text: str) -> Iterator[str]:
    """Cut a text at ends of paragraphs, about every PIECE characters: the tokenizer takes pieces side by side."""
    yield from re.findall(rf"(?s).{{1,{PIECE}}}(?:\n\n|\Z)|.{{1,{PIECE}}}", text)
