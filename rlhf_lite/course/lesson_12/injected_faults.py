"""Faults of PPO: most are small changes of the library's own text, put in for as long as a `with` block runs.

A fault of code is described as an edit: in which function, which words, replaced by which. Nothing in the library knows of the
edits, so renaming a local variable in `rollout` or `ppo` breaks them; `tests/course/lesson_12/test_wrong_runs.py` then says so.
The code may be right and a setting wrong, or what it is given: such a fault names the setting, or the reward model.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from ... import ppo, rollout

FORGOTTEN_DROPOUT = 0.1
"""Share of activations that is dropped where nobody says otherwise: the default of transformers' GPT-2."""
COOL = 0.7
"""A temperature at which one likes to chat (ours); the policy is scored at 1."""
HEAVY_PTX = 50.0
"""A hundred times the course's weight (ours)."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Replace some words, which stand once in a function of the library, by others."""

    function: Callable
    before: str
    after: str

    def lines(self) -> tuple[str, str]:
        """Return the whole line that is changed, before and after, without its indentation and marks for the formatter."""
        (line,) = (line for line in inspect.getsource(self.function).splitlines() if self.before in line)
        line = line.strip().removesuffix("  # fmt: skip")
        return line, line.replace(self.before, self.after)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: what went wrong, in a sentence, and what makes it so: edits, dropout, settings, or another reward model."""

    name: str
    what: str
    edits: tuple[Edit, ...] = ()
    dropout: float = 0.0
    """Share of activations that the policy drops wherever it is in training mode."""
    settings: Mapping[str, float] = field(default_factory=dict)
    """Settings of PPO that differ from the sound run's, by name."""
    reward_model: str = ""
    """Folder in `data/` whose reward model gives the scores; empty = the run's own."""


SOUND = Fault(name="sound", what="Nothing is wrong.")
FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            name="mask off by one",
            what="The mask of sampled tokens lies one place too late: the first token of each answer is left out, and one token "
            "of padding behind its end is learnt from.",
            edits=(Edit(function=rollout.collect_rollout, before="answers.response_mask[:, 1:]",
                        after="answers.response_mask[:, :-1]"),),
        ),
        Fault(
            name="KL off",
            what="Leaving the SFT model costs nothing: the reward holds the score alone.",
            edits=(Edit(function=rollout.collect_rollout, before="mask, config.kl_coef)", after="mask, 0.0)"),),
        ),
        Fault(
            name="dropout on",
            what=f"The policy was built with a dropout of {FORGOTTEN_DROPOUT} and nobody switched it off, "
            "so that every pass gives other log-probs.",
            edits=(
                Edit(function=ppo.train_ppo, before="policy.eval()  #", after="policy.train()  #"),
                Edit(function=rollout.collect_rollout, before="model.eval()", after="model.train()"),
            ),
            dropout=FORGOTTEN_DROPOUT,
        ),
        Fault(
            name="reward on padding",
            what="The score is added at the last place of the row instead of the answer's last token. In all but the longest "
            "row that place is padding, where nothing counts.",
            edits=(Edit(function=rollout.token_rewards, before="rewards[answers, last_kept(mask) - 1]",
                        after="rewards[:, -1]"),),
        ),
        Fault(
            name="no whitening",
            what="Advantages are used as they come, not scaled to mean 0 and deviation 1.",
            edits=(Edit(function=rollout.collect_rollout,
                        before="masked_whiten(advantages, mask) if config.whiten_advantages else advantages",
                        after="advantages"),),
        ),
        Fault(
            name="wrong temperature",
            what=f"Answers are sampled at temperature {COOL}, log-probs are computed at 1.",
            edits=(Edit(function=rollout.collect_rollout, before="temperature=config.temperature, uniforms",
                        after=f"temperature={COOL}, uniforms"),),
        ),
        Fault(
            name="reference trained too",
            what="Policy and reference are one and the same model, so that the reference moves along: the KL is 0 for ever, and "
            "nothing holds the policy.",
            edits=(Edit(function=ppo.train_ppo, before="ref_policy, ema_policy = copy_gpt(policy, dropout=0.0),",
                        after="ref_policy, ema_policy = policy,"),),
        ),
        Fault(
            name="ptx too strong",
            what=f"The weight of the pretraining text is {HEAVY_PTX:g}, so that hardly anything but the text is learnt.",
            settings={"ptx_coef": HEAVY_PTX},
        ),
        Fault(
            name="reward model of manners",
            what="The code is right. The reward model is another one, which saw manners and hardly any substance.",
            reward_model="manners",
        ),
    )
}  # fmt: skip
"""Faults by name."""


@contextmanager
def injected(fault: Fault) -> Iterator[None]:
    """Let the library run with a fault inside the block, and without the checks that would stop it.

    Raises: ValueError if an edit's words do not stand exactly once in their function.
    """
    with ExitStack() as stack:
        for check in (ppo.check_first_rollout, ppo.check_first_minibatch):
            _replace(stack, check, lambda *_, **__: None)
        for edit in fault.edits:
            _replace(stack, edit.function, _edited(edit))
        yield


def _edited(edit: Edit) -> Callable:
    source = inspect.getsource(edit.function)
    if source.count(edit.before) != 1:
        raise ValueError(f"{edit.before!r} stands {source.count(edit.before)} times in {edit.function.__name__}, expected once")
    made: dict[str, Callable] = {}
    space = vars(sys.modules[edit.function.__module__])  # names are looked up there at each call, as in the original
    exec(compile(source.replace(edit.before, edit.after), f"<{edit.function.__name__} with a fault>", "exec"), space, made)
    return made[edit.function.__name__]


def _replace(stack: ExitStack, original: Callable, new: Callable) -> None:
    """Replace a function in every module of the package that has its name."""
    package = __name__.partition(".")[0]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package and vars(module).get(original.__name__) is original:
            stack.enter_context(patch.object(module, original.__name__, new))
