"""The race on characters is fair and can be lost: one text, one size, every held-out character, a bar that bad settings miss."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from rlhf_lite.__main__ import main
from rlhf_lite.gpt import GPT
from rlhf_lite.optim import OptimConfig
from rlhf_lite.studies import shakespeare
from rlhf_lite.studies.plain_gpt import PlainConfig, PlainGPT, plain_rate, train_plain
from rlhf_lite.studies.shakespeare import (
    MODEL,
    OURS,
    ShakespeareTest,
    meets_bar,
    read_characters,
    run_shakespeare,
    validation_loss,
)

STORED = Path(__file__).parents[2] / "data" / "shakespeare" / "two_threads.json"
TEXT = "to be, or not to be: that is the question.\n" * 60
SHORT_PLAIN = PlainConfig(steps=40, warmup_steps=5)
SHORT = replace(OURS, steps=12, batch_size=4, optim=replace(OURS.optim, warmup_steps=2))


@pytest.fixture(autouse=True)
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return file


def test_the_last_tenth_is_held_out_and_numbers_are_those_of_sorted_characters():
    stream, held_out, vocab_size = read_characters(TEXT)
    assert len(stream) == int(0.9 * len(TEXT)) and len(stream) + len(held_out) == len(TEXT)
    letters = sorted(set(TEXT))
    assert vocab_size == len(letters)
    assert "".join(letters[i] for i in torch.cat([stream, held_out])) == TEXT
    with pytest.raises(ValueError, match="too short"):
        read_characters("to be")


def test_both_sides_have_the_same_size_but_for_biases():
    plain, ours = PlainGPT(65, PlainConfig()), GPT(MODEL)

    def sizes(model):
        return sorted(p.numel() for p in model.parameters() if p.dim() >= 2)

    assert sum(sizes(plain)) == sum(sizes(ours)) == 802_944
    biases = sum(p.numel() for name, p in ours.named_parameters() if name.endswith("bias"))
    assert sum(p.numel() for p in ours.parameters()) - biases == sum(p.numel() for p in plain.parameters())


def test_no_plain_prediction_sees_later_characters():
    torch.manual_seed(0)
    model, tokens = PlainGPT(65, PlainConfig()).eval(), torch.randint(65, (1, 20))
    changed = tokens.clone()
    changed[0, 10] = (changed[0, 10] + 1) % 65
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :10], after[:, :10])
    assert not torch.allclose(before[:, 10:], after[:, 10:])


def test_the_plain_rate_warms_up_and_ends_at_a_tenth():
    config = PlainConfig()
    assert plain_rate(0, config) == pytest.approx(1e-3 / 101)
    assert plain_rate(100, config) == pytest.approx(1e-3)
    assert plain_rate(1050, config) == pytest.approx((1e-3 + 1e-4) / 2)
    assert plain_rate(1999, config) == pytest.approx(1e-4, rel=1e-3)


class Counts(torch.nn.Module):
    """Predict from the character alone, so that windows do not matter; remember how many were asked for."""

    def __init__(self):
        super().__init__()
        self.logits, self.asked = torch.randn(7, 7, generator=torch.Generator().manual_seed(0)), 0

    def forward(self, tokens):
        self.asked += tokens.numel()
        return self.logits[tokens]


@pytest.mark.parametrize("n", [9, 64, 65, 2500])
def test_every_held_out_character_counts_once(n):
    stream, model = torch.randint(7, (n,), generator=torch.Generator().manual_seed(1)), Counts()
    expected = F.cross_entropy(model.logits[stream[:-1]], stream[1:]).item()
    assert validation_loss(model, stream, 8) == pytest.approx(expected, rel=1e-5)
    assert model.asked == n - 1


def test_the_plain_side_learns():
    stream, held_out, vocab_size = read_characters(TEXT)
    untrained = train_plain(stream, vocab_size, replace(SHORT_PLAIN, steps=0), seed=0)
    trained = train_plain(stream, vocab_size, SHORT_PLAIN, seed=0)
    before, after = (validation_loss(model, held_out, 64) for model in (untrained, trained))
    assert before > 2.8 and after < before - 0.5


def test_both_sides_run_and_are_printed_and_stored(text, tmp_path, capsys):
    output = tmp_path / "new" / "here.json"
    found = run_shakespeare(ShakespeareTest(text=text, seeds=(3, 4), output=output), SHORT_PLAIN, SHORT)
    assert json.loads(output.read_text()) == json.loads(json.dumps(found))
    assert [row["seed"] for row in found["seeds"]] == [3, 4] and found["ours"]["optim"]["warmup_steps"] == 2
    told = capsys.readouterr().out
    assert f"{found['seeds'][0]['ours']['validation_loss']:.4f}" in told and found["machine"]["torch"] in told


def test_a_rate_that_learns_nothing_misses_the_bar(text, capsys):
    still = replace(SHORT, optim=OptimConfig(learning_rate=1e-9, muon_learning_rate=1e-9))
    found = run_shakespeare(ShakespeareTest(text=text, seeds=(0,)), SHORT_PLAIN, still)
    assert found["seeds"][0]["ours"]["validation_loss"] > 2.5
    assert not meets_bar(found) and "not met" in capsys.readouterr().out


def rows(*numbers):
    return {"seeds": [{"plain": {"seconds": p}, "ours": {"seconds": o, "validation_loss": loss}} for p, o, loss in numbers]}


def test_the_bar_asks_for_loss_and_time_of_every_seed():
    assert meets_bar(rows((10, 5, 1.88), (10, 4, 1.7)))
    assert not meets_bar(rows((10, 4, 1.7), (10, 4, 1.881)))
    assert not meets_bar(rows((10, 4, 1.7), (10, 5.1, 1.7)))


def test_errors_are_told(text, tmp_path, capsys):
    with pytest.raises(ValueError, match="seeds is empty"):
        run_shakespeare(ShakespeareTest(text=text, seeds=()))
    assert main(["shakespeare", "--text", str(tmp_path / "none.txt")]) == 1
    assert "none.txt" in capsys.readouterr().err


def test_the_stored_results_meet_the_bar_with_fresh_seeds_and_todays_settings():
    found = json.loads(STORED.read_text())
    assert meets_bar(found)
    assert len(found["seeds"]) >= 3 and not {row["seed"] for row in found["seeds"]} & {0, 1, 2}
    now = json.loads(json.dumps({"plain": shakespeare.asdict(PlainConfig()), "ours": shakespeare.asdict(OURS)}))
    assert {side: found[side] for side in now} == now
