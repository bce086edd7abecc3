"""A cooler temperature and the best of four are chosen as they should be: by gold on other prompts, and by the reward model.

Proves: the temperature whose answers are best is found, and prompts that will be compared have no say; of four answers to each
prompt the one that scores highest is returned, for its own prompt.
"""

import pytest
import torch

from rlhf_lite.tinyworld import baselines
from rlhf_lite.tinyworld.baselines import TEMPERATURES, best_of, best_temperature, gold_scores
from rlhf_lite.tinyworld.prompts import draw_requests
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([f"{r.prompt} {r.good}" for r in draw_requests(0, 300)], 400)


def encoded(tokenizer, text):
    return [*tokenizer.encode(" " + text), tokenizer.end_id]


@pytest.mark.parametrize("best", TEMPERATURES)
def test_the_best_temperature_is_chosen_on_prompts_that_are_not_compared(monkeypatch, tokenizer, best):
    requests = draw_requests("temperature 3", 30, held_out=True)
    compared, others = requests[:20], {tuple(tokenizer.encode_prompt(r.prompt)): r for r in requests}
    unseen = {request.prompt for request in compared}
    asked = []

    def sample(model, prompts, *, temperature, **more):
        asked.extend(others[tuple(prompt)].prompt for prompt in prompts)
        return [encoded(tokenizer, others[tuple(prompt)].good if temperature == best else "Yes.") for prompt in prompts]

    monkeypatch.setattr(baselines, "sample", sample)
    assert best_temperature(None, tokenizer, seed=3, exclude=compared, n_prompts=30) == best
    assert asked and not unseen & {*asked}


def test_of_four_answers_the_one_that_scores_highest_is_returned_for_its_own_prompt(monkeypatch, tokenizer):
    requests = draw_requests(0, 5)
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]

    def sample(model, asked, **more):
        assert asked == [prompt for prompt in prompts for _ in range(4)] and "temperature" not in more
        return [encoded(tokenizer, f"answer {i}") for i in range(20)]

    best = {0: 2, 1: 7, 2: 8, 3: 13, 4: 19}

    def score_sequences(model, sequences, pad_id):
        assert sequences == [prompts[i // 4] + encoded(tokenizer, f"answer {i}") for i in range(20)]
        return torch.tensor([float(i in best.values()) for i in range(20)])

    monkeypatch.setattr(baselines, "sample", sample)
    monkeypatch.setattr(baselines, "score_sequences", score_sequences)
    assert best_of(None, None, tokenizer, requests, seed=0) == [f"answer {i}" for i in best.values()]


def test_gold_scores_are_of_each_answer_to_its_own_request():
    requests = draw_requests(0, 3)
    assert gold_scores(requests, [requests[0].good, "You fool.", ""]) == [pytest.approx(1.0, abs=0.5), -0.5, 0.0]
