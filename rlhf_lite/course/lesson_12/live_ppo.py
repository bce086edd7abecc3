"""PPO, iteration by iteration, by the library's functions: settings may change between iterations, and each change is kept."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from ...data import batch_indices, seeded_generator
from ...evaluate import sample
from ...gpt import copy_gpt, copy_scalar
from ...ppo import PPOConfig, PPOUpdater, check_first_rollout, rollout_metrics
from ...presets import PRESETS
from ...rollout import collect_rollout, reward_model_score
from ...tinyworld.evaluation import Models
from ...tinyworld.judge import judge
from ...tinyworld.prompts import Request, draw_requests

LIVE = replace(PRESETS["tiny"].ppo, episodes=64, minibatch_size=32)
"""The course's settings at a quarter of its episodes, so that an iteration takes two to three seconds (ours)."""
PROMPTS = 4000
HELD_OUT_PROMPTS = 48
"""Held-out prompts that the judge looks at after each iteration (ours)."""


@dataclass(frozen=True, kw_only=True)
class Knob:
    """A setting that may be changed between iterations."""

    key: str
    label: str
    values: tuple[float, ...]
    """What it can be set to."""
    of: Callable[[PPOConfig], float]
    """Read it from the settings."""
    put: Callable[[PPOConfig, float], PPOConfig]
    """Return the settings with another value."""


def _plain(key: str, label: str, *values: float) -> Knob:
    return Knob(key=key, label=label, values=values, of=lambda config: getattr(config, key),
                put=lambda config, value: replace(config, **{key: value}))  # fmt: skip


KNOBS = {
    knob.key: knob
    for knob in (
        _plain("kl_coef", "KL coefficient", 0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        Knob(
            key="learning_rate", label="learning rate", values=(2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3),
            of=lambda config: config.optim.learning_rate,
            put=lambda config, value: replace(config, optim=replace(config.optim, learning_rate=value)),
        ),
        _plain("ratio_clip", "ratio clip", 0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
        _plain("temperature", "temperature", 0.5, 0.7, 0.85, 1.0, 1.2, 1.5),
    )
}  # fmt: skip
"""The settings on the dashboard. Temperature is that of sampling and of all log-probs alike; the judge's look is at 1."""


@dataclass(frozen=True)
class Change:
    """One setting that was changed."""

    iteration: int
    """The first iteration, counted from 0, that used the new value."""
    key: str
    before: float
    after: float

    def in_words(self) -> str:
        """Describe the change in words. Example: "before iteration 6: KL coefficient 0.05 → 0"."""
        return f"before iteration {self.iteration + 1}: {KNOBS[self.key].label} {self.before:g} → {self.after:g}"


def training_requests(seed: int | str, count: int = PROMPTS) -> list[Request]:
    """Draw requests from the training side of the world."""
    return draw_requests(f"ppo {seed}", count)


def training_prompts(models: Models, seed: int | str, count: int = PROMPTS) -> list[list[int]]:
    """Return their prompts as token ids."""
    return [models.tokenizer.encode_prompt(request.prompt) for request in training_requests(seed, count)]


class LivePPO:
    """PPO from the SFT model; `wanted` holds the settings for the next iteration and may be replaced at any time."""

    def __init__(self, models: Models, config: PPOConfig = LIVE, *, seed: int = 0):
        self.models, self.wanted, self.seed = models, config, seed
        self.prompts = training_prompts(models, seed)
        self.requests = draw_requests("dashboard", HELD_OUT_PROMPTS, held_out=True)
        self.score = reward_model_score(deepcopy(models.reward_model))
        self.restart()

    def restart(self) -> None:
        """Begin again from the SFT model, with the settings that are wanted now."""
        sft = self.models.policies["sft"]
        self.reference, policy, ema_policy = (copy_gpt(sft, dropout=0.0).eval() for _ in range(3))
        self.updater = PPOUpdater(policy, copy_scalar(self.models.reward_model), ema_policy, self.wanted, self.seed, None)
        self.generator = seeded_generator("rollout", self.seed)
        self.history: list[dict[str, float]] = []
        self.changes: list[Change] = []
        gold, texts = self._look()
        self.watched = gold.index(min(gold))
        """Which held-out prompt's answers are kept: the one that SFT answers worst."""
        self.answers = [texts[self.watched]]

    @property
    def prompt(self) -> str:
        """The held-out prompt that is watched."""
        return self.requests[self.watched].prompt

    @property
    def done(self) -> int:
        """Iterations done."""
        return len(self.history)

    def iterate(self) -> Iterator[str]:
        """Do one iteration in parts of about a second; yield the name of the part that comes next.

        Whoever asks for the parts may do something else in between, or stop asking and call `restart`.
        """
        self._take_settings()
        iteration, config, updater = self.done, self.updater.config, self.updater
        yield "the policy answers"
        chosen = batch_indices(iteration, len(self.prompts), config.episodes, self.seed)
        rollout = collect_rollout(
            updater.policy, self.reference, updater.value_model, self.score, [self.prompts[i] for i in chosen], config,
            generator=self.generator, **self._ids(),
        )  # fmt: skip
        if iteration == 0:
            check_first_rollout(rollout, config.kl_coef)
        yield "policy and value model learn"
        metrics = rollout_metrics(rollout) | updater.update(rollout, iteration)
        yield "the judge looks"
        gold, texts = self._look()
        self.history.append(metrics | {"gold": fmean(gold)})
        self.answers.append(texts[self.watched])

    def advance(self, iterations: int = 1) -> None:
        """Do some iterations without a break."""
        for _ in range(iterations):
            for _ in self.iterate():
                pass

    def to_row(self) -> dict[str, Any]:
        """Return a JSON-able record of the run."""
        return {"history": self.history, "changes": [asdict(change) for change in self.changes], "answers": self.answers,
                "prompt": self.prompt}  # fmt: skip

    def _take_settings(self) -> None:
        before, after = self.updater.config, self.wanted
        for key, knob in KNOBS.items():
            if knob.of(before) != knob.of(after):
                self.changes.append(Change(self.done, key, knob.of(before), knob.of(after)))
        self.updater.change_settings(after)

    def _ids(self) -> dict[str, int]:
        return {"end_id": self.models.tokenizer.end_id, "pad_id": self.models.tokenizer.pad_id}

    def _look(self) -> tuple[list[float], list[str]]:
        """Let the policy answer the held-out prompts, always with the same random numbers; return gold scores and answers."""
        tokenizer = self.models.tokenizer
        prompts = [tokenizer.encode_prompt(request.prompt) for request in self.requests]
        drawn = sample(self.updater.policy, prompts, seed="dashboard", max_new_tokens=LIVE.max_new_tokens, **self._ids())
        texts = [tokenizer.decode_response(ids) for ids in drawn]
        return [judge(request, text).gold for request, text in zip(self.requests, texts, strict=True)], texts


def changes_in_words(changes: Sequence[Change]) -> str:
    """Describe all changes in one line, numbered."""
    return "; ".join(f"[{n}] {change.in_words()}" for n, change in enumerate(changes, start=1))
