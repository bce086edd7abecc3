"""A task left out is really left out, and every number of tasks has the same budget.

Proves: no order holds the task that is asked; n tasks are the first n of a seed's order; tuning reads as many demonstrations
whatever their kinds, changes a copy and leaves the base as it was; rows hold the base model, each number, and the control.
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from rlhf_lite.course.lesson_07 import held_out_tasks
from rlhf_lite.course.lesson_07.seed_files import read_rows
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.tinyworld.runs import SHIPPED
from rlhf_lite.tokenizer import Tokenizer

STORED = Path(__file__).parents[3] / "data" / "bert_study"


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.load(SHIPPED / "tokenizer.json")


@pytest.fixture
def base(tokenizer):
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=16, n_layers=1, n_heads=2)).eval()


def test_the_task_asked_is_never_learnt():
    for asked in held_out_tasks.USE_CASES:
        order = held_out_tasks.order_of_tasks(asked, 0)
        assert sorted([*order, asked]) == sorted(held_out_tasks.USE_CASES)
    assert held_out_tasks.order_of_tasks("chat", 0) != held_out_tasks.order_of_tasks("chat", 1)


def test_tuning_changes_a_copy_by_what_it_reads(base, tokenizer, monkeypatch):
    read = []

    def draw(seed, count, *, use_cases):
        found = real_draw(seed, count, use_cases=use_cases)
        read.append(Counter(request.use_case for request in found))
        return found

    real_draw = held_out_tasks.draw_requests
    monkeypatch.setattr(held_out_tasks, "draw_requests", draw)
    before = base.token_embedding.weight.clone()
    first = held_out_tasks.tune(base, tokenizer, ["chat"], seed=0, steps=3)
    second = held_out_tasks.tune(base, tokenizer, ["chat", "other", "extract"], seed=0, steps=3)
    assert read == [Counter(chat=48), Counter(chat=16, other=16, extract=16)]
    assert torch.equal(base.token_embedding.weight, before) and not first.training
    assert not torch.equal(first.token_embedding.weight, before)
    assert not torch.equal(first.token_embedding.weight, second.token_embedding.weight)


def test_tuning_lowers_the_loss_on_what_it_reads(base, tokenizer):
    prompt, answer = tokenizer.encode_prompt("I am Anna. I have a new cup."), tokenizer.encode(" I am glad about the cup, Anna.")
    tuned = held_out_tasks.tune(base, tokenizer, ["chat"], seed=0, steps=12)

    def log_prob(model):
        return model(torch.tensor([prompt + answer]))[0, len(prompt) - 1 : -1].log_softmax(-1)[range(len(answer)), answer].sum()

    assert log_prob(tuned) > log_prob(base) + 1


def test_gold_is_the_mean_over_held_out_prompts(base, tokenizer, monkeypatch):
    def good(model, tokenizer, requests, *, seed):
        assert len(requests) == 8 and {request.use_case for request in requests} == {"chat"}
        return [request.good if i % 2 else "" for i, request in enumerate(requests)]

    monkeypatch.setattr(held_out_tasks, "answer_requests", good)
    assert held_out_tasks.held_out_gold(base, tokenizer, "chat", seed=0, prompts=8) == pytest.approx(0.5, abs=0.05)


def test_rows_hold_the_base_each_number_and_the_control(base, tokenizer, monkeypatch):
    tuned = []
    monkeypatch.setattr(held_out_tasks, "tune", lambda base, tokenizer, tasks, *, seed: tuned.append(tasks) or base)
    monkeypatch.setattr(held_out_tasks, "held_out_gold", lambda *given, seed: 0.5)
    rows = held_out_tasks.measure_seed(base, tokenizer, 0)
    assert Counter(len(row.tasks) for row in rows) == dict.fromkeys((0, 1, 3, 6, 9, 10), 10) and len(tuned) == 41
    assert all(row.asked not in row.tasks for row in rows if len(row.tasks) < 10)
    of_chat = [row.tasks for row in rows if row.asked == "chat"]
    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(of_chat[:5]))


def test_stored_rows_left_the_task_out():
    for rows in read_rows(STORED, "tasks"):
        assert len(rows) == 60
        assert all((row["asked"] in row["tasks"]) == (len(row["tasks"]) == 10) for row in rows)
