"""The command line does what it says, and says what it does not do.

Proves, on one nano run: all stages, report and evaluation are there; the evaluation's JSON is one object with the
documented keys and the report's numbers; finished stages are not done again; other settings in the same folder are
refused; earlier stages come from another folder. Without a run: bad rows, unknown options, missing stages and score
functions end with status 1 or 2 and a message, and leave nothing behind.
"""

import json
import re

import pytest

from rlhf_lite.__main__ import STAGE_COMMANDS, main
from rlhf_lite.pipeline import STAGES
from rlhf_lite.tinyworld.evaluation import MODELS, PAIRS
from rlhf_lite.tinyworld.runs import SHIPPED

NUMBERS = {"gold", "helpful", "honest", "harmless", "pretraining_loss", "length"}


@pytest.fixture(scope="session")
def nano(tmp_path_factory):
    """Do one nano run through the command line; return its folder."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(["pipeline", "--preset", "nano", "--runs", str(runs)]) == 0
    return runs / "nano-0"


@pytest.fixture
def rows(tmp_path):
    def write(*lines):
        path = tmp_path / "mine.jsonl"
        path.write_text("".join(line + "\n" for line in lines))
        return str(path)

    return write


def files_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def fails(capsys, *arguments, status=1):
    """Run a command that must fail; return what it wrote to stderr."""
    assert main(list(arguments)) == status
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Traceback" not in error
    return error


@pytest.mark.slow
def test_a_run_leaves_models_logs_and_a_report(nano):
    for stage in STAGES:
        assert (nano / stage).is_dir()
    for stage in STAGE_COMMANDS:
        assert (nano / stage / "model.safetensors").is_file() and (nano / stage / "log.jsonl").is_file()
    report = json.loads((nano / "report.json").read_text())
    assert (nano / "report.md").is_file() and list((nano / "figures").glob("*.png"))
    assert {"preset", "seed", "summary", "use_cases", "calibration", "samples", "cleaning", "seconds"} <= set(report)
    assert set(report["seconds"]) == {*STAGES, "evaluation"}


@pytest.mark.slow
def test_evaluate_prints_one_json_object_with_the_reports_numbers(nano, capsys):
    assert main(["evaluate", "--checkpoints", str(nano), "--prompts", "30", "--json"]) == 0
    out = capsys.readouterr().out
    summary = json.loads(out)  # one object and nothing else
    assert out.count("\n") == 1
    by_use_case = summary.pop("use_cases")
    measured = {"pairs_equal_manners", "best_temperature", "abilities", "facts", "minimal_pairs"}
    assert set(summary) == {"seed", "prompts", "models", "pairs", "reward_model", "kl_from_sft"} | measured
    assert all(set(row) == set(MODELS) for row in by_use_case.values()) and len(by_use_case) == 10
    assert set(summary["models"]) == set(MODELS) and set(summary["pairs"]) == set(PAIRS)
    assert all(set(row) == NUMBERS for row in summary["models"].values())
    keys = {"wins", "losses", "ties", "rate", "low", "high", "with_ties", "with_ties_low", "with_ties_high"}
    assert all(set(row) == keys for row in summary["pairs"].values())
    assert all(row["wins"] + row["losses"] + row["ties"] == 30 for row in summary["pairs"].values())
    assert set(summary["reward_model"]) == {"accuracy_judge", "accuracy_labelers", "labeler_agreement"}
    assert summary["kl_from_sft"]["sft"] == pytest.approx(0.0, abs=1e-5)
    assert summary == json.loads((nano / "report.json").read_text())["summary"]


@pytest.mark.slow
def test_evaluate_prints_tables(nano, capsys):
    assert main(["evaluate", "--checkpoints", str(nano), "--prompts", "5", "--seed", "1"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in (*MODELS, *PAIRS, "95 % interval", "kl_from_sft"))


@pytest.mark.slow
def test_a_finished_stage_is_not_done_again(nano, capsys):
    before = files_of(nano)
    del before[nano / "run.json"]
    for stage in STAGE_COMMANDS:
        assert main([stage, "--preset", "nano", "--runs", str(nano.parent)]) == 0
        assert f"{stage} is done already" in capsys.readouterr().out
    after = files_of(nano)
    assert {path: after[path] for path in before} == before and set(after) == {*before, nano / "run.json"}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "told"), [(["--sft.epochs", "2"], "sft.epochs was 1.0, now 2.0"),
                                              (["--seed", "1", "--name", "nano-0"], "seed was 0, now 1")])  # fmt: skip
def test_other_settings_in_the_same_folder_are_refused(nano, capsys, change, told):
    before = files_of(nano)
    error = fails(capsys, "pipeline", "--preset", "nano", "--runs", str(nano.parent), *change)
    assert told in error and "choose another --name" in error
    assert files_of(nano) == before


@pytest.mark.slow
def test_other_data_in_the_same_folder_is_refused(nano, capsys, rows):
    path = rows('{"prompt": "Hi", "response": "Hello."}')
    assert main(["sft", "--preset", "nano", "--runs", str(nano.parent), "--demonstrations", path]) == 1


@pytest.mark.slow
def test_earlier_stages_come_from_another_folder(nano, tmp_path, rows, capsys):
    path = rows(*['{"prompt": "Hi", "response": "Hello."}'] * 8)
    arguments = [
        "--preset",
        "nano",
        "--runs",
        str(tmp_path),
        "--name",
        "mine",
        "--start-from",
        str(nano),
        "--demonstrations",
        path,
    ]
    assert main(["sft", *arguments, "--sft.epochs", "2"]) == 0
    assert "wrote" in capsys.readouterr().out
    mine = tmp_path / "mine"
    assert (mine / "pretrain/model.safetensors").read_bytes() == (nano / "pretrain/model.safetensors").read_bytes()
    assert (mine / "sft/model.safetensors").read_bytes() != (nano / "sft/model.safetensors").read_bytes()
    assert not (mine / "ppo").exists()


@pytest.mark.slow
def test_a_pipeline_too_starts_from_another_folder(nano, tmp_path, monkeypatch, capsys):
    from rlhf_lite.pipeline import Pipeline

    monkeypatch.setattr(Pipeline, "pretrain", lambda self: pytest.fail("pretrain is there already"))
    monkeypatch.setattr(Pipeline, "sft", lambda self: (_ for _ in ()).throw(ValueError("far enough")))
    error = fails(capsys, "pipeline", "--preset", "nano", "--runs", str(tmp_path / "runs"), "--start-from", str(nano))
    assert "far enough" in error and (tmp_path / "runs/nano-0/pretrain/model.safetensors").exists()
    assert not (tmp_path / "runs/nano-0/sft").exists()


@pytest.mark.slow
def test_an_incomplete_run_is_not_evaluated(nano, tmp_path, capsys):
    (tmp_path / "pretrain").mkdir()
    (tmp_path / "pretrain/model.safetensors").write_bytes((nano / "pretrain/model.safetensors").read_bytes())
    assert "ppo" in fails(capsys, "evaluate", "--checkpoints", str(tmp_path))


def test_evaluate_without_a_folder(tmp_path, capsys):
    error = fails(capsys, "evaluate", "--checkpoints", str(tmp_path / "nothing"))
    assert "no folder" in error and "python -m rlhf_lite pipeline" in error


@pytest.mark.parametrize("option", ["--demonstrations", "--comparisons", "--prompts"])
def test_a_bad_row_names_file_and_line_and_leaves_nothing_behind(tmp_path, rows, capsys, option):
    good = '{"prompt": "Hi", "response": "Hello.", "chosen": "Hello.", "rejected": "No."}'
    path = rows(good, '{"prompt": "my secret"}' if option != "--prompts" else '{"question": "my secret"}')
    error = fails(capsys, "pipeline", "--preset", "nano", "--runs", str(tmp_path / "runs"), option, path)
    assert f"{path}, line 2: no key" in error and "a right row:" in error and "secret" not in error
    assert not (tmp_path / "runs").exists()


def test_the_hint_for_bad_rows_is_an_option_of_the_command_line(tmp_path, rows, capsys):
    error = fails(capsys, "sft", "--preset", "nano", "--runs", str(tmp_path / "runs"), "--demonstrations", rows("{"))
    assert "--skip-bad-rows" in error


def test_skipped_rows_are_listed(tmp_path, rows, capsys):
    path = rows('{"prompt": "Hi", "response": "Hello."}', '{"prompt": "Hi"}', "[]")
    status = main(["sft", "--preset", "nano", "--runs", str(tmp_path / "runs"), "--demonstrations", path, "--skip-bad-rows"])
    captured = capsys.readouterr()
    assert "skipped 2 bad rows" in captured.out and "line 2" in captured.out and "line 3" in captured.out
    assert status == 1 and "no finished stage 'pretrain'" in captured.err  # it got past reading


@pytest.mark.parametrize("stage", ["sft", "reward", "ppo", "ppo_ptx"])
def test_a_missing_stage_is_named_with_the_way_out(tmp_path, capsys, stage):
    error = fails(capsys, stage, "--preset", "nano", "--runs", str(tmp_path))
    assert "has no finished stage 'pretrain'" in error and "--start-from" in error


@pytest.mark.parametrize(
    ("stage", "option", "noted"),
    [
        ("ppo_ptx", "--ppo.kl-coef", True),
        ("ppo", "--ppo-ptx.kl-coef", True),
        ("ppo_ptx", "--ppo-ptx.kl-coef", False),
        ("ppo", "--ppo.kl-coef", False),
    ],
)
def test_settings_of_the_other_ppo_are_told_apart(tmp_path, capsys, stage, option, noted):
    main([stage, "--preset", "nano", "--runs", str(tmp_path), option, "0.2"])  # stops at once: there is no base model
    assert (f"do not act on {stage}, whose options begin with --{stage.replace('_', '-')}." in capsys.readouterr().out) == noted


def test_a_command_that_could_not_begin_leaves_the_folder_to_others(tmp_path, capsys):
    fails(capsys, "sft", "--preset", "nano", "--runs", str(tmp_path / "runs"), "--sft.epochs", "3")
    assert not (tmp_path / "runs").exists()


def test_a_folder_to_start_from_must_hold_a_run(tmp_path, capsys):
    error = fails(capsys, "sft", "--preset", "nano", "--runs", str(tmp_path / "runs"), "--start-from", str(tmp_path))
    assert "holds no tokenizer.json" in error


@pytest.mark.parametrize("command", ["pipeline", "sft", "evaluate"])
def test_an_unknown_option_is_an_error(tmp_path, capsys, command):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--no-such-option", "3"])
    assert stopped.value.code == 2
    assert "no-such-option" in capsys.readouterr().err


def test_wrong_settings_are_explained(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["pipeline", "--preset", "huge"])
    assert "huge" in capsys.readouterr().err
    error = None
    try:
        error = fails(capsys, "sft", "--preset", "nano", "--runs", str(tmp_path), "--sft.epochs", "-1")
    except SystemExit:
        error = capsys.readouterr().err
    assert "-1" in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [("short", "expected MODULE:FUNCTION"), ("no_such_module:f", "run from the folder that holds no_such_module.py"),
     ("json:no_such_function", "no attribute 'no_such_function'")],
)  # fmt: skip
def test_a_score_function_that_cannot_be_loaded(tmp_path, capsys, name, message):
    assert message in fails(capsys, "ppo", "--preset", "nano", "--runs", str(tmp_path / "runs"), "--score-fn", name)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--help"], 0), (["-h"], 0), (["pretrian"], 2)])
def test_usage(capsys, arguments, status):
    assert main(arguments) == status
    out = capsys.readouterr().out
    assert all(command in out for command in ("pipeline", "evaluate", *STAGE_COMMANDS))


def test_every_setting_is_explained(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["pipeline", "--help"])
    out = capsys.readouterr().out
    assert stopped.value.code == 0
    for option in ("--seed", "--start-from", "--skip-bad-rows", "--ppo.kl-coef", "--reward.optim.learning-rate"):
        assert option in out
    assert not re.search(r"Traceback|Warning", out) and SHIPPED.name == "checkpoints"
