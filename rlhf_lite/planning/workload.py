"""What each stage of a recipe does, whatever it runs on: which models are in memory, and what they read, learn and write.

Lengths are upper bounds: every sequence is as long as the context, or as `Recipe.longest` says, every answer as long as it
may be.
"""

from dataclasses import dataclass
from typing import Any, Literal

from ..gpt import GPTConfig
from ..ppo import PPOConfig
from .recipes import Recipe


@dataclass(frozen=True, kw_only=True)
class Job:
    """Say what one model does in one step of a stage."""

    role: str
    """Which of the stage's models."""
    kind: Literal["train", "read", "sample"]
    """Forward and backward; forward; forward once for each new token, with a cache."""
    units: int
    """What a step deals out to the GPUs: sequences, or prompts with all their ranked answers, which stay together."""
    length: int
    """Tokens of a sequence."""
    new_tokens: int = 0
    """Of these, sampled ones."""
    unit_sequences: float = 1.0
    """Sequences a unit, on average."""
    most_sequences: int = 1
    """Sequences of the largest unit."""
    predicted: int = -1
    """Tokens of a sequence that are predicted, for which logits are computed; -1: all."""
    joined: bool = False
    """Whether its forward pass comes before the backward pass of the job before, as the value model's after the policy's."""
    logits_read: bool = False
    """Whether the distributions' entropy is computed too: for that their logits are held and written out three times more."""
    by_length: bool = False
    """Whether rows of like length go through the model together, the others after them (`GPT.hidden_by_length`)."""
    compared: bool = False
    """Whether its gradient is compared with the one before, which is kept for that."""

    @property
    def sequences(self) -> float:
        """Sequences a step, over all GPUs."""
        return self.units * self.unit_sequences


@dataclass(frozen=True, kw_only=True)
class Resident:
    """Name a model that stays in memory through a stage."""

    role: str
    """policy, ref_policy, reward_model or value_model."""
    config: GPTConfig
    """Its shape."""
    trained: bool = True
    """With gradients and optimizer, or only read."""
    averaged: bool = False
    """With an average of its weights (EMA)."""

    @property
    def scalar(self) -> bool:
        """Whether it gives one number a position instead of logits."""
        return self.role in ("reward_model", "value_model")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Describe the jobs of a stage, whatever it runs on."""

    name: str
    """What the plan calls it."""
    steps: int
    """How often its jobs are done."""
    residents: tuple[Resident, ...]
    """All models in memory."""
    jobs: tuple[Job, ...]
    """What is done each step, one after another."""

    def resident(self, role: str) -> Resident:
        """Find a model by its role."""
        return next(model for model in self.residents if model.role == role)


def stages(recipe: Recipe) -> list[Stage]:
    """List a recipe's stages, pretraining to PPO-ptx, with their job."""
    model, preset, length = recipe.model, recipe.preset, recipe.dialogue_length
    policy = Resident(role="policy", config=model)

    def learn(name: str, steps: float, units: int, model: Resident, **more: Any) -> Stage:
        job = Job(role=model.role, kind="train", units=units, **{"length": length, "by_length": True} | more)
        return Stage(name=name, steps=max(1, round(steps)), residents=(model,), jobs=(job,))

    pretrain, sft, reward, start = preset.pretrain, preset.sft, preset.reward, recipe.ppo_start
    made = [learn("pretrain", pretrain.steps, pretrain.batch_size, policy, length=pretrain.sequence_length, by_length=False)]
    made.append(learn("sft", sft.epochs * recipe.demonstrations / sft.batch_size, sft.batch_size, policy))
    fewest, most = recipe.answers
    critic = Resident(role="reward_model", config=recipe.critic)
    steps, answers = reward.epochs * preset.comparisons.prompts / reward.batch_size, (fewest + most) / 2
    made.append(learn("reward", steps, reward.batch_size, critic, unit_sequences=answers, most_sequences=most))
    if start is not None:
        examples = recipe.demonstrations / (1 - recipe.ppo_start_pretraining_share)
        made.append(learn("ppo_start", start.epochs * examples / start.batch_size, start.batch_size, policy))
    return made + _ppo_stages(recipe, preset.ppo_ptx)


def _ppo_stages(recipe: Recipe, config: PPOConfig) -> list[Stage]:
    """Split PPO-ptx into its two halves, since they need memory for different things."""
    residents = (
        Resident(role="policy", config=recipe.model, averaged=config.ema_decay > 0),
        Resident(role="ref_policy", config=recipe.model, trained=False),
        Resident(role="reward_model", config=recipe.critic, trained=False),
        Resident(role="value_model", config=recipe.critic),
    )
    length, new = recipe.dialogue_length, config.max_new_tokens
    sampling = Job(role="policy", kind="sample", units=config.episodes, length=length, new_tokens=new)
    score = {"kind": "read", "units": config.episodes, "length": length, "predicted": new, "by_length": True}
    reading = [Job(role=resident.role, **score) for resident in residents]
    learning = {"kind": "train", "units": config.minibatch_size, "length": length, "predicted": new, "by_length": True}
    update = [Job(role="policy", logits_read=True, **learning), Job(role="value_model", joined=True, **learning)]
    if config.ptx_coef > 0:
        text = {"units": config.ptx_batch_size, "length": config.ptx_sequence_length}
        update.append(Job(role="policy", kind="train", compared=True, **text))
    steps, updates = config.iterations, config.iterations * config.minibatches
    return [
        Stage(name="ppo_ptx rollout", steps=steps, residents=residents, jobs=(sampling, *reading)),
        Stage(name="ppo_ptx update", steps=updates, residents=residents, jobs=tuple(update)),
    ]
