"""Whatever happened to a file of a run, going on gives an error that names it and says what to do, and changes nothing else.

Every file of a run is damaged in every way: cut off, overwritten, bits flipped, a pickle, a folder, another stage's file.
Errors are ValueError or FileNotFoundError, which the command line prints in one line; no pickle is ever opened. Where a
format cannot show a flipped bit (JSON without a checksum), a run may also go on.
"""

import os
import pickle
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_pipeline import ToyWorld, toy_preset

from rlhf_lite.__main__ import main
from rlhf_lite.checkpoint import TrainingRun, load_model, save_model
from rlhf_lite.files import load_tensors, save_tensors, tensors_checksum
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel
from rlhf_lite.pipeline import STAGES, Pipeline
from rlhf_lite.tinyworld.evaluation import load_models
from rlhf_lite.tokenizer import Tokenizer

pytestmark = pytest.mark.slow
SHIPPED = Path(__file__).parents[1] / "data" / "checkpoints"
TRAINED = tuple(stage for stage in STAGES if stage != "comparisons")
FLIPS = 12


class Bomb:
    """A pickle of this makes a file when it is opened."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@dataclass(frozen=True)
class Place:
    """A file of a run, and the stage that reads it: started again, that stage must see the damage."""

    path: str
    reader: str
    exact: bool = True
    """Whether every flipped bit that matters shows."""


PLACES = [
    Place("pretrain/model.safetensors", "sft"),
    Place("sft/model.safetensors", "reward"),
    Place("reward/model.safetensors", "ppo"),
    Place("ppo/model.safetensors", "evaluation"),
    Place("ppo_ptx/model.safetensors", "evaluation"),
    *(Place(f"{stage}/state.safetensors", stage) for stage in TRAINED),
    Place("tokenizer.json", "sft", exact=False),
    Place("tokenizer.json", "evaluation", exact=False),
    Place("comparisons/comparisons.json", "reward", exact=False),
    Place("run.json", "sft", exact=False),
    Place("seconds.json", "sft", exact=False),
]


def open_run(folder):
    return Pipeline(folder, toy_preset(), 0, ToyWorld(), show_progress=False, save_every_seconds=1e9)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole run that still has the last training state of every stage."""
    folder, patch = tmp_path_factory.mktemp("run"), pytest.MonkeyPatch()
    patch.setattr(TrainingRun, "forget_state", lambda run: None)
    open_run(folder).run()
    patch.undo()
    return folder


@pytest.fixture
def case(finished, tmp_path):
    """Return a function that copies the run so that its `reader` stage is to be done, and names the file of a place."""

    def make(place: Place) -> tuple[Path, Path]:
        folder = tmp_path / "run"
        shutil.copytree(finished, folder)
        if place.reader != "evaluation":
            (folder / place.reader / "model.safetensors").unlink()
            (folder / place.reader / "state.previous.safetensors").unlink(missing_ok=True)  # else it would be used
        return folder, folder / place.path

    return make


def go_on(folder, reader):
    if reader == "evaluation":
        load_models(folder)
    else:
        open_run(folder).run(until=reader)


def content(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def expect_error(folder, path, place):
    """Go on, and check the error and that nothing has changed; return the message."""
    before = content(folder)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        go_on(folder, place.reader)
    message = str(caught.value)
    assert str(path) in message, message
    assert any(word in message for word in ("delete", "train", "choose", "put")) and "\n" not in message, message
    assert content(folder) == before
    return message


def ids(places):
    return [f"{place.path}-{place.reader}" for place in places]


@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_a_whole_run_goes_on(case, place):
    go_on(case(place)[0], place.reader)


@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_cut_off(case, place):
    folder, path = case(place)
    whole = path.read_bytes()
    for kept in (0, 1, 7, 8, 60, len(whole) // 3, len(whole) - 100, len(whole) - 1):
        path.write_bytes(whole[:kept])
        expect_error(folder, path, place)


def pickles(target):
    yield pickle.dumps(Bomb(target))
    torch.save(Bomb(target), target.with_suffix(".pt"))
    yield target.with_suffix(".pt").read_bytes()


@pytest.mark.parametrize("which", [0, 1], ids=["pickle", "torch.save"])
@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_a_pickle_is_not_opened(case, tmp_path, place, which):
    folder, path = case(place)
    path.write_bytes(list(pickles(tmp_path / "opened"))[which])
    expect_error(folder, path, place)
    assert not (tmp_path / "opened").exists()
    pickle.loads(next(pickles(tmp_path / "opened")))
    assert (tmp_path / "opened").exists(), "it would have been seen"


@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_a_folder_in_its_place(case, place):
    folder, path = case(place)
    path.unlink()
    path.mkdir()
    expect_error(folder, path, place)


JSON_FORMS = [
    "null", "[]", "{}", "3", '"text"', "[[]]", '{"a": []}', '{"model": {}}', '{"step": "x"}', '[{"ids": 3}]', "[" * 100_000,
    '[{"ids": [[1], [2]], "ranks": [0, "a"]}]', '[{"ids": [[1], [99999]], "ranks": [0, 1]}]',
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_json_of_another_form(case, place):
    folder, path = case(place)
    for text in JSON_FORMS:
        if (path.name, text) != ("seconds.json", "{}"):
            path.write_text(text)
            expect_error(folder, path, place)


@pytest.mark.parametrize("where", ["header", "body"])
@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_flipped_bits(case, place, where):
    folder, path = case(place)
    whole, rng, errors = path.read_bytes(), random.Random(0), 0
    header = 8 + int.from_bytes(whole[:8], "little") if path.suffix == ".safetensors" else min(200, len(whole) // 2)
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[rng.randrange(header) if where == "header" else rng.randrange(header, len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        if place.exact and not same_content(path, whole):
            expect_error(folder, path, place)
            errors += 1
        elif not place.exact:  # where it is not seen the run goes on, and writes
            try:
                go_on(folder, place.reader)
            except (ValueError, FileNotFoundError) as error:
                assert path.name in str(error) or path.parent.name in str(error), str(error)
            shutil.rmtree(folder)
            folder, path = case(place)
    assert errors > 0.7 * FLIPS or not place.exact


def same_content(path, whole):
    """Whether a damaged safetensors file still holds the same: a bit flipped in spaces, or in the word "checksum"."""
    if path.suffix != ".safetensors":
        return False
    try:
        (tensors, about), beside = load_tensors(path), path.with_name("whole")
        beside.write_bytes(whole)
        (same, was) = load_tensors(beside)
    except (ValueError, FileNotFoundError):
        return False
    finally:
        path.with_name("whole").unlink(missing_ok=True)
    about = {key: value for key, value in about.items() if key in was}
    return (tensors_checksum(tensors, ""), about) == (tensors_checksum(same, ""), was)


def other_models(folder):
    config = load_model(folder / "pretrain/model.safetensors").config
    small = GPTConfig(vocab_size=20, context_length=64, d_model=8, n_layers=1, n_heads=2)
    return config, {"GPT": GPT(config), "ScalarModel": ScalarModel(GPT(config)), "small": GPT(small),
                    "small scalar": ScalarModel(GPT(small))}  # fmt: skip


MODEL_PLACES = [place for place in PLACES if place.path.endswith("model.safetensors")]
STATE_PLACES = [place for place in PLACES if place.path.endswith("state.safetensors")]


@pytest.mark.parametrize("place", MODEL_PLACES, ids=ids(MODEL_PLACES))
def test_another_kind_of_model_or_vocabulary(case, place):
    folder, path = case(place)
    _, models = other_models(folder)
    for name in ("GPT" if "reward" in place.path else "ScalarModel", "small", "small scalar"):
        save_model(path, models[name])
        assert expect_error(folder, path, place), name


@pytest.mark.parametrize("place", MODEL_PLACES, ids=ids(MODEL_PLACES))
def test_weights_that_do_not_fit_their_config(case, place):
    folder, path = case(place)
    tensors, about = load_tensors(path)
    first = next(iter(tensors))
    for changed in (tensors | {first: torch.zeros(3, 5)}, {k: v for k, v in tensors.items() if k != first},
                    tensors | {"more": torch.zeros(1)}):  # fmt: skip
        save_tensors(path, changed, about)
        expect_error(folder, path, place)
    for config in (None, [], {"d_model": "wide"}, {"d_model": 31, "n_heads": 4}, {"rotary": True}):
        save_tensors(path, tensors, about | {"config": config})
        expect_error(folder, path, place)
    save_file(load_file(path), path)  # no description: a file of someone else
    expect_error(folder, path, place)


@pytest.mark.parametrize("place", MODEL_PLACES + STATE_PLACES, ids=ids(MODEL_PLACES + STATE_PLACES))
def test_a_file_from_another_stage(case, finished, place):
    folder, path = case(place)
    for stage in TRAINED:
        for name in ("model.safetensors", "state.safetensors"):
            if f"{stage}/{name}" != place.path:
                shutil.copy(finished / stage / name, path)
                expect_error(folder, path, place)


@pytest.mark.parametrize("place", STATE_PLACES, ids=ids(STATE_PLACES))
def test_a_state_of_another_shape(case, place):
    folder, path = case(place)
    tensors, about = load_tensors(path)
    kinds = [next(name for name in tensors if name.startswith(kind) and tensors[name].dim()) for kind in ("model", "optimizer")]
    for name in [*kinds, "torch_rng"]:
        save_tensors(path, tensors | {name: torch.zeros(3, 5)}, about)
        expect_error(folder, path, place)
    for name in (kinds[0], "torch_rng"):
        save_tensors(path, {key: tensor for key, tensor in tensors.items() if key != name}, about)
        expect_error(folder, path, place)
    for step in (None, "2", 1.5, [2]):
        save_tensors(path, tensors, about | {"step": step})
        expect_error(folder, path, place)


def test_a_tokenizer_of_another_run(case):
    place = Place("tokenizer.json", "sft")
    folder, path = case(place)
    Tokenizer.train(["other words, and many more of them " + str(i) for i in range(2000)], 1200).save(path)
    with pytest.raises(ValueError, match=r"model.safetensors knows \d+ tokens, but its tokenizer \d+"):
        go_on(folder, "sft")


def test_the_command_line_says_it_in_one_line(finished, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    path = folder / "ppo/model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    assert main(["evaluate", "--checkpoints", str(folder)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"error: {path} is not a whole checkpoint") and told.count("\n") == 1


@pytest.mark.parametrize(("folder", "has_checksum"), [(SHIPPED, True), (SHIPPED.parent / "manners", False)])
def test_shipped_models_load_as_they_are_those_of_earlier_versions_without_a_checksum(folder, has_checksum):
    before = content(folder)
    for stage in TRAINED:
        path = folder / stage / "model.safetensors"
        assert (b"checksum" in before[path][:5000]) == has_checksum
        load_model(path, stage=stage)
    assert content(folder) == before
