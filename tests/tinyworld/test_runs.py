"""Commands on a reader's own data and models: what is wrong is said in one line before anything is written, and the rest works.

Proves: the README's three lines in a row; a base model decides its own shape; a run keeps the tokenizer and models that it
began with; a name stays in its folder; a full disk and signals leave whole files, and the same command goes on.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from rlhf_lite.__main__ import main
from rlhf_lite.checkpoint import save_model
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel
from rlhf_lite.tinyworld.world import TinyWorld
from rlhf_lite.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
QUICK = ("--sft.epochs", "1", "--reward.epochs", "1", "--ppo.iterations", "1", "--ppo.episodes", "4", "--ppo.minibatch-size", "4",
         "--ppo.max-new-tokens", "5")  # fmt: skip
PTX = ("--ppo-ptx.iterations", "1", "--ppo-ptx.episodes", "4", "--ppo-ptx.minibatch-size", "4", "--ppo-ptx.max-new-tokens", "5",
       "--ppo-ptx.ptx-sequence-length", "16", "--ppo-ptx.ptx-batch-size", "2")  # fmt: skip
MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Bye"}]


def make_base(folder, seed=0, context_length=64, words="red blue green", stages=("pretrain",), **about):
    """Write models and a tokenizer that know next to nothing."""
    torch.manual_seed(seed)
    tokenizer = Tokenizer.train([words] * 5, 262)
    tokenizer.save(folder / "tokenizer.json")
    gpt = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=context_length, d_model=16, n_layers=1, n_heads=2))
    for stage in stages:
        save_model(folder / stage / "model.safetensors", ScalarModel(gpt) if stage == "reward" else gpt, stage=stage, **about)
    return folder


@pytest.fixture
def base(tmp_path):
    return make_base(tmp_path / "base")


@pytest.fixture
def rows(tmp_path):
    """Return a function that writes rows to a file of a name."""

    def write(name, *items):
        path = tmp_path / name
        path.write_text("".join(json.dumps(item) + "\n" for item in items))
        return str(path)

    return write


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs a command on `runs/mine` and returns what it wrote to stdout, or, failing, to stderr."""

    def command(stage, *more, fails=False, name="mine"):
        status = main([stage, "--runs", str(tmp_path / "runs"), "--name", name, *map(str, more)])
        captured = capsys.readouterr()
        assert status == fails, captured.err
        if fails:
            assert captured.err.splitlines()[-1].startswith("error: ") and "Traceback" not in captured.err
        return captured.err if fails else captured.out

    return command


def content(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def no_tiny_world(monkeypatch):
    parts = "documents primer held_out_documents requests demonstrations comparison_prompts rank monitor"
    for name in parts.split():
        monkeypatch.setattr(TinyWorld, name, lambda *args, name=name, **more: pytest.fail(f"the tiny world's {name}"))


def test_the_readmes_lines_in_a_row_and_never_the_tiny_world(tmp_path, base, rows, run, no_tiny_world):
    long = {"prompt": "x " * 99, "response": "y"}
    demonstrations = rows("a.jsonl", *[{"prompt": f"Hi {i}", "response": "red"} for i in range(8)], long)
    comparisons = rows("b.jsonl", *[{"prompt": f"Ho {i}", "chosen": "red", "rejected": "blue"} for i in range(8)])
    prompts = rows("c.jsonl", {"prompt": "Hi"}, {"prompt": MESSAGES})
    start = ("--start-from", base)
    told = run("sft", *start, "--demonstrations", demonstrations, *QUICK)
    assert "left out 1 of 9 demonstrations: longer than 64 tokens" in told
    run("reward", *start, "--comparisons", comparisons, "--reward.epochs", "2")
    run("ppo", *start, "--prompts", prompts, *QUICK[4:])
    about = json.loads((tmp_path / "runs/mine/run.json").read_text())["stages"]
    assert [list(about[stage]["data"]) for stage in ("sft", "comparisons", "reward", "ppo")] == [
        ["demonstrations"], ["comparisons"], ["comparisons"], ["prompts"]]  # fmt: skip
    assert about["reward"]["settings"]["reward.in_order"] is False  # only the tiny world's pairs come in terms
    assert about["sft"]["rows"]["demonstrations"] == {"used": 8, "left_out": 1, "most_tokens": 64}
    assert about["ppo"]["rows"]["prompts"]["used"] == 2 and about["ppo"]["model"]["d_model"] == 16
    log = (tmp_path / "runs/mine/ppo/log.jsonl").read_text()
    assert "gold" not in log and "NaN" not in log
    assert "ppo is done already" in run("ppo", *start)
    error = run("ppo", "--demonstrations", prompts.replace("c.jsonl", "a.jsonl"), "--sft.epochs", "7", fails=True)
    assert "sft.epochs was 1.0, now 7.0" in error
    error = run("ppo", "--demonstrations", rows("other.jsonl", {"prompt": "Hi", "response": "red"}), fails=True)
    assert "demonstrations was" in error and "of a.jsonl, now" in error and "of other.jsonl" in error


def test_a_base_model_is_trained_on_own_text(tmp_path, run, no_tiny_world):
    (tmp_path / "mine.txt").write_text("".join(f"The {i} is {i * 7 % 13}.\n" for i in range(600)))
    small = ("--preset", "nano", "--text", tmp_path / "mine.txt", "--pretrain.steps", "2")
    assert "wrote" in run("pretrain", *small)
    about = json.loads((tmp_path / "runs/mine/run.json").read_text())["stages"]["pretrain"]
    assert list(about["data"]) == ["text"] and (tmp_path / "runs/mine/pretrain/model.safetensors").exists()
    (tmp_path / "mine.txt").write_text("abcdef")
    assert "one window needs 64 tokens but the text has only" in run("pretrain", *small, name="short", fails=True)


def test_ppo_ptx_on_own_data_asks_for_text(tmp_path, rows, run, no_tiny_world):
    base = make_base(tmp_path / "base", stages=("pretrain", "sft", "reward"))
    prompts = rows("c.jsonl", {"prompt": "Hi"})
    error = run("ppo_ptx", "--start-from", base, "--prompts", prompts, *PTX, fails=True)
    assert "on your own data (prompts), and ppo_ptx would be on the tiny world's: give --text" in error
    assert not (tmp_path / "runs").exists()
    (tmp_path / "mine.txt").write_text("red blue green " * 99)
    run("ppo_ptx", "--start-from", base, "--prompts", prompts, "--text", tmp_path / "mine.txt", *PTX)
    error = run("ppo_ptx", "--start-from", base, "--prompts", prompts, "--text", tmp_path / "mine.txt", fails=True, name="long")
    assert "128" in error and "64" in error and "lower it" in error


def test_what_earlier_stages_were_on_is_known_where_they_are_copied(tmp_path, rows, run, no_tiny_world):
    base = make_base(tmp_path / "base", stages=("pretrain", "sft", "reward"), given=["text", "comparisons"])
    error = run("sft", "--start-from", base, *QUICK, fails=True)
    assert "your own data (text), and sft" in error or "your own data (comparisons, text), and sft" in error
    assert "give --demonstrations" in error
    error = run("ppo", "--start-from", base, *QUICK, fails=True)
    assert "trained on your own text: give --prompts" in error


def test_a_score_function_in_a_file_gets_prompts_as_given(tmp_path, rows, run, no_tiny_world):
    base = make_base(tmp_path / "base", stages=("pretrain", "sft"))
    (tmp_path / "rewards.py").write_text(
        "def seen(prompts, responses):\n    print('SEEN', prompts[0])\n    return [0.5] * len(prompts)\n"
        "def nan(prompts, responses):\n    return [0.0, float('nan')] * (len(prompts) // 2)\n"
    )
    start = ("--start-from", base, "--prompts", rows("c.jsonl", {"prompt": MESSAGES}), *QUICK)
    assert f"SEEN {MESSAGES}" in run("ppo", *start, "--score-fn", f"{tmp_path}/rewards.py:seen")
    error = run("ppo", *start, "--score-fn", f"{tmp_path}/rewards.py:nan", name="nan", fails=True)
    assert "score_fn returned nan for response 2 of 4" in error


def test_a_traceback_of_a_score_function_is_introduced(tmp_path, rows, capsys):
    base = make_base(tmp_path / "base", stages=("pretrain", "sft"))
    (tmp_path / "rewards.py").write_text("def wrong(prompts, responses):\n    return [int('abc') for _ in responses]\n")
    arguments = ["--start-from", base, "--prompts", rows("c.jsonl", {"prompt": "Hi"}), *QUICK]
    how = ["--runs", str(tmp_path / "runs"), "--score-fn", f"{tmp_path}/rewards.py:wrong"]
    assert main(["ppo", *how, *map(str, arguments)]) == 1
    error = capsys.readouterr().err
    first = error[error.index("error: ") :].splitlines()
    assert first[0].startswith("error: score_fn raised ValueError: invalid literal")
    assert f'File "{tmp_path}/rewards.py", line 2' in error and first[-1].startswith("ValueError: invalid literal")


@pytest.mark.parametrize(("options", "told"), [
    (["--model.d-model", "32"], "model.d_model is 16, asked for 32"),
    (["--preset", "nano"], "model.context_length is 64, asked for 320"),
    (["--model.context-length", "512"], "model.context_length is 64, asked for 512"),
    (["--model.vocab-size", "300"], "model.vocab_size is 262, asked for 300"),
])  # fmt: skip
def test_a_base_model_has_its_own_shape(tmp_path, base, rows, run, options, told):
    error = run("sft", "--start-from", base, "--demonstrations", rows("a.jsonl", {"prompt": "Hi", "response": "red"}), *options,
                fails=True)  # fmt: skip
    assert told in error and "leave these options out" in error
    assert not (tmp_path / "runs").exists()


def test_long_rows_fit_into_a_long_base_model(tmp_path, rows, run):
    base = make_base(tmp_path / "base", context_length=512)
    row = {"prompt": "Hi", "response": "x " * 200}
    assert "left out" not in run("sft", "--start-from", base, "--demonstrations", rows("a.jsonl", *[row] * 8), *QUICK)


@pytest.mark.parametrize("words", ["other words yes", "red blue green black white pink grey brown"])
def test_a_run_keeps_what_it_began_with(tmp_path, base, rows, run, words):
    demonstrations = rows("a.jsonl", *[{"prompt": "Hi", "response": "red"}] * 8)
    run("sft", "--start-from", base, "--demonstrations", demonstrations, *QUICK)
    other, before = make_base(tmp_path / "other", seed=1, words=words), content(tmp_path / "runs")
    comparisons = rows("b.jsonl", {"prompt": "Hi", "chosen": "a", "rejected": "b"})
    error = run("reward", "--start-from", other, "--comparisons", comparisons, fails=True)
    assert "belongs to a run that has begun" in error and "choose another --name" in error
    assert content(tmp_path / "runs") == before


def test_a_damaged_source_is_named_and_nothing_is_copied(tmp_path, base, rows, run):
    path = base / "pretrain/model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    error = run("sft", "--start-from", base, "--demonstrations", rows("a.jsonl", {"prompt": "Hi", "response": "red"}), fails=True)
    assert str(path) in error and not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", [
    "..", ".", "../x", "/tmp/x", "a/b", "", " ", "a b", "x\ny", "x\u202ey", "a" * 300, "x\0", "-x", ".x", "a\\b",
])  # fmt: skip
def test_a_name_stays_in_its_folder(tmp_path, capsys, name):
    assert main(["sft", "--runs", str(tmp_path / "runs"), f"--name={name}"]) == 1
    error = capsys.readouterr().err
    assert "--name is" in error and "expected 1 to 60 letters, digits, and . _ -" in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()
    assert main(["ship", "--runs", str(tmp_path / "runs"), f"--name={name}", "--target", str(tmp_path / "t")]) == 1


@pytest.mark.parametrize("option", [
    "--ppo.value-clip=-1", "--ppo.value-clip=0", "--sft.optim.weight-decay=-1", "--ppo.kl-coef=nan",
    "--ppo.truncated-penalty=nan", "--reward.optim.max-grad-norm=nan", "--ppo-ptx.ptx-coef=inf",
    "--comparisons.high-temperature=nan", "--pretrain.optim.epsilon=nan",
    "--sft.epochs=inf", "--ppo.value-optim.learning-rate=inf", "--save-every-seconds=nan",
])  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_name(tmp_path, base, capsys, option, rows):
    name, _, value = option.partition("=")
    path = rows("a.jsonl", *[{"prompt": "Hi", "response": "red"}] * 8)
    try:
        status = main(["sft", "--runs", str(tmp_path / "runs"), "--start-from", str(base), "--demonstrations", path, option])
    except SystemExit as stopped:
        status = stopped.code
    error = capsys.readouterr().err
    assert status in (1, 2) and "Traceback" not in error
    assert name.rpartition(".")[2].strip("-").replace("-", "_") in error.replace("-", "_") and value.strip("-") in error


LIMITED = """
import resource, sys
from rlhf_lite.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of files are POSIX's")
@pytest.mark.parametrize("room", [0, 500, 8_000, 40_000])
def test_a_full_disk_at_any_write_is_told_and_the_same_command_goes_on(tmp_path, rows, room):
    base = make_base(tmp_path / "base")
    path = rows("a.jsonl", *[{"prompt": "Hi", "response": "red"}] * 40)
    arguments = ["sft", "--start-from", str(base), "--demonstrations", path, "--runs", str(tmp_path / "runs"), "--name", "mine",
                 "--save-every-seconds", "0", "--sft.batch-size", "8"]  # fmt: skip
    full = subprocess.run([sys.executable, "-c", LIMITED, str(room), *arguments], cwd=ROOT, capture_output=True, text=True)
    assert full.returncode == 1 and "Traceback" not in full.stderr, full.stderr
    told = full.stderr.splitlines()[-1]
    assert told.startswith(f"error: cannot write {tmp_path / 'runs/mine'}") and "make room" in told
    assert not list((tmp_path / "runs").rglob("*.part"))
    again, fresh = (subprocess.run([sys.executable, "-m", "rlhf_lite", *arguments, "--name", name], cwd=ROOT, capture_output=True,
                                   text=True) for name in ("mine", "fresh"))  # fmt: skip
    assert again.returncode == fresh.returncode == 0, again.stderr
    made = [tmp_path / "runs" / name / "sft/model.safetensors" for name in ("mine", "fresh")]
    assert made[0].read_bytes() == made[1].read_bytes()
    umask = os.umask(0)
    os.umask(umask)
    assert all(path.stat().st_mode & 0o777 == 0o666 & ~umask for path in (tmp_path / "runs/mine").rglob("*.*") if path.is_file())


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "moment"), [
    (signal.SIGINT, "imports"), (signal.SIGTERM, "imports"), (signal.SIGINT, "training"), (signal.SIGTERM, "training"),
    (signal.SIGHUP, "training"),
])  # fmt: skip
def test_signals_stop_with_a_word_and_the_same_command_goes_on(tmp_path, rows, number, moment):
    base = make_base(tmp_path / "base")
    path = rows("a.jsonl", *[{"prompt": "Hi", "response": "red"}] * 40)
    command = [sys.executable, "-m", "rlhf_lite", "sft", "--start-from", str(base), "--demonstrations", path, "--runs",
               str(tmp_path / "runs"), "--name", "mine", "--save-every-seconds", "0", "--sft.epochs", "3000"]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    state = tmp_path / "runs/mine/sft/state.safetensors"
    begun = time.monotonic()
    while time.monotonic() - begun < (0.5 if moment == "imports" else 60) and not state.exists():
        time.sleep(0.05)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number, error
    assert error.strip().endswith("stopped; the same command goes on from here") and "Traceback" not in error
    assert state.exists() == (moment == "training")
