"""A plan adds up, and its advice, followed, makes a stage fit.

Proves: PF-days of InstructGPT's stages come out near the paper's; each of computing, network and memory bandwidth sets the
time where it should, by hand-worked numbers; totals count what is there at once; the chosen micro-batch is the largest
that fits; every piece of advice that names a setting makes the stage fit.
"""

from dataclasses import replace

import pytest

from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import Memory, attention_flops, training_flops
from rlhf_lite.planning.plan import StagePlan, plan, plan_stage
from rlhf_lite.planning.recipes import RECIPES
from rlhf_lite.planning.workload import stages

LARGE, SMALL = RECIPES["instructgpt-175b"], RECIPES["gpt2"]


def cluster_of(*, micro_batch_size=0, sampling_batch_size=16, **cluster):
    engine = {name: cluster.pop(name) for name in ("activation_checkpointing", "bfloat16") if name in cluster}
    engine |= {"micro_batch_size": micro_batch_size, "sampling_batch_size": sampling_batch_size}
    return Cluster(engine=replace(Cluster().engine, **engine), **cluster)


def plans(recipe, **settings):
    return {each.stage.name: each for each in plan(recipe, cluster_of(**settings))}


def test_pf_days_are_near_the_papers():
    made = plans(LARGE, gpus=1024)
    assert made["pretrain"].pf_days == pytest.approx(3640, rel=0.01)
    assert made["sft"].pf_days == pytest.approx(4.9, rel=0.05)  # an upper bound: every example 2,048 tokens long
    assert made["ppo_ptx rollout"].pf_days + made["ppo_ptx update"].pf_days == pytest.approx(60, rel=0.10)


def test_time_on_one_gpu_is_computing():
    made = plans(SMALL)["pretrain"]
    tokens = 19_073 * 512 * 1024
    flops = training_flops(SMALL.model, tokens)
    attention = 3 * attention_flops(SMALL.model, tokens, 1024)
    assert (made.flops, made.attention_flops) == (pytest.approx(flops), pytest.approx(attention))
    assert made.seconds == pytest.approx((flops + attention) / (989e12 * 0.4))
    assert (made.limit, made.busy) == ("computing", pytest.approx(1.0))


def test_time_over_a_slow_network():
    made = plans(LARGE, gpus=1024, micro_batch_size=1)["sft"]  # 8 sequences: one micro-batch a step
    step = 3 * 2 * LARGE.model.n_parameters * 1023 / 1024 / 50e9  # gathered twice, gradients once, in 2 bytes
    assert made.seconds == pytest.approx(25_450 * step)
    assert (made.limit, made.busy) == ("network", pytest.approx(8 / 1024))
    assert plans(LARGE, gpus=1024, micro_batch_size=1, network=1e6)["sft"].limit == "computing"


def test_larger_micro_batches_gather_less_often():
    seconds = [plans(LARGE, gpus=64, gpu_memory=999, micro_batch_size=n, network=10)["pretrain"].seconds for n in (1, 2)]
    assert seconds[0] / seconds[1] == pytest.approx(25 / 13)  # 1,562 sequences over 64 GPUs: 25 portions, or 13


def test_sampling_on_one_gpu_is_limited_by_its_memory():
    medium = RECIPES["gpt2-medium"]
    made = plans(medium)["ppo_ptx rollout"]
    assert made.limit == "memory bandwidth"
    weights, cache = 2 * medium.model.n_parameters, 2 * 24 * 1024 * 2 * 16 * (1024 - 256)
    sampling = 512 / 16 * 512 * (weights + cache) / 3350e9  # 32 portions of 16 answers, 512 new tokens each
    reading = sum(made.flops / 500 / 5 / (989e12 * 0.4) for _ in range(4))
    assert made.seconds / 500 == pytest.approx(sampling + reading, rel=0.05)  # reading has its attention beside


def test_totals_count_what_is_there_at_once():
    *_, rollout, update = stages(LARGE)
    part = Memory(weights=1, gradients=2, optimizer=3, gathered=10, activations=100, kv_cache=1000)
    empty = {"at_once": 1, "flops": 0, "attention_flops": 0, "seconds": 0, "limit": "", "busy": 1}
    two = {"policy": part, "value_model": replace(part, gathered=20, activations=200, kv_cache=0)}
    assert StagePlan(stage=update, memory=two, is_sharded=True, **empty).total_memory == 12 + 20 + 1000 + 200
    assert StagePlan(stage=rollout, memory=two, is_sharded=True, **empty).total_memory == 12 + 20 + 1000
    assert StagePlan(stage=rollout, memory=two, is_sharded=False, **empty).total_memory == 12 + 30 + 1000


def test_gradients_and_gathered_parameters_only_where_they_are_needed():
    made = plans(LARGE, gpus=1024)
    rollout, update = made["ppo_ptx rollout"].memory, made["ppo_ptx update"].memory
    assert rollout["policy"].gradients == 0 < update["policy"].gradients
    assert rollout["ref_policy"].gathered > 0 == update["ref_policy"].gathered
    assert rollout["policy"].kv_cache == pytest.approx(2048 * 4.72e6, rel=0.01) and update["policy"].kv_cache == 0
    assert update["policy"].optimizer == pytest.approx(12 * LARGE.model.n_parameters / 1024)  # Adam and the average


def test_micro_batch_is_the_largest_that_fits():
    made = plans(SMALL, gpu_memory=24)["pretrain"]
    cluster = Cluster(gpu_memory=24)
    assert made.fits(cluster) and made.at_once == 16
    assert not plans(SMALL, gpu_memory=24, micro_batch_size=32)["pretrain"].fits(cluster)
    assert plans(SMALL, gpu_memory=4000)["pretrain"].at_once == 512  # no more than there are
    assert plans(SMALL, gpu_memory=0.1)["pretrain"].at_once == 1
    assert plans(SMALL, sampling_batch_size=0)["ppo_ptx rollout"].at_once == SMALL.preset.ppo_ptx.episodes
    cluster = Cluster(gpu_memory=8)
    size = plans(SMALL, gpu_memory=8, sampling_batch_size=0)["ppo_ptx rollout"].at_once
    assert 1 < size < 64
    assert not plans(SMALL, gpu_memory=8, sampling_batch_size=2 * size)["ppo_ptx rollout"].fits(cluster)


def followed(text, cluster):
    """Change a cluster as a piece of advice says."""
    name, _, value = text.split(":")[0].removeprefix("leave out ").removeprefix("--").replace("-", "_").partition(" ")
    if name.startswith("engine."):
        change = {name.removeprefix("engine."): 0 if text.startswith("leave out") else True}
        return replace(cluster, engine=replace(cluster.engine, **change))
    return replace(cluster, **{name: int(value)})


@pytest.mark.parametrize(
    ("recipe", "options", "needed"),
    [
        (LARGE, {"gpus": 64}, {"--gpus", "--gpu-memory"}),
        (LARGE, {"gpus": 1}, {"--gpus", "--gpu-memory"}),
        (LARGE, {"gpus": 150}, {"leave out --engine.sampling-batch-size"}),
        (SMALL, {"gpu_memory": 10, "micro_batch_size": 64}, {"leave out --engine.micro-batch-size", "--gpu-memory"}),
        (SMALL, {"gpu_memory": 9, "micro_batch_size": 8, "activation_checkpointing": False},
         {"--engine.activation-checkpointing", "leave out --engine.micro-batch-size"}),
    ],
)
def test_advice_makes_it_fit(recipe, options, needed):
    cluster, given = cluster_of(**options), set()
    for stage in stages(recipe):
        made = plan_stage(stage, cluster)
        assert (made.advice == ()) == made.fits(cluster)
        for text in made.advice:
            changed = followed(text, cluster)
            given.add(text.split(":")[0].rstrip(" 0123456789"))
            assert plan_stage(stage, changed).fits(changed), text
    assert needed <= given


def test_more_gpus_do_not_help_where_one_sequence_is_too_large():
    made = plan_stage(stages(LARGE)[0], Cluster(gpus=1024, gpu_memory=15))
    assert made.advice and not any(text.startswith("--gpus") for text in made.advice)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(("wrong", "told"), [
    *[({name: value}, f"{name} is {value}, expected a finite number above 0")
      for name in ("gpus", "gpu_memory", "peak_tflops", "memory_bandwidth", "network") for value in (0, -5, NAN, INF)],
    *[({"efficiency": value}, f"efficiency is {value}, expected more than 0 and at most 1") for value in (0, -1, 40, NAN, INF)],
    *[({"price": value}, f"price is {value}, expected a finite number of at least 0") for value in (-1, NAN, INF)],
])  # fmt: skip
def test_messages(wrong, told):
    with pytest.raises(ValueError, match=told) as refused:
        Cluster(**wrong)
    assert "\n" not in str(refused.value)
