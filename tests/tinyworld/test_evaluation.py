"""The final evaluation looks at prompts that nothing was trained on, and knows which way round better is.

Proves: prompts are the held-out ones and none of them is among those of training; a reward model that knows the truth is
measured as right and one that turns it round as wrong, against the judge and against every kind of labeler; ties of the
judge are left out; pairs are named winner first.
"""

from types import SimpleNamespace

import pytest

from rlhf_lite.tinyworld import evaluation
from rlhf_lite.tinyworld.judge import TIE, judge
from rlhf_lite.tinyworld.prompts import draw_requests
from rlhf_lite.tinyworld.world import TinyWorld
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([f"{r.prompt} {r.good}" for r in draw_requests(0, 300)], 400)


@pytest.fixture
def answered(tokenizer, make_gpt, monkeypatch):
    """An evaluation of 40 prompts in which sampling gives right answers, other ones' answers, and shrugs."""

    def sample(model, prompts, *, seed, temperature=1.0, **more):
        requests = drawn[-1]
        texts = [requests[(i + len(str(seed)) + int(temperature)) % len(requests)].good for i in range(len(prompts))]
        keep = str(seed).endswith(("0", "3"))
        return [[*tokenizer.encode(" " + (r.good if keep else text)), tokenizer.end_id]
                for r, text in zip(requests, texts, strict=True)]  # fmt: skip

    drawn = []
    monkeypatch.setattr(evaluation, "sample", sample)
    monkeypatch.setattr(evaluation, "draw_requests", lambda *a, **k: drawn.append(draw_requests(*a, **k)) or drawn[-1])
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=600)
    return evaluation.Models(tokenizer, dict.fromkeys(("base", "sft", "ppo", "ppo_ptx"), model), SimpleNamespace())


def test_prompts_are_held_out_and_none_is_among_those_of_training(tokenizer, make_gpt):
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=600)
    models = evaluation.Models(tokenizer, dict.fromkeys(("base", "sft", "ppo", "ppo_ptx"), model), None)
    requests = evaluation.Evaluation(models, 3, 12).requests
    assert requests == draw_requests("evaluation 3", 12, held_out=True)
    world = TinyWorld(3)
    trained = {*world.ppo_prompts(2000), *(d.prompt for d in world.demonstrations(2000)), *world.comparison_prompts(2000, 300)}
    assert len(trained) > 500 and not trained & {request.prompt for request in requests}


@pytest.mark.parametrize("sign", [1, -1], ids=["knows", "turned round"])
def test_a_reward_model_that_knows_the_truth_is_right_and_its_opposite_wrong(answered, monkeypatch, sign):
    tokenizer, asked = answered.tokenizer, []

    def score_sequences(model, sequences, pad_id):
        request = asked_requests[len(asked)]
        asked.append(request)
        n = len(tokenizer.encode_prompt(request.prompt))
        texts = [tokenizer.decode_response(ids[n:]) for ids in sequences]
        return evaluation_tensor([sign * judge(request, text).gold for text in texts])

    import torch

    evaluation_tensor, asked_requests = torch.tensor, draw_requests("rankings 5", 40, held_out=True)
    monkeypatch.setattr(evaluation, "score_sequences", score_sequences)
    found, bins = evaluation.reward_model_accuracy(answered, 5, 40)
    assert [request.prompt for request in asked] == [request.prompt for request in asked_requests]
    assert found["accuracy_judge"] == (1.0 if sign == 1 else 0.0)
    for key in ("accuracy_labelers", "accuracy_held_out_labelers"):
        assert found[key] > 0.65 if sign == 1 else found[key] < 0.35
    assert found["labeler_agreement"] > 0.6
    assert bins and all(0 <= row["observed"] <= 1 for row in bins)


def test_differences_below_the_judges_tie_are_no_pairs_of_the_judge(answered, monkeypatch):
    import torch

    monkeypatch.setattr(evaluation, "score_sequences", lambda m, sequences, pad: -torch.arange(len(sequences)).float())
    monkeypatch.setattr(evaluation, "judge", lambda request, text: SimpleNamespace(gold=len(text) % 2 * TIE / 2))
    found, _ = evaluation.reward_model_accuracy(answered, 5, 10)
    assert found["accuracy_judge"] == 0.0 < found["accuracy_labelers"]  # not one pair of the judge's is decided


def test_pairs_are_named_winner_first(tokenizer, make_gpt):
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=600)
    models = evaluation.Models(tokenizer, dict.fromkeys(("base", "sft", "ppo", "ppo_ptx"), model), None)
    found = evaluation.Evaluation(models, 0, 5)
    for rank, name in enumerate(evaluation.MODELS):
        found.verdicts[name] = [SimpleNamespace(gold=float(rank))] * 5
    rows = found.pair_rows()
    assert rows["sft>base"]["rate"] == rows["ppo_ptx>ppo"]["rate"] == 1.0
    assert set(rows) == set(evaluation.PAIRS)
