"""The commands `presets` and `plan` print what they compute, as tables and as JSON.

Proves: every preset is listed; one preset's settings come with their tags; the JSON is one object with the plan's numbers;
tables name what does not fit; small and large numbers can both be read; unknown presets end with status 1.
"""

import json

import pytest

from rlhf_lite.__main__ import main
from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.plan import plan
from rlhf_lite.planning.recipes import RECIPES
from rlhf_lite.planning.tables import plan_numbers, plan_text, readable_number, readable_time


def printed(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_presets_lists_all(capsys):
    lines = printed(capsys, "presets").splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(RECIPES)]] == list(RECIPES)
    assert "174,604,259,328      96     96  12288    2,048      50,257  paper" in "\n".join(lines)


def test_presets_lists_one_with_tags(capsys):
    lines = [line.split() for line in printed(capsys, "presets", "instructgpt-6b").splitlines()]
    for row in (["ppo.kl_coef", "0.02", "paper"], ["ppo.gae_lambda", "0.95", "lineage"], ["ppo_ptx.ptx_coef", "27.8", "paper"]):
        assert row in lines
    assert json.loads(printed(capsys, "presets", "nano", "--json"))["nano"]["settings"]["model.n_layers"] == [2, "ours"]


def test_plan_prints_one_json_object(capsys):
    out = printed(capsys, "plan", "--preset", "gpt3-175b", "--gpus", "1024", "--gpu-memory", "80", "--json")
    assert out.count("\n") == 1
    numbers = json.loads(out)
    cluster = Cluster(gpus=1024, gpu_memory=80)
    assert numbers == json.loads(json.dumps(plan_numbers(RECIPES["gpt3-175b"], cluster, plan(RECIPES["gpt3-175b"], cluster))))
    assert numbers["parameters"]["policy"] == 174_604_259_328
    for row, made in zip(numbers["stages"], plan(RECIPES["gpt3-175b"], cluster), strict=True):
        assert row["total_gb"] * 1e9 == pytest.approx(made.total_memory) and row["fits"]
        assert row["days"] * 86_400 == pytest.approx(made.seconds)
        assert row["usd"] == pytest.approx(made.seconds / 3600 * 1024 * 2.5)
        assert set(row["memory"]["policy" if "policy" in row["memory"] else "reward_model"]) == {
            f"{name}_gb" for name in ("weights", "gradients", "optimizer", "gathered", "activations", "kv_cache")
        }
    assert numbers["total"]["usd"] == pytest.approx(sum(row["usd"] for row in numbers["stages"]))


def test_plan_prints_tables(capsys):
    out = printed(capsys, "plan", "--preset", "gpt3-175b", "--gpus", "64")
    assert out.startswith("gpt3-175b on 64 GPUs of 80 GB")
    assert "DOES NOT FIT; any one of these would do:" in out and "--gpus 128: each then holds a smaller shard" in out
    assert "40% of 989 TFLOP/s" in out and "limited by" in out
    fitting = plan_text(RECIPES["tiny"], Cluster(), plan(RECIPES["tiny"], Cluster()))
    assert fitting.startswith("tiny on 1 GPU of 80 GB") and "DOES NOT FIT" not in fitting
    assert max(map(len, (out + fitting).splitlines())) <= 130


def test_unknown_presets_end_with_status_1(capsys):
    for command in (["presets", "gpt4"], ["plan", "--preset", "gpt4"]):
        assert main(command) == 1
        assert capsys.readouterr().err.startswith("error: no preset 'gpt4': choose one of nano")
    assert main(["plan", "--gpus", "0"]) == 1


def test_numbers_and_times_can_be_read():
    numbers = [readable_number(x) for x in (0, 0.00123, 4.5, 78.94, 99.99, 1234.5)]
    assert numbers == ["0", "0.00123", "4.50", "78.9", "100", "1,234"]
    times = [readable_time(days) for days in (3.5, 1.5, 1 / 24, 1e-5)]
    assert times == ["3.50 days", "36.0 hours", "60.0 minutes", "0.864 seconds"]


def test_the_plans_options_are_the_runs(capsys):
    options = ["--engine.micro-batch-size", "4", "--engine.no-activation-checkpointing", "--engine.sampling-batch-size", "8"]
    numbers = json.loads(printed(capsys, "plan", "--preset", "gpt2", *options, "--json"))
    engine = numbers["cluster"]["engine"]
    assert (engine["micro_batch_size"], engine["activation_checkpointing"], engine["sampling_batch_size"]) == (4, False, 8)
    assert [row["at_once"] for row in numbers["stages"]] == [4, 4, 4, 8, 4]
