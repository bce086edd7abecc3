"""A run of GPT-2 is fitted into a GPU: the largest batches that fit, recomputing only where it must, and a refusal."""

from dataclasses import replace

import pytest

from rlhf_lite.engine import EngineConfig
from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import GB
from rlhf_lite.planning.memory_fit import fit_memory
from rlhf_lite.planning.plan import USABLE, plan_stage
from rlhf_lite.planning.recipes import RECIPES

GPT2 = RECIPES["gpt2"]
BF16 = EngineConfig(bfloat16=True)


def fitted(engine, memory, gpus=1):
    return fit_memory(GPT2, Cluster(gpus=gpus, gpu_memory=memory, engine=engine))


@pytest.mark.parametrize("memory", [12, 24, 80])
def test_what_is_chosen_fits_and_twice_as_much_would_not(memory):
    cluster, plans = fitted(BF16, memory)
    assert all(each.total_memory <= USABLE * memory * GB for each in plans)
    engine, episodes = cluster.engine, GPT2.preset.ppo.episodes
    assert engine.micro_batch_size >= 1 and 1 <= engine.sampling_batch_size <= episodes
    for name, most in (("micro_batch_size", 64), ("sampling_batch_size", episodes)):
        if getattr(engine, name) < min(most, 32):  # 32: the smallest of the stages' batches
            twice = replace(cluster, engine=replace(engine, **{name: 2 * getattr(engine, name)}))
            assert not all(plan_stage(each.stage, twice).fits(twice) for each in plans), name


def test_less_memory_takes_less_at_once_and_then_recomputes():
    large, small = (fitted(BF16, memory)[0].engine for memory in (80, 9))
    assert large.micro_batch_size > small.micro_batch_size and large.sampling_batch_size >= small.sampling_batch_size
    assert small.activation_checkpointing and not large.activation_checkpointing


def test_all_five_models_of_ppo_are_counted_by_hand():
    update = fitted(BF16, 80)[1][-1]
    # policy 4 + 8 and 4 of the EMA, value model 4 + 8; three read ones (judge too) 4; the rest comes and goes
    parts, n = update.memory.values(), 124_439_808
    working = sum(part.activations + part.gathered + part.gradients for part in parts)
    assert update.total_memory == pytest.approx(n * (16 + 12 + 3 * 4) + working, rel=1e-6)


def test_the_engines_own_settings_stay():
    engine = fitted(EngineConfig(bfloat16=True, micro_batch_size=2, sampling_batch_size=8), 80)[0].engine
    assert (engine.micro_batch_size, engine.sampling_batch_size, engine.activation_checkpointing) == (2, 8, False)
    assert fitted(replace(BF16, activation_checkpointing=True), 80)[0].engine.activation_checkpointing


def test_what_does_not_fit_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"(?s)does not fit.*DOES NOT FIT.*--gpus 2.*--max-prompt-tokens.*torchrun"):
        fitted(EngineConfig(), 4)
    with pytest.raises(ValueError, match=r"(?s)DOES NOT FIT.*leave out --engine.micro-batch-size"):
        fitted(replace(BF16, micro_batch_size=64), 9)


def test_several_gpus_share():
    assert fitted(BF16, 4, gpus=8)
    with pytest.raises(ValueError, match="does not fit"):
        fitted(BF16, 4)


def test_the_plan_is_that_of_the_preset_that_runs():
    cluster, plans = fitted(BF16, 24)
    for each in plans:
        assert plan_stage(each.stage, cluster).total_memory == each.total_memory
        assert max(job.length for job in each.stage.jobs) == 640
    assert [each.stage.name for each in plans] == ["sft", "reward", "ppo_ptx rollout", "ppo_ptx update"]
