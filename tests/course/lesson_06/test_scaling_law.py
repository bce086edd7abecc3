"""A law is fitted to small models only, foretells larger ones, and was stored before these were trained.

Proves: both laws recover a law they are shown, and the one with a floor never has a negative one; N counts the matrices of
the blocks; rates are tried until none is best at the edge; the stored prediction follows from the stored losses.
"""

from math import exp, log
from pathlib import Path

import pytest
import torch

from rlhf_lite.course.lesson_06 import scaling_law
from rlhf_lite.course.lesson_06.loss_curves import build_model, course_tokenizer, texts_of
from rlhf_lite.course.lesson_06.scaling_law import (
    FITTED,
    LARGER,
    LAWS,
    RATES,
    Size,
    best_rates,
    block_matrices,
    by_width,
    fit_line,
    losses_of,
    power_law,
    power_law_with_floor,
    predict,
    seeds_of,
    stored_rows,
    train_size,
    untried_rates,
    written_at,
)
from rlhf_lite.data import pack_documents

STORED = Path(__file__).parents[3] / "data" / "pretraining_study"
SIZES = [1000.0, 4000.0, 9000.0, 30_000.0, 100_000.0]


def rows_of(losses, seed=0, rate=0.01):
    return [Size(d_model=width, rate=rate, seed=seed, loss=loss) for width, loss in zip(FITTED, losses, strict=True)]


def test_n_counts_the_matrices_of_the_blocks():
    model = build_model(50, 0, 32)
    matrices = sum(p.numel() for name, p in model.named_parameters() if "blocks." in name and p.dim() == 2)
    assert block_matrices(32) == matrices == 24_576


def test_a_line_by_hand():
    a, b = fit_line([1, 10, 100], [4, 2, 1])  # each factor of ten halves the loss
    assert exp(a) == pytest.approx(4) and b == pytest.approx(log(2) / log(10))


def test_laws_recover_what_they_are_shown():
    straight = power_law(SIZES, [5 * n**-0.2 for n in SIZES])
    assert straight(1e6) == pytest.approx(5 * 1e6**-0.2)
    floor = power_law_with_floor(SIZES, [1.2 + 30 * n**-0.5 for n in SIZES])
    assert floor(1e6) == pytest.approx(1.2 + 30 * 1e-3)


def test_a_floor_is_never_below_zero():
    losses = [10 - log(n) for n in SIZES]  # falls faster than any floor allows
    law = power_law_with_floor(SIZES, losses)
    assert law(1e30) > -1e-9


def test_a_prediction_is_one_of_the_seeds_and_of_each_law():
    rows = rows_of([4.0, 3.0, 2.5, 2.0, 1.8]) + rows_of([4.1, 3.1, 2.4, 2.1, 1.7], seed=1)
    found = predict(rows)
    assert [(row["law"], row["d_model"]) for row in found] == [(law, width) for law in LAWS for width in LARGER]
    n = [block_matrices(width) for width in FITTED]
    assert found[0]["by_seed"][1] == pytest.approx(power_law(n, [4.1, 3.1, 2.4, 2.1, 1.7])(block_matrices(LARGER[0])))
    assert all(row["low"] < row["mean"] < row["high"] for row in found)
    assert seeds_of(rows) == [0, 1] and losses_of(rows, 1)[FITTED[0]] == 4.1
    assert [row.seed for row in by_width(rows)[FITTED[2]]] == [0, 1]


def test_rates_are_tried_until_none_is_best_at_the_edge():
    assert len(untried_rates([])) == len(FITTED) * len(RATES)
    rows = [row for i, rate in enumerate(RATES) for row in rows_of([3 - i, 3 - i, abs(1 - i), 3 - i, i], rate=rate)]
    edge = 2 * RATES[-1]
    assert untried_rates(rows) == [(FITTED[0], edge), (FITTED[1], edge), (FITTED[3], edge)]
    rows += [Size(d_model=width, rate=edge, seed=0, loss=9.0) for width in (FITTED[0], FITTED[1], FITTED[3])]
    assert untried_rates(rows) == []
    assert best_rates(rows) == {
        FITTED[0]: RATES[3], FITTED[1]: RATES[3], FITTED[2]: RATES[1], FITTED[3]: RATES[3], FITTED[4]: RATES[0],
        LARGER[0]: RATES[0], LARGER[1]: RATES[0],
    }  # fmt: skip


def test_a_size_is_trained_and_measured(monkeypatch):
    monkeypatch.setattr(scaling_law, "STEPS", 12)
    tokenizer = course_tokenizer()
    stream = pack_documents(texts_of("test", 400), tokenizer)
    size = train_size(16, 0.02, stream, stream[:2000], tokenizer.vocab_size, seed=0)
    assert (size.d_model, size.rate, size.seed) == (16, 0.02, 0) and 3 < size.loss < log(tokenizer.vocab_size)
    assert size == train_size(16, 0.02, stream, stream[:2000], tokenizer.vocab_size, seed=0)


def test_the_stored_prediction_follows_from_the_stored_losses_and_came_first():
    fitted, larger = stored_rows(STORED, "fitted"), stored_rows(STORED, "larger")
    assert {row.d_model for row in fitted} == set(FITTED) and {row.d_model for row in larger} == set(LARGER)
    assert seeds_of(fitted) == seeds_of(larger) and len(seeds_of(fitted)) >= 3
    for now, then in zip(predict(fitted), stored_rows(STORED, "prediction"), strict=True):
        assert now["mean"] == pytest.approx(then["mean"], abs=1e-3) and now["law"] == then["law"]
    assert written_at(STORED, "fitted") <= written_at(STORED, "prediction") < written_at(STORED, "larger")
    rates = best_rates(stored_rows(STORED, "rates"))
    assert all(row.rate == rates[row.d_model] for row in fitted + larger)
    assert untried_rates(stored_rows(STORED, "rates")) == []
    assert not torch.tensor([row.loss for row in fitted]).isnan().any()


def test_nothing_stored_is_said_with_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lesson_06\.scaling_law"):
        stored_rows(tmp_path, "fitted")
