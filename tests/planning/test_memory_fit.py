"""A run of GPT-2 is fitted into a GPU: the largest micro-batch that fits, recomputing only where it must, and a refusal."""

from dataclasses import replace

import pytest

from rlhf_lite.engine import EngineConfig
from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import GB
from rlhf_lite.planning.memory_fit import check_memory, fit_memory, fit_text
from rlhf_lite.planning.plan import USABLE, plan_stage
from rlhf_lite.planning.recipes import RECIPES

GPT2 = RECIPES["gpt2"]
BF16 = EngineConfig(bfloat16=True)


def fitted(engine, memory, gpus=1):
    return fit_memory(GPT2, Cluster(gpus=gpus, gpu_memory=memory, engine=engine))


@pytest.mark.parametrize("memory", [12, 24, 80])
def test_what_is_chosen_fits_and_twice_as_much_would_not(memory):
    made = fitted(BF16, memory)
    assert made.fits and all(each.total_memory <= USABLE * memory * GB for each in made.plans)
    check_memory(made)
    engine = made.cluster.engine
    if engine.micro_batch_size < 64:
        twice = fitted(replace(engine, micro_batch_size=2 * engine.micro_batch_size), memory)
        assert not twice.fits or twice.cluster.engine.activation_checkpointing > engine.activation_checkpointing
    if engine.sampling_batch_size < GPT2.preset.ppo.episodes:
        assert not fitted(replace(engine, sampling_batch_size=2 * engine.sampling_batch_size), memory).fits


def test_less_memory_takes_less_at_once():
    large, small = (fitted(BF16, memory).cluster.engine for memory in (80, 12))
    assert large.micro_batch_size > small.micro_batch_size and large.sampling_batch_size >= small.sampling_batch_size
    assert not large.activation_checkpointing


def test_all_five_models_of_ppo_are_counted_by_hand():
    update = fitted(BF16, 80).plans[-1]
    # policy 4 + 8 and 4 of the EMA, value model 4 + 8; three read ones (judge too) 4; the rest comes and goes
    parts, n = update.memory.values(), 124_439_808
    working = sum(part.activations + part.gathered + part.gradients for part in parts)
    assert update.total_memory == pytest.approx(n * (16 + 12 + 3 * 4) + working, rel=1e-6)


def test_the_engines_own_settings_stay():
    engine = fitted(EngineConfig(bfloat16=True, micro_batch_size=2, sampling_batch_size=8), 80).cluster.engine
    assert (engine.micro_batch_size, engine.sampling_batch_size) == (2, 8)
    assert fitted(replace(BF16, activation_checkpointing=True), 80).cluster.engine.activation_checkpointing


def test_what_does_not_fit_is_refused_with_advice():
    made = fitted(EngineConfig(), 4)
    engine = made.cluster.engine
    assert not made.fits and (engine.micro_batch_size, engine.activation_checkpointing) == (1, True)
    with pytest.raises(ValueError, match=r"(?s)does not fit.*DOES NOT FIT.*--engine.bfloat16; .*--max-prompt-tokens"):
        check_memory(made)


def test_several_gpus_share():
    assert fitted(BF16, 4, gpus=8).fits and not fitted(BF16, 4).fits


def test_the_plan_is_that_of_the_preset_that_runs():
    made = fitted(BF16, 24)
    for each in made.plans:
        assert plan_stage(each.stage, made.cluster).total_memory == each.total_memory
        assert max(job.length for job in each.stage.jobs) == 640
    assert [each.stage.name for each in made.plans] == ["sft", "reward", "ppo_ptx rollout", "ppo_ptx update"]
    assert "(GB of the fullest GPU)" in fit_text(made)
