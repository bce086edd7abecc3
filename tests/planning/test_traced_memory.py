"""The plan of a sharded model holds what a traced training step holds, up to 175B parameters on 1,024 processes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rlhf_lite.planning.cluster import Cluster
from rlhf_lite.planning.costs import GB, state_memory, training_activations
from rlhf_lite.planning.recipes import RECIPES

SCRIPT = """
import json, sys
from dataclasses import replace
from rlhf_lite.planning.recipes import RECIPES
sys.path.insert(0, sys.argv.pop(1))
from traced_memory import traced_memory
name, layers, processes, sequences = sys.argv[1], *map(int, sys.argv[2:])
config = replace(RECIPES[name].model, n_layers=layers)
print(json.dumps(traced_memory(config, processes=processes, sequences=sequences, length=config.context_length)))
"""


def traced(name, layers, processes, sequences):
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), name, *map(str, (layers, processes, sequences))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, layers, processes, sequences",
    [("gpt2", 3, 8, 2), ("gpt3-6.7b", 4, 64, 1), ("gpt3-175b", 96, 1024, 1)],
)
def test_planned_memory_is_near_the_traced(name, layers, processes, sequences):
    config, cluster = replace(RECIPES[name].model, n_layers=layers), Cluster(gpus=processes)
    found = traced(name, layers, processes, sequences)
    state = state_memory(config, cluster, trained=True)
    tokens = sequences * config.context_length
    planned = state.weights + state.gradients + state.optimizer + state.gathered
    planned += training_activations(config, cluster, tokens, predicted=tokens)
    assert planned / GB == pytest.approx(found["total"], rel=0.15), (planned / GB, found)
