"""The points at which a step may be at its peak hold what they say, by hand on a model of one block."""

import pytest

from rlhf_lite.engine import EngineConfig
from rlhf_lite.gpt import GPTConfig
from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import kept_activations, logits_bytes
from rlhf_lite.planning.peak_memory import stage_memory, training_points
from rlhf_lite.planning.workload import Job, Resident, Stage

CONFIG = GPTConfig(vocab_size=10, context_length=8, d_model=4, n_layers=1, n_heads=1)
ALONE = Cluster(engine=EngineConfig())
GRADIENTS = 4 * CONFIG.n_parameters
EMBEDDING = 4 * 10 * 4


def stage_of(*jobs):
    residents = tuple(Resident(role=role, config=CONFIG) for role in dict.fromkeys(job.role for job in jobs))
    return Stage(name="made up", steps=1, residents=residents, jobs=jobs)


def train(role="policy", items=2, predicted=8, **more):
    return Job(role=role, kind="train", items=items, length=8, predicted=predicted, **more)


def kept(tokens, predicted):
    return kept_activations(CONFIG, ALONE, tokens) + 4 * predicted * 10  # log-softmax beside the activations


def test_one_model_at_once():
    start, behind, end = training_points(stage_of(train()), ALONE, 2)
    assert start == {"policy": (0.0, kept_activations(CONFIG, ALONE, 16) + 16 * 10 * (4 + 8))}
    assert behind == {"policy": (0.0, kept(16, 16) + 2 * 4 * 16 * 10)}  # gradients of logits: two of their size
    assert end == {"policy": (GRADIENTS, 2 * EMBEDDING)}  # of the output layer and of the input


def test_micro_batches_find_the_gradients_of_those_before():
    start, _, end = training_points(stage_of(train()), ALONE, 1)
    assert start["policy"] == (GRADIENTS, kept_activations(CONFIG, ALONE, 8) + 8 * 10 * (4 + 8))
    assert end["policy"] == (GRADIENTS, 3 * EMBEDDING)


def test_a_scalar_model_has_no_logits():
    start, behind, end = training_points(stage_of(train(predicted=0)), ALONE, 2)
    assert start == behind == {"policy": (0.0, kept(16, 0))} and end == {"policy": (GRADIENTS, 0.0)}


def test_entropy_holds_more_of_the_logits():
    assert logits_bytes(CONFIG, ALONE, 16, with_entropy=True) == 16 * 10 * (4 + 16)
    start, *_ = training_points(stage_of(train(computes_entropy=True)), ALONE, 2)
    assert start["policy"][1] == kept_activations(CONFIG, ALONE, 16) + 16 * 10 * 20


def test_two_models_of_one_backward_pass_and_a_loss_after_it():
    value = train("value_model", predicted=0, joins_previous=True)
    points = list(training_points(stage_of(train(), value, train(copies_gradients=True)), ALONE, 2))
    assert len(points) == 1 + 2 * 2 + 1 + 2
    both, _, policy_done, value_next, _, text, _, end = points
    assert set(both) == {"policy", "value_model"} and both["value_model"] == (0.0, kept(16, 0))
    assert policy_done == {"policy": (GRADIENTS, 2 * EMBEDDING), "value_model": (0.0, kept(16, 0))}
    assert value_next["policy"] == (GRADIENTS, 0.0)
    assert text["policy"][0] == 2 * GRADIENTS and text["value_model"] == (GRADIENTS, 0.0)  # PPO's gradients, and their copy
    assert end["policy"] == (2 * GRADIENTS, 3 * EMBEDDING)


@pytest.mark.parametrize("micro_batch", [1, 2])
def test_a_stage_is_as_full_as_at_its_fullest_point(micro_batch):
    stage = stage_of(train())
    memory = stage_memory(stage, ALONE, micro_batch)["policy"]
    fullest = max(sum(point["policy"]) for point in training_points(stage, ALONE, micro_batch))
    assert memory.gradients + memory.activations == fullest
    assert (memory.weights, memory.optimizer) == (GRADIENTS, 2 * GRADIENTS)
