"""The reader's own files: texts, demonstrations, comparisons, prompts or score; and what then becomes of the tiny world."""

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ..files import fingerprint
from ..gpt import GPT
from ..real_data.row_files import Rows, read_comparisons, read_demonstrations, read_prompts, read_text
from ..real_data.score_functions import ScoreFunctionError, text_score
from ..records import Comparison, Demonstration, PrimerTerm, hold_out_end
from ..reward import RewardConfig
from ..tokenizer import Tokenizer
from .world import TinyWorld

FEW_STEPS = 20
"""With fewer a reward model, which starts as the SFT model, has learnt next to nothing (ours)."""
NEEDS = {"pretrain": "text", "sft": "demonstrations", "comparisons": "comparisons", "ppo_ptx": "text"}
"""What a stage of a run on own data cannot do without."""


class OwnData(TinyWorld):
    """A world of the reader's own files, or the tiny world where none are given.

    Where nothing is the reader's own, everything is the tiny world's. Where anything is, given now or to an earlier stage,
    the tiny world teaches, ranks and judges nothing: what is not given is taken from the reader's other rows (prompts from
    comparisons or demonstrations, the score's zero from the best answers), done without (gold scores), or asked for by its
    option. Only prompts for PPO may then come from it, where the base model was trained on it, and a note says so.
    """

    def __init__(
        self, seed: int, *, text: Path | None = None, demonstrations: Path | None = None, comparisons: Path | None = None,
        prompts: Path | None = None, score_fn: str | None = None, skip_bad_rows: bool = False, tell: Callable[[str], None] = print,
        drills: bool = False,
    ):  # fmt: skip
        super().__init__(seed, drills=drills)
        self.skip_bad_rows, self.tell = skip_bad_rows, tell
        self.before: set[str] = set()
        """Parts of earlier stages that were the reader's own."""
        self.text = read_text(text) if text else None
        # all files are read and checked before anything is trained
        self.own_demonstrations = self._read(read_demonstrations, demonstrations)
        self.own_comparisons = self._read(read_comparisons, comparisons)
        self.own_prompts = self._read(read_prompts, prompts)
        self.score_fn_name = score_fn
        self.own_score_fn = load_function(score_fn) if score_fn else None
        given = {"text": (text, self.text), "demonstrations": (demonstrations, self.own_demonstrations),
                 "comparisons": (comparisons, self.own_comparisons), "prompts": (prompts, self.own_prompts)}  # fmt: skip
        self.names = {name: f"{fingerprint([rows] if name == 'text' else rows)} of {Path(path).name}"
                      for name, (path, rows) in given.items() if path}  # fmt: skip

    def describe(self) -> dict[str, str]:
        """Name every part that is the reader's own: its fingerprint and file."""
        return self.names | ({"score_fn": self.score_fn_name} if self.score_fn_name else {})

    @property
    def is_own(self) -> bool:
        """Whether anything is the reader's own."""
        return bool(self.describe() or self.before)

    def check(self, stages: Iterable[str]) -> None:
        """Check that stages to be done have what the tiny world may not give. Raises: ValueError, naming the option to give."""
        for stage in stages:
            if self.is_own and stage in NEEDS and NEEDS[stage] not in self.describe():
                own = ", ".join(sorted({*self.describe(), *self.before}))
                start = ", or --start-from a base model" if stage == "pretrain" else ""
                raise ValueError(
                    f"this run is on your own data ({own}), and {stage} would be on the tiny world's: give --{NEEDS[stage]}{start}"
                )

    def _read(self, reader: Callable[..., Rows], path: Path | None) -> list | None:
        if path is None:
            return None
        rows = reader(path, skip_bad_rows=self.skip_bad_rows)
        if rows.skipped:
            self.tell(f"{path}: skipped {len(rows.skipped)} bad rows\n" + "\n".join(rows.skipped))
        return rows.items

    def documents(self, count: int) -> list[str]:
        """Return the first nine tenths of the reader's text, or the tiny world's documents."""
        self.check(["pretrain"])
        return super().documents(count) if self.text is None else [hold_out_end(self.text)[0]]

    def primer(self, count: int) -> list[str]:
        """Return the tiny world's copybook; a text of the reader's has none."""
        return super().primer(count) if self.text is None else []

    def primer_terms(self, count: int) -> list[PrimerTerm]:
        """Return the tiny world's drills, if it has them; a text of the reader's has none."""
        return super().primer_terms(count) if self.text is None else []

    def held_out_documents(self) -> list[str]:
        """Return the last tenth of the reader's text, or the tiny world's held-out documents."""
        return super().held_out_documents() if self.text is None else [hold_out_end(self.text)[1]]

    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Return the reader's demonstrations, if there are any; the labelers' where nothing is the reader's own."""
        return (self.own_demonstrations or []) if self.is_own else super().demonstrations(incoming)

    def text_to_mix_in(self, count: int) -> list[str]:
        """Return the reader's text, or the tiny world's where nothing is the reader's own."""
        return self.documents(count) if self.text is not None or not self.is_own else []

    def comparison_prompts(self, incoming: int, count: int) -> list[str]:
        """Return prompts whose answers labelers will rank."""
        self.check(["comparisons"])
        return super().comparison_prompts(incoming, count)

    def given_comparisons(self) -> list[Comparison] | None:
        """Return the reader's comparisons, if there are any: then nothing is sampled or ranked."""
        return self.own_comparisons

    def warn_of_few_steps(self, config: RewardConfig, count: int) -> None:
        """Say so where comparisons are too few to learn much from, and what to do."""
        steps = config.steps(count)
        if self.own_comparisons and steps < FEW_STEPS:
            self.tell(
                f"note: {count} comparisons make {steps} training steps, too few to learn much from: rank more answers, or take "
                f"smaller steps and more passes: --reward.batch-size 4 --reward.epochs {math.ceil(FEW_STEPS * 4 / count)}"
            )

    def ppo_prompts(self, incoming: int) -> list:
        """Return the reader's prompts, those of other rows of theirs, or the tiny world's.

        Raises: ValueError where there are none, and the base model is trained on a text of the reader's.
        """
        for rows in (self.own_prompts, self.own_comparisons, self.own_demonstrations):
            if rows:
                return list({repr(row.prompt): row.prompt for row in rows}.values())
        if "text" in {*self.describe(), *self.before}:
            raise ValueError("the base model is trained on your own text: give --prompts to run PPO on")
        if self.is_own:
            self.tell("note: PPO's prompts are the tiny world's, on which the base model was trained: --prompts gives others")
        return super().ppo_prompts(incoming)

    def monitor(self, model: GPT, tokenizer: Tokenizer) -> dict[str, Any]:
        """Measure the gold score, where everything is the tiny world's."""
        return {} if self.is_own else super().monitor(model, tokenizer)

    def abilities(self, model: GPT, tokenizer: Tokenizer) -> dict[str, float]:
        """Measure abilities, where everything is the tiny world's."""
        return {} if self.is_own else super().abilities(model, tokenizer)

    def given_score(self) -> Callable | None:
        """Return what makes a score of the reader's own score_fn, if there is one: then no reward model is asked."""
        return partial(text_score, self.own_score_fn) if self.own_score_fn else None


def load_function(name: str) -> Callable:
    """Import "package.module:function", from the working directory or the installed packages, or "folder/file.py:function"."""
    module, _, function = name.rpartition(":")
    if not module or not function:
        raise ValueError(f"score_fn is {name!r}, expected MODULE:FUNCTION or FILE.py:FUNCTION, such as my_rewards:short_answers")
    place = "give the path of the file" if module.endswith(".py") else f"run from the folder that holds {module}.py"
    try:
        found = getattr(_import(module), function)
    except (ImportError, AttributeError, FileNotFoundError) as error:
        raise ValueError(f"cannot load {name!r}: {error}; {place}, as in MODULE:FUNCTION or FILE.py:FUNCTION") from None
    except Exception as error:  # of the reader's own code
        raise ScoreFunctionError(f"{module}, which holds score_fn, raised {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError(f"{name!r} is a {type(found).__name__}, expected a function score_fn(prompts, responses)")
    return found


def _import(module: str) -> ModuleType:
    if not module.endswith(".py"):
        if module.startswith(".") or "/" in module:
            raise ImportError(f"{module!r} is no name of a module")
        return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(Path(module).stem, module)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
