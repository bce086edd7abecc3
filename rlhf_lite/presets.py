"""What a whole run trains with: settings by size, what a world must give, and what each stage of a run used.

Vary a preset with `dataclasses.replace` or from the command line.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from .files import read_json
from .gpt import GPT, GPT2, NANO, TINY, GPTConfig
from .optim import OptimConfig
from .ppo import PPOConfig
from .pretrain import PretrainConfig
from .records import Comparison, Demonstration, PrimerTerm
from .reward import RewardConfig
from .rollout import ScoreFunction
from .sft import SFTConfig
from .tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """Set how answers are collected for labelers to rank."""

    prompts: int = 2200
    """Prompts to label, in all rounds (ours; paper: 33,207)."""
    rounds: int = 1
    """Times that answers are collected: first from the SFT model, then from a policy trained for a while against the rankings so
    far, whose own mistakes labelers have then seen (paper: steps 2 and 3 are repeated)."""
    iterations_between: int = 10
    """PPO iterations that give this policy (ours)."""
    sft_answers: int = 4
    """Answers per prompt from the SFT model; from the second round on, half of them from that policy (ours)."""
    high_temperature_answers: int = 1
    """More answers of the SFT model, at a higher temperature, so that bad answers are seen too (ours)."""
    high_temperature: float = 1.6
    """That temperature (ours)."""
    base_answers: int = 1
    """Answers of the base model (ours)."""
    off_topic_answers: int = 1
    """Answers of the SFT model to somebody else's prompt, so that being off-topic is seen too (ours)."""
    written_pairs: int = 0
    """More prompts, with a good answer and one with one mistake that people write, in terms; the last is mixed with the others.
    Answers of models differ in manners above all, and from them a reward model learns no more (ours; lineage: Stiennon 2020
    ranked reference summaries too)."""

    def __post_init__(self):
        if not 2 <= self.answers_per_prompt <= 9:
            raise ValueError(f"{self.answers_per_prompt} answers per prompt, expected 2 to 9 (the paper has 4 to 9)")
        if min(self.rounds, self.iterations_between) < 1:
            raise ValueError(f"rounds {self.rounds} and iterations_between {self.iterations_between}: both must be >= 1")

    @property
    def answers_per_prompt(self) -> int:
        """K, before identical answers are dropped."""
        return self.sft_answers + self.high_temperature_answers + self.base_answers + self.off_topic_answers


def _own_ppo(ptx_coef: float) -> PPOConfig:
    rate = OptimConfig(learning_rate=2e-4, warmup_steps=10, weight_decay=0.0)
    return PPOConfig(iterations=60, episodes=256, minibatch_size=128, gae_lambda=1.0, ptx_coef=ptx_coef, optim=rate)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Everything that decides a run, apart from its seed."""

    model: GPTConfig = TINY
    """Shape of every model of the run; vocab_size is the most the tokenizer may learn."""
    documents: int = 66_000
    """Pretraining documents drawn from the world (ours)."""
    primer_documents: int = 9_000
    """Documents of the primer, with which pretraining begins, or of each of its terms (ours)."""
    drills: bool = True
    """Whether the tiny world's texts hold drills of reading, and labelers write prompts beside users (ours)."""
    incoming_prompts: int = 16_000
    """Prompts that users send, before cleaning (ours)."""
    pretrain: PretrainConfig = field(
        default_factory=lambda: PretrainConfig(
            steps=2200, batch_size=11, sequence_length=192, copying_start=True, whole_documents=True,
            short_steps=2000, short_length=96,
            optim=OptimConfig(learning_rate=6e-3, muon_learning_rate=0.02, muon_parts=True, warmup_steps=50),
        )
    )  # fmt: skip
    """Stage 0."""
    sft: SFTConfig = field(default_factory=lambda: SFTConfig(pretraining_share=0.1))
    """Stage 1."""
    comparisons: ComparisonConfig = field(
        default_factory=lambda: ComparisonConfig(prompts=2000, high_temperature_answers=0, base_answers=0, written_pairs=36_000)
    )
    """Collection of rankings for stage 2."""
    reward: RewardConfig = field(
        default_factory=lambda: RewardConfig(
            batch_size=32, in_order=True, text_coef=0.3,
            optim=OptimConfig(learning_rate=4e-4, muon_learning_rate=0.006, muon_parts=True, warmup_steps=20),
        )
    )  # fmt: skip
    """Stage 2."""
    ppo: PPOConfig = field(default_factory=lambda: _own_ppo(ptx_coef=0.0))
    """Stage 3."""
    ppo_ptx: PPOConfig = field(default_factory=lambda: _own_ppo(ptx_coef=0.5))
    """Stage 3 with pretraining text mixed in."""
    evaluation_prompts: int = 300
    """Held-out prompts of the final evaluation (ours)."""

    def __post_init__(self):
        if self.pretrain.sequence_length > self.model.context_length:
            raise ValueError(
                f"sequence_length {self.pretrain.sequence_length} exceeds context_length {self.model.context_length}: "
                "shorten one or lengthen the other"
            )
        check_settings(self)


ABOVE_ZERO, NOT_NEGATIVE = ("value_clip", "high_temperature", "epsilon"), ("weight_decay", "muon_learning_rate")


def check_settings(preset: Preset) -> None:
    """Check what every number of every stage must be: finite, and of the right sign. Raises: ValueError, naming the setting."""
    for name, value in dotted(asdict(preset)).items():
        last = name.rpartition(".")[2]
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}, expected a finite number")
        if last in ABOVE_ZERO and value <= 0:
            raise ValueError(f"{name} is {value}, expected more than 0")
        if last in NOT_NEGATIVE and value < 0:
            raise ValueError(f"{name} is {value}, expected 0 or more")


def dotted(settings: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Name settings within settings as the command line does. Example: {"sft": {"epochs": 3}} -> {"sft.epochs": 3}."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= dotted(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


class World(Protocol):
    """What a run needs to know about the world it trains in; the tiny world is one."""

    def describe(self) -> dict[str, Any]:
        """Name each part that the seed alone does not decide by a fingerprint, after which " of FILE" may stand."""
    def documents(self, count: int) -> list[str]:
        """Return pretraining documents."""
    def primer(self, count: int) -> list[str]:
        """Return documents to begin pretraining with."""
    def primer_terms(self, count: int) -> list[PrimerTerm]:
        """Return a primer in terms of `count` documents, to begin pretraining with instead; nothing where there is none."""
    def held_out_documents(self) -> list[str]:
        """Return documents never trained on."""
    def demonstrations(self, incoming: int) -> list[Demonstration]:
        """Return what labelers wrote; nothing where there is none."""
    def text_to_mix_in(self, count: int) -> list[str]:
        """Return pretraining documents to mix into SFT; nothing where there is no text that belongs to the run."""
    def comparison_prompts(self, incoming: int, count: int) -> list[str]:
        """Return prompts whose answers are to be ranked."""
    def given_comparisons(self) -> list[Comparison] | None:
        """Return comparisons that exist already; None: sample answers and let labelers rank them."""
    def given_score(self) -> Callable[[Tokenizer, dict[tuple[int, ...], Any]], ScoreFunction] | None:
        """Return what makes, of the tokenizer and the prompts by their ids, a score to use instead of a reward model; or None."""
    def written_pairs(self, count: int) -> list[list[tuple[str, str, str]]]:
        """Return, term by term, prompts, each with a good answer and one with one mistake."""
    def rank(self, prompts: list[str], answers: list[list[str]]) -> list[list[int]]:
        """Let labelers rank the answers to each prompt, 0 = best."""
    def ppo_prompts(self, incoming: int) -> list:
        """Return prompts for PPO, nobody's answers needed."""
    def monitor(self, model: GPT, tokenizer: Tokenizer) -> dict[str, Any]:
        """Measure a policy on held-out prompts; nothing is trained on the result."""


def _nano() -> Preset:
    ppo = PPOConfig(iterations=6, episodes=16, minibatch_size=8, inner_epochs=1, max_new_tokens=16, eval_every=3)
    return Preset(
        model=NANO,
        documents=1500,
        primer_documents=300,
        drills=False,
        incoming_prompts=700,
        pretrain=PretrainConfig(
            steps=60,
            batch_size=8,
            sequence_length=64,
            eval_every=20,
            primer_steps=20,
            short_steps=40,
            short_length=32,
            optim=OptimConfig(learning_rate=4e-3, muon_learning_rate=0.03, warmup_steps=5),
        ),
        sft=SFTConfig(epochs=1.0, batch_size=16, eval_every=5),
        comparisons=ComparisonConfig(prompts=60),
        reward=RewardConfig(epochs=1.0, batch_size=8, eval_every=5),
        ppo=ppo,
        ppo_ptx=replace(ppo, ptx_coef=0.5, ptx_sequence_length=64, ptx_batch_size=4),
        evaluation_prompts=30,
    )


def _gpt2() -> Preset:
    """Fine-tune the released GPT-2 of 124M parameters on public comparisons (hh-rlhf, TL;DR); not tried on a GPU yet.

    Rates are a little above those of InstructGPT's 1.3B, since a smaller model takes larger steps (ours).
    """
    rate = OptimConfig(learning_rate=5e-6, warmup_steps=10, final_fraction=1.0, weight_decay=0.0)
    ppo = PPOConfig(
        iterations=150, episodes=256, max_new_tokens=128, ptx_batch_size=16, ptx_sequence_length=512, ema_decay=0.992,
        optim=rate, value_optim=replace(rate, learning_rate=2e-5),
    )  # fmt: skip
    return Preset(
        model=GPT2,
        # what a base model from nothing would take: 10B tokens in batches of 0.5M, GPT-3 Small's rate (see `sizes`)
        pretrain=PretrainConfig(
            steps=19_073, batch_size=512, sequence_length=1024, eval_every=1000,
            optim=OptimConfig(learning_rate=6e-4, warmup_steps=715),
        ),
        sft=SFTConfig(epochs=1.0, dropout=0.1, optim=OptimConfig(learning_rate=2e-5, warmup_steps=20)),
        comparisons=ComparisonConfig(
            prompts=20_000, sft_answers=2, high_temperature_answers=0, base_answers=0, off_topic_answers=0,
        ),
        reward=RewardConfig(batch_size=64, optim=OptimConfig(learning_rate=2e-5, warmup_steps=20)),
        ppo=ppo,
        ppo_ptx=replace(ppo, ptx_coef=0.5),
    )  # fmt: skip


def _manners() -> Preset:
    """Train as this course did at first: models that learn manners, and hardly know, read or count (data/substance)."""
    pretrain = PretrainConfig(
        steps=1700, batch_size=11, sequence_length=192, primer_steps=280, short_steps=1400, short_length=96,
        optim=OptimConfig(learning_rate=4e-3, muon_learning_rate=0.02, warmup_steps=50),
    )  # fmt: skip
    return Preset(
        primer_documents=13_000, drills=False, pretrain=pretrain, sft=SFTConfig(), comparisons=ComparisonConfig(),
        reward=RewardConfig(), ppo=PPOConfig(), ppo_ptx=PPOConfig(ptx_coef=0.5),
    )  # fmt: skip


PRESETS = {"tiny": Preset(), "nano": _nano(), "gpt2": _gpt2(), "manners": _manners()}
"""tiny is the course's model; manners is its predecessor, kept for comparison; nano runs through all stages in seconds and learns
next to nothing (for tests); gpt2 is for one GPU and begins with GPT-2's own weights (`python -m rlhf_lite gpt2`)."""


USES = {
    "pretrain": (("model", "documents", "primer_documents", "drills", "pretrain"), ("text",)),
    "sft": (("sft", "incoming_prompts", "documents", "drills"), ("demonstrations", "text")),
    "comparisons": (("comparisons", "incoming_prompts", "drills"), ("comparisons",)),
    "reward": (("reward",), ("comparisons",)),
    "judge": (("reward",), ("judge",)),
    "ppo": (("ppo", "incoming_prompts"), ("prompts", "score_fn")),
    "ppo_ptx": (("ppo_ptx", "documents", "incoming_prompts"), ("prompts", "score_fn", "text")),
}
"""Settings and data of each stage; data that no stage names, such as a released base model, belongs to all."""


def used_by(stage: str, preset: Preset | dict[str, Any], data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the part of all settings and all data that a stage uses; settings by their dotted names."""
    (names, own), settings = USES[stage], preset if isinstance(preset, dict) else asdict(preset)
    others = {key for _, keys in USES.values() for key in keys} - set(own)
    return {"settings": dotted({key: value for key, value in settings.items() if key in names}),
            "data": {key: value for key, value in data.items() if key not in others}}  # fmt: skip


def differences(was: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]], defaults: dict[str, Any] | None) -> list[str]:
    """Name what differs in what a stage used and would use, of settings that both versions of the library know.

    With `defaults`, for a stage that is done: a setting that stands at its default, and data that is not given, were not
    asked for, and do not differ. Data is a fingerprint, after which " of FILE" may stand.
    """
    done, before = defaults is not None, was["settings"]
    names = [name for name in now["settings"] if name in before and not (done and defaults.get(name) == now["settings"][name])]
    found = [(name, before[name], now["settings"][name]) for name in names if before[name] != now["settings"][name]]
    for name in now["data"] if done else {**was["data"], **now["data"]}:
        old, new = (str(part["data"].get(name, "not given")) for part in (was, now))
        found += [(name, old, new)] if old.partition(" of ")[0] != new.partition(" of ")[0] else []
    return [f"{name} was {old}, now {new}" for name, old, new in found]


def differences_of_base(base: GPTConfig, preset: Preset, defaults: dict[str, Any]) -> list[str]:
    """Name what was asked for of a model that nobody will build, since there is a base model of another shape."""
    was, now = dotted({"model": asdict(base)}), dotted({"model": asdict(preset.model)})
    return [f"{name} is {was[name]}, asked for {now[name]}" for name in now if now[name] not in (was[name], defaults.get(name))]


def read_record(folder: Path, stages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read from a run's run.json what each stage that has begun there used: "settings", "data" and "seed".

    Raises: ValueError, naming the file and what to do, if it is damaged.
    """
    path, advice = folder / "run.json", "delete that file if this is the run with these settings"
    about = read_json(path, dict, advice) if path.exists() else {"stages": {}}
    try:
        if "stages" not in about:  # earlier versions kept one record for all
            about["stages"] = {stage: used_by(stage, about["preset"], about.get("data", {})) for stage in stages}
        return {stage: {**entry, "settings": dict(entry["settings"]), "data": dict(entry["data"]), "seed": int(about["seed"])}
                for stage, entry in about["stages"].items() if (folder / stage).is_dir()}  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"{path} does not say what stages used: {advice}") from None
