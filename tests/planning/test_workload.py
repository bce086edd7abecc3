"""Stages do the work that the recipe says, in sequences and tokens.

Proves: the FLOPs of InstructGPT's stages are about what the paper states; the ranked answers to a prompt stay together;
PPO keeps four models, reads with each and learns with two; ptx comes with its own text.
"""

from dataclasses import replace

import pytest

from rlhf_lite.planning.recipes import RECIPES
from rlhf_lite.planning.workload import stages

LARGE = RECIPES["instructgpt-175b"]


def by_name(recipe):
    return {stage.name: stage for stage in stages(recipe)}


def test_stages_of_instructgpt():
    made = by_name(LARGE)
    assert list(made) == ["pretrain", "sft", "reward", "ppo_start", "ppo_ptx rollout", "ppo_ptx update"]
    assert made["sft"].steps == 25_450 == 16 * 12_725 // 8
    assert made["reward"].steps == 519 == round(33_207 / 64)
    assert made["ppo_start"].steps == round(2 * 12_725 / 0.9 / 8)  # a tenth of the sequences are pretraining text
    assert (made["ppo_ptx rollout"].steps, made["ppo_ptx update"].steps) == (500, 500 * 512 // 64)
    assert "ppo_start" not in by_name(RECIPES["tiny"])


def test_answers_to_a_prompt_stay_together():
    [work] = by_name(LARGE)["reward"].jobs
    assert (work.items, work.most_sequences, work.sequences) == (64, 9, 64 * 6.5)


def test_ppo_has_four_models():
    rollout, update = by_name(LARGE)["ppo_ptx rollout"], by_name(LARGE)["ppo_ptx update"]
    assert {r.role: (r.trained, r.averaged) for r in rollout.residents} == {
        "policy": (True, True), "ref_policy": (False, False), "reward_model": (False, False), "value_model": (True, False),
    }  # fmt: skip
    assert update.residents == rollout.residents and rollout.config_of(update.jobs[1]) == LARGE.critic
    assert [(w.role, w.kind) for w in rollout.jobs] == [
        ("policy", "sample"), *((role, "read") for role in ("policy", "ref_policy", "reward_model", "value_model")),
    ]  # fmt: skip
    assert (rollout.jobs[0].items, rollout.jobs[0].new_tokens, rollout.jobs[0].length) == (512, 1024, 2048)
    done = [(job.role, job.items, job.predicted) for job in update.jobs]
    assert done == [("policy", 64, 1024), ("value_model", 64, 0), ("policy", 512, 2048)]


def test_without_ptx_there_is_no_pretraining_text():
    preset = LARGE.preset
    plain = replace(LARGE, preset=replace(preset, ppo_ptx=replace(preset.ppo_ptx, ptx_coef=0.0)))
    assert [w.role for w in by_name(plain)["ppo update"].jobs] == ["policy", "value_model"]


@pytest.mark.parametrize("name", RECIPES)
def test_no_sequence_is_longer_than_its_model_reads(name):
    for stage in stages(RECIPES[name]):
        for work in stage.jobs:
            assert work.length <= stage.config_of(work).context_length and work.new_tokens < work.length
