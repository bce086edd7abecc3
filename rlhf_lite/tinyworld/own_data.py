"""The reader's own files in place of the tiny world's texts, demonstrations, comparisons, prompts or score."""

import importlib
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..files import fingerprint
from ..real_data.row_files import Rows, read_comparisons, read_demonstrations, read_prompts, read_text
from ..records import Comparison, Demonstration, hold_out_end
from ..reward import RewardConfig
from .world import TinyWorld

FEW_STEPS = 20
"""With fewer a reward model, which starts as the SFT model, has learnt next to nothing (ours)."""


class OwnData(TinyWorld):
    """A world whose parts come from files where the reader gave one, and from the tiny world elsewhere."""

    def __init__(
        self,
        seed: int,
        *,
        text: Path | None = None,
        demonstrations: Path | None = None,
        comparisons: Path | None = None,
        prompts: Path | None = None,
        score_fn: str | None = None,
        skip_bad_rows: bool = False,
        tell: Callable[[str], None] = print,
    ):
        super().__init__(seed)
        self.skip_bad_rows, self.tell = skip_bad_rows, tell
        self.text = read_text(text) if text else None
        # all files are read and checked before anything is trained
        self.own_demonstrations = self._read(read_demonstrations, demonstrations)
        self.own_comparisons = self._read(read_comparisons, comparisons)
        self.own_prompts = self._read(read_prompts, prompts)
        self.score_fn_name = score_fn
        self.own_score_fn = load_function(score_fn) if score_fn else None

    def describe(self) -> dict[str, str]:
        """Return a fingerprint of every part that is the reader's own."""
        rows = {"demonstrations": self.own_demonstrations, "comparisons": self.own_comparisons, "prompts": self.own_prompts}
        found = {name: fingerprint([asdict(item) for item in items]) for name, items in rows.items() if items is not None}
        found |= {"text": fingerprint([self.text])} if self.text is not None else {}
        return found | ({"score_fn": self.score_fn_name} if self.score_fn_name else {})

    def _read(self, reader: Callable[..., Rows], path: Path | None) -> list | None:
        if path is None:
            return None
        rows = reader(path, skip_bad_rows=self.skip_bad_rows)
        if rows.skipped:
            self.tell(f"{path}: skipped {len(rows.skipped)} bad rows\n" + "\n".join(rows.skipped))
        return rows.items

    def documents(self, count: int) -> list[str]:
        """Return the first nine tenths of the reader's text, or the tiny world's documents."""
        return super().documents(count) if self.text is None else [hold_out_end(self.text)[0]]

    def held_out_documents(self) -> list[str]:
        """Return the last tenth of the reader's text, or the tiny world's held-out documents."""
        return super().held_out_documents() if self.text is None else [hold_out_end(self.text)[1]]

    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Return the reader's demonstrations, or the labelers'."""
        return super().demonstrations(incoming) if self.own_demonstrations is None else self.own_demonstrations

    def given_comparisons(self) -> list[Comparison] | None:
        """Return the reader's comparisons, if there are any: then nothing is sampled or ranked."""
        return self.own_comparisons

    def warn_of_few_steps(self, config: RewardConfig) -> None:
        """Say so where the reader's comparisons are too few to learn much from, and what to do."""
        count = len(self.own_comparisons)
        steps = config.steps(count)
        if steps < FEW_STEPS:
            self.tell(
                f"note: {count} comparisons make {steps} training steps, too few to learn much from: rank more answers, or take "
                f"smaller steps and more passes: --reward.batch-size 4 --reward.epochs {math.ceil(FEW_STEPS * 4 / count)}"
            )

    def ppo_prompts(self, incoming: int) -> list:
        """Return the reader's prompts, or the tiny world's."""
        return super().ppo_prompts(incoming) if self.own_prompts is None else [row.prompt for row in self.own_prompts]

    def given_score(self) -> Callable[[list[str], list[str]], list[float]] | None:
        """Return the reader's own score_fn(prompts, responses), if there is one: then no reward model is asked."""
        return self.own_score_fn


def load_function(name: str) -> Callable:
    """Import "package.module:function" from the working directory or the installed packages."""
    module, _, function = name.partition(":")
    if not function:
        raise ValueError(f"score_fn is {name!r}, expected MODULE:FUNCTION, such as my_rewards:short_answers")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"cannot load {name!r}: {error}; run from the folder that holds {module}.py") from None
    if not callable(found):
        raise ValueError(f"{name!r} is a {type(found).__name__}, expected a function score_fn(prompts, responses)")
    return found
