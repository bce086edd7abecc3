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
    """What one model does in one step of a stage."""

    role: str
    """Which of the stage's models."""
    kind: Literal["train", "read", "sample"]
    """Forward and backward; forward; forward once per new token, with a cache."""
    items: int
    """Number of items that a step deals out to the GPUs: sequences, or prompts with all their ranked answers."""
    length: int
    """Tokens per sequence."""
    predicted: int
    """Tokens per sequence that have logits; 0: a scalar model."""
    new_tokens: int = 0
    """Sampled tokens per sequence."""
    sequences_per_item: float = 1.0
    """Mean number of sequences per item."""
    most_sequences: int = 1
    """Number of sequences of the largest item."""
    joins_previous: bool = False
    """Whether one backward pass goes through this model and the one of the previous job: PPO's policy and value model."""
    computes_entropy: bool = False
    """Whether the entropy of its predictions is computed beside the loss."""
    copies_gradients: bool = False
    """Whether the gradients so far are copied before it, to compare lengths: ptx and PPO."""

    @property
    def sequences(self) -> float:
        """Mean number of sequences per step, over all GPUs."""
        return self.items * self.sequences_per_item


@dataclass(frozen=True, kw_only=True)
class Resident:
    """A model that stays in memory through a stage."""

    role: str
    """policy, ref_policy, reward_model, value_model or judge."""
    config: GPTConfig
    """Its shape."""
    trained: bool = True
    """With gradients and optimizer, or only read."""
    averaged: bool = False
    """With a moving average of its weights (EMA)."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The jobs of a stage and the models in memory."""

    name: str
    """What the plan calls it."""
    steps: int
    """How often its jobs are done."""
    residents: tuple[Resident, ...]
    """All models in memory."""
    jobs: tuple[Job, ...]
    """What is done in each step, one after another."""

    @property
    def trains(self) -> bool:
        """Whether its jobs train; else they sample and read."""
        return self.jobs[0].kind == "train"

    def config_of(self, job: Job) -> GPTConfig:
        """Return the shape of the model that does a job."""
        return next(model.config for model in self.residents if model.role == job.role)


def stages(recipe: Recipe) -> list[Stage]:
    """List a recipe's stages, pretraining to PPO-ptx."""
    preset, start = recipe.preset, recipe.ppo_start
    pretrain, sft, reward, length = preset.pretrain, preset.sft, preset.reward, recipe.dialogue_length
    window = pretrain.sequence_length
    made = [_training("pretrain", pretrain.steps, recipe.model, items=pretrain.batch_size, length=window, predicted=window)]
    dialogues = {"length": length, "predicted": length}
    steps = sft.epochs * recipe.demonstrations / sft.batch_size
    made.append(_training("sft", steps, recipe.model, items=sft.batch_size, **dialogues))
    fewest, most = recipe.answers
    answers = {"sequences_per_item": (fewest + most) / 2, "most_sequences": most}
    steps = reward.epochs * preset.comparisons.prompts / reward.batch_size
    made.append(_training("reward", steps, recipe.critic, role="reward_model", items=reward.batch_size, length=length,
                          predicted=0, **answers))  # fmt: skip
    if start is not None:
        steps = start.epochs * recipe.demonstrations / (1 - recipe.ppo_start_pretraining_share) / start.batch_size
        made.append(_training("ppo_start", steps, recipe.model, items=start.batch_size, **dialogues))
    return made + _ppo_stages(recipe, preset.ppo_ptx)


def _training(name: str, steps: float, config: GPTConfig, *, role: str = "policy", **job: Any) -> Stage:
    trained = Resident(role=role, config=config)
    return Stage(name=name, steps=max(1, round(steps)), residents=(trained,), jobs=(Job(role=role, kind="train", **job),))


def _ppo_stages(recipe: Recipe, config: PPOConfig) -> list[Stage]:
    """Split PPO-ptx into its two halves, since they need memory for different things."""
    policy = Resident(role="policy", config=recipe.model, averaged=config.ema_decay > 0)
    ref_policy = Resident(role="ref_policy", config=recipe.model, trained=False)
    reward_model = Resident(role="reward_model", config=recipe.critic, trained=False)
    residents = (policy, ref_policy, reward_model, Resident(role="value_model", config=recipe.critic))
    new, text = config.max_new_tokens, config.ptx_sequence_length
    answers: dict[str, Any] = {"items": config.episodes, "length": recipe.dialogue_length}
    rollout = [Job(role="policy", kind="sample", predicted=1, new_tokens=new, **answers)]
    predicted = {"policy": new, "ref_policy": new}
    rollout += [Job(role=each.role, kind="read", predicted=predicted.get(each.role, 0), **answers) for each in residents]
    answers["items"] = config.minibatch_size
    update = [Job(role="policy", kind="train", predicted=new, computes_entropy=True, **answers),
              Job(role="value_model", kind="train", predicted=0, joins_previous=True, **answers)]  # fmt: skip
    if config.ptx_coef > 0:
        update.append(
            Job(role="policy", kind="train", items=config.ptx_batch_size, length=text, predicted=text, copies_gradients=True)
        )
    name, steps = "ppo_ptx" if config.ptx_coef > 0 else "ppo", config.iterations
    return [
        Stage(name=f"{name} rollout", steps=steps, residents=residents, jobs=tuple(rollout)),
        Stage(name=f"{name} update", steps=steps * config.minibatches, residents=residents, jobs=tuple(update)),
    ]
