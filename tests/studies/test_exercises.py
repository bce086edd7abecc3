"""Abilities are asked as the school book asks them, counted to the letter, and losses are told apart by source."""

import pytest
import torch

from rlhf_lite.gpt import GPT, NANO
from rlhf_lite.studies import exercises
from rlhf_lite.studies.exercises import EXERCISES, draw_tasks, exercise_shares, source_losses
from rlhf_lite.tinyworld.corpus import SOURCES
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([task.page + " " + task.solution for task in draw_tasks("vocabulary", 20)], 512)


def test_a_task_is_a_page_of_the_book_up_to_its_last_solution():
    tasks = draw_tasks("a", 5)
    assert [task.exercise for task in tasks] == [exercise for exercise in EXERCISES for _ in range(5)]
    for task in tasks:
        assert task.page.startswith("Exercise: ") and task.page.endswith("\nSolution:")
        assert task.page.count("Exercise:") == task.page.count("Solution:")
        assert task.solution == task.solution.strip() != ""


def test_the_same_seed_draws_the_same_tasks_and_another_seed_others():
    assert draw_tasks("a", 5) == draw_tasks("a", 5) != draw_tasks("b", 5)


def answer_with(monkeypatch, tokenizer, write):
    def sample(model, prompts, *, temperature, **_):
        assert temperature == 0.0
        tasks = draw_tasks("held out", len(prompts) // len(EXERCISES))
        assert [tokenizer.decode(ids) for ids in prompts] == [task.page for task in tasks]
        return [tokenizer.encode(write(task)) for task in tasks]

    monkeypatch.setattr(exercises, "sample", sample)


def test_a_solution_counts_only_if_right_to_the_letter_and_in_the_model_s_own_turn(monkeypatch, tokenizer):
    answer_with(monkeypatch, tokenizer, lambda task: f" {task.solution}\nExercise: and so on")
    assert exercise_shares(None, tokenizer, per_exercise=4) == dict.fromkeys(EXERCISES, 1.0)
    answer_with(monkeypatch, tokenizer, lambda task: f" {task.solution[:-1]}!")
    assert exercise_shares(None, tokenizer, per_exercise=4) == dict.fromkeys(EXERCISES, 0.0)
    answer_with(monkeypatch, tokenizer, lambda task: task.solution if task.exercise == "repeat a word" else "no")
    assert exercise_shares(None, tokenizer, per_exercise=4) == dict.fromkeys(EXERCISES, 0.0) | {"repeat a word": 1.0}


def test_an_untrained_model_is_as_surprised_by_every_source(tokenizer):
    torch.manual_seed(0)
    losses = source_losses(GPT(NANO), tokenizer)
    assert set(losses) == set(SOURCES)
    assert all(abs(loss - torch.tensor(NANO.vocab_size).log().item()) < 0.3 for loss in losses.values())
