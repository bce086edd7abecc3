"""A run does each stage once, in order, and belongs to its preset and seed.

Proves: stages leave their outputs in order and are not done again; the same seed gives the same weights; answers to rank
are different from each other and come from all sources; ranked token ids are those that were sampled; given comparisons
and a given score replace labelers and reward model. A folder belongs to a run: what a stage and those before it used is
compared and named, two commands do not work in one, rows that do not fit are counted, a lost tokenizer comes back.
All in a toy world, for the pipeline needs no other.
"""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial

import pytest
import torch

from rlhf_lite import comparisons as comparisons_module
from rlhf_lite import pipeline as pipeline_module
from rlhf_lite.checkpoint import TrainingRun, read_log
from rlhf_lite.comparisons import in_order, ranked_rows, written_rows
from rlhf_lite.optim import OptimConfig
from rlhf_lite.pipeline import STAGES, Pipeline
from rlhf_lite.presets import PRESETS, ComparisonConfig, dotted, used_by
from rlhf_lite.real_data.score_functions import text_score
from rlhf_lite.records import Comparison, Demonstration
from rlhf_lite.tokenizer import Tokenizer

COLORS = "red blue green white black".split()


class ToyWorld:
    """Name colors; labelers like short answers. Nothing of the tiny world is needed."""

    def __init__(self, *, given=None, score=None, about=None):
        self.given, self.score, self.asked, self.about = given, score, [], about or {}

    def describe(self):
        return self.about

    def documents(self, count):
        rng = random.Random(0)
        return [f"User: Name {c}.\nAssistant: {c} is a color." for c in rng.choices(COLORS, k=count)]

    def primer(self, count):
        return self.documents(count)

    def primer_terms(self, count):
        return []

    def held_out_documents(self):
        return self.documents(40)

    def demonstrations(self, incoming):
        return [Demonstration(f"Name {c}.", f"{c} is a color.") for c in COLORS * 4]

    def text_to_mix_in(self, count):
        return self.documents(count)

    def written_pairs(self, count):
        return [[("Name red.", "red is a color", "red")] * (count // 2)] * 2

    def comparison_prompts(self, incoming, count):
        return [f"Name {COLORS[i % 5]}." for i in range(count)]

    def given_comparisons(self):
        return self.given

    def given_score(self):
        return partial(text_score, self.score) if self.score else None

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
        nano, documents=300, primer_documents=60, ppo=ppo,
        comparisons=ComparisonConfig(prompts=6, rounds=2, iterations_between=1, sft_answers=2, written_pairs=4),
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
    assert {path.name for path in finished.folder.iterdir()} == {
        *STAGES, "run.json", "seconds.json", "tokenizer.json", ".lock"
    }  # fmt: skip
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


def toy_with(**stages):
    """Change settings of some stages of the toy preset."""
    return replace(toy_preset(), **{name: replace(getattr(toy_preset(), name), **new) for name, new in stages.items()})


@pytest.mark.parametrize(("change", "told"), [
    ({"seed": 1}, "stage pretrain .*seed was 0, now 1"),
    ({"preset": toy_with(sft={"epochs": 2.0})}, r"stage sft .*sft.epochs was 1.0, now 2.0"),
    ({"world": ToyWorld(about={"base": "x"})}, "base was not given, now x"),
])  # fmt: skip
def test_another_run_may_not_use_the_folder(finished, change, told):
    arguments = {"preset": toy_preset(), "seed": 0, "world": ToyWorld()} | change
    before = (finished.folder / "run.json").read_text()
    with pytest.raises(ValueError, match=f"{told}.*choose another --name"):
        Pipeline(finished.folder, *arguments.values()).run()
    assert (finished.folder / "run.json").read_text() == before


DEFAULTS = dotted(asdict(toy_preset()))


def begun(tmp_path, finished, *done, old=False):
    """Make a folder in which some stages are done, with 5 epochs of SFT and own demonstrations."""
    for stage in done:
        (tmp_path / stage).mkdir()
        shutil.copy(finished.output(stage), tmp_path / stage)
    shutil.copy(finished.folder / "tokenizer.json", tmp_path)
    about = {"seed": 0, "preset": asdict(toy_with(sft={"epochs": 5.0})), "data": {"demonstrations": "ab of a.jsonl"}}
    if not old:
        about["stages"] = {stage: used_by(stage, about["preset"], about["data"]) for stage in done}
    (tmp_path / "run.json").write_text(json.dumps(about))


def opened(tmp_path, preset=None, defaults=DEFAULTS, **about):
    return Pipeline(tmp_path, preset or toy_preset(), 0, ToyWorld(about=about), show_progress=False, defaults=defaults)


@pytest.mark.parametrize("old", [False, True])
def test_what_was_not_asked_for_does_not_matter_to_a_stage_that_is_done(tmp_path, finished, old):
    begun(tmp_path, finished, "pretrain", "sft", old=old)
    opened(tmp_path).check("reward")  # neither epochs nor demonstrations are repeated
    opened(tmp_path, demonstrations="ab of elsewhere.jsonl", comparisons="cd of b.jsonl").check("reward")
    opened(tmp_path, toy_with(sft={"epochs": 5.0})).check("reward")
    opened(tmp_path, toy_with(ppo={"kl_coef": 9.0}), prompts="ef of c.jsonl").check("sft")  # a later stage's
    with pytest.raises(ValueError, match=r"stage sft .*sft.epochs was 5.0, now 7.0"):
        opened(tmp_path, toy_with(sft={"epochs": 7.0})).check("reward")
    with pytest.raises(ValueError, match="stage sft .*demonstrations was ab of a.jsonl, now xy of b.jsonl"):
        opened(tmp_path, demonstrations="xy of b.jsonl").check("reward")
    with pytest.raises(ValueError, match=r"sft.epochs was 5.0, now 1.0"):
        opened(tmp_path, defaults=None).check("reward")  # nothing is known to be a default


def test_everything_matters_to_a_stage_that_has_begun(tmp_path, finished):
    begun(tmp_path, finished, "pretrain", "sft")
    (tmp_path / "sft/model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"sft.epochs was 5.0, now 1.0; demonstrations was ab of a.jsonl, now not given"):
        opened(tmp_path).sft()
    opened(tmp_path, toy_with(sft={"epochs": 5.0}), demonstrations="ab of a.jsonl").check("sft")
    shutil.rmtree(tmp_path / "sft")  # as the message says
    opened(tmp_path).sft()
    assert json.loads((tmp_path / "run.json").read_text())["stages"]["sft"]["settings"]["sft.epochs"] == 1.0


def test_nothing_builds_on_ppo(tmp_path, finished):
    begun(tmp_path, finished, "pretrain", "ppo")
    opened(tmp_path, toy_with(ppo={"kl_coef": 9.0})).check("ppo_ptx")
    with pytest.raises(ValueError, match="ppo.kl_coef was 0.05, now 9"):
        opened(tmp_path, toy_with(ppo={"kl_coef": 9.0})).check("ppo", "ppo_ptx")


def test_settings_of_a_base_model_that_is_there_are_refused(tmp_path, finished):
    begun(tmp_path, finished, "pretrain")
    (tmp_path / "run.json").unlink()  # it was copied
    opened(tmp_path).check("sft")
    with pytest.raises(ValueError, match="model.d_model is 32, asked for 64"):
        opened(tmp_path, toy_with(model={"d_model": 64})).check("sft")
    tiny = replace(PRESETS["tiny"], sft=toy_preset().sft)
    opened(tmp_path, tiny, dotted(asdict(tiny))).sft()  # nobody asked for tiny's shape, and its own is taken
    assert json.loads((tmp_path / "run.json").read_text())["stages"]["sft"]["model"]["context_length"] == 320


def test_rows_that_do_not_fit_are_counted_by_the_models_own_context(tmp_path, finished, capsys):
    begun(tmp_path, finished, "pretrain")
    world = ToyWorld()
    world.demonstrations = lambda incoming: [Demonstration("Name red.", "red " * n) for n in (3, 200, 500)]
    pipeline = Pipeline(tmp_path, toy_with(model={"context_length": 64}), 0, world, show_progress=False)
    (tmp_path / "run.json").unlink()
    pipeline.sft()
    assert "left out 1 of 3 demonstrations: longer than 320 tokens" in capsys.readouterr().out
    about = json.loads((tmp_path / "run.json").read_text())["stages"]["sft"]
    assert about["rows"] == {"demonstrations": {"used": 2, "left_out": 1, "most_tokens": 320}}


def test_prompts_that_leave_no_room_for_the_answer_are_left_out_with_their_rows(tmp_path, finished, capsys):
    begun(tmp_path, finished, "pretrain", "sft")
    (tmp_path / "run.json").unlink()
    world = ToyWorld()
    world.comparison_prompts = lambda incoming, count: ["Name red.", "red " * 312, "Name blue.", "x " * 900]
    preset = replace(toy_preset(), comparisons=ComparisonConfig(prompts=6, rounds=1))
    Pipeline(tmp_path, preset, 0, world, show_progress=False).comparisons()
    assert "left out 2 of 4 prompts to compare answers to: longer than 314 tokens" in capsys.readouterr().out
    rows = json.loads((tmp_path / "comparisons/comparisons.json").read_text())
    tokenizer = finished.tokenizer
    assert rows and {row["prompt"] for row in rows} <= {"Name red.", "Name blue."}
    for row in rows:
        prompt = tokenizer.encode_prompt(row["prompt"])
        assert all(ids[: len(prompt)] == prompt for ids in row["ids"])


def test_a_tokenizer_of_a_run_that_was_given_up_is_not_used(tmp_path, finished):
    Tokenizer.train(["other words, given up"] * 9, 270).save(tmp_path / "tokenizer.json")  # stopped before anything was trained
    pipeline = Pipeline(tmp_path, toy_preset(), 0, ToyWorld(), show_progress=False)
    pipeline.pretrain()
    assert (tmp_path / "tokenizer.json").read_bytes() == (finished.folder / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("harm", [lambda path: path.write_text("{"), lambda path: path.write_bytes(path.read_bytes()[:99])])
def test_what_is_said_of_a_damaged_tokenizer_works(tmp_path, finished, harm):
    begun(tmp_path, finished, "pretrain", "sft")
    (tmp_path / "run.json").unlink()
    path, good = tmp_path / "tokenizer.json", (tmp_path / "tokenizer.json").read_bytes()
    harm(path)
    with pytest.raises(ValueError, match=r"tokenizer.json is damaged .*: delete it; the same command.*makes it anew"):
        opened(tmp_path).comparisons()
    path.unlink()
    opened(tmp_path).comparisons()
    assert path.read_bytes() == good
    path.unlink()
    other = ToyWorld()
    other.documents = lambda count: ["other texts"]
    with pytest.raises(FileNotFoundError, match=r"there is no .*tokenizer.json: the same command, with its --text or"):
        Pipeline(tmp_path, toy_preset(), 0, other, show_progress=False).reward()


def test_two_commands_do_not_work_in_one_folder(tmp_path):
    holder = ("import sys, pathlib; from rlhf_lite.files import lock_folder; lock = lock_folder(pathlib.Path(sys.argv[1]));"
              "print(flush=True); sys.stdin.read()")  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", holder, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    with pytest.raises(ValueError, match=f"another command works in {tmp_path}: wait until it ends, or choose another --name"):
        Pipeline(tmp_path, toy_preset(), 0, ToyWorld(), show_progress=False).run(until="pretrain")
    assert not (tmp_path / "run.json").exists()
    process.kill()  # leaves the file, but not the lock
    process.wait()
    Pipeline(tmp_path, toy_preset(), 0, ToyWorld(), show_progress=False).run(until="pretrain")


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
    assert [model is newest for model, _ in sources] == [True, False, False, False]


def test_ranked_rows_hold_the_prompt_and_the_sampled_ids(finished):
    rows = json.loads(finished.output("comparisons").read_text())
    (prompts, answers), (more, others) = finished.world.asked  # two rounds
    prompts, answers = [*prompts, *more, "Name red."], [*answers, *others, ["red is a color", "red"]]  # and a written pair
    assert rows, "nothing was ranked"
    tokenizer = finished.tokenizer
    for row in rows:
        prompt_ids = tokenizer.encode_prompt(row["prompt"])
        assert all(ids[: len(prompt_ids)] == prompt_ids for ids in row["ids"])
        texts = [tokenizer.decode_response(ids[len(prompt_ids) :]) for ids in row["ids"]]
        assert texts in [kept for prompt, kept in zip(prompts, answers, strict=True) if prompt == row["prompt"]]
        assert len(set(row["ranks"])) > 1


def test_written_pairs_stand_in_their_terms_and_the_last_among_the_models_answers():
    first, last, sampled = ([{"row": f"{kind} {i}"} for i in range(30)] for kind in ("first", "last", "sampled"))
    rows = in_order([first, last], sampled, seed=0)
    assert rows[:30] == first and {row["row"] for row in rows[30:]} == {row["row"] for row in last + sampled}
    assert 5 < sum(row in last for row in rows[30:60]) < 25  # mixed
    assert rows == in_order([first, last], sampled, seed=0) != in_order([first, last], sampled, seed=1)
    assert in_order([], sampled, seed=0) == sampled


def test_a_written_answer_that_is_too_long_is_left_out_with_its_rival(finished):
    class Writes(ToyWorld):
        def written_pairs(self, count):
            return [[("Name red.", "red", "red is a color " * 9), ("Name blue.", "blue is a color", "blue")]]

    ((row,),) = written_rows(Writes(), finished.tokenizer, 2, longest=20)
    assert (row["prompt"], row["ranks"]) == ("Name blue.", [0, 1])
    assert row["ids"] == [finished.tokenizer.encode_example("Name blue.", text)[0] for text in ("blue is a color", "blue")]
    assert written_rows(Writes(), finished.tokenizer, 0, longest=20) == []


def test_prompts_on_which_a_labeler_decides_nothing_are_left_out(finished, monkeypatch):
    monkeypatch.setattr(finished.world, "rank", lambda prompts, answers: [[0, 0], [1, 0]])
    rows = ranked_rows(finished.world, finished.tokenizer, ["Name red.", "Name blue."], [[[1], [2]], [[3], [4]]])
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
    assert all(prompt in {f"Name {color}." for color in COLORS} for prompts, _ in asked for prompt in prompts)  # as given


def test_the_reward_model_is_centred_on_the_demonstrations(finished):
    from rlhf_lite.reward import score_sequences

    tokenizer, demonstrations = finished.tokenizer, finished.world.demonstrations(0)
    sequences = [tokenizer.encode_example(each.prompt, each.response)[0] for each in demonstrations]
    scores = score_sequences(finished.model("reward"), sequences, tokenizer.pad_id)
    assert scores.mean().abs() < 1e-4


def test_without_demonstrations_it_is_centred_on_the_best_answers(tmp_path, finished):
    from rlhf_lite.reward import score_sequences

    begun(tmp_path, finished, "pretrain", "sft", "comparisons")
    (tmp_path / "run.json").unlink()
    world = ToyWorld()
    world.demonstrations = lambda incoming: []
    pipeline = Pipeline(tmp_path, toy_preset(), 0, world, show_progress=False)
    pipeline.reward()
    rows = json.loads((tmp_path / "comparisons/comparisons.json").read_text())
    best = [row["ids"][row["ranks"].index(min(row["ranks"]))] for row in rows]
    assert score_sequences(pipeline.model("reward"), best, finished.tokenizer.pad_id).mean().abs() < 1e-4
    (tmp_path / "sft/model.safetensors").unlink()
    with pytest.raises(ValueError, match="no demonstrations to learn from: give --demonstrations"):
        pipeline.sft()


def test_the_optimizer_config_is_part_of_what_a_folder_remembers(finished):
    about = json.loads((finished.folder / "run.json").read_text())
    assert about["stages"]["sft"]["settings"]["sft.optim.learning_rate"] == toy_preset().sft.optim.learning_rate
    assert isinstance(toy_preset().sft.optim, OptimConfig)


def test_the_value_model_starts_as_the_reward_model_and_the_policy_as_sft(finished, monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline_module, "train_ppo", lambda policy, value_model, *_, **__: seen.append((policy, value_model)))
    again = Pipeline(finished.folder, toy_preset(), 0, ToyWorld(), show_progress=False)
    again.train_policy(again.preset.ppo, again.model("reward"), TrainingRun(None, show_progress=False))
    for model, stage in zip(seen[0], ("sft", "reward"), strict=True):
        assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in weights(finished, stage).items())


def test_sft_trains_with_its_own_dropout_and_keeps_the_models(tmp_path, monkeypatch):
    seen, real = [], pipeline_module.train_sft
    monkeypatch.setattr(pipeline_module, "train_sft",
                        lambda model, *rest, **more: seen.append(model.config.dropout) or real(model, *rest, **more))  # fmt: skip
    preset = replace(toy_preset(), sft=replace(toy_preset().sft, dropout=0.25))
    pipeline = Pipeline(tmp_path, preset, 0, ToyWorld(), show_progress=False)
    pipeline.run(until="sft")
    assert seen == [0.25] and pipeline.model("sft").config.dropout == 0.0


def test_answers_that_differ_only_in_their_last_token_are_two(finished, monkeypatch):
    end = finished.tokenizer.end_id
    drawn = iter([[[5, 6, end]], [[5, 6, 7]], [[5, 6, end]]])  # of three sources
    monkeypatch.setattr(comparisons_module, "sample", lambda *_, **__: next(drawn))
    alone = replace(toy_preset(), comparisons=ComparisonConfig(off_topic_answers=0, written_pairs=0))
    pipeline = Pipeline(finished.folder, alone, 0, ToyWorld(),
                        show_progress=False)  # fmt: skip
    assert pipeline.collect_answers(["a"], [(pipeline.model("sft"), 1.0)] * 3) == [[[5, 6, end], [5, 6, 7]]]


def test_abilities_are_compared_with_sft_s_own_also_where_ppo_goes_on(finished, tmp_path, capsys, monkeypatch):
    sft = weights(finished, "sft")

    def abilities(self, model, tokenizer):
        return {"is SFT": float(all(torch.equal(t, sft[name]) for name, t in model.state_dict().items()))}

    monkeypatch.setattr(ToyWorld, "abilities", abilities, raising=False)
    monkeypatch.setattr(ToyWorld, "monitor", lambda self, *asked: {"abilities": self.abilities(*asked)})
    for iterations in (1, 2):
        run = TrainingRun(tmp_path, save_every_seconds=0, show_progress=False)
        config = replace(finished.preset.ppo, iterations=iterations, eval_every=1)
        finished.train_policy(config, finished.model("reward"), run)
        assert "warning: the policy can do less than before PPO: is SFT 1.00 -> 0.00" in capsys.readouterr().out
    assert [row["fallen"] for row in run.history] == [{"is SFT": 1.0}] * 2
