"""A run does each stage once, in order, and belongs to its preset and seed.

Proves: stages leave their outputs in order and are not done again; the same seed gives the same weights; answers to rank
are different from each other and come from all sources; ranked token ids are those that were sampled; given comparisons
and a given score replace labelers and reward model; another preset in the same folder is refused. All in a toy world,
for the pipeline needs no other.
"""

import json
import random
from dataclasses import replace

import pytest
import torch

from rlhf_lite.checkpoint import read_log
from rlhf_lite.optim import OptimConfig
from rlhf_lite.pipeline import STAGES, Pipeline
from rlhf_lite.presets import PRESETS, ComparisonConfig
from rlhf_lite.records import Comparison, Demonstration

COLORS = "red blue green white black".split()


class ToyWorld:
    """Name colors; labelers like short answers. Nothing of the tiny world is needed."""

    def __init__(self, *, given=None, score=None):
        self.given, self.score, self.asked = given, score, []

    def describe(self):
        return {}

    def documents(self, count):
        rng = random.Random(0)
        return [f"User: Name {c}.\nAssistant: {c} is a color." for c in rng.choices(COLORS, k=count)]

    def primer(self, count):
        return self.documents(count)

    def held_out_documents(self):
        return self.documents(40)

    def demonstrations(self, incoming):
        return [Demonstration(f"Name {c}.", f"{c} is a color.") for c in COLORS * 4]

    def comparison_prompts(self, incoming, count):
        return [f"Name {COLORS[i % 5]}." for i in range(count)]

    def given_comparisons(self):
        return self.given

    def given_score(self):
        return self.score

    def rank(self, prompts, answers):
        self.asked.append((prompts, answers))
        return [[sorted({len(t) for t in texts}).index(len(text)) for text in texts] for texts in answers]

    def ppo_prompts(self, incoming):
        return [f"Name {c}." for c in COLORS]

    def monitor(self, model, tokenizer):
        return {"gold": 0.0}


def toy_preset():
    nano = PRESETS["nano"]
    ppo = replace(nano.ppo, iterations=2, episodes=4, minibatch_size=2, max_new_tokens=6)
    return replace(
        nano, documents=300, primer_documents=60, comparisons=ComparisonConfig(prompts=6), ppo=ppo,
        pretrain=replace(nano.pretrain, steps=4, primer_steps=2, sequence_length=32),
        ppo_ptx=replace(ppo, ptx_coef=0.5, ptx_sequence_length=32, ptx_batch_size=2),
    )  # fmt: skip


def weights(pipeline, stage):
    return pipeline.model(stage).state_dict()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    torch.manual_seed(0)
    pipeline = Pipeline(tmp_path_factory.mktemp("run"), toy_preset(), 0, ToyWorld(), show_progress=False)
    pipeline.run()
    return pipeline


def test_every_stage_leaves_its_output_in_order(finished):
    times = [finished.output(stage).stat().st_mtime_ns for stage in STAGES]
    assert times == sorted(times)
    assert {path.name for path in finished.folder.iterdir()} == {*STAGES, "run.json", "seconds.json", "tokenizer.json"}
    assert len(read_log(finished.folder / "ppo_ptx/log.jsonl")) == 2
    assert not list(finished.folder.rglob("state.safetensors"))  # optimizer states of finished stages are gone
    assert not list(finished.folder.rglob("*.part"))


def test_a_finished_stage_is_not_done_again(finished, monkeypatch):
    again = Pipeline(finished.folder, toy_preset(), 0, ToyWorld(), show_progress=False)
    for stage in STAGES:
        monkeypatch.setattr(again, stage, lambda stage=stage: pytest.fail(f"{stage} again"), raising=True)
    again.run()


def test_run_until_a_stage_stops_there(tmp_path):
    pipeline = Pipeline(tmp_path, toy_preset(), 0, ToyWorld(), show_progress=False)
    pipeline.run(until="sft")
    assert [pipeline.is_done(stage) for stage in STAGES] == [True, True, False, False, False, False]


def test_the_seed_decides_everything(finished, tmp_path):
    same = Pipeline(tmp_path / "same", toy_preset(), 0, ToyWorld(), show_progress=False)
    other = Pipeline(tmp_path / "other", toy_preset(), 1, ToyWorld(), show_progress=False)
    torch.manual_seed(123)
    same.run()
    other.run(until="pretrain")
    for stage in STAGES:
        assert same.output(stage).read_bytes() == finished.output(stage).read_bytes(), stage
    assert not torch.equal(next(iter(weights(other, "pretrain").values())), next(iter(weights(finished, "pretrain").values())))


def test_stages_do_train(finished):
    for before, after in (("pretrain", "sft"), ("sft", "ppo"), ("ppo", "ppo_ptx")):
        assert any(
            not torch.equal(a, b)
            for a, b in zip(weights(finished, before).values(), weights(finished, after).values(), strict=True)
        )


@pytest.mark.parametrize("change", [{"seed": 1}, {"preset": replace(toy_preset(), sft=replace(toy_preset().sft, epochs=2.0))}])
def test_another_run_may_not_use_the_folder(finished, change):
    arguments = {"preset": toy_preset(), "seed": 0} | change
    before = (finished.folder / "run.json").read_text()
    with pytest.raises(ValueError, match="another preset or seed, or other data: choose another --name"):
        Pipeline(finished.folder, arguments["preset"], arguments["seed"], ToyWorld())
    assert (finished.folder / "run.json").read_text() == before


def test_answers_to_rank_are_distinct_and_come_from_every_source(finished):
    prompts = ["Name red.", "Name blue.", "Name green."]
    sources = finished.comparison_sources()
    config = finished.preset.comparisons
    assert [t for _, t in sources] == [1.0] * config.sft_answers + [config.high_temperature] * config.high_temperature_answers + [
        1.0
    ] * config.base_answers
    base, sft = weights(finished, "pretrain"), weights(finished, "sft")
    assert all(torch.equal(t, base[k]) for k, t in sources[-1][0].state_dict().items())
    assert all(torch.equal(t, sft[k]) for k, t in sources[0][0].state_dict().items())
    answers = finished.collect_answers(prompts, sources)
    for i, kept in enumerate(answers):
        assert len({tuple(ids) for ids in kept}) == len(kept) <= config.answers_per_prompt
        assert answers[(i + 1) % 3][0] in kept  # somebody else's


def test_a_newer_policy_replaces_half_of_the_sft_answers(finished):
    newest = finished.model("ppo")
    sources = finished.comparison_sources(newest)
    assert [model is newest for model, _ in sources] == [True, True, False, False, False, False]


def test_ranked_rows_hold_the_prompt_and_the_sampled_ids(finished):
    rows = json.loads(finished.output("comparisons").read_text())
    prompts, answers = finished.world.asked[0]
    assert rows, "nothing was ranked"
    tokenizer = finished.tokenizer
    for row in rows:
        prompt_ids = tokenizer.encode_prompt(row["prompt"])
        assert all(ids[: len(prompt_ids)] == prompt_ids for ids in row["ids"])
        texts = [tokenizer.decode_response(ids[len(prompt_ids) :]) for ids in row["ids"]]
        assert texts in [kept for prompt, kept in zip(prompts, answers, strict=True) if prompt == row["prompt"]]
        assert len(set(row["ranks"])) > 1


def test_prompts_on_which_a_labeler_decides_nothing_are_left_out(finished, monkeypatch):
    monkeypatch.setattr(finished.world, "rank", lambda prompts, answers: [[0, 0], [1, 0]])
    rows = finished.rank_answers(["Name red.", "Name blue."], [[[1], [2]], [[3], [4]]])
    assert [row["prompt"] for row in rows] == ["Name blue."]


def test_given_comparisons_replace_sampling_and_labelers(finished, tmp_path):
    world = ToyWorld(given=[Comparison("Name red.", ("red is a color.", "no"), (0, 1))])
    pipeline = Pipeline(tmp_path, toy_preset(), 0, world, show_progress=False)
    (tmp_path / "tokenizer.json").write_text((finished.folder / "tokenizer.json").read_text())
    pipeline.comparisons()
    (row,) = json.loads(pipeline.output("comparisons").read_text())
    assert world.asked == []
    assert row["ranks"] == [0, 1]
    assert pipeline.tokenizer.decode_response(row["ids"][1][len(pipeline.tokenizer.encode_prompt("Name red.")) :]) == "no"


def test_a_given_score_replaces_the_reward_model(tmp_path):
    asked = []

    def score(prompts, responses):
        asked.append((prompts, responses))
        return [0.0] * len(responses)

    pipeline = Pipeline(tmp_path, toy_preset(), 0, ToyWorld(score=score), show_progress=False)
    pipeline.run(until="sft")
    pipeline.ppo()  # neither comparisons nor a reward model are there
    assert pipeline.is_done("ppo") and not pipeline.is_done("reward")
    assert len(asked) == 2 and all(len(p) == len(r) == 4 for p, r in asked)
    assert all("Name " in prompt for prompts, _ in asked for prompt in prompts)


def test_the_reward_model_is_centred_on_the_demonstrations(finished):
    from rlhf_lite.reward import score_sequences

    examples, _ = finished._examples()
    scores = score_sequences(finished.model("reward"), [e.ids for e in examples], finished.tokenizer.pad_id)
    assert scores.mean().abs() < 1e-4


def test_the_optimizer_config_is_part_of_what_a_folder_remembers(finished):
    about = json.loads((finished.folder / "run.json").read_text())
    assert about["preset"]["sft"]["optim"]["learning_rate"] == toy_preset().sft.optim.learning_rate
    assert isinstance(toy_preset().sft.optim, OptimConfig)
