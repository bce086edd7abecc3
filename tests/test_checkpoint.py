"""A stopped run goes on bit for bit, and a state file appears whole or not at all.

Proves: weights, optimizer, generators, PyTorch's own random numbers, step and log all come back; a crash while saving
leaves the file before it; files that are cut off, missing or foreign give errors that say what to do.
"""

import json

import pytest
import torch
from torch import nn

from rlhf_lite import files
from rlhf_lite.checkpoint import TrainingRun, load_model, read_log, save_model
from rlhf_lite.files import load_tensors, save_tensors, write_atomically
from rlhf_lite.optim import OptimConfig, build_optimizer, optimizer_step

TOTAL = 6


class StoppedError(Exception):
    """The machine is switched off."""


def train(folder, stop_at=None, save_every_seconds=0.0):
    """Train a toy that uses every kind of state: dropout, a generator of its own, Adam, a schedule, an average."""
    torch.manual_seed(7)
    model, average = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1)), nn.Linear(4, 1)
    config = OptimConfig(learning_rate=0.05, warmup_steps=2)
    optimizer, generator = build_optimizer(model, config), torch.Generator().manual_seed(3)
    run = TrainingRun(folder, save_every_seconds=save_every_seconds, show_progress=False)
    for step in run.steps(TOTAL, {"model": model, "average": average}, {"model": optimizer}, {"data": generator}):
        loss = model(torch.randn(5, 3, generator=generator)).square().mean()
        metrics = optimizer_step(optimizer, {"loss": loss}, step, TOTAL, config)
        with torch.no_grad():
            average.weight.lerp_(model[2].weight, 0.1)
        if step == stop_at:
            raise StoppedError
        run.record(step, {"loss": loss.item(), **metrics})
    return run.history, [*model.state_dict().values(), *average.state_dict().values()]


@pytest.mark.parametrize("save_every_seconds", [0.0, 1e9])  # after every step, and only at the end
@pytest.mark.parametrize("stop_at", range(TOTAL))
def test_stopped_at_any_step_and_resumed_is_bit_identical(tmp_path, stop_at, save_every_seconds):
    history, weights = train(None)
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at, save_every_seconds)
    resumed_history, resumed_weights = train(tmp_path, save_every_seconds=save_every_seconds)
    assert resumed_history == history
    assert all(torch.equal(a, b) for a, b in zip(resumed_weights, weights, strict=True))
    assert read_log(tmp_path / "log.jsonl") == history


def test_a_run_that_is_done_does_nothing_more(tmp_path):
    history, weights = train(tmp_path)
    again_history, again_weights = train(tmp_path, stop_at=0)  # would stop if it made a step
    assert again_history == history
    assert all(torch.equal(a, b) for a, b in zip(again_weights, weights, strict=True))


def test_the_log_follows_the_state(tmp_path):
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=4, save_every_seconds=1e9)  # 4 lines logged, no state saved
    assert len(read_log(tmp_path / "log.jsonl")) == 4
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=1, save_every_seconds=1e9)
    assert [row["step"] for row in read_log(tmp_path / "log.jsonl")] == [0]  # the old lines are not there twice


def test_forgotten_state_starts_again(tmp_path):
    train(tmp_path)
    run = TrainingRun(tmp_path, show_progress=False)
    run.forget_state()
    run.forget_state()
    assert not run.state_path.exists() and run.log_path.exists()


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(None)
    assert list(tmp_path.iterdir()) == []


def test_is_due():
    assert [step for step in range(7) if TrainingRun.is_due(step, 3, 7)] == [2, 5, 6]
    assert [step for step in range(7) if TrainingRun.is_due(step, 0, 7)] == [6]


def crash_while_writing(tensors, path, metadata=None):
    path.write_bytes(b"half a file")
    raise StoppedError


def test_a_crash_while_saving_leaves_the_state_before_it(tmp_path, monkeypatch):
    history, weights = train(None)
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=3)
    before = (tmp_path / "state.safetensors").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(files, "save_file", crash_while_writing)
        with pytest.raises(StoppedError):
            train(tmp_path)
    assert (tmp_path / "state.safetensors").read_bytes() == before
    resumed_history, resumed_weights = train(tmp_path)
    assert resumed_history == history and all(torch.equal(a, b) for a, b in zip(resumed_weights, weights, strict=True))


def test_a_file_appears_only_when_it_is_whole(tmp_path, monkeypatch):
    seen = []

    def watch(source, target):
        seen.append((source.stat().st_size, target.exists()))
        real_replace(source, target)

    real_replace = files.os.replace
    monkeypatch.setattr(files.os, "replace", watch)
    save_tensors(tmp_path / "new" / "a.safetensors", {"x": torch.ones(3)}, {"step": 1})
    write_atomically(tmp_path / "new" / "b.txt", "text")
    assert seen == [((tmp_path / "new" / "a.safetensors").stat().st_size, False), (4, False)]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.safetensors", "b.txt"]  # no parts left behind


def test_text_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"


@pytest.mark.parametrize("kept", [0, 4, 200, 0.5, 0.999])
def test_a_truncated_file_gives_a_clear_error(tmp_path, make_gpt, kept):
    path = tmp_path / "model.safetensors"
    save_model(path, make_gpt())
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match=r"model.safetensors is not a whole checkpoint.*delete it and train this stage again"):
        load_model(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("harm", [cut, lambda path: path.unlink(), lambda path: path.write_bytes(b""),
                                  lambda path: save_tensors(path, {"x": torch.ones(1)}, {"step": 9, "stage": "ppo"})],
                         ids=["cut", "gone", "empty", "of another stage"])  # fmt: skip
def test_where_the_newest_state_is_bad_the_one_before_is_used_and_kept(tmp_path, harm, capsys):
    history, weights = train(None)
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=4)
    newest, before = tmp_path / "state.safetensors", tmp_path / "state.previous.safetensors"
    good = before.read_bytes()
    harm(newest)
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=3)  # read, and nothing saved
    assert "going on from step 3, kept in state.previous.safetensors, for " in capsys.readouterr().out
    assert before.read_bytes() == good
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=4)  # saved once: the bad one is replaced, the good one kept
    assert before.read_bytes() == good and load_tensors(newest)[1]["step"] == 4
    resumed_history, resumed_weights = train(tmp_path)
    assert resumed_history == history and all(torch.equal(a, b) for a, b in zip(resumed_weights, weights, strict=True))


def test_where_all_states_are_bad_one_line_says_what_to_do(tmp_path):
    train(tmp_path)
    newest, before = tmp_path / "state.safetensors", tmp_path / "state.previous.safetensors"
    cut(newest)
    cut(before)
    content = newest.read_bytes(), before.read_bytes()
    with pytest.raises(ValueError, match=r"state.safetensors is not a whole checkpoint.*state.previous.safetensors.*delete both"):
        train(tmp_path)
    assert (newest.read_bytes(), before.read_bytes()) == content
    before.unlink()
    with pytest.raises(ValueError, match=r"state.safetensors is not a whole checkpoint.*delete it"):
        train(tmp_path)


def test_a_stop_between_the_two_renamings_loses_nothing(tmp_path, monkeypatch):
    history, weights = train(None)
    with pytest.raises(StoppedError):
        train(tmp_path, stop_at=3)
    moved, replace = [], files.os.replace

    def stop_at_second(source, target):
        moved.append(target)
        if len(moved) == 2:
            raise StoppedError
        replace(source, target)

    (tmp_path / "log.jsonl").rename(tmp_path / "log")  # the log's own renaming is not counted
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "replace", stop_at_second)
        with pytest.raises(StoppedError):
            train(tmp_path)
    (tmp_path / "log").rename(tmp_path / "log.jsonl")
    assert [path.name for path in moved] == ["state.previous.safetensors", "state.safetensors"]
    assert not (tmp_path / "state.safetensors").exists()
    resumed_history, resumed_weights = train(tmp_path)
    assert resumed_history == history and all(torch.equal(a, b) for a, b in zip(resumed_weights, weights, strict=True))


def test_models_come_back_bit_for_bit(tmp_path, make_gpt, make_scalar_model):
    tokens = torch.randint(11, (2, 8))
    for model in (make_gpt(dropout=0.5), make_scalar_model(d_ff=20)):
        save_model(tmp_path / "m.safetensors", model.train(), tokenizer="abc")
        loaded = load_model(tmp_path / "m.safetensors")
        assert type(loaded) is type(model) and loaded.config == model.config and not loaded.training
        assert torch.equal(loaded(tokens), model.eval()(tokens))
    assert load_tensors(tmp_path / "m.safetensors")[1]["tokenizer"] == "abc"


def test_shorter_weights_are_half_the_size_and_come_back_as_float32(tmp_path, make_gpt):
    model = make_gpt(vocab_size=999)
    save_model(tmp_path / "long.safetensors", model)
    save_model(tmp_path / "short.safetensors", model, dtype=torch.bfloat16)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("short", "long")]
    assert sizes[0] < 0.6 * sizes[1]
    weight = load_model(tmp_path / "short.safetensors").token_embedding.weight
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, model.token_embedding.weight, atol=0, rtol=2**-8)


def test_messages(tmp_path, make_gpt):
    path = tmp_path / "m.safetensors"
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*train this stage first"):
        load_model(path)
    save_tensors(path, {"x": torch.ones(1)}, {"model": "BERT"})
    with pytest.raises(ValueError, match=r"holds a 'BERT', expected one of \['GPT', 'ScalarModel'\]"):
        load_model(path)
    save_tensors(path, {"x": torch.ones(1)}, {"model": "GPT", "config": {"rotary": True}})
    with pytest.raises(ValueError, match=r"config that GPTConfig does not know.*rotary.*another version"):
        load_model(path)
    files.save_file({"x": torch.ones(1)}, path)  # a safetensors file of someone else
    with pytest.raises(ValueError, match="not a whole checkpoint of this library"):
        load_model(path)


def test_a_log_cut_off_in_the_middle_of_a_line(tmp_path):
    path = tmp_path / "log.jsonl"
    assert read_log(path) == []
    path.write_text(json.dumps({"step": 0, "loss": 1.5}) + "\n" + '{"step": 1, "lo')
    assert read_log(path) == [{"step": 0, "loss": 1.5}]


def test_odd_lines_of_a_log_are_left_out_and_said(tmp_path, capsys):
    path, good = tmp_path / "log.jsonl", '{"step": 1, "loss": 2.0}'
    odd = ["[1]", '{"a": 1}', '{"step": "x"}', "NaN", '{"step": true}', '{"step": -1}', "null", "[" * 50_000, "\x00", ""]
    path.write_text("\n".join([*odd, good, '{"step": 2, "loss": NaN}', '{"step": 3']))
    assert read_log(path) == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": None}]
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "left out 10 of 12 lines that are no step, the first in line 1" in told


def test_a_log_never_holds_what_is_no_json(tmp_path):
    run = TrainingRun(tmp_path, show_progress=False)
    run.record(0, {"loss": float("nan"), "deep": {"x": [float("inf"), 1.5]}})
    assert run.log_path.read_text() == '{"step": 0, "loss": null, "deep": {"x": [null, 1.5]}}\n'


def test_a_full_disk_leaves_the_log_whole_and_is_named(tmp_path, monkeypatch):
    run, real = TrainingRun(tmp_path, show_progress=False), open
    run.record(0, {"loss": 1.0})

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, text):
            self.file.write(text[:5])
            self.file.flush()
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("builtins.open", lambda *args, **more: Full(real(*args, **more)))
    with pytest.raises(OSError, match=r"cannot write .*log.jsonl .*No space left on device.*: make room"):
        run.record(1, {"loss": 1.0})
    monkeypatch.undo()
    assert run.log_path.read_text() == '{"step": 0, "loss": 1.0}\n'
