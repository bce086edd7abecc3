"""One command takes a GPT-2 folder through all stages on people's comparisons, and says what it did.

Proves, on a small random GPT-2 and files in hh-rlhf's format: all stages, judge included, and the report are there; the
judge's prompts, the run's and the held-out ones have nothing in common; finished stages are not done again; a run stopped
within PPO goes on to the same weights; another base model, other data or other limits are refused in the same folder; what
is wrong is said before anything is trained.
"""

import json
import re
from dataclasses import asdict, replace

import pytest
import torch

from rlhf_lite.__main__ import main
from rlhf_lite.checkpoint import TrainingRun, load_model, read_log
from rlhf_lite.files import fingerprint, load_tensors
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.gpt2_recipe.preference_data import Limits, Preferences, first_message
from rlhf_lite.hf import save_gpt2
from rlhf_lite.records import Comparison
from rlhf_lite.tokenizer import Tokenizer

STAGES = ("pretrain", "sft", "reward", "judge", "ppo", "ppo_ptx")
COLORS, THINGS = "red blue green white black".split(), "door car hat cup bird fish lamp shoe tree book".split()
SMALL = [
    "--max-prompt-tokens", "60", "--sft.batch-size", "8", "--reward.batch-size", "8", "--ppo.iterations", "2",
    "--ppo.episodes", "8", "--ppo.minibatch-size", "4", "--ppo.max-new-tokens", "12", "--ppo-ptx.iterations", "2",
    "--ppo-ptx.episodes", "8", "--ppo-ptx.minibatch-size", "4", "--ppo-ptx.max-new-tokens", "12",
    "--ppo-ptx.ptx-batch-size", "2", "--ppo-ptx.ptx-sequence-length", "32", "--ppo.eval-every", "1",
    "--evaluation-prompts", "12", "--save-every-seconds", "0",
]  # fmt: skip


def dialogue(thing, color, answer, turns=1):
    earlier = f"\n\nHuman: I have a {thing} that is {color}.\n\nAssistant: I see." * (turns - 1)
    return f"{earlier}\n\nHuman: What color is the {color} {thing}?\n\nAssistant: {answer}"


def hh_rows(things):
    rows = []
    for i, thing in enumerate(things):
        for color in COLORS:
            turns = 1 + i % 2
            good, bad = (dialogue(thing, color, answer, turns) for answer in (f"It is {color}.", "I see a dog."))
            rows.append({"chosen": good, "rejected": bad})
    rows.append(rows[0])  # a duplicate
    rows.append({"chosen": dialogue("boat", "red", "It is " + "very " * 40 + "red."), "rejected": dialogue("boat", "red", "No.")})
    rows.append({"chosen": dialogue("boat " * 60, "red", "Yes."), "rejected": dialogue("boat " * 60, "red", "No.")})
    return rows


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Write a base model, a folder of comparisons as `fetch` writes it, and a text."""
    folder = tmp_path_factory.mktemp("made")
    for name, things in (("train", THINGS), ("test", ["moon", "sun", "ship", "coat", "door"])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in hh_rows(things)))
    text = "".join(f"The {c} {t} stands here. What color is it? It is {c}.\n\n" for t in THINGS for c in COLORS)
    (folder / "text.txt").write_text(text * 2)
    torch.manual_seed(0)
    tokenizer = Tokenizer.train([text, "User: What?\nAssistant: I see a dog. I have very."] * 3, 330)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=80, d_model=32, n_layers=2, n_heads=2))
    save_gpt2(model, tokenizer, folder / "base")
    save_gpt2(GPT(model.config), tokenizer, folder / "other_base")
    assert main(["fetch", "hh-rlhf", "--output", str(folder / "data"), "--file", str(folder / "train.jsonl"),
                 "--held-out-file", str(folder / "test.jsonl")]) == 0  # fmt: skip
    return folder


def arguments(made, runs, *more):
    return ["gpt2", "--base", str(made / "base"), "--data", str(made / "data"), "--text", str(made / "text.txt"),
            "--runs", str(runs), "--name", "toy", *SMALL, *more]  # fmt: skip


@pytest.fixture(scope="module")
def finished(made, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    assert main(arguments(made, runs, "--gpu-memory", "1")) == 0
    return runs / "toy"


def world_of(made, **limits):
    tokenizer = Tokenizer.load(made / "base" / "tokenizer.json")
    return Preferences(made / "data", tokenizer, limits=Limits(max_prompt_tokens=60, **limits), max_answer_tokens=12)


def test_all_stages_and_the_report_are_there(finished):
    for stage in STAGES:
        assert (finished / stage / "model.safetensors").is_file(), stage
    assert all("gold" in row for row in read_log(finished / "ppo" / "log.jsonl")), "PPO is watched by the judge"
    report = json.loads((finished / "report.json").read_text())
    summary = report["summary"]
    assert list(summary["models"]) == ["base", "sft", "ppo", "ppo_ptx", "chosen"] and summary["prompts"] == 12
    assert set(summary["models"]["ppo_ptx"]) == {"finished", "pretraining_loss", "gold", "reward_score", "length"}
    assert abs(summary["kl_from_sft"]["sft"]) < 1e-6 < abs(summary["kl_from_sft"]["base"])
    pairs = "sft>base ppo>sft ppo_ptx>sft ppo_ptx>ppo ppo_ptx>base sft>chosen ppo>chosen ppo_ptx>chosen"
    assert list(summary["pairs"]) == pairs.split()
    for row in summary["pairs"].values():
        assert row["wins"] + row["losses"] + row["ties"] == 12 and row["low"] <= row["rate"] <= row["high"]
    page = (finished / "report.md").read_text()
    assert "Not people: a second reward model" in page and "What color is the red ship?" in page
    assert page.count("![") == 5 and "nan" not in page.replace("<br>", "")
    assert "| file | read | bad | known | kept | too long | duplicates |" in page
    assert "| comparisons | 53 | 0 | 0 | 50 | 2 | 1 |" in page and "Memory, at most: " in page


def test_what_was_left_out_is_counted(finished):
    counts = json.loads((finished / "report.json").read_text())["cleaning"]
    assert counts["comparisons"] == {"read": 53, "bad": 0, "too_long": 2, "duplicates": 1, "known": 0, "kept": 50}
    held_out = counts["held_out/comparisons"]  # door stands in both
    assert held_out == {"read": 28, "bad": 0, "too_long": 2, "duplicates": 1, "known": 5, "kept": 20}


def test_run_judge_and_held_out_have_no_prompt_in_common(made):
    world = world_of(made)
    parts = [world.comparisons, world.judge_comparisons, world.held_out]
    names = [{first_message(row.prompt) for row in part} for part in parts]
    assert all(names) and not names[0] & names[1] and not (names[0] | names[1]) & names[2]
    assert sum(map(len, parts[:2])) == 50
    run = {first_message(row.prompt) for row in (*world.own_demonstrations, *world.own_prompts)}
    assert run >= names[0] and not run & (names[1] | names[2]), "the judge's prompts are kept from SFT and PPO too"


def test_held_out_rows_can_be_set_apart(made, tmp_path):
    (tmp_path / "comparisons.jsonl").write_bytes((made / "data" / "comparisons.jsonl").read_bytes())
    tokenizer, limits = Tokenizer.load(made / "base" / "tokenizer.json"), Limits(max_prompt_tokens=60)
    with pytest.raises(ValueError, match="no held-out comparisons .*--held-out-share 0.1"):
        Preferences(tmp_path, tokenizer, limits=limits, max_answer_tokens=12)
    world = Preferences(tmp_path, tokenizer, limits=replace(limits, held_out_share=0.3), max_answer_tokens=12)
    parts = [world.comparisons, world.judge_comparisons, world.held_out]
    assert sum(map(len, parts)) == 50 and min(map(len, parts)) > 0
    assert not {first_message(r.prompt) for r in world.held_out} & {first_message(r.prompt) for r in parts[0] + parts[1]}


def test_later_turns_belong_to_their_dialogue():
    roles = (("user", " Hi\n there"), ("assistant", "Yes?"), ("user", "A"))
    turns = [{"role": role, "content": content} for role, content in roles]
    assert first_message(turns) == first_message("hi there") == "hi there"


def folder_of(tmp_path, prompts):
    rows = [{"prompt": prompt, "chosen": f"yes {i}", "rejected": f"no {i}"} for i, prompt in enumerate(prompts)]
    rows = [{"prompt": row["prompt"], "responses": [row["chosen"], row["rejected"]], "ranking": [0, 1]} for row in rows]
    (tmp_path / "comparisons.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def greeting(i):
    contents = ("Hello", "Hello!", f"What is {i}?")
    return [{"role": role, "content": text} for role, text in zip(("user", "assistant", "user"), contents, strict=True)]


def preferences(made, folder, told):
    tokenizer = Tokenizer.load(made / "base" / "tokenizer.json")
    limits = Limits(max_prompt_tokens=60, held_out_share=0.3)
    return Preferences(folder, tokenizer, limits=limits, max_answer_tokens=12, show=told.append)


def test_dialogues_that_all_begin_alike_are_split_by_their_whole_prompt(made, tmp_path):
    told = []
    world = preferences(made, folder_of(tmp_path, [greeting(i) for i in range(40)]), told)
    assert told[0].startswith("note: 40 of 40 dialogues begin with 'hello', so rows are split by their whole prompt")
    parts = [world.comparisons, world.judge_comparisons, world.held_out]
    prompts = [{json.dumps(row.prompt) for row in part} for part in parts]
    assert sum(map(len, parts)) == 40 and all(parts) and len(set.union(*prompts)) == sum(map(len, prompts)) == 40
    ran = {json.dumps(row.prompt) for row in world.own_prompts}
    assert ran == prompts[0], "SFT and PPO keep to the run's part"


def test_half_of_them_are_not_yet_most(made, tmp_path):
    told = []
    prompts = [*(greeting(i) for i in range(20)), *(f"What is {i}?" for i in range(20))]
    world = preferences(made, folder_of(tmp_path, prompts), told)
    assert world.split_by is first_message and not any("whole prompt" in text for text in told)


@pytest.mark.parametrize(
    ("prompts", "cause"), [(["Hello"] * 6, "6 comparisons have 1 different prompts"), (["A", "C"], "2 different first messages")]
)
def test_a_part_without_rows_is_refused_with_its_cause(made, tmp_path, prompts, cause):
    with pytest.raises(ValueError, match=rf"no comparisons of the .* are left: .*{cause}.*give comparisons with more different"):
        preferences(made, folder_of(tmp_path, prompts), [])


def test_the_judge_is_another_model_on_other_rows(made, finished):
    judge, reward = (load_model(finished / stage / "model.safetensors") for stage in ("judge", "reward"))
    assert not torch.equal(judge.scalar_head.weight, reward.scalar_head.weight)
    rows = [asdict(row) for row in world_of(made).judge_comparisons]
    assert load_tensors(finished / "judge" / "model.safetensors")[1]["data"] == fingerprint(rows)


def test_the_same_command_does_nothing_again(made, finished, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors")}
    monkeypatch.setattr("rlhf_lite.gpt2_recipe.recipe.load_gpt2", lambda name: pytest.fail("the base model is there already"))
    assert main(arguments(made, finished.parent)) == 0
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors")} == before


def test_a_stopped_run_goes_on_to_the_same_weights(made, finished, tmp_path, monkeypatch):
    record = TrainingRun.record

    def stop(self, step, metrics):
        if self.name == "ppo" and step == 1:
            raise KeyboardInterrupt
        record(self, step, metrics)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "record", stop)
        assert main(arguments(made, tmp_path, "--gpu-memory", "1")) == 130
    assert (tmp_path / "toy" / "ppo" / "state.safetensors").exists()
    assert main(arguments(made, tmp_path, "--gpu-memory", "1")) == 0
    for stage in STAGES:
        one, other = (load_model(folder / stage / "model.safetensors").state_dict() for folder in (finished, tmp_path / "toy"))
        assert all(torch.equal(tensor, other[name]) for name, tensor in one.items()), stage


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--max-prompt-tokens", "50"], "had other settings or data"),
        (["--judge-share", "0.5"], "had other settings or data"),
        (["--base", "{made}/other_base"], "had other settings or data"),
        (["--base", "{made}/none"], "no folder"),
        (["--data", "{made}/none"], "give a folder that `python -m rlhf_lite fetch` wrote, or one of hh-rlhf, tldr"),
        (["--text", "{made}/none"], "or one of tinystories, fineweb-edu"),
        (["--max-prompt-tokens", "79"], "do not fit into the base model's context of 80"),
        (["--max-prompt-tokens", "3"], "no comparisons of the run are left: .*larger --max-prompt-tokens"),
        (["--gpu-memory", "0.001"], "the run does not fit"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(made, finished, capsys, more, message):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert main(arguments(made, finished.parent, *(each.format(made=made) for each in more))) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and re.search(message, error.replace("\n", " ")), error
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before


def test_a_plan_alone_trains_nothing(made, tmp_path, capsys):
    assert main(arguments(made, tmp_path, "--gpu-memory", "24", "--plan-only")) == 0
    assert "GB of 21.6 usable: fits" in capsys.readouterr().out and not (tmp_path / "toy").exists()


def test_dialogues_that_begin_alike_stay_together_however_they_go_on(made):
    def dialogue(number, turn):
        first = {"role": "user", "content": f"question {number}"}
        return [first, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": turn}] if turn else [first]

    rows = [Comparison(dialogue(number, turn), ("a", "b"), (0, 1)) for number in range(30) for turn in ("", "Why?", "How?")]
    parts = world_of(made)._split(rows, 0.2)
    names = [{first_message(row.prompt) for row in part} for part in parts.values()]
    assert all(names) and sum(map(len, names)) == 30  # each beginning in one part only
    assert sum(map(len, parts.values())) == 90
