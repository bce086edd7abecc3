"""A run of GPT-2 is fitted into a GPU: the largest micro-batch that fits, recomputing only where it must, and a refusal."""

import pytest

from rlhf_lite.engine import EngineConfig
from rlhf_lite.planning.costs import GB
from rlhf_lite.planning.memory_fit import check_fit, fit, fit_text, needed_gb
from rlhf_lite.planning.plan import SLACK, Cluster, plan_stage
from rlhf_lite.planning.recipes import RECIPES

GPT2 = RECIPES["gpt2"]
BF16 = EngineConfig(bfloat16=True)


@pytest.mark.parametrize("memory", [12, 24, 80])
def test_what_is_chosen_fits_and_twice_as_much_would_not(memory):
    made = fit(GPT2, BF16, gpu_memory=memory)
    assert made.fits and all(needed_gb(each) <= SLACK * memory for each in made.plans)
    check_fit(made)
    n = made.engine.micro_batch_size
    if n < 64:
        twice = fit(GPT2, EngineConfig(bfloat16=True, micro_batch_size=2 * n, activation_checkpointing=made.engine.activation_checkpointing), gpu_memory=memory)
        assert not twice.fits or twice.engine.activation_checkpointing > made.engine.activation_checkpointing


def test_less_memory_takes_less_at_once():
    large, small = (fit(GPT2, BF16, gpu_memory=memory).engine for memory in (80, 12))
    assert large.micro_batch_size > small.micro_batch_size and large.sampling_batch_size >= small.sampling_batch_size
    assert not large.activation_checkpointing


def test_all_five_models_of_ppo_are_counted_by_hand():
    made = fit(GPT2, BF16, gpu_memory=80)
    update = made.plans[-1]
    # policy 4 + 8 and 4 of the average, value model 4 + 8; three read ones (judge too) 2 and 4 beyond; the rest comes and goes
    parts, n = update.memory.values(), 124_439_808
    working = sum(part.activations + part.gathered + part.gradients for part in parts)
    assert needed_gb(update) * GB == pytest.approx(n * (16 + 12 + 3 * 6) + working, rel=1e-6)


def test_in_float32_a_read_model_is_there_once():
    made = fit(GPT2, EngineConfig(), gpu_memory=80)
    assert needed_gb(made.plans[-1]) * GB == pytest.approx(made.plans[-1].total_memory)


def test_the_engines_own_settings_stay():
    made = fit(GPT2, EngineConfig(bfloat16=True, micro_batch_size=2, sampling_batch_size=8), gpu_memory=80)
    assert (made.engine.micro_batch_size, made.engine.sampling_batch_size) == (2, 8)


def test_what_does_not_fit_is_refused_with_advice():
    made = fit(GPT2, EngineConfig(), gpu_memory=4)
    assert not made.fits and (made.engine.micro_batch_size, made.engine.activation_checkpointing) == (1, True)
    with pytest.raises(ValueError, match=r"(?s)does not fit.*DOES NOT FIT.*--engine.bfloat16; .*--max-prompt-tokens"):
        check_fit(made)


def test_several_gpus_share():
    assert fit(GPT2, BF16, gpu_memory=4, gpus=8).fits and not fit(GPT2, BF16, gpu_memory=4).fits


def test_the_plan_is_that_of_the_preset_that_runs():
    made = fit(GPT2, BF16, gpu_memory=24)
    for each in made.plans:
        alone = plan_stage(each.stage, made.cluster)
        assert isinstance(made.cluster, Cluster) and alone.total_memory == each.total_memory
        assert max(job.length for job in each.stage.jobs) == 640
    assert [each.stage.name for each in made.plans] == ["sft", "reward", "ppo_ptx rollout", "ppo_ptx update"]
    assert "(GB of the fullest GPU)" in fit_text(made)
