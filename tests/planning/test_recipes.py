"""Presets hold what the papers print, and say of every setting where it comes from.

Proves: parameter counts equal those of models that are built, the released GPT-2s' and the published tables', misprints
explained; each of InstructGPT's hyperparameters is there with its tag at all three sizes; what a paper did not train is
not called its own; our presets are `presets.PRESETS` themselves.
"""

import pytest
import torch

from rlhf_lite.gpt import GPT
from rlhf_lite.planning.costs import approximate_parameters
from rlhf_lite.planning.recipes import GPT2_SIZES, GPT3, INSTRUCTGPT, MISPRINTS, RECIPES, recipe_named
from rlhf_lite.presets import PRESETS

INSTRUCT = [RECIPES[name] for name in INSTRUCTGPT]


@pytest.mark.parametrize("name", RECIPES)
def test_parameters_are_those_of_a_model_that_is_built(name):
    for config in {RECIPES[name].model, RECIPES[name].critic}:
        with torch.device("meta"):
            assert config.n_parameters == sum(p.numel() for p in GPT(config).parameters())


@pytest.mark.parametrize("name", GPT2_SIZES)
def test_gpt2_has_the_parameters_of_the_released_weights(name):
    model, _, released, printed = GPT2_SIZES[name]
    assert model.n_parameters == released
    assert abs(printed / released - 1) > 0.01  # the paper's table is wrong in every row
    assert f"the paper prints {printed / 1e6:,.0f}M" in RECIPES[name].note


@pytest.mark.parametrize("name", GPT3)
def test_gpt3_has_the_parameters_of_the_papers_table(name):
    model, _, _, printed = GPT3[name]
    assert model.n_parameters == pytest.approx(printed, rel=0.02)
    assert approximate_parameters(model) == pytest.approx(model.n_parameters, rel=0.01)
    assert (name in MISPRINTS) == (name in ("gpt3-xl", "gpt3-13b")) and RECIPES[name].note == MISPRINTS.get(name, "")


def test_gpt3s_misprinted_rows_cannot_be_built_as_printed():
    assert 24 * 128 != 2048 and 16 * 128 == 2048 == RECIPES["gpt3-xl"].model.d_model
    assert 5140 % 40 and 40 * 128 == 5120 == RECIPES["gpt3-13b"].model.d_model
    assert (
        RECIPES["gpt3-xl"].settings()["model.n_heads"] == RECIPES["instructgpt-1.3b"].settings()["model.n_heads"] == (16, "ours")
    )
    assert RECIPES["gpt3-13b"].settings()["model.d_model"] == (5120, "ours")


@pytest.mark.parametrize(
    ("name", "batch_tokens", "rate"),
    [
        ("gpt3-small", 0.5e6, 6.0e-4), ("gpt3-medium", 0.5e6, 3.0e-4), ("gpt3-large", 0.5e6, 2.5e-4), ("gpt3-xl", 1e6, 2.0e-4),
        ("gpt3-2.7b", 1e6, 1.6e-4), ("gpt3-6.7b", 2e6, 1.2e-4), ("gpt3-13b", 2e6, 1.0e-4), ("gpt3-175b", 3.2e6, 0.6e-4),
    ],
)  # fmt: skip
def test_gpt3_pretraining(name, batch_tokens, rate):
    pretrain = RECIPES[name].preset.pretrain
    step_tokens = pretrain.batch_size * pretrain.sequence_length
    assert pretrain.sequence_length == 2048 and step_tokens == pytest.approx(batch_tokens, rel=0.003)
    assert pretrain.steps * step_tokens == pytest.approx(300e9, rel=1e-4)
    optim = pretrain.optim
    assert (optim.learning_rate, optim.final_fraction, optim.beta1, optim.beta2, optim.epsilon) == (rate, 0.1, 0.9, 0.95, 1e-8)
    assert (optim.max_grad_norm, optim.weight_decay) == (1.0, 0.1)
    assert optim.warmup_steps * step_tokens == pytest.approx(375e6, rel=0.01)
    tags = RECIPES[name].settings()
    assert all(tags[f"pretrain.optim.{key}"][1] == "paper" for key in ("learning_rate", "warmup_steps", "weight_decay"))


@pytest.mark.parametrize("recipe", INSTRUCT, ids=list(INSTRUCTGPT))
def test_every_hyperparameter_of_instructgpt(recipe):
    largest = recipe.name == "instructgpt-175b"
    start_rate = {"instructgpt-1.3b": 5e-6, "instructgpt-6b": 1.04e-5, "instructgpt-175b": 2.45e-6}[recipe.name]
    printed = {
        "sft.demonstrations": 12_725, "sft.epochs": 16, "sft.dropout": 0.2, "sft.batch_size": 8 if largest else 32,
        "sft.optim.learning_rate": 5.03e-6 if largest else 9.65e-6, "sft.optim.warmup_steps": 0,
        "ppo_start.epochs": 2, "ppo_start.batch_size": 8 if largest else 32, "ppo_start.optim.learning_rate": start_rate,
        "ppo_start.pretraining_share": 0.1, "comparisons.prompts": 33_207, "comparisons.answers": (4, 9),
        "reward.epochs": 1, "reward.batch_size": 64, "reward.optim.learning_rate": 9e-6,
        "ppo.prompts": 31_144, "ppo.iterations": 500, "ppo.episodes": 512, "ppo.minibatch_size": 64, "ppo.inner_epochs": 1,
        "ppo.max_new_tokens": 1024, "ppo.temperature": 1.0, "ppo.kl_coef": 0.02, "ppo.ratio_clip": 0.2, "ppo.discount": 1.0,
        "ppo.ema_decay": 0.992, "ppo.optim.warmup_steps": 10 * 8, "ppo.optim.final_fraction": 1.0,
        "ppo.value_optim.learning_rate": 5e-6 if largest else 9e-6, "ppo_ptx.ptx_coef": 27.8, "ppo_ptx.ptx_batch_size": 8 * 64,
        "model.context_length": 2048,
    }  # fmt: skip
    stages = ("sft.optim", "ppo_start.optim", "reward.optim", "ppo.optim", "ppo.value_optim")
    printed |= {f"{stage}.beta1": 0.9 for stage in stages} | {f"{stage}.beta2": 0.95 for stage in stages}
    printed |= {f"{stage}.final_fraction": 0.1 for stage in stages[:3]}
    settings = recipe.settings()
    assert {name: settings[name] for name in printed} == {name: (value, "paper") for name, value in printed.items()}
    assert 500 * 512 == 256_000  # episodes
    for name, value in {"ppo.gae_lambda": 0.95, "ppo.value_clip": 0.2, "ppo.whiten_advantages": True}.items():
        assert settings[name] == (value, "lineage")
    value, tag = settings["ppo.optim.learning_rate"]
    assert 2.55e-6 < value < 2.55e-5 and tag == "ours"  # the paper prints the range only
    assert recipe.critic == GPT3["gpt3-6.7b"][0]  # 6B at every size


def test_tags_name_settings_that_exist():
    for recipe in RECIPES.values():
        hidden = {name for name in recipe.tags if name not in recipe.settings()}
        assert not hidden, recipe.name
        assert {tag for _, tag in recipe.settings().values()} <= {"paper", "lineage", "ours"}


def test_a_paper_is_not_credited_with_a_model_it_did_not_train():
    for name in (*GPT2_SIZES, *GPT3):
        settings = RECIPES[name].settings()
        for key, (_, tag) in settings.items():
            if key.endswith("learning_rate"):
                assert tag == ("paper" if name in GPT3 and key.startswith("pretrain") else "ours"), (name, key)
    assert RECIPES["gpt2"].settings()["pretrain.steps"][1] == "ours"
    assert RECIPES["gpt2"].settings()["model.d_model"] == (768, "paper")


def test_our_presets_are_those_that_train():
    assert RECIPES["gpt2"].preset is PRESETS["gpt2"]
    for name in ("nano", "tiny"):
        assert RECIPES[name].preset is PRESETS[name]
        assert RECIPES[name].settings()["model.d_model"] == (PRESETS[name].model.d_model, "ours")
    settings = RECIPES["tiny"].settings()
    assert settings["ppo.value_clip"][1] == "lineage" and settings["sft.optim.beta1"][1] == "paper"
    assert {"pretrain.primer_steps", "comparisons.high_temperature_answers"} <= set(settings)
    assert not {"pretrain.primer_steps", "comparisons.high_temperature_answers"} & set(RECIPES["gpt2-medium"].settings())
    assert 25e6 < RECIPES["small"].model.n_parameters < 35e6


def test_ppo_ptx_lists_what_differs():
    names = [name for name in RECIPES["instructgpt-6b"].settings() if name.startswith("ppo_ptx")]
    assert names == ["ppo_ptx.ptx_coef", "ppo_ptx.ptx_batch_size"]


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(ValueError, match="no preset 'gpt4': choose one of nano, tiny, small, gpt2, .*instructgpt-175b"):
        recipe_named("gpt4")
    assert recipe_named("tiny") is RECIPES["tiny"]
