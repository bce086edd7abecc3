"""Fine-tuning is measured as it goes on, at the moments asked for, and what is stored is what the settings say.

Proves: the loss of many answers is the mean over tokens, however they are batched; without a mask everything is learnt; rows
come at their epochs and leave the base model alone; nothing is measured twice, and no process overwrites another's results;
the shipped measurements belong to the settings of today.
"""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from rlhf_lite.data import pack_documents
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel
from rlhf_lite.records import Demonstration, Example, encode_demonstrations
from rlhf_lite.studies import sft_epochs
from rlhf_lite.studies.sft_epochs import (
    LONG,
    SETTINGS,
    Setting,
    Subject,
    answer_loss,
    load_measured,
    measure,
    measure_missing,
    rounded,
    without_mask,
)
from rlhf_lite.tinyworld.prompts import draw_requests
from rlhf_lite.tokenizer import Tokenizer

SHIPPED = Path(__file__).parents[2] / "data" / "sft_epochs"
ROWS = [Example([3, 4, 5, 1], prompt_length=2), Example([6, 1], prompt_length=1), Example([7, 8, 9, 2, 2, 1], prompt_length=1)]


@pytest.fixture(scope="module")
def subject():
    requests = draw_requests("subject", 36)
    texts = [f"{request.prompt} {request.good}" for request in requests]
    tokenizer = Tokenizer.train(texts, 300)
    base = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=192, d_model=16, n_layers=1, n_heads=2)).eval()
    examples, _ = encode_demonstrations([Demonstration(r.prompt, r.good) for r in requests], tokenizer, 150)
    return Subject(seed=5, base=base, reward_model=ScalarModel(base).eval(), tokenizer=tokenizer, examples=examples[:32],
                   held_out=examples[-4:], requests=requests[:3], pretraining=pack_documents(texts, tokenizer))  # fmt: skip


def test_loss_of_many_answers_is_a_mean_over_tokens_however_they_are_batched(make_gpt):
    model = make_gpt()
    surprises = []
    for row in ROWS:
        log_probs = model(torch.tensor([row.ids]))[0].log_softmax(-1)
        surprises += [-log_probs[t - 1, row.ids[t]].item() for t in range(row.prompt_length, len(row.ids))]
    assert len(surprises) == 2 + 1 + 5
    for batch_size in (1, 2, 100):
        assert answer_loss(model, ROWS, 0, batch_size) == pytest.approx(sum(surprises) / 8, abs=1e-5)


def test_without_mask_every_token_but_the_first_counts(make_gpt):
    model = make_gpt()
    all_tokens = [-model(torch.tensor([row.ids]))[0].log_softmax(-1)[t - 1, row.ids[t]].item()
                  for row in ROWS for t in range(1, len(row.ids))]  # fmt: skip
    assert answer_loss(model, without_mask(ROWS), 0) == pytest.approx(sum(all_tokens) / len(all_tokens), abs=1e-5)


def test_rows_come_at_their_epochs_and_the_base_model_stays_as_it_is(subject):
    before = {name: tensor.clone() for name, tensor in subject.base.state_dict().items()}
    setting = Setting(demonstrations=32, epochs=3, learning_rate=1e-2)
    rows = measure(subject, setting, moments=(1, 2, 9), show_progress=False)
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    assert ["against_first" in row for row in rows] == [False, False, True, True]
    assert rows[-1]["train_loss"] < rows[1]["train_loss"] < rows[0]["train_loss"]
    assert all(torch.equal(before[name], tensor) for name, tensor in subject.base.state_dict().items())
    # three steps at a constant rate must go further down on the answers where they alone are learnt
    unmasked = measure(subject, Setting(**(asdict(setting) | {"masked": False})), moments=(), show_progress=False)
    assert [row["epoch"] for row in unmasked] == [0, 3]
    assert unmasked[-1]["train_loss"] != rows[-1]["train_loss"]


def test_asking_for_more_demonstrations_than_there_are_says_how_many(subject):
    with pytest.raises(ValueError, match="only 32 of 320 demonstrations"):
        measure(subject, Setting())


def test_nothing_is_measured_twice_and_another_process_loses_nothing(subject, tmp_path):
    path, calls = tmp_path / "seed-5.json", []

    def fake(subject, setting, moments):
        calls.append(moments)
        stored = json.loads(path.read_text()) if path.exists() else {"seed": 5, "settings": {}}
        stored["settings"]["by another process"] = {}
        path.write_text(json.dumps(stored))
        return [{"epoch": 0, "gold": 1 / 3}]

    for _ in range(2):
        found = measure_missing(tmp_path, subject, ["mask", "rate 0.006"], fake)
    assert calls == [sft_epochs.MOMENTS, ()]  # only long runs are looked at on the way
    assert set(found["settings"]) == {"by another process", "mask", "rate 0.006"}
    assert found["settings"]["mask"]["rows"] == [{"epoch": 0, "gold": 0.3333}]


def test_rounding_keeps_everything_but_digits():
    assert rounded([{"a": 0.123456, "b": {"wins": 3}}, 2]) == [{"a": 0.1235, "b": {"wins": 3}}, 2]


def test_a_folder_without_measurements_says_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m rlhf_lite.studies.sft_epochs"):
        load_measured(tmp_path)


def test_shipped_measurements_belong_to_the_settings_of_today():
    measured = load_measured(SHIPPED)
    assert len(measured) >= 3
    for seed in measured:
        assert {"mask", "no mask"} <= set(seed["settings"])
        for name, found in seed["settings"].items():
            assert {key: value for key, value in found.items() if key != "rows"} == asdict(SETTINGS[name])
            epochs = [row["epoch"] for row in found["rows"]]
            assert epochs == ([0, *sft_epochs.MOMENTS] if name in LONG else [0, SETTINGS[name].epochs])
            assert found["rows"][-1]["train_loss"] < found["rows"][0]["train_loss"]
