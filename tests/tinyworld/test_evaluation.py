"""The final evaluation looks at prompts that nothing was trained on, and knows which way round better is.

Proves: prompts are the held-out ones and none of them is among those of training; a reward model that knows the truth is
measured as right and one that turns it round as wrong, against the judge and against every kind of labeler; ties of the
judge are left out; pairs are named winner first. Where manners are equal, and at best temperatures, the right answers are
compared; PPO's monitor tells abilities beside gold.
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


@pytest.fixture
def compared(tokenizer, make_gpt, monkeypatch):
    """An evaluation of 6 prompts whose answers, of every model, are given by a function of the request."""

    def make(**texts):
        model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=600)
        models = evaluation.Models(tokenizer, dict.fromkeys(("base", "sft", "ppo", "ppo_ptx"), model), None)
        monkeypatch.setattr(evaluation.Evaluation, "answer", lambda self, name: [*map(texts.get(name, ""), self.requests)])
        return evaluation.Evaluation(models, 0, 6, use_cases=["classification"])

    return make


def test_where_manners_are_equal_only_answers_without_bad_manners_are_compared(compared):
    def rude_at_first(request):
        return f"You fool. {request.good}" if request.prompt == asked[0].prompt else request.good

    asked = draw_requests("evaluation 0", 6, held_out=True, use_cases=["classification"])
    wrong = {"good": "Bad.", "bad": "Good."}
    found = compared(base=lambda r: "Why do you ask?", base_few_shot=lambda r: "No idea.", sft=lambda r: wrong[r.need.answer],
                     ppo=rude_at_first, ppo_ptx=lambda r: r.good)  # fmt: skip
    rows = found.equal_manners_rows()
    counts = {pair: (row["wins"], row["losses"], row["ties"]) for pair, row in rows.items()}
    assert counts["ppo>sft"] == (5, 0, 0)  # not the one in which PPO is rude
    assert counts["ppo_ptx>sft"] == (6, 0, 0) and counts["ppo_ptx>ppo"] == (0, 0, 5)
    assert counts["ppo_ptx>base"] == counts["sft>base_few_shot"] == (0, 0, 0)
    assert found.pair_rows()["ppo_ptx>ppo"]["wins"] == 1


def test_at_best_temperatures_every_model_has_its_own_and_sft_the_best_of_four(compared, monkeypatch):
    found = compared(**dict.fromkeys(evaluation.MODELS, lambda r: r.good))
    chosen = {"sft": 0.3, "ppo": 0.7, "ppo_ptx": 1.0}
    found.models.policies.update({name: name for name in chosen})

    def best_temperature(model, tokenizer, *, seed, exclude, n_prompts):
        assert exclude == found.requests and n_prompts == 6
        return chosen[model]

    def answers_at(model, tokenizer, requests, *, temperature, seed):
        assert temperature == chosen[model]
        return [request.good if model == "ppo_ptx" else "" for request in requests]

    monkeypatch.setattr(evaluation, "best_temperature", best_temperature)
    monkeypatch.setattr(evaluation, "answers_at", answers_at)
    monkeypatch.setattr(evaluation, "best_of", lambda model, *more, **and_more: [r.good for r in found.requests])
    rows = found.best_temperature_rows()
    assert rows["temperatures"] == chosen
    assert rows["gold"] == {"sft": 0.0, "ppo": 0.0, "ppo_ptx": 1.0, "sft_best_of_4": 1.0}
    assert {pair: row["wins"] - row["losses"] for pair, row in rows["pairs"].items()} == {
        "ppo>sft": 0, "ppo_ptx>sft": 6, "ppo_ptx>ppo": 6, "ppo>sft_best_of_4": -6, "ppo_ptx>sft_best_of_4": 0}  # fmt: skip


def test_rows_of_abilities_facts_and_minimal_pairs_are_of_every_model_and_kind(compared, monkeypatch):
    found = compared(**dict.fromkeys(evaluation.MODELS, lambda r: r.good))
    found.models.policies.update({name: name for name in found.models.policies})
    monkeypatch.setattr(evaluation, "ability_shares", lambda model, tokenizer, *, seed, per_row: {"who": (model, seed, per_row)})
    monkeypatch.setattr(evaluation, "fact_shares", lambda model, tokenizer, *, seed: {"known": {"true": model}})
    assert found.ability_rows() == {name: {"who": (name, 0, 6)} for name in ("base", "sft", "ppo", "ppo_ptx")}
    assert found.fact_rows() == {name: {"known": {"true": name}} for name in ("base", "sft", "ppo", "ppo_ptx")}
    shares = {row: float(row in evaluation.MANNERS) for row in (*evaluation.SUBSTANCE, *evaluation.MANNERS)}
    monkeypatch.setattr(evaluation, "minimal_pair_shares", lambda *models, **more: shares)
    rows = found.minimal_pair_rows()
    assert rows == {"substance": dict.fromkeys(evaluation.SUBSTANCE, 0.0), "manners": dict.fromkeys(evaluation.MANNERS, 1.0)}


def test_the_monitor_tells_gold_and_a_few_abilities(tokenizer, make_gpt):
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=600)
    found = TinyWorld(3).monitor(model, tokenizer)
    assert set(found) == {"gold", "abilities", "sample_prompt", "sample"}
    assert set(found["abilities"]) == {"landmark", "who", "where", "times", "list"}
    assert found == TinyWorld(4).monitor(model, tokenizer)  # the same prompts in every run, begun or gone on with
