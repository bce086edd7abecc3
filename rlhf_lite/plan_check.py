"""Check the plan against runs: each stage for some steps, really, beside what `plan` says of the same shape and batch."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .bench import machine
from .checkpoint import write_atomically
from .gpt import GPT2, SMALL, TINY, GPTConfig
from .measured_stages import KEEP_MEMORY, MEASURED, measure_memory, measure_seconds
from .plan import Cluster, plan_stage
from .sizes import RECIPES, Recipe
from .workload import stages


@dataclass(frozen=True, kw_only=True)
class Case:
    """Fix a shape and the batches of its stages."""

    model: GPTConfig
    """Shape of all models; its context is the length of every sequence."""
    batch: int
    """Sequences a step of pretraining and of fine-tuning, and answers a minibatch of PPO; the reward model has half as
    many prompts with four answers each, a rollout has twice as many answers."""
    new_tokens: int
    """Of a PPO answer."""

    def recipe(self) -> Recipe:
        """Put the course's stages on this shape."""
        base, length = RECIPES["tiny"], self.model.context_length
        preset, batch = base.preset, self.batch
        ppo = replace(preset.ppo_ptx, episodes=2 * batch, minibatch_size=batch, inner_epochs=1, ptx_batch_size=batch,
                      ptx_sequence_length=length, max_new_tokens=self.new_tokens)  # fmt: skip
        pretrain = replace(preset.pretrain, batch_size=batch, sequence_length=length, primer_steps=0, short_steps=0)
        pretrain = replace(pretrain, optim=replace(pretrain.optim, muon_learning_rate=0.0))
        preset = replace(preset, model=self.model, pretrain=pretrain, sft=replace(preset.sft, batch_size=batch), ppo_ptx=ppo,
                         reward=replace(preset.reward, batch_size=max(1, batch // 2)))  # fmt: skip
        return replace(base, name="checked", preset=preset, critic=self.model, answers=(4, 4))


CASES = {
    "tiny": Case(model=replace(TINY, context_length=128), batch=16, new_tokens=64),
    "10M": Case(model=GPTConfig(vocab_size=1024, context_length=128, d_model=320, n_layers=8, n_heads=8), batch=8, new_tokens=64),
    "small": Case(model=replace(SMALL, context_length=128), batch=8, new_tokens=64),
    "gpt2": Case(model=replace(GPT2, context_length=128), batch=4, new_tokens=32),
}
