"""The tick boxes move the bars as sharding does.

Proves: what is ticked is divided by the number of GPUs and nothing else is; gathered blocks appear with sharded weights only;
checkpointing lowers activations only; 175B on 64 GPUs fits only with every box; the widget's boxes and the fallback show it.
"""

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_16.shards import (
    GPUS,
    PARTS,
    SIZES,
    fits,
    per_gpu,
    shards_box,
    shards_html,
    show_shards,
    steps_of,
)
from rlhf_lite.engine import EngineConfig
from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import block_parameters, kept_activations
from rlhf_lite.planning.recipes import RECIPES

BYTES = {"weights": 2, "gradients": 2, "optimizer": 12}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", SIZES)
def test_one_box_divides_one_part(name, part):
    n = RECIPES[name].model.n_parameters
    whole, split = per_gpu(name, 16), per_gpu(name, 16, {part})
    for each, size in BYTES.items():
        assert whole[each] == size * n
        assert split[each] == (size * n / 16 if each == part else size * n)
    assert whole["gathered"] == 0 and (split["gathered"] > 0) == (part == "weights")
    assert split["activations"] == whole["activations"]


def test_gathered_are_two_blocks_and_the_embeddings():
    shape = RECIPES["gpt2-xl"].model
    embeddings = (50257 + 1024) * 1600
    assert per_gpu("gpt2-xl", 8, {"weights"})["gathered"] == 2 * (2 * block_parameters(shape) + embeddings)
    assert per_gpu("gpt2-xl", 1, set(PARTS)) == per_gpu("gpt2-xl", 1)


def test_computing_again_lowers_activations_only():
    kept, again = per_gpu("gpt3-13b", 8), per_gpu("gpt3-13b", 8, again=True)
    assert again["activations"] < kept["activations"] / 3
    assert {**again, "activations": 0} == {**kept, "activations": 0}
    cluster = Cluster(gpus=8, engine=EngineConfig(bfloat16=True))
    assert kept["activations"] >= kept_activations(RECIPES["gpt3-13b"].model, cluster, 2048)


def test_175b_on_64_gpus_needs_every_box():
    found = steps_of("gpt3-175b", 64)
    assert [fits(each) for each in found.values()] == [False] * 4 + [True]
    totals = [sum(each.values()) for each in found.values()]
    assert totals == sorted(totals, reverse=True)
    enough = [n for n in range(1, 80) if fits(per_gpu("gpt3-175b", n, set(PARTS), again=True))]
    assert enough[0] == 49 and enough == list(range(49, 80))


def test_the_page_says_whether_it_fits():
    assert "✗ does not fit</b>: 2,871 GB on each GPU, 72 of its 80 are usable" in shards_html(per_gpu("gpt3-175b", 64))
    assert "✓ fits" in shards_html(steps_of("gpt3-175b", 64)["+ activations again"])


def test_every_control_moves_the_page():
    size, gpus, *boxes, again, shown = shards_box().children
    seen = [shown.value]
    for box in (*boxes, again):
        assert not box.value
        box.value = True
        seen.append(shown.value)
    assert "✓ fits" in shown.value
    gpus.value = GPUS[-1]
    seen.append(shown.value)
    size.value = "gpt2-xl"
    seen.append(shown.value)
    assert len(set(seen)) == len(seen)


def test_the_static_fallback_ticks_one_after_the_other(monkeypatch):
    shown = []
    for name in ("display", "keep_keys"):
        monkeypatch.setattr(static_fallback, name, lambda *data, **more: shown.append(data))
    monkeypatch.setattr(static_fallback, "show_words", lambda alt: shown.append((alt,)))
    show_shards()
    assert any("image/png" in data[0] for data in shown if data)
    assert "+ optimizer sharded" in shown[-1][0] and "total 57.9" in shown[-1][0]
