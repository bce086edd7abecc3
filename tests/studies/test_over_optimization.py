"""Best-of-n by counting, and the pieces of the study of over-optimization.

Proves: weights sum to 1 and are those of all sets; means equal the mean over all sets, ties averaged; the KL is the one of an
enumerated best-of-n; a two-layer model is the first two layers; seeds learn from different labels; stored rows are read.
"""

import json
from itertools import combinations
from math import log
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.studies.best_of_n import Answers, best_of_n_kl, best_of_n_means, best_of_n_weights
from rlhf_lite.studies.over_optimization import OverOptimization, Scorer, first_layers, jobs, load_over_optimization


def test_weights_by_hand():
    assert best_of_n_weights(3, 2).tolist() == pytest.approx([0, 1 / 3, 2 / 3])
    for n in range(1, 7):
        assert best_of_n_weights(6, n).sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="expected 1 <= n <= 3"):
        best_of_n_weights(3, 4)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_means_are_those_over_all_sets(n):
    generator = torch.Generator().manual_seed(n)
    scores, values = torch.rand(2, 5, generator=generator), torch.rand(2, 5, generator=generator)
    for row in range(2):
        sets = [max(each, key=lambda i: scores[row, i]) for each in combinations(range(5), n)]
        mean = sum(values[row, i].item() for i in sets) / len(sets)
        assert best_of_n_means(scores, values, n)[row] == pytest.approx(mean, abs=1e-6)


def test_answers_that_score_alike_are_averaged():
    found = best_of_n_means(torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.3]]), 2)
    assert found.tolist() == pytest.approx([0.5])  # every pair has one of the two, and which one is chance


def test_kl_of_best_of_n_is_that_of_an_enumerated_model():
    size, n = 4000, 4  # so many equally likely answers that none is drawn twice
    p = torch.tensor([((i + 1) / size) ** n - (i / size) ** n for i in range(size)], dtype=torch.float64)
    assert best_of_n_kl(n) == pytest.approx((p * (p.log() + log(size))).sum().item(), abs=1e-4)
    assert best_of_n_kl(16) == pytest.approx(1.835089, abs=1e-6) and best_of_n_kl(1) == 0
    with pytest.raises(ValueError, match="at least 1"):
        best_of_n_kl(0)


def test_the_first_layers_are_those_of_the_model():
    model = GPT(GPTConfig(vocab_size=20, context_length=8, d_model=8, n_layers=3, n_heads=2))
    part, tokens = first_layers(model, 2), torch.randint(20, (2, 5))
    x = model.embed(tokens, torch.arange(5))
    for block in model.blocks[:2]:
        x = block(x, is_causal=True)
    torch.testing.assert_close(part.hidden(tokens), model.final_norm(x))
    with pytest.raises(ValueError, match="4 layers of a model that has 3"):
        first_layers(model, 4)


def test_seeds_learn_from_different_labels():
    study = SimpleNamespace(comparisons=list(range(200)))
    for one_in in (4, 16, 64):
        parts = [OverOptimization.learnt_by(study, Scorer(one_in=one_in, layers=4, seed=seed)) for seed in range(3)]
        assert len(set().union(*parts)) == sum(map(len, parts)) and all(len(part) >= 200 // one_in for part in parts)
    assert OverOptimization.learnt_by(study, Scorer(one_in=1, layers=4, seed=2)) == study.comparisons


def test_no_job_is_done_twice_and_the_whole_set_is_judged_once():
    todo = jobs(4, (0, 1, 2))
    assert len(todo) == len(set(todo)) == 13 + 9
    assert sum(what == "best_of_n" and each.one_in == 1 for what, each in todo) == 1


def test_stored_rows_are_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="README"):
        load_over_optimization(tmp_path)
    for name in ("reward_models", "ppo"):
        (tmp_path / f"{name}.json").write_text(json.dumps([{"seed": 0}]), encoding="utf-8")
    assert load_over_optimization(tmp_path) == {"reward_models": [{"seed": 0}], "ppo": [{"seed": 0}]}


def test_picks_know_accuracy_and_spread():
    answers = Answers.__new__(Answers)
    answers.places, answers.gold_of = [[0, 1, 1, 2], [0, 0, 0, 1]], [[0.0, 0.5, 1.0], [0.5, 0.0]]
    answers.likings = [[0.0, 1.0, 0.5], [0.2, 0.9]]
    answers.gold = answers.spread(answers.gold_of)
    assert answers.gold.tolist() == [[0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 0.5, 0.0]]
    found = answers.pick([[1.0, 2.0, 3.0], [0.0, 1.0]], ns=(1, 4))
    assert [row["gold"] for row in found.rows] == pytest.approx([(0.5 + 0.375) / 2, (1.0 + 0.0) / 2])
    assert [row["score"] for row in found.rows] == pytest.approx([(2.0 + 0.25) / 2, (3.0 + 1.0) / 2])
    # pairs: three and one; the judge agrees with three of four, the labeler with two and one
    assert (found.accuracy_judge, found.accuracy_labelers) == (0.75, 0.75)
    assert found.rows[1]["gold_error"] == pytest.approx(0.5) and found.rows[1]["kl"] == pytest.approx(0.636294, abs=1e-5)
